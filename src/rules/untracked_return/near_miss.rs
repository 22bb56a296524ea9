//! A key or an attribute that is set, and that differs from the demanded one by a letter or two.

use crate::ir::{
    ArgKind, Callee, DictItem, Function, Literal, Name, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::settings::{Contract, Step};
use crate::source::Span;

/// How many letters a typo changes at most, and how long a name is in which that can be told.
const LETTERS: usize = 2;
const LONG: usize = 6;

/// The name that a function sets instead of the one that a contract demands, where it does, and the demanded one.
pub(super) fn near_miss(function: &Function, contract: &Contract) -> Option<(Name, Span, String)> {
    let names = names(function);
    contract.places().find_map(|place| {
        let (wanted, is_key) = match &place.slot {
            Step::Key(key) => (key, true),
            Step::Field(field) => (field, false),
        };
        let own = |name: &Name| name.as_str() == wanted.as_str();
        if names
            .iter()
            .any(|(name, _, key)| *key == is_key && own(name))
        {
            // It is known, and forgotten on some path.
            return None;
        }
        let mut near = names.iter().filter(|(name, _, key)| {
            *key == is_key
                && wanted.len() >= LONG
                && strsim::damerau_levenshtein(name, wanted) <= LETTERS
        });
        let (name, span, _) = near.next()?;
        Some((name.clone(), *span, wanted.clone()))
    })
}

/// The keys and attributes that a function sets, and whether each is a key.
fn names(function: &Function) -> Vec<(Name, Span, bool)> {
    let mut out = Vec::new();
    for block in &function.body.blocks {
        for statement in &block.statements {
            let span = statement.span;
            match &statement.kind {
                StatementKind::SetField { field, .. } => out.push((field.clone(), span, false)),
                StatementKind::SetItem {
                    key: Operand::Const(Literal::Str(key)),
                    ..
                } => out.push((key.clone(), span, true)),
                StatementKind::Assign(_, rvalue) => keys(rvalue, span, &mut out),
                _ => {}
            }
        }
        if let TerminatorKind::Eval { rvalue, .. } = &block.terminator.kind {
            keys(rvalue, block.terminator.span, &mut out);
        }
    }
    out
}

/// The keys of a dict display, and those that a dict is updated with.
fn keys(rvalue: &Rvalue, span: Span, out: &mut Vec<(Name, Span, bool)>) {
    match rvalue {
        Rvalue::Dict(items) => {
            for item in items {
                if let DictItem::Pair(Operand::Const(Literal::Str(key)), _) = item {
                    out.push((key.clone(), span, true));
                }
            }
        }
        Rvalue::Call {
            callee: Callee::Method { name, .. },
            args,
        } if matches!(name.as_str(), "update" | "setdefault") => {
            for arg in args {
                match (&arg.kind, &arg.value) {
                    (ArgKind::Keyword(key), _) => out.push((key.clone(), span, true)),
                    (_, Operand::Const(Literal::Str(key))) => out.push((key.clone(), span, true)),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
