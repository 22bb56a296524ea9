//! The finding about a failure that nobody learns of.

use crate::diagnostics::{Edit, Finding, Fix, Location, Safety};
use crate::engine::Catch;
use crate::engine::witness::{EventKind, PathEvent};
use crate::ir::{
    BranchRole, Callee, Name, Rvalue, ScopeIdx, StaticExpr, StaticExprKind, TerminatorKind,
};
use crate::program::{Def, FuncRef, Lookup, MemberDef, Program};
use crate::rules::contract_method::{Caller, Subject, add_steps, called_at, counts};
use crate::rules::failed_write::excuses_duplicates;
use crate::rules::failed_write::flow::{Fate, fate};
use crate::rules::failed_write::steps::{asks_for_error, location, role_of, with_failure};
use crate::rules::failed_write::watch::Swallower;
use crate::rules::swallowed_write::Swallowed;
use crate::rules::swallowed_write::readers::Left;
use crate::rules::{Rule, SwallowedWrite};
use crate::settings::Place;
use crate::source::Span;

/// Where on the path the failure is swallowed.
fn position(program: &Program<'_>, swallowed: &Swallowed) -> Option<usize> {
    let (func, span) = location(program, swallowed.by);
    swallowed.events.iter().rposition(|e| {
        matches!(
            e.what,
            EventKind::Caught | EventKind::Swallowed | EventKind::Decision(..)
        ) && e.func == func
            && e.span == span
    })
}

/// Whether a caller tests what the function that swallowed returned.
pub(super) fn is_heard(
    subject: Subject<'_>,
    swallowed: &Swallowed,
    result_is_tested: &dyn Fn() -> bool,
) -> bool {
    let program = subject.program;
    let (func, _) = location(program, swallowed.by);
    // The calls that are running where the failure is swallowed, the innermost last.
    let mut open: Vec<&PathEvent> = Vec::new();
    let at = position(program, swallowed).unwrap_or(swallowed.events.len());
    for e in &swallowed.events[..at] {
        match e.what {
            EventKind::Entered(_) => open.push(e),
            EventKind::Left => {
                open.pop();
            }
            _ => {}
        }
    }
    // A call that runs several others, as `gather` does, returns their exceptions.
    if let Swallower::Catch(Catch { func, block, .. }) = swallowed.by {
        let module = program.module(func.module);
        let function = module.ir.function(func.func);
        let t = &function.body.block(block).terminator;
        let runs = matches!(t.kind, TerminatorKind::Eval { .. });
        if runs && fate(function, t.span) == Fate::Tested {
            return true;
        }
    }
    let inner = open
        .iter()
        .rposition(|e| e.what == EventKind::Entered(func));
    let Some(inner) = inner else { return false };
    for e in open[..=inner].iter().rev() {
        let module = program.module(e.func.module);
        match fate(module.ir.function(e.func.func), e.span) {
            Fate::Tested => return true,
            Fate::Unheard => return false,
            Fate::Returned => {}
        }
    }
    result_is_tested()
}

/// Whether a test on the way from the handler to the exit asks whether the rows are there already.
pub(super) fn asks_for_duplicates(program: &Program<'_>, swallowed: &Swallowed) -> bool {
    // A branch whose outcome is known is no step of the path.
    let by_value = role_of(program, swallowed.by).is_some();
    let unknown = if by_value { 0 } else { swallowed.events.len() };
    let from = position(program, swallowed).unwrap_or(unknown);
    swallowed.events[from..].iter().any(|e| {
        let asks = match e.what {
            EventKind::Decision(BranchRole::Pattern | BranchRole::Guard, taken) => taken,
            EventKind::Decision(..) => true,
            _ => false,
        };
        let module = program.module(e.func.module);
        let text = || e.span.slice(module.text()).to_ascii_lowercase();
        asks && excuses_duplicates(&text(), swallowed.of_batch)
    })
}

