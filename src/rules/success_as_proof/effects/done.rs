//! Values that say "done": messages, and fields of documents.

use super::{FunctionCode, Vocabulary};
use crate::ir::data::{SUCCESS, is_outcome};
use crate::ir::{Arg, ArgKind, Data, DictItem, Literal, Name, Operand, Rvalue};
use crate::rules::success_as_proof::code::{MAX_DEPTH, is_constant_attribute};
use crate::rules::success_as_proof::vocabulary::calls::UPDATES;

impl FunctionCode<'_> {
    /// The field of a document by which a call marks a unit as done, as messages name it.
    pub(super) fn marks_by_update(
        &self,
        words: &Vocabulary,
        name: &str,
        args: &[Arg],
    ) -> Option<String> {
        if !UPDATES.contains(&name) {
            return None;
        }
        // `.update(processed=True)`
        let keyword = |a: &Arg| match (&a.kind, &a.value) {
            (ArgKind::Keyword(key), Operand::Const(Literal::Bool(true)))
                if words.is_mark_field(key) =>
            {
                Some(format!("`{key}`"))
            }
            _ => None,
        };
        let document = |a: &Arg| self.marks_by_document(words, &a.value, 0);
        args.iter().find_map(|a| keyword(a).or_else(|| document(a)))
    }

    /// The field of a document that says that a unit is done: `{"$set": {"processed": True}}`.
    fn marks_by_document(&self, words: &Vocabulary, value: &Operand, depth: u32) -> Option<String> {
        let Operand::Local(l) = value else {
            return None;
        };
        self.definitions(*l).iter().find_map(|(r, _)| {
            let pairs: Vec<(&Operand, &Operand)> = match r {
                Rvalue::Dict(items) => items.iter().filter_map(pair).collect(),
                Rvalue::Data(Data::Map(items)) => items.iter().map(|(k, v)| (k, v)).collect(),
                _ => return None,
            };
            pairs.into_iter().find_map(|p| match p {
                (Operand::Const(Literal::Str(key)), Operand::Const(Literal::Bool(true)))
                    if words.is_mark_field(key) =>
                {
                    Some(format!("`{key}`"))
                }
                (_, inner) if depth == 0 => self.marks_by_document(words, inner, 1),
                _ => None,
            })
        })
    }

    /// Whether a value tells the caller that there is nothing to do. `depth` is how many values it is in:
    /// one may be made of itself (`error = Error::Failed(error)`).
    pub(super) fn says_done(&self, words: &Vocabulary, value: &Operand, depth: u32) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        match value {
            Operand::Const(Literal::Str(s)) => words.says_done(s),
            Operand::Const(_) => false,
            Operand::Local(l) => {
                let values = self.definitions(*l);
                // Which of several values is returned is told where each is assigned.
                let [(value, _)] = values else {
                    return false;
                };
                self.value_says_done(words, value, depth + 1)
            }
        }
    }

    /// The same of a value that is computed.
    pub(super) fn value_says_done(&self, words: &Vocabulary, value: &Rvalue, depth: u32) -> bool {
        let goes_on = |value: &Operand| self.says_done(words, value, depth);
        match value {
            Rvalue::Use(o) => goes_on(o),
            Rvalue::Call { callee, args } => {
                self.callee(callee).is_some_and(|n| words.says_done(&n))
                    || Self::texts(args).any(|t| words.says_done(t))
                    || args.iter().any(|a| self.formats(words, &a.value))
                    || args.iter().any(|a| self.is_answer(words, &a.value))
            }
            Rvalue::Global(_) | Rvalue::GetField(..) | Rvalue::Path(_) => {
                self.name_says_done(words, value).is_some()
            }
            Rvalue::Data(Data::Variant { tag, fields }) => {
                words.says_done(tag) || fields.iter().any(|(_, v)| goes_on(v))
            }
            Rvalue::Dict(items) => items.iter().any(|i| match i {
                DictItem::Pair(_, Operand::Const(Literal::Str(s))) => words.says_done(s),
                _ => false,
            }),
            Rvalue::Tuple(items) => items.iter().any(|i| {
                matches!(&i.value, Operand::Const(Literal::Str(s)) if words.says_done(s))
                    || self.formats(words, &i.value)
            }),
            Rvalue::Format(parts) => parts
                .iter()
                .any(|p| matches!(p, Operand::Const(Literal::Str(s)) if words.says_done(s))),
            _ => false,
        }
    }

    /// Whether a value is a member of an enumeration or a constant that tells the caller so:
    /// `Action.SKIP`.
    fn is_answer(&self, words: &Vocabulary, value: &Operand) -> bool {
        let Operand::Local(l) = value else {
            return false;
        };
        self.definitions(*l).iter().any(|(r, _)| {
            let name = self.name_says_done(words, r);
            name.is_some_and(|n| is_constant_attribute(n))
        })
    }

    /// The name of a variable, a field or a constant that tells the caller so. A member of an
    /// enumeration of statuses only says what became of something: `RunStatus.SKIPPED`.
    fn name_says_done<'r>(&self, words: &Vocabulary, value: &'r Rvalue) -> Option<&'r Name> {
        let (owner, name) = match value {
            Rvalue::Global(name) => (None, name),
            Rvalue::GetField(owner, name) => (self.name(owner), name),
            Rvalue::Path(path) => match path.as_slice() {
                [.., owner, name] => (Some(owner.clone()), name),
                [name] => (None, name),
                [] => return None,
            },
            _ => return None,
        };
        let of_status = owner.is_some_and(|owner| words.is_status(&owner));
        (words.says_done(name) && !of_status).then_some(name)
    }

    /// Whether a value is a formatted text that tells the caller so.
    fn formats(&self, words: &Vocabulary, value: &Operand) -> bool {
        let Operand::Local(l) = value else {
            return false;
        };
        self.definitions(*l).iter().any(|(r, _)| match r {
            Rvalue::Format(parts) => parts
                .iter()
                .any(|p| matches!(p, Operand::Const(Literal::Str(s)) if words.says_done(s))),
            _ => false,
        })
    }

    /// Whether a returned value carries no data: None, a boolean, a number, an empty container.
    pub(super) fn is_trivial(&self, value: &Operand) -> bool {
        match value {
            Operand::Const(_) => true,
            Operand::Local(l) => {
                let defs = self.definitions(*l);
                !defs.is_empty()
                    && defs.iter().all(|(r, _)| match r {
                        Rvalue::List(items) | Rvalue::Set(items) | Rvalue::Tuple(items) => {
                            items.is_empty()
                        }
                        Rvalue::Dict(items) => items.is_empty(),
                        // A success without data, or an absent option.
                        Rvalue::Data(Data::Variant { tag, fields }) => {
                            (tag == SUCCESS || fields.is_empty() && is_outcome(tag))
                                && fields.iter().all(|(_, v)| self.is_trivial(v))
                        }
                        Rvalue::Data(Data::Array(items)) => items.is_empty(),
                        _ => false,
                    })
            }
        }
    }
}

fn pair(item: &DictItem) -> Option<(&Operand, &Operand)> {
    match item {
        DictItem::Pair(key, value) => Some((key, value)),
        DictItem::Spread(_) => None,
    }
}
