//! The grammar of ignore comments: `tallylint: ignore[rule, rule] reason`, and `ignore-file`.

use std::ops::Range;

use crate::rules;
use crate::suggest::did_you_mean;

/// The name that a comment for this tool starts with.
const NAME: &str = "tallylint";
/// What a comment may ask for.
const WORDS: [&str; 2] = ["ignore", "ignore-file"];

/// A comment, or a part of one, for this tool. Ranges are offsets in the comment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Directive {
    /// All of it, from the comment mark to the end of the reason.
    pub range: Range<usize>,
    /// What it says.
    pub says: Says,
}

/// What a directive says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Says {
    /// Ignore findings.
    Ignore {
        /// In the whole file.
        file: bool,
        /// Of these rules; `None` for all of them.
        rules: Option<Names>,
        /// The reason, if one is given. It is not empty.
        reason: Option<String>,
    },
    /// It cannot be understood, for this reason.
    Malformed(String),
}

/// The names in the brackets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Names {
    /// Each name and where it is; at least one.
    pub names: Vec<(String, Range<usize>)>,
    /// Offset of the closing bracket.
    pub close: usize,
}

/// Whether a text can contain a directive.
pub(super) fn mentioned(text: &str) -> bool {
    // Only a directive in lower case has an effect. Searching the whole text for misspelt ones
    // would cost too much.
    text.contains(NAME)
}

/// The directives in the text of a line comment, which `mark` opens. The comment may also contain
/// comments for other tools, before or after.
pub(super) fn directives(comment: &str, mark: &str) -> Vec<Directive> {
    let mut out = Vec::new();
    let starts: Vec<usize> = comment.match_indices(mark).map(|(at, _)| at).collect();
    let mut from = 0;
    for at in starts {
        if at < from {
            continue;
        }
        let body = comment[at..].trim_start_matches(mark);
        let body_at = comment.len() - body.len();
        // A run of marks is looked at once.
        from = body_at;
        if !addressed(body) {
            continue;
        }
        let length = reason_end(body, mark);
        let body = body[..length].trim_end();
        from = body_at + body.len();
        out.push(Directive {
            range: at..from,
            says: parse(body, body_at),
        });
    }
    out
}

/// Whether the text of a comment is addressed to this tool.
pub(super) fn addressed(body: &str) -> bool {
    let body = body.trim_start();
    let name = body.get(..NAME.len());
    name.is_some_and(|name| name.eq_ignore_ascii_case(NAME))
        && body[NAME.len()..].trim_start().starts_with(':')
}

/// Where the next comment within the comment starts: at a mark after white space, unless a digit
/// follows the mark ("see #12").
fn reason_end(body: &str, mark: &str) -> usize {
    let found = body.match_indices(mark).find(|(at, _)| {
        let before = body[..*at].chars().next_back();
        let after = body[at + mark.len()..].chars().next();
        before.is_none_or(char::is_whitespace) && !after.is_some_and(|c| c.is_ascii_digit())
    });
    found.map_or(body.len(), |(at, _)| at)
}

/// Parses what follows the mark; `at` is its offset in the comment.
fn parse(body: &str, at: usize) -> Says {
    let malformed = |why: String| Says::Malformed(why);
    let text = body.trim_start();
    let (name, rest) = text.split_at(NAME.len());
    if name != NAME {
        return malformed(format!("write `{NAME}:` in lower case"));
    }
    // `addressed` has seen the colon.
    let rest = rest.trim_start().get(1..).unwrap_or_default().trim_start();
    let length = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
        .unwrap_or(rest.len());
    let (word, rest) = rest.split_at(length);
    if !WORDS.contains(&word) {
        return malformed(if word.is_empty() {
            "`ignore` or `ignore-file` is missing after the colon".to_owned()
        } else {
            format!(
                "`{word}` is neither `ignore` nor `ignore-file`{}",
                did_you_mean(word, WORDS)
            )
        });
    }
    let file = word == "ignore-file";
    let Some(inside) = rest.trim_start().strip_prefix('[') else {
        if rest.starts_with(|c: char| !c.is_whitespace()) {
            return malformed(format!(
                "write rules in brackets after `{word}`, as in `{word}[untracked-return]`"
            ));
        }
        let first = rest.split([' ', ',', ':']).find(|word| !word.is_empty());
        if let Some(rule) = first.and_then(rules::by_id) {
            return malformed(format!("write rules in brackets: `{word}[{}]`", rule.id()));
        }
        return Says::Ignore {
            file,
            rules: None,
            reason: reason(rest),
        };
    };
    let Some((list, after)) = inside.split_once(']') else {
        return malformed("the bracket is not closed".to_owned());
    };
    let list_at = at + body.len() - inside.len();
    let mut names = Vec::new();
    let mut name_at = list_at;
    for part in list.split(',') {
        let name = part.trim();
        let start = name_at + part.len() - part.trim_start().len();
        name_at += part.len() + 1;
        if name.is_empty() {
            return malformed("a rule is missing between the brackets".to_owned());
        }
        names.push((name.to_owned(), start..start + name.len()));
    }
    Says::Ignore {
        file,
        rules: Some(Names {
            names,
            close: list_at + list.len(),
        }),
        reason: reason(after),
    }
}

