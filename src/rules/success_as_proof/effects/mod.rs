//! Where a function treats a unit of work as done: it marks the unit, answers "done", or skips the
//! work.

mod done;
mod marker;
mod statement;
mod work;

pub use work::Work;

use super::code::FunctionCode;
use super::vocabulary::tables::TALLIES;
use super::vocabulary::{Vocabulary, parts};
use crate::ir::{
    Arg, BasicBlock, BinOp, BlockId, Callee, Data, Literal, LocalId, LocalKind, Operand, Rvalue,
    Statement, StatementKind, TerminatorKind,
};
use crate::rules::tables::collections::KEEPS_ELEMENTS;
use crate::source::Span;

/// What a function does with a unit that it takes for done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// A call or a store marks the unit as done.
    Marks {
        /// The call or the field, as messages name it.
        what: String,
        /// Whether the mark is in a checkpoint, a registry or a history.
        registry: bool,
        /// Whether it is a store to a field of an object, a document or a row.
        stored: bool,
    },
    /// A predicate answers; `yes` is the answer that means "nothing to do".
    Answers { yes: bool },
    /// An exception or a return value says that there is nothing to do.
    Says,
    /// The rest of a round (`continue`) or of the function (`return`) is skipped.
    Skips { round: bool },
    /// The unit is put into a list of work.
    Queues {
        /// The list, as messages name it.
        list: String,
    },
}

impl Effect {
    /// Whether it only leaves work out. Nearly every function does that somewhere.
    pub fn only_skips(&self) -> bool {
        matches!(self, Effect::Skips { .. } | Effect::Queues { .. })
    }
}

/// Where an effect is.
#[derive(Clone, Debug)]
pub struct EffectSite {
    /// The block.
    pub block: BlockId,
    /// The statement or terminator.
    pub span: Span,
    /// The effect.
    pub effect: Effect,
}

