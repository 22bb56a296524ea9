//! Rows that say "done": statements and calls that update or insert one.

use super::{FunctionCode, Vocabulary};
use crate::ir::{Arg, DictItem, Literal, Operand, Rvalue};
use crate::rules::success_as_proof::vocabulary::parts;
use crate::rules::success_as_proof::vocabulary::tables::INSERTING;

/// How deep the displays in an argument are nested that are read.
const MAX_DEPTH: u32 = 4;

impl FunctionCode<'_> {
    /// What a call writes into a table that marks a unit as done, as messages name it.
    pub(super) fn marks_by_statement(
        &self,
        words: &Vocabulary,
        name: &str,
        args: &[Arg],
    ) -> Option<String> {
        let texts = args.iter().filter_map(|a| self.written(&a.value));
        let texts: Vec<String> = texts.collect();
        if let Some(column) = texts.iter().find_map(|t| updated_mark(words, t)) {
            return Some(format!("`{column}`"));
        }
        let statement = || texts.iter().find_map(|t| inserted_mark(words, t));
        // `insert_rows_json("ops.checkpoints", [{"day": day, "done": True}])`
        let call = || {
            let first = parts(name);
            let inserts = first
                .first()
                .is_some_and(|w| INSERTING.contains(&w.as_str()));
            let table = texts
                .first()
                .filter(|t| inserts && words.is_mark_table(t))?;
            let open = args.iter().any(|a| self.says_open(words, &a.value, 0));
            (!open).then(|| table.clone())
        };
        let table = statement().or_else(call)?;
        Some(format!("a row in `{table}`"))
    }

    /// Whether a display holds a text that says that a unit is not done.
    fn says_open(&self, words: &Vocabulary, value: &Operand, depth: u32) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        let go = |o: &Operand| self.says_open(words, o, depth + 1);
        match value {
            Operand::Const(Literal::Str(s)) => words.is_open(s),
            Operand::Const(literal) => depth > 0 && *literal == Literal::Bool(false),
            Operand::Local(l) => self.definitions(*l).iter().any(|(r, _)| match r {
                Rvalue::List(items) | Rvalue::Tuple(items) | Rvalue::Set(items) => {
                    items.iter().any(|i| go(&i.value))
                }
                Rvalue::Dict(items) => items.iter().any(|i| match i {
                    DictItem::Pair(k, v) => go(k) || go(v),
                    DictItem::Spread(v) => go(v),
                }),
                _ => false,
            }),
        }
    }
}

/// The column that an `UPDATE` statement sets to true or to now, if that marks a unit as done.
fn updated_mark(words: &Vocabulary, text: &str) -> Option<String> {
    let lower = one_line(text);
    if !lower.starts_with("update ") {
        return None;
    }
    let (_, set) = lower.split_once(" set ")?;
    let set = set.split(" where ").next()?;
    set.split(',').find_map(|assignment| {
        let (column, value) = assignment.split_once('=')?;
        let (column, value) = (column.trim(), value.trim());
        let says = ["true", "1", "now(", "current_timestamp"]
            .iter()
            .any(|v| value.starts_with(v));
        let state = value.trim_matches('\'');
        let by_state = words.is_status(column) && words.is_work_state(state) && state != value;
        (says && words.is_mark_field(column) || by_state).then(|| column.to_owned())
    })
}

/// The table into which a statement inserts a row, if a row in it says that a unit is done, and no
/// text in the statement says otherwise.
fn inserted_mark(words: &Vocabulary, text: &str) -> Option<String> {
    let lower = one_line(text);
    let adds = ["insert ", "merge ", "upsert ", "replace "];
    if !adds.iter().any(|verb| lower.starts_with(verb)) {
        return None;
    }
    let (_, rest) = lower.split_once(" into ")?;
    let end = rest.find([' ', '(']).unwrap_or(rest.len());
    let table = rest[..end].replace(['`', '"', '[', ']'], "");
    let mut quoted = lower.split('\'').skip(1).step_by(2);
    let open = quoted.any(|word| words.is_open(word)) || lower.contains("false");
    (!open && words.is_mark_table(&table)).then_some(table)
}

/// A statement in lower case, each run of white space as one space.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}
