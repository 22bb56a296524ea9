//! Statuses that code says to be a success only where there are rows: whoever reads such a success
//! back has the evidence.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{FunctionCode, MAX_DEPTH};
use crate::ir::control::{ControlDependence, Edge};
use crate::ir::{
    ArgKind, BlockId, Callee, CmpOp, Data, DictItem, Literal, LocalId, Name, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::rules::success_as_proof::vocabulary::Vocabulary;

/// Under which names a success is stored, passed on or returned.
#[derive(Default)]
pub struct Produced {
    /// Where there are rows only.
    pub of_rows: FxHashSet<Name>,
    /// In any case, or nobody knows when.
    pub plain: FxHashSet<Name>,
}

/// All that is assigned to each local, with the block.
type Values<'f> = FxHashMap<LocalId, Vec<(BlockId, &'f Rvalue)>>;

impl FunctionCode<'_> {
    /// The names under which the function says that something was a success.
    pub fn produced(&self, words: &Vocabulary) -> Produced {
        let mut said: Vec<(BlockId, &Name, &Operand)> = Vec::new();
        let mut values = Values::default();
        for (at, block) in (0u32..).map(BlockId).zip(&self.function.body.blocks) {
            for s in &block.statements {
                match &s.kind {
                    StatementKind::SetField { field, value, .. } => said.push((at, field, value)),
                    StatementKind::SetItem {
                        key: Operand::Const(Literal::Str(key)),
                        value,
                        ..
                    } => said.push((at, key, value)),
                    _ => {}
                }
            }
        }
        self.function.body.for_each_rvalue(|at, to, rvalue| {
            said.extend(named_parts(rvalue).into_iter().map(|(n, v)| (at, n, v)));
            if let Some(to) = to {
                values.entry(to).or_default().push((at, rvalue));
            }
        });
        said.retain(|(_, name, _)| words.is_status(name));
        let mut out = Produced::default();
        let mut control = None;
        for (at, name, value) in said {
            let Some(successes) = successes(words, &values, (at, value), 0) else {
                out.plain.insert(name.clone());
                continue;
            };
            for success in successes {
                let control =
                    control.get_or_insert_with(|| ControlDependence::compute(&self.function.body));
                let mut deciders = control.deciders(success).into_iter();
                let of_rows = deciders.any(|edge| self.finds_rows(words, edge));
                let into = if of_rows {
                    &mut out.of_rows
                } else {
                    &mut out.plain
                };
                into.insert(name.clone());
            }
        }
        out
    }

    /// Whether a branch that is taken along an edge has found that there are rows.
    fn finds_rows(&self, words: &Vocabulary, edge: Edge) -> bool {
        let TerminatorKind::Branch { cond, then, .. } =
            &self.function.body.block(edge.from).terminator.kind
        else {
            return false;
        };
        self.rows_if(words, cond, 0) == Some(edge.to == *then)
    }

    /// With which outcome a condition says that there are rows.
    fn rows_if(&self, words: &Vocabulary, cond: &Operand, depth: u32) -> Option<bool> {
        let Operand::Local(local) = cond else {
            return None;
        };
        let definitions = self.definitions(*local);
        if depth < MAX_DEPTH
            && let [(rvalue, _)] = definitions
        {
            let zero = |o: &Operand| *o == Operand::Const(Literal::Int(0));
            match rvalue {
                Rvalue::Not(of) => return self.rows_if(words, of, depth + 1).map(|truth| !truth),
                Rvalue::Use(of) if !self.holds_rows(words, *local) => {
                    return self.rows_if(words, of, depth + 1);
                }
                Rvalue::Compare(op, a, b) => {
                    let more = match op {
                        CmpOp::Gt | CmpOp::NotEq if zero(b) => true,
                        CmpOp::Lt | CmpOp::NotEq if zero(a) => true,
                        CmpOp::Eq | CmpOp::LtE if zero(b) => false,
                        _ => return None,
                    };
                    let counted = if zero(b) { a } else { b };
                    return self.counts(words, counted, depth).then_some(more);
                }
                Rvalue::Call {
                    callee: Callee::Method { receiver, name, .. },
                    ..
                } if name == "is_empty" => {
                    return self.counts(words, receiver, depth).then_some(false);
                }
                _ => {}
            }
        }
        self.counts(words, cond, depth).then_some(true)
    }

    /// Whether a value is a number of rows, a collection of them, or the length of one.
    fn counts(&self, words: &Vocabulary, value: &Operand, depth: u32) -> bool {
        let Operand::Local(local) = value else {
            return false;
        };
        self.holds_rows(words, *local)
            || depth < MAX_DEPTH
                && self
                    .definitions(*local)
                    .iter()
                    .any(|(rvalue, _)| match rvalue {
                        Rvalue::Data(Data::Len(of)) | Rvalue::Use(of) => {
                            self.counts(words, of, depth + 1)
                        }
                        Rvalue::Call { callee, args } => {
                            self.callee(callee).is_some_and(|name| name == "len")
                                && args.iter().any(|a| self.counts(words, &a.value, depth + 1))
                        }
                        _ => false,
                    })
    }

    /// Whether a local goes by the name of rows or of their number, or is a list that is filled
    /// here, and not one of failures.
    fn holds_rows(&self, words: &Vocabulary, local: LocalId) -> bool {
        let names = self.variables(local);
        let named = self.name(&Operand::Local(local));
        let mut all = names.iter().chain(&named);
        if all.clone().any(|name| words.is_failure(name)) {
            return false;
        }
        let is_list =
            |rvalue: &Rvalue| matches!(rvalue, Rvalue::List(_) | Rvalue::Data(Data::Array(_)));
        all.any(|name| words.is_count(name) || words.is_rows(name))
            || !names.is_empty() && self.definitions(local).iter().any(|(r, _)| is_list(r))
    }
}