impl FunctionCode<'_> {
    /// The effects of the function.
    pub fn effect_sites(&self, words: &Vocabulary) -> Vec<EffectSite> {
        let mut out = Vec::new();
        let asks = words
            .asks(&self.function.name)
            .filter(|_| !self.awaits(words));
        for (id, block) in (0u32..).zip(&self.function.body.blocks) {
            let block_id = BlockId(id);
            let mut push = |span: Span, effect: Option<Effect>| {
                out.extend(effect.map(|effect| EffectSite {
                    block: block_id,
                    span,
                    effect,
                }));
            };
            for s in &block.statements {
                push(s.span, self.effect_of_statement(words, s));
                if let StatementKind::Assign(to, _) = &s.kind {
                    push(s.span, self.effect_of_answer(words, *to, s.span));
                }
            }
            if let TerminatorKind::Eval { dest: Some(to), .. } = &block.terminator.kind {
                let span = block.terminator.span;
                push(span, self.effect_of_answer(words, *to, span));
            }
            push(
                block.terminator.span,
                self.effect_of_terminator(words, asks, block),
            );
        }
        out
    }

    /// Whether the function asks about something that a run waits for, and not about the run.
    fn awaits(&self, words: &Vocabulary) -> bool {
        let params = self.function.params.iter();
        let mut names = params.map(|p| &p.name).chain([&self.function.name]);
        names.any(|name| words.is_awaited(name))
    }

    fn effect_of_statement(&self, words: &Vocabulary, statement: &Statement) -> Option<Effect> {
        match &statement.kind {
            StatementKind::Assign(
                _,
                Rvalue::Data(Data::Gather {
                    into: Operand::Local(l),
                    ..
                }),
            ) => self.queues(words, *l),
            StatementKind::Skip => Some(Effect::Skips { round: true }),
            StatementKind::SetField {
                object,
                field: name,
                value,
            }
            | StatementKind::SetItem {
                object,
                key: Operand::Const(Literal::Str(name)),
                value,
            } => self.marks_by_store(words, object, name, value),
            _ => None,
        }
    }

    /// The effect of one of several values that a returned local is assigned: it tells the caller
    /// that there is nothing to do.
    fn effect_of_answer(&self, words: &Vocabulary, to: LocalId, span: Span) -> Option<Effect> {
        let values = self.definitions(to);
        let (value, _) = values.iter().find(|(_, at)| *at == span)?;
        let says = values.len() > 1
            && words.asks(&self.function.name).is_none()
            && self.value_says_done(words, value, 0)
            && self.is_returned(to);
        says.then_some(Effect::Says)
    }

    /// `asks` is what the name of the function asks, if it asks something.
    fn effect_of_terminator(
        &self,
        words: &Vocabulary,
        asks: Option<bool>,
        block: &BasicBlock,
    ) -> Option<Effect> {
        match &block.terminator.kind {
            TerminatorKind::Eval {
                rvalue: Rvalue::Call { callee, args },
                ..
            } => self.effect_of_call(words, callee, args),
            TerminatorKind::Return { value, implicit } => {
                if let Some(yes) = asks {
                    Some(Effect::Answers { yes })
                } else if self.says_done(words, value, 0) {
                    Some(Effect::Says)
                } else {
                    (!implicit && self.is_trivial(value)).then_some(Effect::Skips { round: false })
                }
            }
            TerminatorKind::Raise { exc, .. } => {
                self.says_done(words, exc, 0).then_some(Effect::Says)
            }
            _ => None,
        }
    }

    fn effect_of_call(&self, words: &Vocabulary, callee: &Callee, args: &[Arg]) -> Option<Effect> {
        let name = self.callee(callee)?;
        let by_row = || self.marks_by_statement(words, &name, args);
        let by_file = || self.marks_by_file(words, &name, callee, args);
        let row = self.marks_by_update(words, &name, args).or_else(by_row);
        let stored = row.is_some();
        if let Some(what) = row.or_else(by_file) {
            return Some(Effect::Marks {
                what,
                registry: true,
                stored,
            });
        }
        if words.marks(&name) {
            let receiver = self.receiver(callee);
            return Some(Effect::Marks {
                what: format!("`{name}`"),
                registry: words.is_registry(&name)
                    || receiver.is_some_and(|r| words.is_registry(&r)),
                stored: false,
            });
        }
        match callee {
            Callee::Method {
                receiver: Operand::Local(l),
                ..
            } if words.puts(&name) => self.queues(words, *l),
            _ => None,
        }
    }

    /// Where the function takes one collection out of another, and the local that is what remains.
    pub fn subtractions(&self) -> Vec<(LocalId, Span)> {
        let mut out = Vec::new();
        for block in &self.function.body.blocks {
            out.extend(block.statements.iter().filter_map(|s| match &s.kind {
                StatementKind::Assign(
                    to,
                    Rvalue::Binary(BinOp::Sub, ..) | Rvalue::InPlace(BinOp::Sub, ..),
                ) => Some((*to, s.span)),
                _ => None,
            }));
            if let TerminatorKind::Eval {
                dest: Some(to),
                rvalue: Rvalue::Call { callee, .. },
                ..
            } = &block.terminator.kind
                && self.callee(callee).is_some_and(|name| name == "difference")
            {
                out.push((*to, block.terminator.span));
            }
        }
        out
    }

    /// Whether the function is named for the work that it returns.
    pub fn returns_work(&self, words: &Vocabulary) -> bool {
        words.is_work_list(&self.function.name)
    }

    /// Whether the function returns a local, or a copy of it.
    fn is_returned(&self, local: LocalId) -> bool {
        let blocks = self.function.body.blocks.iter();
        let mut returned = blocks.filter_map(|block| match &block.terminator.kind {
            TerminatorKind::Return {
                value: Operand::Local(value),
                ..
            } => Some(*value),
            _ => None,
        });
        returned.any(|value| {
            value == local
                || self.definitions(value).iter().any(|(r, _)| match r {
                    Rvalue::Use(o) => *o == Operand::Local(local),
                    Rvalue::Call { callee, args } => {
                        let name = self.callee(callee).unwrap_or_default();
                        KEEPS_ELEMENTS.contains(&name.as_str())
                            && args.iter().any(|a| a.value == Operand::Local(local))
                    }
                    _ => false,
                })
        })
    }

    /// The effect of putting something into a local.
    fn queues(&self, words: &Vocabulary, local: LocalId) -> Option<Effect> {
        let mut names = self.variables(local).into_iter();
        let list = match names.find(|n| words.is_work_list(n)) {
            Some(name) => format!("`{name}`"),
            None if self.returns_work(words) && self.is_returned(local) => {
                format!("what `{}` returns", self.function.name)
            }
            None => return None,
        };
        (!self.is_tried_again(local)).then_some(Effect::Queues { list })
    }

    /// Whether a list that a round of a loop makes is what the next round works on: what failed is
    /// done again at once, and what succeeded has just been done.
    fn is_tried_again(&self, list: LocalId) -> bool {
        let body = &self.function.body;
        self.loop_heads().into_iter().any(|head| {
            let inside = body.natural_loop(head);
            let assigned = inside.iter().flat_map(|at| &body.block(*at).statements);
            let assigned: Vec<(LocalId, &Rvalue)> = assigned
                .filter_map(|s| match &s.kind {
                    StatementKind::Assign(to, value) => Some((*to, value)),
                    _ => None,
                })
                .collect();
            // The first round works on something that is given to the loop.
            let is_given = |local: LocalId| {
                let rounds = assigned.iter().filter(|(to, _)| *to == local).count();
                body.locals[local.index()].kind == LocalKind::Param
                    || self.definitions(local).len() > rounds
            };
            let is_next = |(to, value): &(LocalId, &Rvalue)| {
                *to != list && **value == Rvalue::Use(Operand::Local(list)) && is_given(*to)
            };
            assigned.iter().any(|(to, _)| *to == list) && assigned.iter().any(is_next)
        })
    }

    /// A store of "done" into an object.
    fn marks_by_store(
        &self,
        words: &Vocabulary,
        object: &Operand,
        field: &str,
        value: &Operand,
    ) -> Option<Effect> {
        let of_work = matches!(value, Operand::Const(Literal::Str(s)) if words.is_work_state(s));
        let by_state = of_work && words.is_status(field);
        if !words.is_mark_field(field) && !by_state {
            return None;
        }
        let says_done = match value {
            Operand::Const(Literal::Str(_)) => by_state,
            Operand::Const(Literal::Bool(true)) => true,
            // A time: `finished_at = now()`.
            Operand::Local(_) => field.ends_with("_at") || field.ends_with("_on"),
            Operand::Const(_) => false,
        };
        let owner = self.name(object)?;
        let own = matches!(owner.as_str(), "self" | "cls" | "this");
        let tally = parts(&owner).iter().any(|w| TALLIES.contains(&w.as_str()));
        (says_done && !own && !tally).then(|| Effect::Marks {
            what: format!("`{owner}.{field}`"),
            registry: words.is_registry(&owner) || words.is_store(&owner),
            stored: true,
        })
    }
}
