//! The steps of a path in words.

use std::sync::Arc;

use crate::diagnostics::Known;
use crate::engine::witness::{EventKind, PathEvent, Round};
use crate::ir::body::BranchRole;
use crate::ir::{BlockId, TerminatorKind};
use crate::program::{FuncRef, Program};
use crate::source::Span;

/// How many steps of one path are shown, its exit not counted.
const MAX_STEPS: usize = 6;

/// Longer texts are cut, in characters.
const LONGEST: usize = 60;

/// A step of a path.
pub struct WordedStep {
    /// The function whose file the span is in.
    pub func: FuncRef,
    /// Where.
    pub span: Span,
    /// What happens.
    pub message: String,
    /// What is known of the values in the function after it.
    pub known: Arc<[Known]>,
}

/// The steps of a path that a reader needs: the tests that decided, what raised and where it was
/// caught, and the helpers that were entered. `left` is what a step says where the path leaves a
/// helper.
#[must_use]
pub fn steps(program: &Program<'_>, events: &[PathEvent], left: &str) -> Vec<WordedStep> {
    let mut out: Vec<WordedStep> = Vec::new();
    let mut weights: Vec<u32> = Vec::new();
    for (i, e) in events.iter().enumerate() {
        if !e.matters {
            continue;
        }
        let module = program.module(e.func.module);
        let text = e.span.slice(module.text());
        let mut span = e.span;
        let (message, weight) = match e.what {
            EventKind::Decision(role, taken) => (decision(role, text, taken), 1),
            EventKind::Loop(Round::Runs) => {
                let runs = |before: &PathEvent| {
                    before.what == e.what && before.span == e.span && before.func == e.func
                };
                if events[..i].iter().any(runs) {
                    continue;
                }
                ("the loop body runs".to_owned(), 0)
            }
            EventKind::Loop(Round::Ends) => continue,
            EventKind::Loop(Round::Never) => ("the loop body never runs".to_owned(), 1),
            EventKind::Raised => (
                if text.trim_start().starts_with("raise") {
                    "raised here"
                } else {
                    "raises"
                }
                .to_owned(),
                3,
            ),
            EventKind::Failed => ("fails".to_owned(), 3),
            EventKind::Milestone(_) => continue,
            EventKind::Lost => ("the value set earlier is lost here".to_owned(), 3),
            EventKind::Caught => ("caught here".to_owned(), 3),
            EventKind::Swallowed => ("swallows the exception".to_owned(), 3),
            EventKind::Entered(f) => (format!("enters `{}`", program.qualname(f)), 2),
            EventKind::Left => {
                if text.is_empty() || i == 0 {
                    continue;
                }
                span = e.span;
                (left.to_owned(), 2)
            }
        };
        // The same step twice in a row says nothing new.
        if out
            .last()
            .is_some_and(|s| s.span == span && s.message == message)
        {
            continue;
        }
        out.push(WordedStep {
            func: e.func,
            span,
            message,
            known: Arc::clone(&e.known),
        });
        weights.push(weight);
    }
    // If there are too many, the least telling go first, and of these the earliest.
    while out.len() > MAX_STEPS {
        let least = weights
            .iter()
            .enumerate()
            .min_by_key(|(i, w)| (**w, *i))
            .map_or(0, |(i, _)| i);
        out.remove(least);
        weights.remove(least);
    }
    out
}

/// What holds where no way leads from a block to one that follows in the code; `None` if there are no words for that.
/// `text` is the code of the terminator.
#[must_use]
pub fn barred(terminator: &TerminatorKind, to: BlockId, text: &str) -> Option<String> {
    let shown = shorten(&one_line(text));
    Some(match terminator {
        TerminatorKind::Branch { then, role, .. } => {
            let taken = *then != to;
            match (role, taken) {
                (BranchRole::Handler, true) => "this catches whatever is raised".to_owned(),
                (BranchRole::Handler, false) => "this catches nothing that is raised".to_owned(),
                (BranchRole::Swallow, true) => "this swallows whatever is raised".to_owned(),
                (BranchRole::Swallow, false) => "this swallows no exception".to_owned(),
                _ => decision(*role, text, taken),
            }
        }
        TerminatorKind::ForNext {
            body, exhausted, ..
        } => {
            if to == *body {
                "the loop body never runs".to_owned()
            } else if to == *exhausted {
                "the loop body runs".to_owned()
            } else {
                format!("taking the next item of `{shown}` counts as raising nothing")
            }
        }
        TerminatorKind::Eval { normal, .. } | TerminatorKind::DelItem { normal, .. } => {
            if to == *normal {
                format!("nothing goes on after `{shown}`")
            } else {
                format!("`{shown}` counts as raising nothing")
            }
        }
        _ => return None,
    })
}

