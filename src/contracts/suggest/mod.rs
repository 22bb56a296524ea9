//! Suggestions: contracts that most definitions of a family keep, although nothing demands it.
//!
//! What most do and one does not is a suspicion worth telling, not an alarm (Engler et al., *Bugs
//! as deviant behavior*, SOSP 2001). For each family, and for each thing that could be a contract,
//! this counts who does it on every path, on some, and on none.

mod effects;
mod facts;
mod families;
mod paths;
mod rank;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use rayon::prelude::*;

use crate::contracts::suggest::facts::{Deed, Facts, Finder, MAX_BLOCKS};
use crate::contracts::suggest::families::{Base, Common, families, is_declared};
use crate::contracts::suggest::rank::{Standing, best, is_habit, z};
use crate::diagnostics::Location;
use crate::fence;
use crate::frontend::sketch::speaks_of_how_much;
use crate::order::Order as _;
use crate::outcome::{Candidate, Definition, Family, Keeps, Suggestion, Suggestions};
use crate::program::{ClassRef, FuncRef, Lookup, MemberDef, ModuleId, Program};
use crate::settings::{CallPath, Contract, Demand, NamePattern, Origin, Place, Root, Step, Who};

pub use families::{is_test, may_be_hook};

/// A family has at least this many definitions.
pub const MIN_DEFINITIONS: usize = 4;
/// A suggestion is kept by at least this many definitions.
const MIN_KEEPING: usize = 2;
/// One in so many definitions has to speak of how much was done itself, and not only call a helper
/// that does, so that a family is looked at unasked.
const SPEAKING: usize = 4;
/// Larger families are no families: everybody defines such a method.
const MAX_DEFINITIONS: usize = 2000;
/// At most this many families are told of.
const MAX_FAMILIES: usize = 10;

/// What names say: the rules know it.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// Whether a name speaks of rows, or of how many there are.
    pub counts: fn(&str) -> bool,
    /// Whether a call or an object of that name only logs or tells.
    pub tells: fn(&str) -> bool,
    /// Whether a call surely changes nothing.
    pub harmless: fn(&str) -> bool,
    /// Whether a call only changes a collection.
    pub fills: fn(&str) -> bool,
}

/// The families that may be told of unasked.
#[derive(Clone, Copy)]
pub struct Scope<'s> {
    /// The modules with their definitions, in any order.
    pub modules: &'s [ModuleId],
    /// Whether a method of this name is told of.
    pub is_hook: fn(&str) -> bool,
    /// Whether the modules have all definitions, given the names of the base class and the method.
    pub is_whole: &'s dyn Fn(&str, &str) -> bool,
}

/// What comes closest to a contract: the best suggestion that says how much was done and that most
/// definitions keep, about a method that a base class of the program has. Contracts that are `known`
/// are not suggested.
#[must_use]
pub fn nearest(
    program: &Program<'_>,
    scope: Scope<'_>,
    known: &[Contract],
    words: Words,
) -> Option<Candidate> {
    let mut all = families(program, scope.modules);
    let mut spoken: HashMap<FuncRef, bool> = HashMap::new();
    all.retain(|common, members| {
        let Common::Hook(base, hook) = common else {
            return false;
        };
        if !(scope.is_hook)(hook) || !is_family(program, common, members) {
            return false;
        }
        let has_hook = match base {
            Base::Known(class) => matches!(program.lookup(*class, hook, None), Lookup::Found(..)),
            Base::External(_) => true,
        };
        let mut speaks = |func: &&FuncRef| {
            let spoken = spoken.entry(**func);
            *spoken.or_insert_with(|| speaks(program, **func))
        };
        has_hook
            && members.iter().filter(&mut speaks).count() * SPEAKING >= members.len()
            && (scope.is_whole)(&base_name(program, base), hook)
    });
    let facts = all_facts(program, &all, words);
    all.retain(|_, members| members.iter().all(|func| is_readable(program, *func)));
    let (mut standings, _) = judged(program, (&all, &facts), known, words);
    let place = |place: &Location| {
        let file = program.sources().get(place.file);
        (file.display.clone(), place.span.start)
    };
    for Standing { candidate, .. } in &mut standings {
        candidate
            .definitions
            .sort_by_cached_key(|definition| place(&definition.place));
    }
    standings.sort_by_cached_key(|Standing { candidate, .. }| {
        let first = candidate.definitions.first();
        let places = (
            candidate.place.as_ref().map(place),
            first.map(|d| place(&d.place)),
        );
        (
            places,
            candidate.family(),
            candidate.contract.demands.clone(),
        )
    });
    standings.retain(|standing| standing.candidate.counts);
    let found = best(standings);
    let mut sure = found
        .iter()
        .filter(|found| found.unclear == 0 && is_habit(found));
    sure.find_map(Suggestion::candidate)
}

