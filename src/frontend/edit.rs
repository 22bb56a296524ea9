//! Code to insert into a file, in the style of the file.

use crate::frontend::layout::Layout;
use crate::source::{Language, SourceFile, Span};
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A statement that stores 0 in `receiver.field[key]` or `receiver.field`, or with `keep`, only if the
/// key is missing. `None` if it is not known how that is written in the file.
#[must_use]
pub fn store_zero(file: &SourceFile, place: StoredAt<'_>, keep: bool) -> Option<String> {
    // How the file writes it is looked for in all of its text.
    let known = file.derived.get(Written::default);
    let known = || known.0.lock().unwrap_or_else(PoisonError::into_inner);
    let asked = (
        place.receiver.to_owned(),
        place.field.to_owned(),
        place.key.map(str::to_owned),
        keep,
    );
    if let Some(written) = known().get(&asked) {
        return written.clone();
    }
    let written = written(file, place, keep);
    known().insert(asked, written.clone());
    written
}

/// The statements of one file, by the receiver, the field, the key and whether a value is kept.
#[derive(Default)]
struct Written(Mutex<FxHashMap<Asked, Option<String>>>);

type Asked = (String, String, Option<String>, bool);

fn written(file: &SourceFile, place: StoredAt<'_>, keep: bool) -> Option<String> {
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

/// The layout of a file, found out once for all edits.
fn layout(file: &SourceFile) -> Arc<Layout> {
    let of_file = || Layout::of(file.language, &file.text);
    file.derived.get(of_file)
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
            let statements = &layout(file).statements;
            let starts = statements.binary_search_by_key(&at.start, |s| s.span.start);
            starts.is_ok()
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

/// A statement that moves behind a later one of the same block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moved {
    /// The lines of the statement.
    pub lines: Span,
    /// Where they go.
    pub to: u32,
    /// Their text there.
    pub text: String,
}

/// Words that begin statements after which the next one may not run.
const LEAVES: &[&str] = &["return", "continue", "break", "raise", "yield"];

/// How to move the statement with the code at `what` behind the one with the code at `behind`. `None` if one of them
/// shares its lines with other code, if a block begins or ends between them, if what is between may leave the block,
/// or if it changes a variable that the statement uses.
#[must_use]
pub fn move_behind(file: &SourceFile, what: Span, behind: Span) -> Option<Moved> {
    let layout = layout(file);
    let with = |span: Span| {
        let around = layout.statements.iter().filter(|s| s.span.contains(span));
        around.map(|s| s.span).min_by_key(|s| s.end - s.start)
    };
    let (moved, last) = (with(what)?, with(behind)?);
    if moved.end > last.start {
        return None;
    }
    let (lines, indent) = own_lines(file, moved)?;
    let (last_lines, _) = own_lines(file, last).filter(|(_, own)| *own == indent)?;
    let between = layout.statements.iter().map(|s| s.span);
    let between = between.filter(|s| s.start >= moved.end && s.start < last.start);
    let used = file.slice(moved);
    for statement in between.chain([last]) {
        let text = file.slice(statement);
        let (_, own) = own_lines(file, statement)?;
        let first = text.split(|c: char| !c.is_alphanumeric()).next();
        let leaves = first.is_some_and(|word| LEAVES.contains(&word))
            || statement != last && file.language == Language::Rust && text.contains('?');
        if own != indent || leaves || text.ends_with([':', '{']) || assigns(text, used) {
            return None;
        }
    }
    let text = file.slice(lines);
    let ended = file.slice(last_lines).ends_with('\n');
    Some(Moved {
        lines,
        to: last_lines.end,
        text: match ended {
            true => text.to_owned(),
            false => format!("\n{}", text.trim_end_matches('\n')),
        },
    })
}

/// The whole lines of a statement, and its indentation. `None` if there is other code in them.
fn own_lines(file: &SourceFile, statement: Span) -> Option<(Span, &str)> {
    let text = &file.text;
    let start = text
        .get(..statement.start as usize)?
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let indent = text.get(start..statement.start as usize)?;
    let rest = text.get(statement.end as usize..)?;
    let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
    let behind = rest[..end].trim_start_matches(';').trim();
    let is_comment = ["#", "//"].iter().any(|mark| behind.starts_with(mark));
    let alone =
        indent.chars().all(|c| matches!(c, ' ' | '\t')) && (behind.is_empty() || is_comment);
    let end = u32::try_from(end).ok()? + statement.end;
    let start = u32::try_from(start).ok()?;
    alone.then_some((Span::new(start, end), indent))
}

/// Whether a statement assigns a name that a text contains.
fn assigns(statement: &str, text: &str) -> bool {
    let words = |text: &'_ str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.map(str::to_owned).collect()
    };
    let Some((target, value)) = statement.split_once('=') else {
        return false;
    };
    // An argument by name assigns nothing.
    let plain = !target.contains(['(', '"', '\'']) && !value.starts_with('=');
    let used = words(text);
    plain
        && words(target)
            .iter()
            .any(|word| !word.is_empty() && used.contains(word))
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

    /// The text after the line with `commit` was moved behind the one with `insert`.
    fn moved(name: &str, text: &str) -> Option<String> {
        let at = |what: &str| {
            let start = u32::try_from(text.find(what).unwrap()).unwrap();
            Span::new(start, start + u32::try_from(what.len()).unwrap())
        };
        let moved = move_behind(&file(name, text), at("commit"), at("insert"))?;
        let (start, end) = (moved.lines.start as usize, moved.lines.end as usize);
        let to = moved.to as usize;
        Some(format!(
            "{}{}{}{}",
            &text[..start],
            &text[end..to],
            moved.text,
            &text[to..]
        ))
    }

    #[test]
    fn a_statement_moves_behind_another_one_of_its_block() {
        let python = "for m in q:\n    c.commit(\n        m)  # done\n    n = 1\n    db.insert(m)";
        let after = "for m in q:\n    n = 1\n    db.insert(m)\n    c.commit(\n        m)  # done";
        assert_eq!(moved("a.py", python).as_deref(), Some(after));
        let rust = "fn f() {\n    c.commit(m).await?;\n    db.insert(m).await?;\n}\n";
        let after = "fn f() {\n    db.insert(m).await?;\n    c.commit(m).await?;\n}\n";
        assert_eq!(moved("a.rs", rust).as_deref(), Some(after));
        for stays in [
            "c.commit(m); db.insert(m)\n",
            "if x:\n    c.commit(m)\ndb.insert(m)\n",
            "c.commit(m)\nif x:\n    y()\ndb.insert(m)\n",
            "c.commit(m)\nm = other(m)\ndb.insert(m)\n",
            "c.commit(m)\nreturn\ndb.insert(m)\n",
            "c.commit(m)\nwith db.insert(m):\n    pass\n",
        ] {
            assert_eq!(moved("a.py", stays), None, "{stays}");
        }
    }

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
