//! Which of the values that a statement is given become the position.

use crate::ir::{Arg, Element, Function, Literal, Name, Operand, Rvalue};
use crate::rules::failed_write::flow::rvalues;
use crate::rules::tables::names_position;

/// The values that a statement stores in columns that are named like a position. `None` if that cannot be
/// told: the table is named like one and no column is, or the values are not listed.
pub(super) fn values(function: &Function, text: &str, args: &[Arg]) -> Option<Vec<Operand>> {
    let given = args.iter().find_map(|arg| listed(function, &arg.value))?;
    let columns = columns(text);
    let chosen = columns
        .iter()
        .zip(&given)
        .filter(|(column, _)| names_position(column));
    let chosen: Vec<Operand> = chosen.map(|(_, value)| value.clone()).collect();
    (!chosen.is_empty() && columns.len() <= given.len()).then_some(chosen)
}

/// The texts among arguments, and in the tuples, lists and dicts among them.
pub(super) fn texts(function: &Function, args: &[Arg]) -> Vec<Name> {
    let mut out = Vec::new();
    let mut add = |operand: &Operand| {
        if let Operand::Const(Literal::Str(text)) = operand {
            out.push(text.clone());
        }
    };
    for arg in args {
        add(&arg.value);
        let Operand::Local(local) = &arg.value else {
            continue;
        };
        for (_, rvalue) in rvalues(function).filter(|(dest, _)| *dest == Some(*local)) {
            if matches!(rvalue, Rvalue::Tuple(_) | Rvalue::List(_) | Rvalue::Dict(_)) {
                rvalue.for_each_operand(&mut add);
            }
        }
    }
    out
}

/// The items of a tuple or list.
fn listed(function: &Function, operand: &Operand) -> Option<Vec<Operand>> {
    let Operand::Local(local) = operand else {
        return None;
    };
    let mut made = rvalues(function).filter(|(dest, _)| *dest == Some(*local));
    let items: &[Element] = match made.next()? {
        (_, Rvalue::Tuple(items) | Rvalue::List(items)) => items,
        _ => return None,
    };
    let plain = items.iter().all(|item| !item.starred);
    plain.then(|| items.iter().map(|item| item.value.clone()).collect())
}

/// The columns that a statement sets, in the order of its placeholders. A column that is set to something else
/// takes no value.
fn columns(text: &str) -> Vec<String> {
    let lower = text.to_ascii_lowercase();
    let is_update = lower.trim_start().starts_with("update");
    if let Some((_, sets)) = lower.split_once(" set ").filter(|_| is_update) {
        let sets = sets.split(" where ").next().unwrap_or_default();
        let pairs = sets.split(',').filter_map(|pair| pair.split_once('='));
        let placed = pairs.filter(|(_, value)| is_placeholder(value));
        return placed.map(|(column, _)| column.trim().to_owned()).collect();
    }
    let Some((head, values)) = lower.split_once(" values") else {
        return Vec::new();
    };
    let inside = |part: &str| -> Vec<String> {
        let part = part.split_once('(').map_or("", |(_, rest)| rest);
        let part = part.split(')').next().unwrap_or_default();
        part.split(',').map(|item| item.trim().to_owned()).collect()
    };
    let pairs = inside(head).into_iter().zip(inside(values));
    let placed = pairs.filter(|(_, value)| is_placeholder(value));
    placed.map(|(column, _)| column).collect()
}

fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    value.starts_with(['?', '%', '$', ':', '@'])
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn columns_go_by_placeholders() {
        let update = "UPDATE feeds SET last_sync = ?, items = ?, seen = now() WHERE name = ?";
        assert_eq!(columns(update), ["last_sync", "items"]);
        let insert = "INSERT INTO marks (feed, cursor) VALUES (%s, %s)";
        assert_eq!(columns(insert), ["feed", "cursor"]);
        let upsert =
            "INSERT INTO marks (feed, seen) VALUES (?, ?) ON CONFLICT DO UPDATE SET seen = 1";
        assert_eq!(columns(upsert), ["feed", "seen"]);
    }
}