/// The finding. `root` is the function that a call of the method really runs.
pub(super) fn finding(
    subject: Subject<'_>,
    root: FuncRef,
    swallowed: &Swallowed,
    caller: Option<Caller<'_>>,
) -> Option<Finding> {
    let program = subject.program;
    let recorded = caller.is_some() || subject.may_be_recorded();
    let counts = subject.contract.demands.iter().any(counts);
    let kind = if swallowed.certified && recorded && counts {
        "certified"
    } else {
        "swallowed"
    };
    let mut finding = subject.finding(SwallowedWrite.meta(), kind).arg(
        "write",
        failed_call(program, swallowed)
            .as_deref()
            .unwrap_or("write"),
    );
    let (func, span) = location(program, swallowed.by);
    let decorator = decorator_of(subject, root, func, &swallowed.events);
    let (shown, span) = decorator.unwrap_or((func, span));
    let at = |func: FuncRef, span: Span| {
        let file = program.module(func.module).file.as_ref()?.id;
        Some(Location { file, span })
    };
    let primary = at(shown, span)?;
    let (exit, falls_off) = exit(program, root, swallowed)?;
    let mut events = swallowed.events.telling(told_once(&swallowed.events));
    let mut caught = "caught";
    if role_of(program, swallowed.by).is_some() {
        let named = asks_for_error(program, func, span);
        if !named {
            caught = "dropped";
        }
        events = with_failure(program, (swallowed.by, swallowed.failed_at), events, named);
    }
    finding = finding.arg("caught", caught);
    finding = add_steps(program, finding, &events, "returns");
    let ends = if falls_off { "ends here" } else { "returns" };
    let label = match (decorator.is_some(), swallowed.by) {
        (true, _) => "this decorator swallows the failure",
        (_, Swallower::Return(..)) => "returns while the exception is pending",
        // The words of the step.
        (_, Swallower::Catch(catch)) if catch.manager => "swallows the exception",
        _ if caught == "dropped" => "the failure is dropped here",
        _ => "caught here",
    };
    if role_of(program, swallowed.by).is_none() && position(program, swallowed).is_none() {
        finding = finding.step(primary, label);
    }
    if exit != primary {
        finding = finding.step(exit, ends);
    }
    if let Some(caller) = caller {
        let next = format!("`{}` continues: the run ends as a success", caller.name);
        finding = finding.step(caller.read, next);
    }
    for left in &swallowed.left {
        let place = match left {
            Left::Held(_, name) => name.to_string(),
            Left::Shared => continue,
            Left::Field(name) => format!("self.{name}"),
            Left::Key(key) => {
                let places = subject.contract.places();
                let stats = places.filter_map(Place::attribute).next();
                format!("self.{}['{key}']", stats.unwrap_or_default())
            }
        };
        finding = finding.note(format!(
            "`{place}` keeps a trace of the failure, but no code was found that reads it"
        ));
    }
    let fix = match swallowed.by {
        Swallower::Catch(catch) if !catch.manager && decorator.is_none() => {
            let left = handler_left(program, root, swallowed, catch);
            raise_again(program, catch.func, span, left)
        }
        _ => None,
    };
    // Elsewhere, what the failure leads to may be told by another rule.
    let cause = Some(primary).filter(|_| subject.is_outside());
    Some(finding.exit(exit).cause(cause).fix(fix).at(primary, label))
}

/// The name of the write that failed. Where states with several writes were merged, that of the call
/// that failed.
fn failed_call(program: &Program<'_>, swallowed: &Swallowed) -> Option<Name> {
    if swallowed.failed.is_some() {
        return swallowed.failed.clone();
    }
    let (func, at) = swallowed.failed_at?;
    let module = program.module(func.module);
    match &module.ir.function(func.func).body.block(at).terminator.kind {
        TerminatorKind::Eval {
            rvalue:
                Rvalue::Call {
                    callee: Callee::Method { name, .. },
                    ..
                },
            ..
        } => Some(name.clone()),
        _ => None,
    }
}

/// Where the method ends, and whether it falls off its end there.
fn exit(program: &Program<'_>, root: FuncRef, swallowed: &Swallowed) -> Option<(Location, bool)> {
    let module = program.module(root.module);
    let function = module.ir.function(root.func);
    let t = &function.body.block(swallowed.exit).terminator;
    let explicit = matches!(
        t.kind,
        TerminatorKind::Return {
            implicit: false,
            ..
        }
    );
    let span = if explicit { t.span } else { function.name_span };
    let file = module.file.as_ref()?.id;
    Some((Location { file, span }, !explicit))
}

/// The path without the steps that a later round of a loop repeats, and without what becomes of the
/// place.
fn told_once(events: &[PathEvent]) -> Vec<PathEvent> {
    let again = |at: usize, e: &PathEvent| {
        matches!(
            e.what,
            EventKind::Raised | EventKind::Caught | EventKind::Swallowed
        ) && events[at + 1..]
            .iter()
            .any(|later| later.what == e.what && later.func == e.func && later.span == e.span)
    };
    let of_failure = |e: &PathEvent| e.what != EventKind::Lost;
    let once = events
        .iter()
        .enumerate()
        .filter(|(at, e)| of_failure(e) && !again(*at, e));
    once.map(|(_, e)| e.clone()).collect()
}

