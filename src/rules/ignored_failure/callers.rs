//! The callers of a function that returns its failure, in all files of the program.

use super::add_graph;
use super::answers::Failure;
use super::exits::{Answer, Value, exits};
use super::repair;
use super::unread::{How, Use, use_of};
use crate::diagnostics::{Finding, FindingBuilder, Location};
use crate::ir::{BlockId, Callee, Function, Literal, LocalId, Operand, Rvalue, TerminatorKind};
use crate::program::{ClassRef, FuncRef, LoadedModule, ModuleId, MroEntry, Program};
use crate::rules::failed_write::code::{called, calls};
use crate::rules::failed_write::likeness::CHAIN;
use crate::rules::failed_write::{may_fail, that_mention};
use crate::rules::{IgnoredFailure, Rule};
use crate::settings::Writes;
use crate::source::Span;

/// In how many other files callers are looked for. A name that more files mention is too common to tell.
const MAX_FILES: usize = 24;

/// How many functions may hand the answer on by a `return`.
const HOPS: usize = 1;

/// What the callers are looked for in.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) program: &'a Program<'a>,
    pub(super) writes: &'a Writes,
    /// Whether a function of the program returns its failure.
    pub(super) fails: &'a dyn Fn(FuncRef) -> bool,
}

/// A function that returns a failure, and those that handed the answer on to it.
struct Reporter<'f> {
    at: FuncRef,
    failure: &'f Failure,
    /// Where the function is whose write fails.
    failing: FuncRef,
    /// The calls that hand the answer on, by the functions that they are in.
    handed_on: Vec<(FuncRef, Span)>,
}

/// Reports the calls of a function whose results nobody reads.
pub(super) fn report(ground: Ground<'_>, func: FuncRef, failure: &Failure, out: &mut Vec<Finding>) {
    let reporter = Reporter {
        at: func,
        failure,
        failing: func,
        handed_on: Vec::new(),
    };
    reporter.report(ground, out);
}