/// Whether the text of a function speaks of how much was done.
fn speaks(program: &Program<'_>, func: FuncRef) -> bool {
    let module = program.module(func.module);
    let span = module.ir.function(func.func).span;
    let text = module.text().get(span.start as usize..span.end as usize);
    text.is_some_and(speaks_of_how_much)
}

/// Whether a definition could be parsed and is not too large, so that it lacks facts only if it never
/// returns.
fn is_readable(program: &Program<'_>, func: FuncRef) -> bool {
    let module = program.module(func.module);
    let content = module.ir.function(func.func).body.content();
    content.broken.is_none() && content.body.blocks.len() <= MAX_BLOCKS
}

/// Whether these definitions are a family that can be looked at.
fn is_family(program: &Program<'_>, common: &Common, members: &BTreeSet<FuncRef>) -> bool {
    (MIN_DEFINITIONS..=MAX_DEFINITIONS).contains(&members.len()) && is_declared(program, common)
}

/// The best suggestions for the checked modules. Contracts that are `known` are not suggested.
#[must_use]
pub fn suggest(
    program: &Program<'_>,
    modules: &[ModuleId],
    known: &[Contract],
    words: Words,
) -> Suggestions {
    let all = families(program, modules);
    let too_small = all
        .iter()
        .filter(|(_, members)| members.len() < MIN_DEFINITIONS)
        .max_by_key(|(common, members)| (members.len(), std::cmp::Reverse(*common)))
        .map(|(common, members)| (named(program, common), members.len()));
    let mut all = all;
    all.retain(|common, members| is_family(program, common, members));
    let facts = all_facts(program, &all, words);
    let (standings, mut told) = judged(program, (&all, &facts), known, words);
    told.order_by(|a, b| (b.definitions, &a.name).cmp(&(a.definitions, &b.name)));
    let looked_at = told.len();
    told.truncate(MAX_FAMILIES);
    Suggestions {
        suggestions: best(standings),
        families: told,
        looked_at,
        too_small,
    }
}

/// The families, each with the facts of their definitions.
type Known<'k> = (
    &'k BTreeMap<Common, BTreeSet<FuncRef>>,
    &'k BTreeMap<FuncRef, Facts>,
);

/// What most of each family do, and the families.
fn judged(
    program: &Program<'_>,
    (all, facts): Known<'_>,
    known: &[Contract],
    words: Words,
) -> (Vec<Standing>, Vec<Family>) {
    let mut standings = Vec::new();
    let mut told = Vec::new();
    for (common, members) in all {
        let definitions: Vec<(FuncRef, &Facts)> = members
            .iter()
            .filter_map(|func| Some((*func, facts.get(func)?)))
            .collect();
        let judge = Judge {
            program,
            common,
            definitions,
            known,
            words,
        };
        let (mut found, family) = judge.judge();
        standings.append(&mut found);
        told.push(family);
    }
    (standings, told)
}

/// The facts of every definition of a family. Those that never return have none.
fn all_facts(
    program: &Program<'_>,
    families: &BTreeMap<Common, BTreeSet<FuncRef>>,
    words: Words,
) -> BTreeMap<FuncRef, Facts> {
    let mut by_module: BTreeMap<ModuleId, BTreeSet<FuncRef>> = BTreeMap::new();
    for func in families.values().flatten() {
        by_module.entry(func.module).or_default().insert(*func);
    }
    let found: Vec<Vec<(FuncRef, Facts)>> = by_module
        .into_par_iter()
        .map(|(module, funcs)| {
            let finder = Finder::new(program, words);
            let of = |func: FuncRef| {
                let class = program.module(module).ir.function(func.func).class;
                let class = class.map(|class| ClassRef { module, class });
                // If this panics, nothing is known of the function.
                let facts = fence::catch(|| finder.facts(class, func, 0)).ok()??;
                Some((func, Rc::unwrap_or_clone(facts)))
            };
            funcs.into_iter().filter_map(of).collect()
        })
        .collect();
    found.into_iter().flatten().collect()
}

/// How a family is named: `Base.load`, `@task`.
fn named(program: &Program<'_>, common: &Common) -> String {
    match common {
        Common::Hook(base, name) => format!("{}.{name}", base_name(program, base)),
        Common::Decorator(path) => format!("@{}", path.replace("::", ".")),
    }
}

