//! Failures that a method counts in its object: its caller sees only a call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::claims::{Claim, Says};
use super::code::{Code, Spot, named_store};
use super::report::caught_at;
use super::returned::InResult;
use super::tallies::{How, Tally};
use crate::engine::is_logger_name;
use crate::ir::{
    BlockId, Callee, Function, Literal, LocalId, Name, Operand, Rvalue, TerminatorKind,
};
use crate::presets::Presets;
use crate::program::{ClassRef, FuncRef, LoadedModule, ModuleId, Program};
use crate::rules::failed_write::caught::says_nothing_lost;
use crate::rules::failed_write::code::calls;
use crate::rules::failed_write::flow::rvalues;
use crate::rules::failed_write::may_fail;
use crate::rules::tables::outcomes::counts_failures;
use crate::source::{Span, is_of_tests};

/// How many calls deep a failure is counted at most.
const DEPTH: u32 = 2;

/// The receiver of a method.
const RECEIVER: LocalId = LocalId(0);

/// The program, and the function in it that is looked at.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) program: &'a Program<'a>,
    pub(super) presets: &'a Arc<Presets>,
    pub(super) func: FuncRef,
}

/// Names of attributes, with the class that has them if it is known.
pub(super) type Names = BTreeMap<Name, Option<ClassRef>>;

/// A count in an object that others may have as well, or one that a call makes.
#[derive(Clone, Debug)]
pub(super) struct Inside {
    /// What is called and counts the failure, if the function itself does not.
    pub(super) callee: Option<Name>,
    /// Where the failure is counted.
    pub(super) at: (ModuleId, Span),
    /// The handler in which that is.
    pub(super) caught: Option<(ModuleId, Span)>,
    /// The names of the count, and of what is set only if it is raised, or only if it is not.
    pub(super) names: Names,
    /// The results of calls that do not tell of the count unless somebody in the program asks for it by name.
    pub(super) mute: BTreeSet<LocalId>,
    /// Where the count goes, if it is in what the call returns.
    pub(super) result: Option<InResult>,
}

/// A failure that a method counts below its receiver.
struct Counted {
    path: Vec<Name>,
    how: How,
    at: (ModuleId, Span),
    caught: Option<(ModuleId, Span)>,
    names: Names,
    /// Whether the method answers the same if the failure is counted.
    same_answer: bool,
}