/// What a way has established that goes from a block to one that follows; `None` if there are no words for that.
#[must_use]
pub fn passed(terminator: &TerminatorKind, to: BlockId, text: &str) -> Option<String> {
    Some(match terminator {
        TerminatorKind::Branch { then, role, .. } => {
            let taken = *then == to;
            match (role, taken) {
                (BranchRole::Handler, true) => "caught here".to_owned(),
                (BranchRole::Handler, false) => "not caught here".to_owned(),
                (BranchRole::Swallow, true) => "swallows the exception".to_owned(),
                (BranchRole::Swallow, false) => "does not swallow the exception".to_owned(),
                _ => decision(*role, text, taken),
            }
        }
        TerminatorKind::ForNext { body, .. } if to == *body => "the loop body runs".to_owned(),
        TerminatorKind::ForNext { exhausted, .. } if to == *exhausted => "the loop ends".to_owned(),
        _ => return None,
    })
}

fn decision(role: BranchRole, text: &str, taken: bool) -> String {
    let text = one_line(text);
    match role {
        BranchRole::Pattern => {
            if taken {
                "this case matches".to_owned()
            } else {
                "this case does not match".to_owned()
            }
        }
        BranchRole::Try => {
            let shown = shorten(&text);
            if taken {
                format!("`{shown}` succeeds")
            } else {
                format!("`{shown}` fails")
            }
        }
        BranchRole::Dropped => {
            if taken {
                "this succeeds".to_owned()
            } else {
                "the failure is dropped here".to_owned()
            }
        }
        BranchRole::Guard => {
            if taken {
                "the guard holds".to_owned()
            } else {
                "the guard fails".to_owned()
            }
        }
        BranchRole::Configured => {
            if taken {
                "this is compiled".to_owned()
            } else {
                "this is not compiled".to_owned()
            }
        }
        _ => condition(&text, taken),
    }
}

/// The outcome of a condition: "`rows` is falsy", "`mode` is not 'append'", "`done` is false".
#[must_use]
pub fn condition(text: &str, taken: bool) -> String {
    if let Some(rest) = text.strip_prefix("not ")
        && !rest.contains(" and ")
        && !rest.contains(" or ")
    {
        return condition(rest.trim(), !taken);
    }
    let simple = !text.contains('\n') && text.len() <= LONGEST;
    if simple {
        let negative = [
            (" is not ", true),
            (" is ", false),
            (" not in ", true),
            (" in ", false),
            (" == ", false),
            (" != ", true),
        ];
        for (op, negated) in negative {
            if let Some((a, b)) = text.split_once(op)
                && !a.contains([' ', '(']) | is_operand(a)
                && is_operand(b)
            {
                let holds = taken != negated;
                return match op.trim() {
                    "is" | "is not" | "==" | "!=" => {
                        if holds {
                            format!("`{a}` is {b}")
                        } else {
                            format!("`{a}` is not {b}")
                        }
                    }
                    _ => {
                        if holds {
                            format!("`{a}` is in {b}")
                        } else {
                            format!("`{a}` is not in {b}")
                        }
                    }
                };
            }
        }
    }
    let shown = shorten(text);
    if is_operand(text) && !text.contains('(') {
        if taken {
            format!("`{shown}` is truthy")
        } else {
            format!("`{shown}` is falsy")
        }
    } else if taken {
        format!("`{shown}` is true")
    } else {
        format!("`{shown}` is false")
    }
}

/// The text, cut if it is long.
#[must_use]
pub fn shorten(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(LONGEST - 3).collect();
    cut.push('…');
    cut
}

/// Whether a text is a name, an attribute, a call or a literal: it has no operators outside
/// brackets.
fn is_operand(text: &str) -> bool {
    let mut depth = 0;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ' ') if depth == 0 => return false,
            _ => {}
        }
    }
    !text.is_empty()
}

/// The text with each run of white space as one space.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::condition;

    #[test]
    fn conditions_read_as_sentences() {
        assert_eq!(condition("rows", false), "`rows` is falsy");
        assert_eq!(
            condition("mode == 'append'", false),
            "`mode` is not 'append'"
        );
        assert_eq!(condition("x is not None", true), "`x` is not None");
        assert_eq!(condition("x is None", false), "`x` is not None");
        assert_eq!(
            condition("mode not in ('a', 'b')", true),
            "`mode` is not in ('a', 'b')"
        );
        assert_eq!(condition("not rows", true), "`rows` is falsy");
        assert_eq!(
            condition("len(rows) > self.max_rows", true),
            "`len(rows) > self.max_rows` is true"
        );
        assert_eq!(
            condition("client.exists()", true),
            "`client.exists()` is true"
        );
    }
}