fn base_name(program: &Program<'_>, base: &Base) -> String {
    match base {
        Base::Known(class) => program
            .module(class.module)
            .ir
            .class(class.class)
            .name
            .to_string(),
        Base::External(path) => path.rsplit('.').next().unwrap_or(path).to_owned(),
    }
}

/// A family, and what is asked of it.
struct Judge<'j, 'p> {
    program: &'j Program<'p>,
    common: &'j Common,
    definitions: Vec<(FuncRef, &'j Facts)>,
    known: &'j [Contract],
    words: Words,
}

impl Judge<'_, '_> {
    /// What most of the family do, and the family.
    fn judge(&self) -> (Vec<Standing>, Family) {
        let mut keeping: BTreeMap<&Deed, usize> = BTreeMap::new();
        for (_, facts) in &self.definitions {
            for deed in &facts.always {
                *keeping.entry(deed).or_default() += 1;
            }
        }
        let mut most: Option<(String, usize)> = None;
        let mut out = Vec::new();
        for (deed, keep) in keeping {
            let Some(demand) = self.demand(deed) else {
                continue;
            };
            let contract = self.contract(demand);
            let plain = *deed == Deed::Return(Vec::new());
            if !plain && most.as_ref().is_none_or(|(_, known)| keep > *known) {
                most = Some((contract.does(), keep));
            }
            let enough = keep >= MIN_KEEPING && self.definitions.len() >= MIN_DEFINITIONS;
            if enough && !self.is_known(&contract) {
                out.extend(self.stand(deed, contract));
            }
        }
        let family = Family {
            name: named(self.program, self.common),
            definitions: self.definitions.len(),
            most,
        };
        (out, family)
    }

    /// How the definitions stand to a contract.
    fn stand(&self, deed: &Deed, contract: Contract) -> Option<Standing> {
        let mut definitions = Vec::new();
        let (mut unclear, mut counting) = (0, 0);
        for (func, facts) in &self.definitions {
            let keeps = if facts.always.contains(deed) {
                counting += usize::from(facts.returns_count);
                Keeps::Always
            } else if facts.is_unclear(deed) {
                unclear += 1;
                continue;
            } else if facts.sometimes.contains(deed) {
                Keeps::Sometimes
            } else {
                Keeps::Never
            };
            definitions.push(Definition {
                name: self.program.qualname(*func).to_string(),
                place: self.place(*func)?,
                keeps,
            });
        }
        if definitions.len() < MIN_DEFINITIONS {
            return None;
        }
        let keep = definitions
            .iter()
            .filter(|definition| definition.keeps == Keeps::Always)
            .count();
        let counts = match &contract.demands[0] {
            Demand::Store(place) => (self.words.counts)(place.slot.name()),
            Demand::Call(path) => (self.words.counts)(path.name()),
            Demand::Return(steps) => match steps.last() {
                Some(step) => (self.words.counts)(step.name()),
                None => counting * 2 > keep,
            },
        };
        let (hook, base, place, depth) = match self.common {
            Common::Hook(base, name) => {
                let (place, depth) = match base {
                    Base::Known(class) => (
                        self.hook_place(*class, name),
                        self.program.mro(*class).entries.len(),
                    ),
                    Base::External(_) => (None, 0),
                };
                let base = base_name(self.program, base);
                (name.to_string(), Some(base), place, depth)
            }
            Common::Decorator(_) => (named(self.program, self.common), None, None, 0),
        };
        Some(Standing {
            known: place.is_some(),
            depth,
            candidate: Suggestion {
                what: contract.does(),
                contract,
                hook,
                base,
                place,
                z: z(definitions.len(), keep),
                definitions,
                also: Vec::new(),
                unclear,
                counts,
            },
        })
    }

    fn contract(&self, demand: Demand) -> Contract {
        let who = match self.common {
            Common::Hook(base, name) => Who::Methods {
                names: vec![NamePattern::exact(name)],
                bases: Some(vec![base_name(self.program, base)]),
            },
            Common::Decorator(path) => {
                Who::Decorated(vec![NamePattern::exact(&path.replace("::", "."))])
            }
        };
        Contract {
            who,
            demands: vec![demand],
            also_when_raising: false,
            origin: Origin::Inferred,
        }
    }

    /// Whether a contract demands it already.
    fn is_known(&self, contract: &Contract) -> bool {
        let hook = match self.common {
            Common::Hook(_, name) => name,
            Common::Decorator(path) => path,
        };
        let about = |known: &Contract| match &known.who {
            Who::Methods { .. } => known.who.is_method(hook),
            Who::Functions(_) => false,
            Who::Decorated(names) => names.iter().any(|name| name.matches_end(hook)),
        };
        let mut known = self.known.iter();
        known.any(|known| {
            about(known)
                && contract
                    .demands
                    .iter()
                    .any(|demand| known.demands.contains(demand))
        })
    }