/// The decorator whose wrapper swallows, and the function that it decorates.
fn decorator_of(
    subject: Subject<'_>,
    root: FuncRef,
    wrapper: FuncRef,
    events: &[PathEvent],
) -> Option<(FuncRef, Span)> {
    let program = subject.program;
    if root == wrapper {
        return decorator_on(program, subject.func, wrapper);
    }
    events.iter().find_map(|e| {
        if e.what != EventKind::Entered(wrapper) {
            return None;
        }
        let called = called_at(program, e)?;
        let Lookup::Found(_, defs) = program.lookup(subject.class?, &called, None) else {
            return None;
        };
        defs.iter().find_map(|def| match def {
            MemberDef::Func(f) => decorator_on(program, *f, wrapper),
            _ => None,
        })
    })
}

/// The decorator on a function in which the wrapper is defined.
fn decorator_on(program: &Program<'_>, on: FuncRef, wrapper: FuncRef) -> Option<(FuncRef, Span)> {
    let module = program.module(on.module);
    let function = module.ir.function(on.func);
    let scope = match function.class {
        Some(class) => module.ir.class(class).scope,
        None => {
            let scope = module.ir.scope(function.scope);
            scope.parent.unwrap_or(ScopeIdx::MODULE)
        }
    };
    function
        .decorators
        .iter()
        .find_map(|decorator: &StaticExpr| {
            let callee = match &decorator.kind {
                StaticExprKind::Call(callee, ..) => callee.as_ref(),
                _ => decorator,
            };
            let Def::Func(maker) = program.resolve_expr(on.module, scope, callee) else {
                return None;
            };
            (maker.module == wrapper.module && encloses(program, maker, wrapper))
                .then_some((on, decorator.span))
        })
}

/// Whether a function is nested in another.
fn encloses(program: &Program<'_>, outer: FuncRef, inner: FuncRef) -> bool {
    let module = program.module(inner.module);
    let mut at = module.ir.function(inner.func).outer;
    while let Some(func) = at {
        if func == outer.func {
            return true;
        }
        at = module.ir.function(func).outer;
    }
    false
}

/// The `return` by which the path leaves the function of the handler.
fn handler_left(
    program: &Program<'_>,
    root: FuncRef,
    swallowed: &Swallowed,
    catch: Catch,
) -> Option<Span> {
    if catch.func == root {
        let module = program.module(root.module);
        let body = &module.ir.function(root.func).body;
        return Some(body.block(swallowed.exit).terminator.span);
    }
    let after = &swallowed.events[position(program, swallowed)?..];
    let left = |e: &&PathEvent| e.func == catch.func && e.what == EventKind::Left;
    after.iter().find(left).map(|e| e.span)
}

/// The fix: a `raise` at the end of a handler, or in place of the statement that leaves it. `left` is
/// the `return` by which the path leaves the function.
fn raise_again(
    program: &Program<'_>,
    func: FuncRef,
    header: Span,
    left: Option<Span>,
) -> Option<Fix> {
    let module = program.module(func.module);
    let file = module.file.as_ref()?;
    let raise = file.language.raise_again()?;
    let handlers = &module.ir.function(func.func).body.handlers;
    let handler = handlers.iter().find(|h| h.header == header)?;
    let text = module.text();
    let edit = |start: u32, end: u32, text: String| Edit {
        location: Location {
            file: file.id,
            span: Span::new(start, end),
        },
        text,
    };
    let inside = left.filter(|left| handler.body.contains(*left) && left.end > left.start);
    let mut message = "re-raise the exception at the end of the handler";
    let edit = if let Some(left) = inside.filter(|left| *left != handler.last) {
        message = "re-raise the exception instead of returning";
        edit(left.start, left.end, raise.to_owned())
    } else if handler.leaves {
        edit(handler.last.start, handler.last.end, raise.to_owned())
    } else {
        let before = &text[..handler.body.start as usize];
        let line = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let indent = &before[line..];
        let rest = &text[handler.last.end as usize..];
        let newline = if rest.contains("\r\n") { "\r\n" } else { "\n" };
        let rest = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let end = handler.last.end + u32::try_from(rest).ok()?;
        if indent.trim().is_empty() {
            edit(end, end, format!("{newline}{indent}{raise}"))
        } else {
            edit(handler.last.end, handler.last.end, format!("; {raise}"))
        }
    };
    Some(Fix {
        message: message.to_owned(),
        safety: Safety::Unsafe,
        edits: vec![edit],
    })
}
