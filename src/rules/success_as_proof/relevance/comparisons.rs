//! Whether a comparison may find a success: what its sides may be made of, without running the
//! code.

use rustc_hash::FxHashSet;

use crate::ir::data::is_outcome;
use crate::ir::{
    Callee, CmpOp, Data, DictItem, Literal, LocalId, LocalKind, Name, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::rules::success_as_proof::code::{
    Constants, FunctionCode, is_constant, is_constant_attribute,
};
use crate::rules::success_as_proof::vocabulary::Vocabulary;
use crate::rules::success_as_proof::vocabulary::queries::LONGEST_WORD;
use crate::rules::tables::collections::STORES;

/// Locals that were visited while looking for what others are made of.
type Seen = FxHashSet<LocalId>;

/// Whether a name is that of an exception class: no status is compared with one.
pub(super) fn is_exception(name: &str) -> bool {
    name.ends_with("Error") || name.ends_with("Exception")
}

impl FunctionCode<'_> {
    /// Whether a comparison may find a success, or the absence of a failure. A constant that is
    /// named for success counts whatever it is compared with, other words only beside a status.
    pub(super) fn compares_word(&self, words: &Vocabulary, constants: Constants<'_>) -> bool {
        let inside = |nested: &FunctionCode<'_>| nested.compares_word(words, constants);
        let mut found = self.nested.iter().any(inside);
        self.for_each_rvalue(|r| {
            if let Rvalue::Data(Data::IsVariant { tag, .. }) = r {
                let named = words.names_success(tag) || words.names_failure(tag);
                found |= named && !is_outcome(tag);
            }
            let Rvalue::Compare(op, left, right) = r else {
                return;
            };
            // Which of two is greater says nothing about a status.
            if matches!(op, CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE) {
                return;
            }
            for (one, other) in [(left, right), (right, left)] {
                found = found
                    || self.is_word(words, constants, one, &mut Seen::default())
                        && (self.is_status(words, other, &mut Seen::default())
                            || self.is_success_name(words, one, &mut Seen::default()));
            }
        });
        found
    }

    /// Whether an operand, or what it is taken from, goes by the name of a status.
    fn is_status(&self, words: &Vocabulary, operand: &Operand, seen: &mut Seen) -> bool {
        let local = match operand {
            Operand::Const(Literal::Str(text)) => return words.is_status(text),
            Operand::Const(_) => return false,
            Operand::Local(local) => *local,
        };
        if !seen.insert(local) {
            return false;
        }
        if self.variables(local).iter().any(|n| words.is_status(n)) {
            return true;
        }
        let decl = &self.function.body.locals[local.index()];
        if decl.kind == LocalKind::Param && self.is_unnamed() {
            // The argument of a lambda goes by another name outside.
            return true;
        }
        let mut go = |o: &Operand| self.is_status(words, o, seen);
        self.definitions(local).iter().any(|(r, _)| match r {
            Rvalue::Global(n) => words.is_status(n),
            Rvalue::Path(path) => path.iter().any(|n| words.is_status(n)),
            Rvalue::GetField(o, n) => words.is_status(n) || go(o),
            Rvalue::Call { callee, args } => {
                self.callee(callee).is_some_and(|n| words.is_status(&n))
                    || matches!(callee, Callee::Method { receiver, .. } if go(receiver))
                    || args.iter().any(|a| go(&a.value))
            }
            _ => {
                let mut found = false;
                r.for_each_operand(|o| found = found || go(o));
                found
            }
        })
    }

    /// Whether an operand may be a constant that is named for success, or hold one.
    fn is_success_name(&self, words: &Vocabulary, operand: &Operand, seen: &mut Seen) -> bool {
        let Operand::Local(local) = operand else {
            return false;
        };
        if !seen.insert(*local) {
            return false;
        }
        let named = |n: &Name| words.names_success(n);
        let sources = self.looped_over(*local);
        if !sources.is_empty() {
            let mut sources = sources.iter();
            return sources.any(|o| self.is_success_name(words, o, seen));
        }
        if let Some(stored) = self.cell_values(*local) {
            let mut stored = stored.into_iter();
            return stored.any(|o| self.is_success_name(words, o, seen));
        }
        if self.is_own_param(*local) {
            return false;
        }
        let defs = self.definitions(*local);
        defs.is_empty()
            || defs.iter().any(|(r, _)| match r {
                Rvalue::Global(n) => named(n),
                Rvalue::Path(path) => path.last().is_some_and(named),
                Rvalue::GetField(o, n) => named(n) || self.is_success_name(words, o, seen),
                _ => {
                    let mut found = false;
                    r.for_each_operand(|o| {
                        found = found || self.is_success_name(words, o, seen);
                    });
                    found
                }
            })
    }

    /// What loops draw the values of a local from, if nothing else assigns it.
    fn looped_over(&self, local: LocalId) -> Vec<Operand> {
        if !self.definitions(local).is_empty() {
            return Vec::new();
        }
        let blocks = self.function.body.blocks.iter();
        let sources = blocks.filter_map(|b| match b.terminator.kind {
            TerminatorKind::ForNext { iter, dest, .. } if dest == local => {
                Some(Operand::Local(iter))
            }
            _ => None,
        });
        sources.collect()
    }

    /// Whether a local is a parameter that is never assigned, of a function with a name: its value
    /// has no name here.
    fn is_own_param(&self, local: LocalId) -> bool {
        let decl = &self.function.body.locals[local.index()];
        decl.kind == LocalKind::Param && !self.is_unnamed() && self.definitions(local).is_empty()
    }

    /// Whether a word is stored where it may be read again.
    fn keeps_word(&self, word: &dyn Fn(&str) -> bool) -> bool {
        let kept = |o: &Operand| self.is_plain_word(o, word, &mut Seen::default());
        let body = &self.function.body;
        let stored = |kind: &StatementKind| match kind {
            StatementKind::SetField { value, .. }
            | StatementKind::SetItem { value, .. }
            | StatementKind::SetGlobal { value, .. }
            | StatementKind::Overwrite { value, .. } => kept(value),
            _ => false,
        };
        let mut found = body
            .blocks
            .iter()
            .flat_map(|b| &b.statements)
            .any(|s| stored(&s.kind));
        self.for_each_rvalue(|r| {
            found = found
                || match r {
                    Rvalue::List(items) | Rvalue::Tuple(items) | Rvalue::Set(items) => {
                        items.iter().any(|i| kept(&i.value))
                    }
                    Rvalue::Dict(items) => items.iter().any(|i| match i {
                        DictItem::Pair(k, v) => kept(k) || kept(v),
                        DictItem::Spread(v) => kept(v),
                    }),
                    Rvalue::Data(data) => {
                        let mut any = false;
                        data.for_each_operand(|o| any |= kept(o));
                        any
                    }
                    Rvalue::Call {
                        callee: Callee::Method { name, .. },
                        args,
                    } => STORES.contains(&name.as_str()) && args.iter().any(|a| kept(&a.value)),
                    _ => false,
                };
        });
        found
    }

    /// Whether an operand is a word, or has one as its name and is no exception.
    fn is_plain_word(
        &self,
        operand: &Operand,
        word: &dyn Fn(&str) -> bool,
        seen: &mut Seen,
    ) -> bool {
        let local = match operand {
            Operand::Const(Literal::Str(text)) => return text.len() <= LONGEST_WORD && word(text),
            Operand::Const(_) => return false,
            Operand::Local(local) => *local,
        };
        seen.insert(local)
            && self.definitions(local).iter().any(|(r, _)| match r {
                Rvalue::Global(n) => word(n) && !is_exception(n),
                Rvalue::GetField(_, n) => word(n),
                Rvalue::Path(path) => path.last().is_some_and(|n| word(n)),
                Rvalue::Use(o) => self.is_plain_word(o, word, seen),
                Rvalue::Binary(_, a, b) | Rvalue::InPlace(_, a, b) => {
                    self.is_plain_word(a, word, seen) || self.is_plain_word(b, word, seen)
                }
                _ => false,
            })
    }

    /// Whether an operand may stand for success or failure, or hold something that does.
    fn is_word(
        &self,
        words: &Vocabulary,
        constants: Constants<'_>,
        operand: &Operand,
        seen: &mut Seen,
    ) -> bool {
        let word = |text: &str| {
            words.is_success(text)
                || words.is_failure(text)
                || words.names_success(text)
                || words.names_failure(text)
        };
        self.holds_word(constants, &word, operand, seen)
    }

    fn holds_word(
        &self,
        constants: Constants<'_>,
        word: &dyn Fn(&str) -> bool,
        operand: &Operand,
        seen: &mut Seen,
    ) -> bool {
        let local = match operand {
            Operand::Const(Literal::Str(text)) => return text.len() <= LONGEST_WORD && word(text),
            Operand::Const(_) => return false,
            Operand::Local(local) => *local,
        };
        if !seen.insert(local) {
            return false;
        }
        let sources = self.looped_over(local);
        if !sources.is_empty() {
            let mut sources = sources.iter();
            return sources.any(|o| self.holds_word(constants, word, o, seen))
                || self.keeps_word(word);
        }
        if self.definitions(local).is_empty() {
            // A parameter is anything; another local without a value may hold any word around.
            return self.function.body.locals[local.index()].kind != LocalKind::Param
                && self.keeps_word(word);
        }
        let mut defs = self.definitions(local).iter();
        defs.any(|(r, _)| self.makes_word(constants, word, r, seen))
    }

    /// The same of the result of an rvalue.
    fn makes_word(
        &self,
        constants: Constants<'_>,
        word: &dyn Fn(&str) -> bool,
        rvalue: &Rvalue,
        seen: &mut Seen,
    ) -> bool {
        let mut go = |o: &Operand| self.holds_word(constants, word, o, seen);
        match rvalue {
            Rvalue::Global(n) => {
                word(n) && !is_exception(n)
                    || is_constant(n) && self.stands_for(rvalue, constants, word)
            }
            Rvalue::GetField(o, n) => {
                let cells = match o {
                    Operand::Local(l) => match self.cell_values(*l) {
                        Some(stored) => stored.into_iter().any(&mut go),
                        None => self.function.outer_cells == Some(*l),
                    },
                    Operand::Const(_) => false,
                };
                word(n)
                    || cells
                    || matches!(n.as_str(), "value" | "name") && go(o)
                    || is_constant_attribute(n) && self.stands_for(rvalue, constants, word)
            }
            Rvalue::Path(path) => {
                path.last().is_some_and(|n| word(n)) || constants.path(path, word)
            }
            Rvalue::Call { callee, args } => {
                let receiver = match callee {
                    Callee::Method { receiver, .. } => Some(receiver),
                    Callee::Value(_) => None,
                };
                receiver.is_some_and(&mut go) || args.iter().any(|a| go(&a.value))
            }
            Rvalue::Compare(..)
            | Rvalue::Not(_)
            | Rvalue::Neg(_)
            | Rvalue::Closure(_)
            | Rvalue::Data(Data::Len(_)) => false,
            // An element may be one of the display, or one that was put in before.
            Rvalue::Unpack { object, .. } | Rvalue::Iter { object, .. } => {
                go(object) || self.keeps_word(word)
            }
            Rvalue::Slice { object, .. } => go(object),
            _ => {
                let mut found = false;
                rvalue.for_each_operand(|o| found = found || go(o));
                found || !is_transparent(rvalue) && self.keeps_word(word)
            }
        }
    }
}

/// Whether the result of an rvalue consists of its operands alone.
fn is_transparent(rvalue: &Rvalue) -> bool {
    matches!(
        rvalue,
        Rvalue::Use(_)
            | Rvalue::Await(_)
            | Rvalue::List(_)
            | Rvalue::Tuple(_)
            | Rvalue::Set(_)
            | Rvalue::Dict(_)
            | Rvalue::GetItem(..)
            | Rvalue::Binary(..)
            | Rvalue::InPlace(..)
            | Rvalue::Format(_)
    )
}
