//! The finding about a success that is not earned.

use super::claims::{Claim, Says};
use super::code::{Code, Spot};
use super::inside::Inside;
use super::tallies::{How, Tally};
use super::{Cause, Unearned};
use crate::diagnostics::{Edit, Finding, FindingBuilder, Fix, Location, Safety};
use crate::ir::{BlockId, Rvalue, StatementKind};
use crate::program::ModuleId;
use crate::rules::contract_method::{Subject, add_steps};
use crate::rules::failed_write::steps::{exits_after, location, told};
use crate::rules::wording::{one_line, shorten};
use crate::rules::{Rule, UnearnedSuccess};
use crate::source::{Language, SourceFile, Span};

/// The finding; `None` if the function is in no file.
pub(super) fn finding(
    subject: Subject<'_>,
    code: &Code<'_>,
    unearned: &Unearned<'_, '_>,
) -> Option<Finding> {
    let program = subject.program;
    let module = program.module(subject.func.module);
    let file = module.file.as_ref()?;
    let claim = unearned.claim;
    let at = |span: Span| Location {
        file: file.id,
        span,
    };
    let ends = claim.says == Says::Ends;
    let kind = match &unearned.cause {
        Cause::Counted(_) if ends => "exit-zero",
        Cause::Counted(_) => "failures-counted",
        Cause::Caught(_) => "failure-caught",
        Cause::Nothing(_) => "nothing-processed",
    };
    let is_implicit = ends && claim.span == code.function.name_span;
    let text = one_line(claim.span.slice(module.text()));
    let claimed = match claim.says {
        Says::Ends => format!("`{}`", code.function.name),
        Says::Chooses => format!("`{}`", code.name_of(claim.held.first())),
        _ => format!("`{}`", shorten(&text)),
    };
    let mut finding = subject
        .finding(UnearnedSuccess.meta(), kind)
        .arg("claim", claimed);
    let before = match &unearned.cause {
        Cause::Caught(lost) => told(program, lost, unearned.before.clone()),
        _ => unearned.before.clone(),
    };
    finding = add_steps(program, finding, &before, "returns");
    finding = match &unearned.cause {
        Cause::Counted(tally) => counted(subject, code, tally, finding)?,
        Cause::Caught(lost) => {
            let cause = lost.by.and_then(|by| {
                let (func, span) = location(program, by);
                let file = program.module(func.module).file.as_ref()?.id;
                Some(Location { file, span })
            });
            let write = lost.write.as_deref().unwrap_or("the write");
            finding.arg("write", write).cause(cause)
        }
        Cause::Nothing(nothing) => {
            finding = finding.arg("units", nothing.units.as_str());
            let test = code.function.body.block(nothing.test).terminator.span;
            let told = before.last().is_some_and(|event| event.span == test);
            let step = || (at(test), format!("`{}` is empty or 0 here", nothing.units));
            match (!told).then(step) {
                Some((at, text)) => finding.step(at, text),
                None => finding,
            }
        }
    };
    finding = add_steps(program, finding, &unearned.after, "returns");
    for exit in exits_after(program, subject.func, claim.block) {
        finding = finding.exit(exit);
    }
    let fix = match &unearned.cause {
        Cause::Counted(tally) => fix(code, file, claim, tally),
        _ => None,
    };
    let label = match claim.says {
        Says::Ends if is_implicit => "ends with exit code 0",
        Says::Ends => "ends with exit code 0 here",
        Says::Returns | Says::True => "answers that all went well",
        Says::Stores | Says::Chooses | Says::Calls => "says that all went well",
    };
    Some(finding.fix(fix).at(at(claim.span), label))
}

