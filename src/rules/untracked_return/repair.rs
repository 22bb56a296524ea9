//! The fix of an exit: record that no rows were written.
//!
//! That is right if no path to the exit can have written any, and if the key is absent whichever
//! way the exit is reached. The engine answers the second question. For the first, all calls on all
//! ways to the exit, feasible or not, must be known to be harmless: an unknown name may be that of
//! a write.

use std::collections::BTreeSet;

use super::judge::Bad;
use crate::diagnostics::{Edit, Fix, Location, Safety};
use crate::frontend::edit::{StoredAt, before, store_zero};
use crate::ir::{
    BlockId, Body, Callee, Function, Literal, LocalId, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::rules::contract_method::ExitPoint;
use crate::rules::tables::is_harmless;
use crate::source::{Language, SourceFile};

/// How an exit is reached: one entry for each state.
#[derive(Clone, Default, Debug)]
pub(super) struct Arrivals {
    /// The blocks that are left there.
    pub blocks: BTreeSet<BlockId>,
    /// In some state the place is set.
    pub set: bool,
    /// In some state it is not known whether the place is set, or something was written or dropped.
    pub otherwise: bool,
}

impl Arrivals {
    pub(super) fn add(&mut self, block: BlockId, bad: Option<Bad>) {
        self.blocks.insert(block);
        match bad {
            None => self.set = true,
            Some(Bad::Plain) => {}
            Some(Bad::Dropped | Bad::AfterWrite | Bad::Unverified) => self.otherwise = true,
        }
    }
}

/// Stores 0 before an exit that is a `return` statement.
pub(super) fn record_nothing(
    file: &SourceFile,
    function: &Function,
    point: ExitPoint,
    arrivals: &Arrivals,
    (field, key): (&str, Option<&str>),
) -> Option<Fix> {
    let receiver = function.params.first()?;
    if point.implicit || arrivals.otherwise || function.class.is_none() || function.outer.is_some()
    {
        return None;
    }
    if !file.slice(point.span).starts_with("return") {
        return None;
    }
    let place = StoredAt {
        receiver: &receiver.name,
        field,
        key,
    };
    let statement = store_zero(file, place, arrivals.set)?;
    let (at, text) = before(file, point.span, &statement)?;
    let body = &function.body;
    if adds_only(body, (field, key)) {
        return None;
    }
    let harmless = file.language == Language::Python
        && !(key.is_some() && rebinds(body, field))
        && ways_to(body, &arrivals.blocks)
            .iter()
            .all(|block| called(body, *block).is_none_or(|name| is_harmless(&name)));
    Some(Fix {
        message: format!(
            "insert `{}` before the `return`",
            statement.trim_end_matches(';')
        ),
        safety: if harmless {
            Safety::Safe
        } else {
            Safety::Unsafe
        },
        edits: vec![Edit {
            location: Location {
                file: file.id,
                span: crate::source::Span::new(at, at),
            },
            text,
        }],
    })
}

/// Whether the function only ever adds to the place: what is there already counts, and 0 would erase it.
fn adds_only(body: &Body, (field, key): (&str, Option<&str>)) -> bool {
    let is_place = |operand: &Operand| {
        let Operand::Local(local) = operand else {
            return false;
        };
        match (body.only_value(*local), key) {
            (Some(Rvalue::GetField(_, name)), None) => name == field,
            (Some(Rvalue::GetItem(_, Operand::Const(Literal::Str(name)))), Some(key)) => {
                name == key
            }
            _ => false,
        }
    };
    let mut sums: Vec<LocalId> = Vec::new();
    body.for_each_rvalue(|_, to, rvalue| {
        if let Rvalue::InPlace(_, to_what, _) | Rvalue::Binary(_, to_what, _) = rvalue
            && is_place(to_what)
        {
            sums.extend(to);
        }
    });
    let mut stores = body.blocks.iter().flat_map(|block| &block.statements);
    let is_sum = |value: &Operand| matches!(value, Operand::Local(local) if sums.contains(local));
    let plainly = stores.any(|s| match (&s.kind, key) {
        (
            StatementKind::SetField {
                field: name, value, ..
            },
            None,
        ) => name == field && !is_sum(value),
        (
            StatementKind::SetItem {
                key: Operand::Const(Literal::Str(name)),
                value,
                ..
            },
            Some(key),
        ) => name == key && !is_sum(value),
        _ => false,
    });
    !sums.is_empty() && !plainly
}

/// Whether the function assigns the dict itself: before that, there may be none.
fn rebinds(body: &Body, field: &str) -> bool {
    let statements = body.blocks.iter().flat_map(|block| &block.statements);
    statements
        .into_iter()
        .any(|statement| match &statement.kind {
            StatementKind::SetField { field: name, .. }
            | StatementKind::DelField { field: name, .. } => name == field,
            _ => false,
        })
}

/// The blocks on the ways from the entry to these blocks.
fn ways_to(body: &Body, ends: &BTreeSet<BlockId>) -> BTreeSet<BlockId> {
    let mut before: Vec<Vec<BlockId>> = vec![Vec::new(); body.blocks.len()];
    for (at, block) in body.blocks.iter().enumerate() {
        let from = BlockId(u32::try_from(at).expect("fewer than 2^32 blocks"));
        block
            .terminator
            .kind
            .for_each_successor(|to| before[to.index()].push(from));
    }
    let mut out = ends.clone();
    let mut open: Vec<BlockId> = ends.iter().copied().collect();
    while let Some(block) = open.pop() {
        for from in &before[block.index()] {
            if out.insert(*from) {
                open.push(*from);
            }
        }
    }
    out
}

/// The name of the callee at the end of a block, if it calls something; empty for what has no name.
fn called(body: &Body, block: BlockId) -> Option<String> {
    let rvalue = match &body.block(block).terminator.kind {
        TerminatorKind::Eval { rvalue, .. } => rvalue,
        _ => return None,
    };
    match rvalue {
        Rvalue::Call { callee, .. } => Some(match callee {
            Callee::Method { name, .. } => name.to_string(),
            Callee::Value(Operand::Local(local)) => {
                let name = body.only_value(*local).and_then(Rvalue::name);
                name.map(ToString::to_string).unwrap_or_default()
            }
            Callee::Value(Operand::Const(_)) => String::new(),
        }),
        _ => None,
    }
}