/// The named parts of what is made, and the named arguments of a call.
fn named_parts(rvalue: &Rvalue) -> Vec<(&Name, &Operand)> {
    match rvalue {
        Rvalue::Dict(items) => items
            .iter()
            .filter_map(|item| match item {
                DictItem::Pair(Operand::Const(Literal::Str(key)), value) => Some((key, value)),
                _ => None,
            })
            .collect(),
        Rvalue::Data(Data::Map(items)) => items
            .iter()
            .filter_map(|(key, value)| match key {
                Operand::Const(Literal::Str(key)) => Some((key, value)),
                _ => None,
            })
            .collect(),
        Rvalue::Data(Data::Record { fields, .. }) => fields.iter().map(|(n, v)| (n, v)).collect(),
        Rvalue::Call { args, .. } => args
            .iter()
            .filter_map(|arg| match &arg.kind {
                ArgKind::Keyword(name) => Some((name, &arg.value)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The blocks in which a value becomes a success; `None` if it may be anything.
fn successes(
    words: &Vocabulary,
    values: &Values<'_>,
    (at, value): (BlockId, &Operand),
    depth: u32,
) -> Option<Vec<BlockId>> {
    let local = match value {
        Operand::Const(Literal::Str(text)) => {
            let success = words.is_success(text).then_some(at);
            return Some(success.into_iter().collect());
        }
        Operand::Const(Literal::None) => return Some(Vec::new()),
        Operand::Const(_) => return None,
        Operand::Local(local) => local,
    };
    if depth > MAX_DEPTH {
        return None;
    }
    let mut out = Vec::new();
    for (at, rvalue) in values.get(local)? {
        match rvalue {
            Rvalue::Use(of) => out.extend(successes(words, values, (*at, of), depth + 1)?),
            Rvalue::Path(path) => {
                out.extend(path.last().filter(|n| words.names_success(n)).map(|_| *at));
            }
            Rvalue::GetField(_, name) if super::is_constant_attribute(name) => {
                out.extend(words.names_success(name).then_some(*at));
            }
            _ => return None,
        }
    }
    Some(out)
}