/// Adds where a failure is counted, and where it was caught.
fn counted(
    subject: Subject<'_>,
    code: &Code<'_>,
    tally: &Tally,
    finding: FindingBuilder,
) -> Option<FindingBuilder> {
    let program = subject.program;
    let at = |(module, span): (ModuleId, Span)| {
        let file = program.module(module).file.as_ref()?.id;
        Some(Location { file, span })
    };
    let here = |span| at((subject.func.module, span));
    let (count, tried) = counts(code, tally);
    let (failures, ask) = match &tried {
        Some(tried) => (
            format!("`{count}` stayed behind `{tried}`, and nothing compares the two"),
            format!("`{count}` and `{tried}`"),
        ),
        None => (
            format!("failures were counted in `{count}`, which is never tested"),
            format!("`{count}`"),
        ),
    };
    let finding = finding.arg("failures", failures).arg("ask", ask);
    let inside = tally.inside.as_ref();
    let result = inside.and_then(|inside| inside.result.as_ref());
    let (count, tried) = result.map_or((count, tried), |result| result.texts.clone());
    let step = match (&tally.how, tried) {
        (How::Behind(_), Some(tried)) => {
            format!("what did not work here is in `{tried}`, and not in `{count}`")
        }
        (How::Noted, _) => format!("a failure is noted in `{count}`"),
        _ => format!("a failure is counted in `{count}`"),
    };
    Some(match inside {
        Some(Inside {
            callee: Some(callee),
            at: counted,
            caught,
            ..
        }) => {
            let call = format!("`{callee}` can fail without raising");
            let finding = finding.step(here(tally.span)?, call);
            finding.step(at(*counted)?, step).cause(caught.and_then(at))
        }
        _ => {
            let cause = caught_at(code, tally.span).and_then(here);
            finding.step(here(tally.span)?, step).cause(cause)
        }
    })
}

/// The count, and the one behind which it stays, by the names that they have where success is claimed; by those
/// that they have where they are counted if they are not read.
fn counts(code: &Code<'_>, tally: &Tally) -> (String, Option<String>) {
    let result = tally.inside.as_ref().and_then(|of| of.result.as_ref());
    if let Some(result) = result.filter(|result| !result.is_read) {
        return result.texts.clone();
    }
    let text = |spot: &Spot| spot.text(code.function);
    let tried = match &tally.how {
        How::Behind(tried) => Some(text(tried)),
        How::Counted | How::Noted => None,
    };
    (text(&tally.spot), tried)
}

/// The handler in which a failure is counted.
pub(super) fn caught_at(code: &Code<'_>, counted: Span) -> Option<Span> {
    let handlers = code.function.body.handlers.iter();
    let around = handlers.filter(|handler| handler.body.contains(counted));
    let innermost = around.min_by_key(|handler| handler.body.end - handler.body.start);
    innermost.map(|handler| handler.header)
}

/// The fix: the status, or the exit code, depends on the count. It changes what a run is recorded as, so it is
/// not applied unasked.
fn fix(code: &Code<'_>, file: &SourceFile, claim: &Claim<'_>, tally: &Tally) -> Option<Fix> {
    let local = tally.spot.root;
    let always = tally.inside.is_none()
        && !matches!(tally.how, How::Behind(_))
        && tally.spot.path.is_empty()
        && is_set_before(code, tally, claim.block);
    if file.language != Language::Python || !always {
        return None;
    }
    let count = code.function.body.locals[local.index()].name.as_ref()?;
    let text = file.slice(claim.span);
    let (span, new) = match claim.says {
        Says::Ends if text == "return 0" => (claim.span, format!("return 1 if {count} else 0")),
        Says::Stores => {
            let status = claim.text.as_ref()?;
            let failed = match status.as_str() {
                "success" => "failed",
                "SUCCESS" => "FAILED",
                _ => return None,
            };
            let rest = file.text.get(claim.span.end as usize..)?;
            let stored = rest.trim_start().strip_prefix('=')?.trim_start();
            let (value, quote) = ["\"", "'"].iter().find_map(|quote| {
                let value = format!("{quote}{status}{quote}");
                stored.starts_with(&value).then_some((value, *quote))
            })?;
            let start = claim.span.end + u32::try_from(rest.len() - stored.len()).ok()?;
            let span = Span::new(start, start + u32::try_from(value.len()).ok()?);
            (
                span,
                format!("{quote}{failed}{quote} if {count} else {value}"),
            )
        }
        _ => return None,
    };
    Some(Fix {
        message: format!("ask `{count}`"),
        safety: Safety::Unsafe,
        edits: vec![Edit {
            location: Location {
                file: file.id,
                span,
            },
            text: new,
        }],
    })
}

/// Whether a variable is set on every path to a block, by something other than the counting itself.
fn is_set_before(code: &Code<'_>, tally: &Tally, block: BlockId) -> bool {
    let blocks = (0u32..).zip(&code.function.body.blocks);
    blocks.map(|(at, of)| (BlockId(at), of)).any(|(at, of)| {
        let sets = of.statements.iter().any(|statement| match &statement.kind {
            StatementKind::Assign(to, value) => {
                *to == tally.spot.root && matches!(value, Rvalue::Use(_) | Rvalue::List(_))
            }
            _ => false,
        });
        sets && at != tally.block && code.dominates(at, block)
    })
}
