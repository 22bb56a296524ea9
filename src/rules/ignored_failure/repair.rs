//! The fix: the result is tested, and an exception is raised if it tells of a failure. That changes what the
//! program does, so the fix is not applied unasked.

use super::exits::Answer;
use crate::diagnostics::{Edit, Fix, Location, Safety};
use crate::ir::{Function, Literal};
use crate::presets::Tells;
use crate::source::{Language, SourceFile, Span};

/// A call that is a statement of its own, or whose value is all that a variable gets.
struct Alone<'f> {
    file: &'f SourceFile,
    /// Where the statement begins; the call is at its end.
    start: u32,
    end: u32,
    /// Where its line ends, after a comment.
    line_end: u32,
    indent: &'f str,
    /// The variable.
    name: Option<&'f str>,
}

impl<'f> Alone<'f> {
    fn of(file: &'f SourceFile, call: Span) -> Option<Self> {
        if file.language != Language::Python {
            return None;
        }
        let begin = call.start as usize;
        let line = file.text.get(..begin)?.rfind('\n').map_or(0, |at| at + 1);
        let before = file.text.get(line..begin)?;
        let code = before.trim_start();
        let indent = &before[..before.len() - code.len()];
        let code = code.strip_suffix("await ").unwrap_or(code).trim_end();
        let name = match code {
            "" => None,
            code => Some(code.strip_suffix('=')?.trim_end()).filter(|name| is_name(name)),
        };
        if name.is_none() && !code.is_empty() {
            return None;
        }
        let after = file.text.get(call.end as usize..)?;
        let after = after.trim_start_matches([' ', '\t']);
        let ends = after.is_empty() || after.starts_with(['\n', '\r', '#']);
        let rest = file.text.get(call.end as usize..)?;
        let rest = rest.split('\n').next()?.trim_end();
        ends.then_some(Self {
            file,
            start: u32::try_from(line + indent.len()).ok()?,
            end: call.end,
            line_end: call.end + u32::try_from(rest.len()).ok()?,
            indent,
            name,
        })
    }

    /// The fix: what is put before the call and behind it, the test on a line of its own, and what is raised.
    fn fix(&self, (before, behind): (String, &str), test: Option<String>, raised: &str) -> Fix {
        let insert = |at: u32, text: String| Edit {
            location: Location {
                file: self.file.id,
                span: Span::new(at, at),
            },
            text,
        };
        let newline = if self.file.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let deeper = if self.indent.contains('\t') {
            "\t"
        } else {
            "    "
        };
        let indent = self.indent;
        let test = test.map(|test| format!("{newline}{indent}if {test}:"));
        let raises = format!("{newline}{indent}{deeper}raise RuntimeError({raised})");
        let raises = test.unwrap_or_default() + &raises;
        let mut edits = vec![insert(self.start, before)];
        // A comment stays beside the call.
        if self.line_end == self.end {
            edits.push(insert(self.end, behind.to_owned() + &raises));
        } else {
            edits.push(insert(self.end, behind.to_owned()));
            edits.push(insert(self.line_end, raises));
        }
        edits.retain(|edit| !edit.text.is_empty());
        Fix {
            message: "raise an exception if it failed".to_owned(),
            safety: Safety::Unsafe,
            edits,
        }
    }
}

/// Raises if a function returns what it returns when its write fails.
pub(super) fn test_answer(
    file: &SourceFile,
    call: Span,
    (callee, answer): (&str, &Answer),
) -> Option<Fix> {
    let Answer::Literal(answer) = answer else {
        return None;
    };
    let alone = Alone::of(file, call)?;
    let raised = format!("\"{callee} failed\"");
    let none = *answer == Literal::None;
    let test = |what: &str| match none {
        true => format!("{what} is None"),
        false => format!("not {what}"),
    };
    Some(match alone.name {
        Some(name) => alone.fix((String::new(), ""), Some(test(name)), &raised),
        None if none => alone.fix(("if ".to_owned(), " is None:"), None, &raised),
        None => alone.fix(("if not ".to_owned(), ":"), None, &raised),
    })
}

/// Raises if the result of a call tells of rows that were not stored.
pub(super) fn test_result(
    file: &SourceFile,
    function: &Function,
    (call, tells): (Span, &Tells),
) -> Option<Fix> {
    if tells.later {
        return None;
    }
    let alone = Alone::of(file, call)?;
    let (name, before) = match alone.name {
        Some(name) => (name, String::new()),
        None => {
            let text = file.slice(function.span);
            let free = |name: &&&str| !text.contains(**name);
            let names = match tells.at {
                None if tells.if_true => ["errors", "failed", "refused"],
                _ => ["result", "response", "outcome"],
            };
            let name = *names.iter().find(free)?;
            (name, format!("{name} = "))
        }
    };
    let told = match tells.at.as_deref().and_then(|at| at.split_once(':')) {
        None => name.to_owned(),
        Some(("element", "any")) => format!("any({name})"),
        Some(("element", at)) => format!("{name}[{at}]"),
        Some(("key", key)) => format!("{name}.get(\"{key}\")"),
        Some((_, attribute)) => format!("{name}.{attribute}"),
    };
    let not = if tells.if_true { "" } else { "not " };
    let raised = format!("f\"rows were not stored: {{{name}}}\"");
    Some(alone.fix((before, ""), Some(format!("{not}{told}")), &raised))
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}