    /// What a contract would demand for this; `None` if it makes no contract.
    fn demand(&self, deed: &Deed) -> Option<Demand> {
        match deed {
            Deed::Store(path) => {
                let (slot, holder) = path.steps.split_last()?;
                // Python gives such a name to each class anew.
                if path.steps.iter().any(|step| step.name().starts_with("__")) {
                    return None;
                }
                if path.base == paths::Base::Receiver && self.is_property(deed, path.steps.first()?)
                {
                    return None;
                }
                let root = match &path.base {
                    paths::Base::Receiver => Root::Receiver,
                    paths::Base::Param(name) => Root::Parameter(name.to_string()),
                    paths::Base::Global(_) | paths::Base::Local(_) => return None,
                };
                Some(Demand::Store(Place {
                    root,
                    holder: holder.to_vec(),
                    slot: slot.clone(),
                }))
            }
            Deed::Call(path) => self.call(path).map(Demand::Call),
            // Attributes of what is returned are mostly settings of a new object, and the keys of
            // an answer are its form.
            Deed::Return(steps) => {
                let answers = self.answers();
                let plain = |step: &Step| {
                    matches!(step, Step::Key(_)) && !answers || (self.words.counts)(step.name())
                };
                steps
                    .iter()
                    .all(plain)
                    .then(|| Demand::Return(steps.clone()))
            }
        }
    }

    /// Whether what a definition stores is a property: what a store does, its setter decides.
    fn is_property(&self, deed: &Deed, attribute: &Step) -> bool {
        let mut definitions = self.definitions.iter();
        let Some((func, _)) = definitions.find(|(_, facts)| facts.always.contains(deed)) else {
            return false;
        };
        let module = func.module;
        let Some(class) = self.program.module(module).ir.function(func.func).class else {
            return false;
        };
        let class = ClassRef { module, class };
        match self.program.lookup(class, attribute.name(), None) {
            Lookup::Found(_, defs) => defs.iter().any(|def| matches!(def, MemberDef::Func(_))),
            Lookup::Unknown | Lookup::Missing => false,
        }
    }

    /// Whether the hook is only asked for something: `get_headers`, `to_dict`.
    fn answers(&self) -> bool {
        let Common::Hook(_, name) = self.common else {
            return false;
        };
        let first = name.split('_').find(|word| !word.is_empty());
        first.is_some_and(|word| matches!(word, "get" | "to" | "as" | "list" | "serialize"))
    }

    /// A call that could be demanded: of something that the receiver or a parameter holds, or of
    /// any function that is named like a count.
    fn call(&self, path: &paths::Path) -> Option<CallPath> {
        let names: Vec<&str> = path.steps.iter().map(Step::name).collect();
        let (root, held) = match &path.base {
            paths::Base::Receiver => ("self", names.len() > 1),
            paths::Base::Param(name) => (name.as_str(), !names.is_empty()),
            paths::Base::Global(name) => (name.as_str(), false),
            paths::Base::Local(_) => return None,
        };
        let (name, holders) = match names.split_last() {
            Some((last, before)) => (*last, before),
            None => (root, [].as_slice()),
        };
        let words = self.words;
        let changes = (words.fills)(name);
        let hidden = holders.iter().any(|part| part.starts_with("__"));
        if changes || hidden || (words.harmless)(name) || name.starts_with(char::is_uppercase) {
            return None;
        }
        let counts = (words.counts)(name);
        let tells = || {
            let mut all = holders.iter().chain([&root, &name]);
            all.any(|part| (words.tells)(part))
        };
        (counts || held && !tells()).then(|| CallPath {
            root: root.to_owned(),
            steps: path.steps.clone(),
        })
    }

    fn place(&self, func: FuncRef) -> Option<Location> {
        let module = self.program.module(func.module);
        Some(Location {
            file: module.file.as_ref()?.id,
            span: module.ir.function(func.func).name_span,
        })
    }

    /// Where a base class defines the hook, or else where the class is.
    fn hook_place(&self, class: ClassRef, name: &str) -> Option<Location> {
        let own = self.program.own_member(class, name);
        let defined = own.into_iter().flatten().find_map(|def| match def {
            MemberDef::Func(func) => self.place(func),
            MemberDef::Def(_) | MemberDef::Unknown => None,
        });
        defined.or_else(|| {
            let module = self.program.module(class.module);
            Some(Location {
                file: module.file.as_ref()?.id,
                span: module.ir.class(class.class).name_span,
            })
        })
    }
}
