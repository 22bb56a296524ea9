//! Texts that have the name of a source file, but are no code of today's language.

use crate::source::Language;

/// What such a text is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Foreign {
    /// A template: code comes of it only when its placeholders are filled in.
    Template,
    /// Python 2.
    OldPython,
}

impl Foreign {
    /// What a text is, judged by a line of it that does not parse. `None` if the line is just
    /// broken.
    #[must_use]
    pub fn of_broken_line(language: Language, line: &str) -> Option<Foreign> {
        if has_placeholder(line) {
            Some(Foreign::Template)
        } else if language == Language::Python && is_old_python(line) {
            Some(Foreign::OldPython)
        } else {
            None
        }
    }

    /// Whether a file or folder is part of a template, judged by its name:
    /// `{{ cookiecutter.name }}`.
    #[must_use]
    pub fn is_placeholder(name: &str) -> bool {
        encloses(name, "{{", "}}")
    }
}

/// Whether a line has a statement, a comment or a value of Jinja or its like.
fn has_placeholder(line: &str) -> bool {
    let marks = [("{%", "%}"), ("{#", "#}"), ("{{", "}}"), ("<%", "%>")];
    marks
        .iter()
        .any(|(open, close)| encloses(line, open, close))
}

fn encloses(text: &str, open: &str, close: &str) -> bool {
    text.split_once(open)
        .is_some_and(|(_, rest)| rest.contains(close))
}

/// Whether a line of Python has a statement or a token that only Python 2 knows.
fn is_old_python(line: &str) -> bool {
    let statements = line.split(';').map(str::trim);
    let old_statement = |statement: &str| {
        // Of `else: print x`, what comes after the colon.
        let last = statement.rsplit(": ").next().unwrap_or(statement);
        let Some((word, rest)) = last.split_once(char::is_whitespace) else {
            return false;
        };
        match word {
            // An operator would make the word a name.
            "print" | "exec" => {
                rest.starts_with(|c: char| {
                    c.is_alphanumeric() || matches!(c, '"' | '\'' | '_' | '%')
                }) || rest.starts_with(">>")
            }
            "raise" => raises_with_argument(rest),
            _ => false,
        }
    };
    statements.clone().any(old_statement)
        || line.contains("<>")
        || line.matches('`').count() == 2
        || line
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
            .any(is_old_number)
}

/// `ValueError, "text"` after `raise`.
fn raises_with_argument(rest: &str) -> bool {
    rest.split_once(',').is_some_and(|(class, _)| {
        let class = class.trim();
        !class.is_empty()
            && class
                .chars()
                .all(|c| c.is_alphanumeric() || "._".contains(c))
    })
}

/// `0755` and `10L`.
fn is_old_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_octal =
        word.len() > 1 && word.starts_with('0') && digits(word) && word.bytes().any(|b| b != b'0');
    let is_long = word.strip_suffix(['l', 'L']).is_some_and(digits);
    is_octal || is_long
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_tells_what_a_text_is() {
        let of = |line| Foreign::of_broken_line(Language::Python, line);
        for line in [
            "{% if cookiecutter.db %}",
            "class {{ name }}(Base):",
            "import {{cookiecutter.module}}.models",
            "{# a note #}",
        ] {
            assert_eq!(of(line), Some(Foreign::Template), "{line}");
        }
        for line in [
            "    print \"done\"",
            "print >>sys.stderr, x",
            "if x: print y",
            "x = 1; print x",
            "exec code in scope",
            "raise ValueError, 'no rows'",
            "if a <> b:",
            "text = `rows`",
            "os.chmod(path, 0755)",
            "limit = 10L",
        ] {
            assert_eq!(of(line), Some(Foreign::OldPython), "{line}");
        }
        for line in [
            "x = = 1",
            "print(x",
            "print = = 3",
            "raise ValueError(a, b",
            "rows = [1, 2",
            "def f(:",
            "rate = 0.755 +",
            "n = 0 0",
            "total = {",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
        let rust = Foreign::of_broken_line(Language::Rust, "print \"x\"");
        assert_eq!(rust, None);
    }

    #[test]
    fn names_of_templates_have_placeholders() {
        assert!(Foreign::is_placeholder("{{ cookiecutter.slug }}"));
        assert!(Foreign::is_placeholder("test_{{module}}.py"));
        assert!(!Foreign::is_placeholder("{module}.py"));
    }
}
