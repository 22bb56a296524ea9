//! The fix: the count in the same row as the status is compared as well. That changes what the
//! program does, so the fix is not applied unasked.

use crate::diagnostics::{Edit, Fix, Location, Safety};
use crate::source::{Language, SourceFile, Span};

/// Calls on a status that only change how it is written.
const FORMS: &[&str] = &[".lower()", ".upper()", ".strip()"];

/// Adds a comparison of the first of these counts that is read from the same object as the status.
pub(super) fn compare_count(file: &SourceFile, fact: Span, counts: &[Span]) -> Option<Fix> {
    if file.language != Language::Python {
        return None;
    }
    let text = file.slice(fact);
    let row = tested_row(text)?;
    let count = counts
        .iter()
        .map(|span| file.slice(*span))
        .find(|count| owner(count) == Some(row))?;
    let comparison = format!("({count} or 0) > 0");
    let before = file.text.get(..fact.start as usize)?.trim_end();
    let after = file.text.get(fact.end as usize..)?;
    let after = after.trim_start_matches([' ', '\t']);
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next()?;
    let opens = matches!(word, "if" | "elif" | "while" | "return" | "and");
    let ends =
        after.is_empty() || after.starts_with([':', '\n', '\r']) || after.starts_with("and ");
    let insert = |at: u32, text: String| Edit {
        location: Location {
            file: file.id,
            span: Span::new(at, at),
        },
        text,
    };
    let edits = if opens && ends {
        vec![insert(fact.end, format!(" and {comparison}"))]
    } else {
        vec![
            insert(fact.start, "(".to_owned()),
            insert(fact.end, format!(" and {comparison})")),
        ]
    };
    Some(Fix {
        message: format!("also check `{comparison}`"),
        safety: Safety::Unsafe,
        edits,
    })
}

/// The object that the status is read from in a comparison with a text: `run` in
/// `run["status"] == "ok"`.
fn tested_row(test: &str) -> Option<&str> {
    let (left, right) = test.split_once("==")?;
    let plain = |side: &str| !side.contains(['=', '!', '<', '>', '\n', '\r', '#']);
    let joins = [" and ", " or ", "not ", " if "];
    if !plain(left) || !plain(right) || joins.iter().any(|word| test.contains(word)) {
        return None;
    }
    let literal = |side: &str| side.trim().starts_with(['\'', '"']);
    let status = match (literal(left), literal(right)) {
        (false, true) => left.trim(),
        (true, false) => right.trim(),
        _ => return None,
    };
    let form = FORMS.iter().find_map(|form| status.strip_suffix(form));
    owner(form.unwrap_or(status))
}

/// The object that something is read from: `run` in `run.count`, `run["count"]` and
/// `run.get("count", 0)`.
fn owner(expression: &str) -> Option<&str> {
    let row = if expression.ends_with(']') {
        &expression[..expression.rfind('[')?]
    } else if expression.ends_with(')') {
        &expression[..expression.rfind(".get(")?]
    } else {
        expression.rsplit_once('.')?.0
    };
    let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '\'' | '"');
    (!row.is_empty() && row.chars().all(name)).then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_tests() {
        assert_eq!(tested_row("run['status'] == 'success'"), Some("run"));
        assert_eq!(
            tested_row("'ok' == self.run.get('status', None)"),
            Some("self.run")
        );
        assert_eq!(
            tested_row("rows[0].status.lower() == \"ok\""),
            Some("rows[0]")
        );
        for text in [
            "status == 'ok'",
            "a.b == c.d",
            "a.b != 'ok'",
            "f().b == 'ok'",
            "a.b == 'x' or c",
        ] {
            assert_eq!(tested_row(text), None, "{text}");
        }
        assert_eq!(owner("run.get('n', 0)"), owner("run['n']"));
    }
}