fn reason(text: &str) -> Option<String> {
    let separator = |c: char| c.is_whitespace() || matches!(c, ':' | '-' | '–' | '—' | ',' | ';');
    let text = text.trim_start_matches(separator).trim_end();
    let says_something = text.chars().any(char::is_alphanumeric);
    says_something.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules and reason, or what is wrong.
    fn read(comment: &str) -> Vec<Result<(Vec<String>, String), String>> {
        let mark = if comment.starts_with('#') { "#" } else { "//" };
        let found = directives(comment, mark).into_iter();
        found
            .map(|directive| match directive.says {
                Says::Malformed(why) => Err(why),
                Says::Ignore {
                    rules,
                    reason,
                    file,
                } => {
                    let names = rules.into_iter().flat_map(|rules| rules.names);
                    let mut names: Vec<String> = names
                        .map(|(name, at)| {
                            assert_eq!(comment[at].to_owned(), name);
                            name
                        })
                        .collect();
                    if file {
                        names.insert(0, "FILE".to_owned());
                    }
                    Ok((names, reason.unwrap_or_default()))
                }
            })
            .collect()
    }

    fn one(comment: &str, names: &[&str], reason: &str) {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(read(comment), [Ok((names, reason.to_owned()))], "{comment}");
    }

    #[test]
    fn rules_and_reasons() {
        one("# tallylint: ignore[a] why", &["a"], "why");
        one(
            "#tallylint:ignore[a,b , c]:  why so",
            &["a", "b", "c"],
            "why so",
        );
        one("# tallylint : ignore [a] see #12", &["a"], "see #12");
        one("## tallylint: ignore-file[é] – 数", &["FILE", "é"], "数");
        one(
            "// tallylint: ignore[a] see https://x.y/z",
            &["a"],
            "see https://x.y/z",
        );
        one(
            "# noqa: F401  # tallylint: ignore[a] why  # type: ignore",
            &["a"],
            "why",
        );
        one("// x // tallylint: ignore[a] why // y", &["a"], "why");
        one("# tallylint: ignore[a]  # noqa", &["a"], "");
        one("# tallylint: ignore[a] ...", &["a"], "");
        one("# tallylint: ignore", &[], "");
        one("# tallylint: ignore-file legacy", &["FILE"], "legacy");
        let two = read("# tallylint: ignore[a] x # tallylint: ignore[b] y");
        assert_eq!(two.len(), 2);
    }

    #[test]
    fn what_is_no_directive() {
        for comment in [
            "# tallylint is a tool",
            "# see tallylint: ignore[a]",
            "# tallylint",
            "#",
            "// `tallylint: ignore[a]`",
        ] {
            assert_eq!(read(comment), [], "{comment}");
        }
    }

    #[test]
    fn what_is_malformed() {
        let why = |comment: &str| read(comment).remove(0).expect_err(comment);
        assert_eq!(
            why("# tallylint: ignroe[a] x"),
            "`ignroe` is neither `ignore` nor `ignore-file`; did you mean `ignore`?"
        );
        assert_eq!(why("# tallylint: ignore[a x"), "the bracket is not closed");
        assert!(why("# tallylint: ignore[] x").contains("missing between"));
        assert!(why("# tallylint: ignore[a,] x").contains("missing between"));
        assert!(why("# tallylint: ignore(a) x").contains("in brackets"));
        assert!(why("# tallylint: ignore: a").contains("in brackets"));
        assert!(why("# tallylint: ignore untracked-return x").contains("in brackets"));
        assert!(why("# Tallylint: ignore[a] x").contains("lower case"));
        assert!(why("# tallylint:").contains("missing after the colon"));
        assert!(why("# tallylint: # noqa").contains("missing after the colon"));
    }
}