impl Place<'_> {
    /// The failures that a function counts, and those that its calls count in the objects that they are made on;
    /// of the latter only such that may matter to one of its claims.
    pub(super) fn tallies(self, code: &Code<'_>, claims: &[Claim<'_>]) -> Vec<Tally> {
        let mut out = code.tallies(false);
        out.extend(self.behind(code));
        let is_method = code.function.class.is_some() && code.function.is_bound();
        let own =
            |tally: &Tally| is_method && tally.spot.root == RECEIVER && !tally.spot.path.is_empty();
        if out.iter().any(own) {
            let mute = self.mute(code);
            for tally in out.iter_mut().filter(|tally| own(tally)) {
                let here = |span| (self.func.module, span);
                tally.inside = Some(Inside {
                    callee: None,
                    at: here(tally.span),
                    caught: caught_at(code, tally.span).map(here),
                    names: self.names_of(code, tally),
                    mute: mute.clone(),
                    result: None,
                });
            }
        }
        let mut claims = claims.iter();
        if claims.any(|claim| claim.says != Says::Ends) || code.shows_count() {
            out.extend(self.tallies_at(code, DEPTH));
        }
        out.extend(self.tallies_of_results(code));
        out
    }

    fn tallies_at(self, code: &Code<'_>, depth: u32) -> Vec<Tally> {
        let mut out = Vec::new();
        let mut classes: Vec<(Spot, Option<ClassRef>)> = Vec::new();
        for (at, callee, _) in calls(code.function) {
            let Callee::Method { receiver, name, .. } = callee else {
                continue;
            };
            let on = code.spot(receiver).filter(|on| code.is_own(on.root));
            let Some(on) = on.filter(|on| !is_logger_name(&on.name(code.function))) else {
                continue;
            };
            // What a method does with other objects where nothing failed would be looked for without end.
            let is_outer = depth == DEPTH;
            if !is_outer && (on.root != RECEIVER || !on.path.is_empty() && !code.is_for_failure(at))
            {
                continue;
            }
            let known = classes.iter().find(|(spot, _)| *spot == on);
            let class = known.map(|(_, class)| *class).unwrap_or_else(|| {
                let class = self.class_of(receiver);
                classes.push((on.clone(), class));
                class
            });
            let method = class.and_then(|class| self.program.method(class, name, None));
            let Some(func) = method.filter(|func| *func != self.func) else {
                continue;
            };
            let failed = code.is_for_failure(at);
            let counted = Place { func, ..self }.counted(failed, depth);
            if counted.is_empty() || failed && code.is_told_of(at, on.root, Some(at)) {
                continue;
            }
            let span = code.function.body.block(at).terminator.span;
            let all_mute = self.mute(code);
            for counted in counted {
                // What a method does about such an answer is not looked at.
                if !is_outer && !counted.same_answer && code.result_of(at).is_some() {
                    continue;
                }
                let mut spot = on.clone();
                spot.path.extend(counted.path);
                let mut mute = all_mute.clone();
                if !counted.same_answer {
                    let result = code.result_of(at);
                    mute.retain(|local| Some(*local) != result);
                }
                out.push(Tally {
                    block: at,
                    span,
                    spot,
                    how: counted.how,
                    inside: Some(Inside {
                        callee: Some(name.clone()),
                        at: counted.at,
                        caught: counted.caught,
                        names: counted.names,
                        mute,
                        result: None,
                    }),
                });
            }
        }
        out
    }

    /// The results of calls that run methods of the program.
    fn mute(self, code: &Code<'_>) -> BTreeSet<LocalId> {
        let runs = calls(code.function).filter(|(at, callee, _)| {
            matches!(callee, Callee::Method { .. })
                && (self.program.call_inside(self.presets, (self.func, *at))).is_some()
        });
        runs.filter_map(|(at, ..)| code.result_of(at)).collect()
    }

    /// The failures that a method counts below its receiver. `failed`: it is called only because something
    /// failed.
    fn counted(self, failed: bool, depth: u32) -> Vec<Counted> {
        let func = self.func;
        let module = self.program.module(func.module);
        let function = module.ir.function(func.func);
        if function.class.is_none() || !function.is_bound() || !is_looked_into(&module, function) {
            return Vec::new();
        }
        let code = Code::new(function);
        let mut tallies = code.tallies(failed);
        if depth > 1 {
            tallies.extend(self.tallies_at(&code, depth - 1));
        }
        tallies.retain(|tally| {
            tally.spot.root == RECEIVER
                && !tally.spot.path.is_empty()
                && code.returns_after(tally.block)
                && !self.is_excused(&code, tally)
        });
        let counted = tallies.into_iter().map(|tally| {
            let mut names = self.names_of(&code, &tally);
            let same_answer = code.answers_the_same(&tally);
            let here = |span| (func.module, span);
            let (at, caught) = match tally.inside {
                Some(inside) => {
                    let inner = inside.names.into_iter();
                    inner.for_each(|(name, of)| add(&mut names, name, of));
                    (inside.at, inside.caught)
                }
                None => (here(tally.span), caught_at(&code, tally.span).map(here)),
            };
            Counted {
                path: tally.spot.path,
                how: tally.how,
                at,
                caught: caught.or_else(|| caught_at(&code, tally.span).map(here)),
                names,
                same_answer,
            }
        });
        counted.collect()
    }

    /// Whether a failure is counted after something was caught that says that nothing was lost.
    pub(super) fn is_excused(self, code: &Code<'_>, tally: &Tally) -> bool {
        let mut caught = code.caught_before(tally.block);
        caught.any(|at| says_nothing_lost(self.program, self.presets, (self.func, at), false))
    }

    /// The names of a count, and of what is set below the same variable only if something failed, or where it is
    /// not raised.
    pub(super) fn names_of(self, code: &Code<'_>, tally: &Tally) -> Names {
        let (function, root) = (code.function, tally.spot.root);
        let mut out = Names::new();
        for (at, block) in (0u32..).zip(&function.body.blocks) {
            for statement in &block.statements {
                if let Some((object, name)) = named_store(&statement.kind)
                    && code.root(object) == Some(root)
                    && code.is_for_failure(BlockId(at))
                {
                    add(&mut out, name.clone(), self.class_of(object));
                }
            }
        }
        // The variable itself has what is one step away.
        let class = self.class_of(&Operand::Local(root));
        let beside = code.set_instead(tally.block).into_iter();
        let own = tally.inside.is_none().then(|| tally.spot.clone());
        for spot in beside.chain(own) {
            let of = (spot.root == root && spot.path.len() == 1).then_some(class);
            if let Some(name) = spot.path.last() {
                add(&mut out, name.clone(), of.flatten());
            }
        }
        out
    }

    /// The class of a value, if the code shows it.
    pub(super) fn class_of(self, value: &Operand) -> Option<ClassRef> {
        self.program.class_of_value(self.presets, self.func, value)
    }
}

