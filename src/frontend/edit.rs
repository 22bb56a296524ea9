//! Code to insert into a file, in the style of the file.

use crate::frontend::layout::Layout;
use crate::source::{Language, SourceFile, Span};

/// A statement that stores 0 in `receiver.field[key]` or `receiver.field`, or with `keep`, only if the
/// key is missing. `None` if it is not known how that is written in the file.
#[must_use]
pub fn store_zero(file: &SourceFile, place: StoredAt<'_>, keep: bool) -> Option<String> {
    let StoredAt {
        receiver,
        field,
        key,
    } = place;
    let Some(key) = key else {
        // What an attribute holds already must not be lost.
        let end = if file.language == Language::Rust {
            ";"
        } else {
            ""
        };
        let typed = file.language == Language::Python || is_assigned(file, receiver, field);
        return (!keep && typed).then(|| format!("{receiver}.{field} = 0{end}"));
    };
    match file.language {
        Language::Python => {
            let quote = quote(&file.text, key);
            let plain = |c: char| c != quote && c != '\\' && !c.is_control();
            key.chars().all(plain).then(|| {
                if keep {
                    format!("{receiver}.{field}.setdefault({quote}{key}{quote}, 0)")
                } else {
                    format!("{receiver}.{field}[{quote}{key}{quote}] = 0")
                }
            })
        }
        // The stored value must have the right type, so stores elsewhere in the file show how it is
        // done.
        Language::Rust if keep => None,
        Language::Rust => {
            if is_assigned(file, &format!("{receiver}.{field}"), key) {
                return Some(format!("{receiver}.{field}.{key} = 0;"));
            }
            let insert = format!("{receiver}.{field}.insert(");
            let quoted = format!("\"{key}\"");
            file.text.match_indices(&insert).find_map(|(at, _)| {
                let argument = first_argument(&file.text[at + insert.len()..])?;
                let fits = argument.contains(&quoted) && !argument.contains('\n');
                fits.then(|| format!("{insert}{argument}, 0);"))
            })
        }
    }
}

/// Whether the file assigns a field of an object somewhere: a number, it seems.
fn is_assigned(file: &SourceFile, object: &str, field: &str) -> bool {
    let own = format!("{object}.{field}");
    file.text.match_indices(&own).any(|(at, _)| {
        let rest = file.text[at + own.len()..].trim_start();
        rest.starts_with("= ") || rest.starts_with("+= ")
    })
}

/// A key in the content of a field.
#[derive(Clone, Copy, Debug)]
pub struct StoredAt<'a> {
    /// The object.
    pub receiver: &'a str,
    /// The field.
    pub field: &'a str,
    /// The key.
    pub key: Option<&'a str>,
}

/// Where to insert a statement so that it runs directly before the one at `at`, and the text to
/// insert: a line of its own if `at` has one.
#[must_use]
pub fn before(file: &SourceFile, at: Span, statement: &str) -> Option<(u32, String)> {
    let index = file.line_index();
    let range = index.line_range(&file.text, index.line(at.start))?;
    let indent = file.text.get(range.start..at.start as usize)?;
    let blank = indent.chars().all(|c| matches!(c, ' ' | '\t'));
    let starts = match file.language {
        // A statement at the beginning of a line is alone on it, unless the line is joined to the
        // one before.
        Language::Python => {
            let above = file.text.get(..range.start)?.trim_end_matches(['\r', '\n']);
            blank && !above.ends_with('\\')
        }
        Language::Rust => {
            let layout = Layout::of(file.language, &file.text);
            layout.statements.iter().any(|s| s.span.start == at.start)
        }
    };
    if starts && blank {
        let line_break = match file.text.get(range.end..)? {
            rest if rest.starts_with("\r\n") => "\r\n",
            rest if rest.starts_with('\r') => "\r",
            _ => "\n",
        };
        return Some((at.start, format!("{statement}{line_break}{indent}")));
    }
    match file.language {
        Language::Python => Some((at.start, format!("{statement}; "))),
        Language::Rust => starts.then(|| (at.start, format!("{statement} "))),
    }
}

/// The quote that the file uses for this text, or for most texts.
fn quote(text: &str, key: &str) -> char {
    let written = |quote: char| text.matches(&format!("{quote}{key}{quote}")).count();
    let (single, double) = (written('\''), written('"'));
    if single != double {
        return if single > double { '\'' } else { '"' };
    }
    let docs = text.matches("\"\"\"").count() * 3;
    let (single, double) = (text.matches('\'').count(), text.matches('"').count());
    if double.saturating_sub(docs) > single {
        '"'
    } else {
        '\''
    }
}

/// The text up to the comma after the first argument.
fn first_argument(text: &str) -> Option<&str> {
    let mut depth = 0_u32;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => return text.get(..at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;
    use std::path::Path;
    use std::sync::Arc;

    fn file(name: &str, text: &str) -> Arc<SourceFile> {
        let sources = SourceMap::new(Path::new("/").to_path_buf());
        sources.add_virtual(Path::new(name), text.to_owned())
    }

    const PLACE: StoredAt<'_> = StoredAt {
        receiver: "self",
        field: "stats",
        key: Some("rows"),
    };

    #[test]
    fn quotes_are_those_of_the_file() {
        let store = |text: &str| store_zero(&file("a.py", text), PLACE, false).unwrap();
        assert_eq!(
            store("self.stats[\"rows\"] = 'a' 'b'"),
            "self.stats[\"rows\"] = 0"
        );
        assert_eq!(store("x = 'a'"), "self.stats['rows'] = 0");
        assert_eq!(
            store("\"\"\"It's.\"\"\"\nx = \"a\""),
            "self.stats[\"rows\"] = 0"
        );
        assert_eq!(store(""), "self.stats['rows'] = 0");
    }

    #[test]
    fn rust_is_written_as_it_is_elsewhere() {
        let store = |text: &str| store_zero(&file("a.rs", text), PLACE, false);
        let insert = "self.stats.insert(\"rows\".to_string(), n);";
        let zero = "self.stats.insert(\"rows\".to_string(), 0);";
        assert_eq!(store(insert).as_deref(), Some(zero));
        assert_eq!(
            store("self.stats.rows += 1;").as_deref(),
            Some("self.stats.rows = 0;")
        );
        assert_eq!(store("self.stats.rows == 1"), None);
        assert_eq!(store("self.stats.insert(key, \"rows\");"), None);
    }

    #[test]
    fn statements_go_where_they_run_before() {
        let put = |name: &str, text: &str| {
            let file = file(name, text);
            let start = u32::try_from(text.find("return").unwrap()).unwrap();
            let (at, new) = before(&file, Span::new(start, start + 6), "x()")?;
            let mut text = text.to_owned();
            text.insert_str(at as usize, &new);
            Some(text)
        };
        assert_eq!(
            put("a.py", "if a:\r\n\treturn\r\n").as_deref(),
            Some("if a:\r\n\tx()\r\n\treturn\r\n")
        );
        assert_eq!(
            put("a.py", "if a: return").as_deref(),
            Some("if a: x(); return")
        );
        assert_eq!(
            put("a.py", "if a: \\\n  return").as_deref(),
            Some("if a: \\\n  x(); return")
        );
        assert_eq!(
            put("a.rs", "fn f() {\n    return;\n}").as_deref(),
            Some("fn f() {\n    x()\n    return;\n}")
        );
        assert_eq!(put("a.rs", "fn f() { match a { _ => return } }"), None);
    }
}
