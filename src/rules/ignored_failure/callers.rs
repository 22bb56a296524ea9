//! The callers of a function that returns its failure, in all files of the program.

use super::answers::{Failure, Value, exits};
use super::unread::{How, Use, use_of};
use crate::diagnostics::{Finding, FindingBuilder, Location};
use crate::ir::{
    BlockId, Body, Callee, Function, Literal, LocalId, Name, Operand, Rvalue, TerminatorKind,
};
use crate::program::{ClassRef, Def, FuncRef, LoadedModule, ModuleId, MroEntry, Program};
use crate::rules::failed_write::is_of_tests;
use crate::rules::failed_write::likeness::CHAIN;
use crate::rules::tables::{is_auxiliary_class, is_best_effort};
use crate::rules::{IgnoredFailure, Rule};
use crate::source::Span;

/// In how many other files callers are looked for. A name that more files mention is too common to tell.
const MAX_FILES: usize = 24;

/// How many functions may hand the answer on by a `return`.
const HOPS: usize = 1;

/// Whether a function of the program returns its failure.
pub(super) type Fails<'f> = dyn Fn(FuncRef) -> bool + 'f;

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
pub(super) fn report(
    program: &Program<'_>,
    func: FuncRef,
    failure: &Failure,
    fails: &Fails<'_>,
    out: &mut Vec<Finding>,
) {
    let reporter = Reporter {
        at: func,
        failure,
        failing: func,
        handed_on: Vec::new(),
    };
    reporter.report(program, fails, out);
}

impl Reporter<'_> {
    fn report(&self, program: &Program<'_>, fails: &Fails<'_>, out: &mut Vec<Finding>) {
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
            if module.file.as_ref().is_none_or(|file| is_of_tests(file)) {
                continue;
            }
            // Functions without the name need not be lowered.
            let outer = module.ir.outer_functions();
            let outer = outer.filter(|(_, function)| function.body.may_mention(name));
            for (idx, caller) in outer.flat_map(|(idx, _)| module.ir.with_left_out(idx)) {
                let this = FuncRef {
                    module: *id,
                    func: idx,
                };
                if this != self.at && !caller.name.starts_with("test_") {
                    self.report_in(program, (&module, this, caller), (&modules, fails), out);
                }
            }
        }
    }

    /// Reports the calls in one function.
    fn report_in(
        &self,
        program: &Program<'_>,
        (module, this, caller): (&LoadedModule, FuncRef, &Function),
        (modules, fails): (&[ModuleId], &Fails<'_>),
        out: &mut Vec<Finding>,
    ) {
        let class = caller.class.map(|class| &module.ir.class(class).name);
        if is_best_effort(&caller.name) || class.is_some_and(|class| is_auxiliary_class(class)) {
            return;
        }
        let own = program.module(self.at.module);
        let reporter = own.ir.function(self.at.func);
        for (at, block) in (0u32..).zip(&caller.body.blocks) {
            let TerminatorKind::Eval {
                rvalue: Rvalue::Call { callee, .. },
                ..
            } = &block.terminator.kind
            else {
                continue;
            };
            if named(caller, callee).is_none_or(|name| name != reporter.name) {
                continue;
            }
            let found = resolve(program, module.id, caller, callee);
            let is_hook = found != Some(self.at);
            if is_hook && !self.overrides(program, (this, caller), callee, (modules, fails)) {
                continue;
            }
            match use_of(caller, BlockId(at)) {
                // Without `await`, nothing runs.
                Use::Unread(unread) if unread.awaited == reporter.is_async => {
                    let site = (module, caller, block.terminator.span);
                    out.extend(self.finding(program, site, (unread.how, is_hook)));
                }
                Use::Returned if !is_hook && self.handed_on.len() < HOPS => {
                    if !hands_on(&caller.body, BlockId(at), &self.failure.answer) {
                        continue;
                    }
                    let mut handed_on = self.handed_on.clone();
                    handed_on.push((this, block.terminator.span));
                    let next = Reporter {
                        at: this,
                        failure: self.failure,
                        failing: self.failing,
                        handed_on,
                    };
                    next.report(program, fails, out);
                }
                _ => {}
            }
        }
    }

    /// Whether a call of a method of the receiver, in a class above, runs this method. Of several methods
    /// that override the same one, the first is told.
    fn overrides(
        &self,
        program: &Program<'_>,
        (this, caller): (FuncRef, &Function),
        callee: &Callee,
        (modules, fails): (&[ModuleId], &Fails<'_>),
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
        (module, caller, call): (&LoadedModule, &Function, Span),
        (how, is_hook): (How, bool),
    ) -> Option<Finding> {
        let answer = match self.failure.answer {
            Literal::None => "None",
            _ if is_rust(program, self.failing) => "false",
            _ => "False",
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
        let file = module.file.as_ref()?.id;
        Some(finding.at(Location { file, span: call }, label))
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
fn hands_on(body: &Body, call: BlockId, answer: &Literal) -> bool {
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
    exits(body)
        .iter()
        .all(|exit| match (&exit.value, exit.local) {
            (Value::Unknown, Some(local)) => is_value(local),
            (value, _) => value.differs(answer),
        })
}

/// The last part of the name of what is called.
fn named(caller: &Function, callee: &Callee) -> Option<Name> {
    match callee {
        Callee::Method { name, .. } => Some(name.clone()),
        Callee::Value(Operand::Local(local)) => caller
            .body
            .only_value(*local)
            .and_then(Rvalue::name)
            .cloned(),
        Callee::Value(Operand::Const(_)) => None,
    }
}

/// The function of the program that a call runs, if that is sure.
fn resolve(
    program: &Program<'_>,
    module: ModuleId,
    caller: &Function,
    callee: &Callee,
) -> Option<FuncRef> {
    let means = |value: &Rvalue, member: Option<&Name>| {
        let path = match value {
            Rvalue::Global(name) => std::slice::from_ref(name),
            Rvalue::Path(path) => path.as_slice(),
            _ => return Def::Unknown,
        };
        let path: Vec<Name> = path.iter().chain(member).cloned().collect();
        program.resolve_path(module, caller.scope, &path)
    };
    let value = |operand: &Operand| match operand {
        Operand::Local(local) => caller.body.only_value(*local),
        Operand::Const(_) => None,
    };
    match callee {
        Callee::Value(of) => match means(value(of)?, None) {
            Def::Func(func) => Some(func),
            _ => None,
        },
        Callee::Method { receiver, name, .. } if *receiver == Operand::Local(LocalId(0)) => {
            let class = caller.class?;
            program.method(ClassRef { module, class }, name, None)
        }
        Callee::Method { receiver, name, .. } => {
            let mut of = value(receiver)?;
            for _ in 0..CHAIN {
                match of {
                    Rvalue::Use(next) => of = value(next)?,
                    _ => break,
                }
            }
            match of {
                // An object that is made here.
                Rvalue::Call {
                    callee: Callee::Value(class),
                    ..
                } => match means(value(class)?, None) {
                    Def::Class(class) => program.method(class, name, None),
                    _ => None,
                },
                other => match means(other, Some(name)) {
                    Def::Func(func) => Some(func),
                    _ => None,
                },
            }
        }
    }
}