impl Reporter<'_> {
    fn report(&self, ground: Ground<'_>, out: &mut Vec<Finding>) {
        let program = ground.program;
        let own = program.module(self.at.module);
        let reporter = own.ir.function(self.at.func);
        let name = &reporter.name;
        let (others, more) = program.modules_that_mention(name, self.at.module, MAX_FILES);
        let mut modules = vec![self.at.module];
        if !more {
            modules.extend(others);
        }
        for id in &modules {
            let module = program.module(*id);
            for (this, caller) in that_mention(&module, name) {
                if this != self.at && !may_fail(&module, caller) {
                    self.report_in(ground, (&module, this, caller), &modules, out);
                }
            }
        }
    }

    /// Reports the calls in one function.
    fn report_in(
        &self,
        ground: Ground<'_>,
        (module, this, caller): (&LoadedModule, FuncRef, &Function),
        modules: &[ModuleId],
        out: &mut Vec<Finding>,
    ) {
        let program = ground.program;
        let own = program.module(self.at.module);
        let reporter = own.ir.function(self.at.func);
        for (at, callee, _) in calls(caller) {
            let span = caller.body.block(at).terminator.span;
            if called(caller, callee).name != reporter.name {
                continue;
            }
            let presets = &ground.writes.presets;
            let is_hook = program.call_inside(presets, (this, at)) != Some(self.at);
            if is_hook && !self.overrides(ground, (this, caller), callee, modules) {
                continue;
            }
            match use_of(caller, at) {
                // Without `await`, nothing runs.
                Use::Unread(unread) if unread.awaited == reporter.is_async => {
                    let site = (module, (this, caller), span);
                    out.extend(self.finding(program, site, (unread.how, is_hook)));
                }
                Use::Returned if !is_hook && self.handed_on.len() < HOPS => {
                    if !hands_on(caller, at, &self.failure.answer) {
                        continue;
                    }
                    let mut handed_on = self.handed_on.clone();
                    handed_on.push((this, span));
                    let next = Reporter {
                        at: this,
                        failure: self.failure,
                        failing: self.failing,
                        handed_on,
                    };
                    next.report(ground, out);
                }
                _ => {}
            }
        }
    }

    /// Whether a call of a method of the receiver, in a class above, runs this method. Of several methods
    /// that override the same one, the first is told.
    fn overrides(
        &self,
        Ground { program, fails, .. }: Ground<'_>,
        (this, caller): (FuncRef, &Function),
        callee: &Callee,
        modules: &[ModuleId],
    ) -> bool {
        let own = program.module(self.at.module);
        let name = &own.ir.function(self.at.func).name;
        let (Callee::Method { receiver, .. }, Some(of)) = (callee, caller.class) else {
            return false;
        };
        let above = ClassRef {
            module: this.module,
            class: of,
        };
        if *receiver != Operand::Local(LocalId(0)) {
            return false;
        }
        // If what it overrides fails likewise, the call is told of already.
        let base = program.method(above, name, None);
        if base.is_none_or(fails) {
            return false;
        }
        let runs = |class: ClassRef| {
            let found = program.method(class, name, None)?;
            let is_run = class != above
                && is_below(program, class, above)
                && program.method(class, &caller.name, None) == Some(this);
            (is_run && fails(found)).then_some(found)
        };
        let place = |func: FuncRef| {
            let module = program.module(func.module);
            let file = module.file.as_ref().map(|file| file.display.clone());
            (file, func.func)
        };
        let classes = modules.iter().flat_map(|id| program.classes(*id));
        classes.filter_map(runs).min_by_key(|func| place(*func)) == Some(self.at)
    }

    fn finding(
        &self,
        program: &Program<'_>,
        (module, (this, caller), call): (&LoadedModule, (FuncRef, &Function), Span),
        (how, is_hook): (How, bool),
    ) -> Option<Finding> {
        let answer = match &self.failure.answer {
            Answer::Shown(shown) => shown,
            Answer::Literal(Literal::None) => "None",
            Answer::Literal(_) if is_rust(program, self.failing) => "false",
            Answer::Literal(_) => "False",
        };
        let own = program.module(self.at.module);
        let reporter = own.ir.function(self.at.func);
        let shown = if is_hook {
            &reporter.qualname
        } else {
            &reporter.name
        };
        let at = |func: FuncRef, span: Span| {
            let file = program.module(func.module).file.as_ref()?.id;
            Some(Location { file, span })
        };
        let failing = |span| at(self.failing, span);
        let mut finding = FindingBuilder::new(IgnoredFailure.meta(), "dropped")
            .arg("callee", shown.as_str())
            .arg("caller", caller.name.as_str())
            .arg("answer", answer)
            .symbol(caller.qualname.as_str())
            .step(failing(self.failure.write)?, "this write can fail");
        if let Some(caught) = self.failure.caught {
            finding = finding.step(failing(caught)?, "caught here");
        }
        finding = finding.step(failing(self.failure.returns)?, format!("returns {answer}"));
        for (func, span) in &self.handed_on {
            finding = finding.step(at(*func, *span)?, "the answer is handed on");
        }
        finding = add_graph(program, finding, this, &[call]);
        for (func, span) in self.handed_on.iter().rev() {
            finding = add_graph(program, finding, *func, &[*span]);
        }
        let lost = [
            Some(self.failure.write),
            self.failure.caught,
            Some(self.failure.returns),
        ];
        let lost: Vec<Span> = lost.into_iter().flatten().collect();
        finding = add_graph(program, finding, self.failing, &lost);
        if is_hook {
            finding = finding.note(format!(
                "`{shown}` overrides the method that is called here"
            ));
        }
        let label = match how {
            How::Dropped => "the result is ignored",
            How::Bound => "the result is kept, but nothing reads it",
            How::Logged => "the result is only logged",
        };
        let file = module.file.as_ref()?;
        let tested = (shown.as_str(), &self.failure.answer);
        let fix = repair::test_answer(file, call, tested);
        let place = Location {
            file: file.id,
            span: call,
        };
        Some(finding.fix(fix).cause(Some(place)).at(place, label))
    }
}

fn is_below(program: &Program<'_>, class: ClassRef, above: ClassRef) -> bool {
    let mro = program.mro(class);
    let mut entries = mro.entries.iter();
    entries.any(|entry| matches!(entry, MroEntry::Class(of) if *of == above))
}

fn is_rust(program: &Program<'_>, func: FuncRef) -> bool {
    let module = program.module(func.module);
    let file = module.file.as_ref();
    file.is_some_and(|file| file.language == crate::source::Language::Rust)
}

/// Whether a function returns the value of a call, or something that is surely no such answer.
fn hands_on(caller: &Function, call: BlockId, answer: &Answer) -> bool {
    let body = &caller.body;
    let TerminatorKind::Eval {
        dest: Some(dest), ..
    } = body.block(call).terminator.kind
    else {
        return false;
    };
    let is_value = |mut local: LocalId| {
        for _ in 0..CHAIN {
            match body.only_value(local) {
                _ if local == dest => return true,
                Some(Rvalue::Use(Operand::Local(of)) | Rvalue::Await(Operand::Local(of))) => {
                    local = *of;
                }
                _ => return false,
            }
        }
        false
    };
    exits(caller)
        .iter()
        .all(|exit| match (&exit.value, exit.local) {
            (Value::Unknown, Some(local)) => is_value(local),
            (value, _) => value.differs(answer),
        })
}
