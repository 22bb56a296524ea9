//! `unearned-success`: a run is recorded or answered as a success although failures were counted, a write
//! failed, or nothing was processed.
//!
//! The graph of a function shows where it says "success", where it counts failures, and whether anybody asks
//! for the count. What is left is confirmed by a single path that passes both places.
//!
//! | module | owns |
//! |---|---|
//! | `claims` | where a function says that a run was a success |
//! | `chosen` | where a variable gets the success among its values |
//! | `ends` | where a program ends with exit code 0 |
//! | `tallies` | where failures are counted |
//! | `inside` | failures that a method counts in its object |
//! | `returned` | failures that a function counts in what it returns |
//! | `behind` | numbers of what worked that stay behind those of what was tried |
//! | `asked` | whether anybody in the program asks for those |
//! | `heard` | whether anybody asks what came of a failure |
//! | `lost` | writes that failed and were caught |
//! | `nothing` | where a function knows that there was nothing to process |
//! | `rounds` | loops: whether a failure and a success are about the same run |
//! | `code` | the code of one function: places, what decides whether a block runs |
//! | `report` | findings, fixes |

mod asked;
mod behind;
mod chosen;
mod claims;
mod code;
mod ends;
mod heard;
mod inside;
mod lost;
mod nothing;
mod report;
mod returned;
mod rounds;
mod tallies;

use crate::engine::summaries::library::Library;
use crate::engine::witness::Path;
use crate::ir::{BlockId, Callee, FuncIdx, Function, Name, Rvalue};
use crate::program::{Def, FuncRef, LoadedModule, Program};
use crate::rules::contract_method::Subject;
use crate::rules::failed_write::code::call_at;
use crate::rules::failed_write::flow::rvalues;
use crate::rules::failed_write::{Excuses, Ground, Lost, follow, may_fail, with_nested};
use crate::rules::tables::claiming;
use crate::rules::tables::outcomes::{counts_failures, says_no_data};
use crate::rules::{FunctionRule, Glances, InModule};
use crate::settings::{Settings, Writes};
use crate::source::{SourceFile, is_of_tests};
use claims::{Claim, Says};
use code::{Code, Spot};
use inside::Place;
use nothing::Nothing;
use tallies::Tally;