/// Whether a caller looks at what a function does about failures.
pub(super) fn is_looked_into(module: &LoadedModule, function: &Function) -> bool {
    module.file.as_ref().is_some_and(|file| !is_of_tests(file))
        && !function.is_generator
        && !may_fail(module, function)
}

/// Adds a name. One that several classes have may be that of any class.
fn add(names: &mut Names, name: Name, of: Option<ClassRef>) {
    names
        .entry(name)
        .and_modify(|known| {
            if *known != of {
                *known = None;
            }
        })
        .or_insert(of);
}

impl Code<'_> {
    /// Whether the function reads a count of failures from an object.
    fn shows_count(&self) -> bool {
        rvalues(self.function).any(|(_, rvalue)| matches!(rvalue, Rvalue::GetField(_, name) if counts_failures(name, false)))
    }

    pub(super) fn result_of(&self, at: BlockId) -> Option<LocalId> {
        match self.function.body.block(at).terminator.kind {
            TerminatorKind::Eval { dest, .. } => dest,
            _ => None,
        }
    }

    /// Whether the function can end normally after a block.
    fn returns_after(&self, at: BlockId) -> bool {
        let body = &self.function.body;
        let mut reached = body.reach(at, None).into_iter();
        reached.any(|at| {
            matches!(
                body.block(at).terminator.kind,
                TerminatorKind::Return { .. }
            )
        })
    }

    /// Whether what the function returns does not tell whether a failure was counted.
    fn answers_the_same(&self, tally: &Tally) -> bool {
        let body = &self.function.body;
        let mut returned = body.blocks.iter().filter_map(|b| match &b.terminator.kind {
            TerminatorKind::Return { value, .. } => Some(value),
            _ => None,
        });
        let Some(first) = returned.next() else {
            return true;
        };
        let known = match first {
            Operand::Const(_) => true,
            Operand::Local(local) => {
                let by_call = tally
                    .inside
                    .as_ref()
                    .and_then(|_| self.result_of(tally.block));
                self.only[local.index()].is_some() && by_call != Some(*local)
            }
        };
        known && returned.all(|value| value == first)
    }
}

/// The locals of a function that hold what is read under one of these names, from an object that may have it.
pub(super) fn reads_of(
    function: &Function,
    names: &Names,
    may_have: &dyn Fn(&Operand, &Name) -> bool,
) -> BTreeSet<LocalId> {
    let named = |operand: &Operand| matches!(operand, Operand::Const(Literal::Str(name)) if names.contains_key(name));
    let reads = rvalues(function).filter_map(|(dest, rvalue)| {
        let reads = match rvalue {
            Rvalue::GetField(object, name) => names.contains_key(name) && may_have(object, name),
            Rvalue::GetItem(_, key) => named(key),
            Rvalue::Call { args, .. } => args.iter().any(|arg| named(&arg.value)),
            _ => false,
        };
        dest.filter(|_| reads)
    });
    reads.collect()
}