/// Why a success is not earned.
enum Cause<'c> {
    /// A failure was counted.
    Counted(&'c Tally),
    /// A write failed and was caught.
    Caught(Lost),
    /// Nothing was processed.
    Nothing(&'c Nothing),
}

/// A success that is not earned, and the path to it: up to its cause, and from there on.
struct Unearned<'c, 'f> {
    claim: &'c Claim<'f>,
    cause: Cause<'c>,
    before: Path,
    after: Path,
}

/// Checks functions that say that a run was a success.
pub struct Functions;

impl FunctionRule for Functions {
    fn glance(&self, _: &Settings) -> Option<Glances> {
        Some(claiming())
    }

    fn same_glance(&self, _: &Settings, _: &Settings) -> bool {
        true
    }

    fn check(
        &self,
        library: &Library<'_>,
        module: &LoadedModule,
        functions: &[(FuncIdx, &Function)],
        settings: &Settings,
    ) -> InModule {
        let mut out = InModule::default();
        if module.file.as_ref().is_none_or(|file| is_of_tests(file)) {
            return out;
        }
        for this in with_nested(module, functions) {
            check_function(library, module, this, settings, &mut out);
        }
        out
    }

    fn leaves_out(&self, file: &SourceFile) -> bool {
        is_of_tests(file)
    }
}

fn check_function(
    library: &Library<'_>,
    module: &LoadedModule,
    (func, function): (FuncRef, &Function),
    settings: &Settings,
    out: &mut InModule,
) {
    if function.name.starts_with('<') || may_fail(module, function) {
        return;
    }
    let code = Code::new(function);
    let mut claims = code.claims();
    claims.extend(code.chosen());
    claims.extend(code.ends(code.is_program(&module.ir)));
    for claim in &mut claims {
        claim.has_no_data = has_no_data(library.program, func, claim);
    }
    if claims.is_empty() {
        return;
    }
    let place = Place {
        program: library.program,
        presets: &settings.writes.presets,
        func,
    };
    let suspects = Suspects::of(&code, (claims, module.text()), place);
    if suspects.are_none() {
        return;
    }
    let Some(subject) = Subject::outside(library, module, (func, function)) else {
        return;
    };
    let excuses = Excuses {
        strict: true,
        by_result: true,
        ..Excuses::default()
    };
    let writes = &settings.writes;
    let followed = follow(subject, (&excuses, writes), &|ground| {
        suspects.confirmed(ground, writes)
    });
    out.effort += followed.effort;
    out.effort.functions += 1;
    let found = followed.found.iter();
    out.findings
        .extend(found.filter_map(|unearned| report::finding(subject, &code, unearned)));
}

/// Whether the class of a status has one for runs without data.
fn has_no_data(program: &Program<'_>, func: FuncRef, claim: &Claim<'_>) -> bool {
    let Some(path) = &claim.class else {
        return false;
    };
    let module = program.module(func.module);
    let scope = module.ir.function(func.func).scope;
    let Def::Class(class) = program.resolve_path(func.module, scope, path) else {
        return false;
    };
    let module = program.module(class.module);
    let scope = module.ir.scope(module.ir.class(class.class).scope);
    scope.bindings.keys().any(|name| says_no_data(name))
}

/// Successes that may not be earned, as far as the graph of a function tells.
struct Suspects<'c, 'f> {
    code: &'c Code<'f>,
    claims: Vec<Claim<'f>>,
    tallies: Vec<Tally>,
    /// For each claim the failures that may be counted before it, which nobody asks for.
    counted: Vec<Vec<usize>>,
    /// For each claim what it knows to be empty.
    nothing: Vec<Vec<Nothing>>,
    /// For each claim the branches that may have caught a failed write before it, which nobody asks for.
    catches: Vec<Vec<BlockId>>,
}

impl<'c, 'f> Suspects<'c, 'f> {
    fn of(code: &'c Code<'f>, (claims, text): (Vec<Claim<'f>>, &str), place: Place<'_>) -> Self {
        let mut tallies = place.tallies(code, &claims);
        tallies.retain(|tally| !place.is_excused(code, tally));
        let counted = claims.iter().map(|claim| {
            let all = tallies.iter().enumerate();
            let before = all.filter(|(_, tally)| code.may_be_unheard(claim, tally, place));
            before.map(|(at, _)| at).collect()
        });
        let counted = counted.collect();
        // What stands beside a success in a variable, and whether it comes to anything, is said elsewhere.
        let chosen = |claim: &&Claim<'_>| claim.says != Says::Chooses;
        let nothing = claims.iter().map(|claim| {
            let said = Some(claim).filter(chosen);
            said.map_or_else(Vec::new, |claim| code.nothing(claim, text))
        });
        let nothing = nothing.collect();
        let catches = claims
            .iter()
            .map(|claim| code.catches_before(claim))
            .collect();
        Self {
            code,
            claims,
            tallies,
            counted,
            nothing,
            catches,
        }
    }

    fn are_none(&self) -> bool {
        self.catches.iter().all(Vec::is_empty)
            && self.counted.iter().all(Vec::is_empty)
            && self.nothing.iter().all(Vec::is_empty)
    }

    /// The successes that a path confirms.
    fn confirmed<'s>(
        &'s self,
        ground: &mut Ground<'_, '_>,
        writes: &Writes,
    ) -> Vec<Unearned<'s, 'f>> {
        let mut out: Vec<Unearned<'_, '_>> = Vec::new();
        for (at, claim) in self.claims.iter().enumerate() {
            let mut tallies = self.counted[at].iter().map(|tally| &self.tallies[*tally]);
            let counted = tallies.find_map(|tally| {
                let ends = self.code.ends_between(tally.block, claim.block).into_iter();
                let mut then: Vec<_> = ends.map(|(head, end)| (Some(head), end)).collect();
                then.push((None, claim.block));
                let (before, after) = ground.by_way_of((None, tally.block), &then)?;
                Some((Cause::Counted(tally), before, after))
            });
            let found = counted
                .or_else(|| {
                    let (lost, events) = self.caught(ground, writes, (claim, &self.catches[at]))?;
                    Some((Cause::Caught(lost), events, Path::default()))
                })
                .or_else(|| {
                    self.nothing[at].iter().find_map(|nothing| {
                        let way = (Some(nothing.test), nothing.to);
                        let (before, after) = ground.by_way_of(way, &[(None, claim.block)])?;
                        Some((Cause::Nothing(nothing), before, after))
                    })
                });
            let Some((cause, before, after)) = found else {
                continue;
            };
            let found = Unearned {
                claim,
                cause,
                before,
                after,
            };
            // One cause is told once, where success is claimed first.
            if !out.iter().any(|known| known.is_same(&found)) {
                out.push(found);
            }
        }
        out
    }
}

impl Unearned<'_, '_> {
    /// Whether another success has the same cause.
    fn is_same(&self, other: &Self) -> bool {
        match (&self.cause, &other.cause) {
            (Cause::Counted(one), Cause::Counted(other)) => one.block == other.block,
            (Cause::Caught(one), Cause::Caught(other)) => one.failed_at == other.failed_at,
            (Cause::Nothing(one), Cause::Nothing(other)) => one.test == other.test,
            _ => false,
        }
    }
}

impl Code<'_> {
    /// Whether a claim may be made after a failure was counted for which nobody asks.
    fn may_be_unheard(&self, claim: &Claim<'_>, tally: &Tally, place: Place<'_>) -> bool {
        let spot = &tally.spot;
        let function = self.function;
        let may_be = match &tally.inside {
            // A program that does not show the count may leave it to others.
            Some(inside) if claim.says == Says::Ends => match &inside.result {
                Some(result) => result.is_read,
                None => self.shows(spot),
            },
            // `report.failed(row)` and `report.loaded(rows)`: the report says both.
            Some(_) => !self.is_made_on_part(claim, spot),
            // What has no name, or is given as a whole, is read by callers.
            None => {
                let is_param = spot.root.index() < function.params.len();
                !is_param && function.body.locals[spot.root.index()].name.is_some()
                    || claim.root == Some(spot.root)
            }
        };
        let is_unheard = || {
            let carried = self.carried(tally, claim);
            !self.is_heard(&carried, tally.block, claim)
                && !self.stands_beside(&carried, tally.block, claim)
        };
        may_be
            && !self.is_taken_back(tally.block, claim)
            && self.leads_to(tally.block, claim.block)
            && is_unheard()
            && !(tally.inside.as_ref()).is_some_and(|inside| place.others_ask(self, tally, inside))
    }

    /// Whether a claim is a call on an object that the function got elsewhere and that has the count.
    fn is_made_on_part(&self, claim: &Claim<'_>, spot: &Spot) -> bool {
        let call = call_at(self.function, claim.block).filter(|_| claim.says == Says::Calls);
        let Some((Callee::Method { receiver, .. }, _)) = call else {
            return false;
        };
        self.spot(receiver).is_some_and(|on| {
            on.root == spot.root && !on.path.is_empty() && spot.path.starts_with(&on.path)
        })
    }

    /// Whether the function reads a count by its name.
    fn shows(&self, spot: &Spot) -> bool {
        let named = |name: &Name| spot.path.last() == Some(name) && counts_failures(name, false);
        rvalues(self.function)
            .any(|(_, rvalue)| matches!(rvalue, Rvalue::GetField(_, name) if named(name)))
    }
}
