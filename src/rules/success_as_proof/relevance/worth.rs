//! Whether a function is worth following: what its code says without being run.
//!
//! A function is followed if it contains something that can be an effect and something from which a
//! success can be learnt. Most functions only share words with that: an `error` in a message, a
//! constant that is a number. Only what a comparison can meet counts.

use crate::ir::data::is_outcome;
use crate::ir::{BinOp, Callee, Data, Literal, LocalId, Operand, Rvalue};
use crate::program::{Def, FuncRef, Lookup};
use crate::rules::success_as_proof::code::{
    Constants, FunctionCode, MAX_DEPTH, functions, is_constant, is_constant_attribute,
};
use crate::rules::success_as_proof::effects::{Effect, EffectSite};
use crate::rules::success_as_proof::vocabulary::queries::{
    LONGEST_WORD, RUNNERS, asks_for_runs, names_runs, selects,
};
use crate::rules::success_as_proof::vocabulary::tables::REPORTING;
use crate::rules::success_as_proof::vocabulary::{Vocabulary, parts};

/// What the names and texts in a function hint at.
#[derive(Default)]
struct Hints {
    /// It names success in words that mean nothing else.
    plain_success: bool,
    /// It names a status.
    status: bool,
    /// It runs queries.
    queries: bool,
    /// It has a text that may be a query about runs, or a part of one.
    query_text: bool,
    /// It has a text that selects something.
    selects: bool,
    /// It asks a function that is named like a test for success.
    asks: bool,
    /// It does work and may learn whether that succeeded.
    performs: bool,
    /// It puts something into a collection.
    fills: bool,
    /// It puts something into a collection that an object or a document has.
    fills_field: bool,
    /// It subtracts one collection from another.
    subtracts: bool,
}

/// Whether a function is worth following.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Worth {
    /// It is not.
    Nothing,
    /// Only as far as its effects.
    FollowingTo,
    /// In any case: what it does with lists and queries may be an effect.
    Following,
}

impl FunctionCode<'_> {
    /// Whether the function is worth following: it has something that can be an effect, and it can
    /// learn of a success.
    pub fn worth(
        &self,
        words: &Vocabulary,
        constants: Constants<'_>,
        sites: &[EffectSite],
    ) -> Worth {
        let mut hints = self.hints(words, constants);
        // Whatever it is called that runs them.
        let texts = hints.query_text && (hints.selects || self.selects(constants));
        hints.queries |= texts;
        let works = self.returns_work(words) || !self.work_blocks(words).is_empty();
        let effects = sites.iter().any(|s| works || !s.effect.only_skips());
        let lists = hints.fills_field || hints.fills && hints.subtracts;
        if !(effects || lists || hints.queries && works) {
            return Worth::Nothing;
        }
        let marks = sites
            .iter()
            .any(|s| matches!(s.effect, Effect::Marks { .. }));
        let learns = hints.plain_success
            || texts
            || hints.asks
            || marks && hints.performs
            || hints.status && self.compares_word(words, constants);
        if !learns {
            Worth::Nothing
        } else if lists || hints.queries && works {
            Worth::Following
        } else {
            Worth::FollowingTo
        }
    }

    /// Whether the function has words that say something about a run, or do something to a unit:
    /// its callers have to know what it tests and calls.
    pub fn speaks(&self, words: &Vocabulary) -> bool {
        let matters = |name: &str| {
            words.is_status(name)
                || words.names_success(name)
                || words.names_failure(name)
                || words.is_success_flag(name)
                || words.is_count(name)
                || words.is_rows(name)
                || words.is_gate(name)
                || words.marks(name)
                || words.is_mark_field(name)
                || words.is_performer(name)
                || words.is_store(name)
                || words.is_registry(name)
                || words.asks(name).is_some()
                || parts(name).iter().any(|p| RUNNERS.contains(&p.as_str()))
        };
        let says = |text: &str| {
            if text.len() > LONGEST_WORD {
                selects(text) || asks_for_runs(text)
            } else {
                matters(text) || words.is_success(text) || words.says_done(text)
            }
        };
        let locals = self.function.body.locals.iter();
        let mut found = matters(&self.function.name)
            || locals
                .filter_map(|l| l.name.as_ref())
                .any(|name| matters(name));
        self.for_each_rvalue(|r| {
            if found {
                return;
            }
            r.for_each_operand(|o| {
                if let Operand::Const(Literal::Str(s)) = o {
                    found = found || says(s);
                }
            });
            found = found
                || match r {
                    Rvalue::Data(Data::IsVariant { tag, .. }) => matters(tag),
                    Rvalue::Path(path) => path.iter().any(|name| matters(name)),
                    Rvalue::Global(name) | Rvalue::GetField(_, name) => matters(name),
                    Rvalue::Call { callee, .. } => {
                        self.callee(callee).is_some_and(|name| matters(&name))
                    }
                    _ => false,
                };
        });
        found
    }

    fn hints(&self, words: &Vocabulary, constants: Constants<'_>) -> Hints {
        let mut hints = Hints::default();
        self.collect_hints(words, constants, &mut hints);
        hints
    }

    fn collect_hints(&self, words: &Vocabulary, constants: Constants<'_>, hints: &mut Hints) {
        for nested in &self.nested {
            nested.collect_hints(words, constants, hints);
        }
        let locals = &self.function.body.locals;
        hints.status |= locals
            .iter()
            .any(|l| l.name.as_ref().is_some_and(|n| words.is_status(n)));
        self.for_each_rvalue(|r| self.hint(words, constants, r, hints));
    }

    fn hint(&self, words: &Vocabulary, constants: Constants<'_>, r: &Rvalue, hints: &mut Hints) {
        r.for_each_operand(|o| {
            let Operand::Const(Literal::Str(s)) = o else {
                return;
            };
            hints.selects = hints.selects || selects(s);
            hints.query_text |= names_runs(s);
            if s.len() > LONGEST_WORD {
                hints.query_text |= asks_for_runs(s);
            } else {
                hints.plain_success |= words.is_success(s) && words.is_plain_success(s);
                hints.plain_success |= s.to_lowercase().starts_with("succ");
                hints.status |= words.is_status(s);
            }
        });
        match r {
            Rvalue::Data(Data::IsVariant { tag, .. }) if !is_outcome(tag) => {
                hints.plain_success |= words.names_success(tag) && words.is_plain_success(tag);
            }
            Rvalue::Path(path) => {
                let Some(n) = path.last() else { return };
                hints.plain_success |= words.names_success(n) && words.is_plain_success(n);
                hints.query_text |= is_constant(n) && constants.path(path, &asks_for_runs);
                hints.status |= words.is_status(n);
            }
            Rvalue::Global(n) | Rvalue::GetField(_, n) => {
                hints.plain_success |= words.names_success(n) && words.is_plain_success(n);
                let constant = match r {
                    Rvalue::Global(_) => is_constant(n),
                    _ => is_constant_attribute(n),
                };
                hints.query_text |= constant && self.stands_for(r, constants, &asks_for_runs);
                hints.status |= words.is_status(n);
            }
            Rvalue::Call { callee, .. } => {
                let Some(name) = self.callee(callee) else {
                    return;
                };
                hints.status |= words.is_status(&name);
                hints.asks |= (words.names_success(&name) || words.asks(&name).is_some())
                    && self.may_answer(constants, callee);
                let parts = parts(&name);
                let has = |list: &[&str]| parts.iter().any(|p| list.contains(&p.as_str()));
                hints.queries |= has(RUNNERS);
                hints.performs |= words.is_performer(&name) || has(REPORTING);
                if words.puts(&name)
                    && let Callee::Method { receiver, .. } = callee
                {
                    hints.fills = true;
                    hints.fills_field |= self.is_part(receiver, 0);
                }
                hints.subtracts |= name == "difference";
            }
            Rvalue::Binary(BinOp::Sub, ..) | Rvalue::InPlace(BinOp::Sub, ..) => {
                hints.subtracts = true;
            }
            _ => {}
        }
    }

    /// Whether a constant from outside of the function selects something.
    fn selects(&self, constants: Constants<'_>) -> bool {
        let inside = |nested: &FunctionCode<'_>| nested.selects(constants);
        let mut found = self.nested.iter().any(inside);
        self.for_each_rvalue(|r| {
            found = found
                || match r {
                    Rvalue::Path(path) => constants.path(path, &selects),
                    Rvalue::Global(_) => self.stands_for(r, constants, &selects),
                    Rvalue::GetField(_, n) if is_constant_attribute(n) => {
                        self.stands_for(r, constants, &selects)
                    }
                    Rvalue::GetField(..) => {
                        self.is_known_attribute(r) && self.stands_for(r, constants, &selects)
                    }
                    _ => false,
                };
        });
        found
    }

    /// Whether an attribute belongs to the receiver, or to something with a global name.
    fn is_known_attribute(&self, r: &Rvalue) -> bool {
        let mut at = r;
        for _ in 0..MAX_DEPTH {
            match at {
                Rvalue::Global(_) => return true,
                Rvalue::GetField(Operand::Local(l), _) | Rvalue::Use(Operand::Local(l)) => {
                    match self.definitions(*l) {
                        [] => return *l == LocalId(0),
                        [(r, _)] => at = r,
                        _ => return false,
                    }
                }
                _ => return false,
            }
        }
        false
    }

    /// Whether a call may do what its name says: it is not known to leave the program, and its
    /// code, if that is known, compares something or calls something.
    fn may_answer(&self, constants: Constants<'_>, callee: &Callee) -> bool {
        let program = constants.program;
        let funcs: Vec<FuncRef> = match callee {
            Callee::Method {
                receiver: Operand::Local(LocalId(0)),
                name,
                ..
            } if constants.class.is_some() => match constants
                .class
                .map_or(Lookup::Unknown, |class| program.lookup(class, name, None))
            {
                Lookup::Found(_, defs) => functions(&defs),
                Lookup::Missing | Lookup::Unknown => return false,
            },
            Callee::Value(Operand::Local(l)) => match self.definitions(*l) {
                [(Rvalue::Global(name), _)] => {
                    match constants.resolve(std::slice::from_ref(name)) {
                        Def::Func(func) => vec![func],
                        Def::External(_) => return false,
                        _ => return true,
                    }
                }
                _ => return true,
            },
            _ => return true,
        };
        funcs.is_empty()
            || funcs.iter().any(|func| {
                let module = program.module(func.module);
                let function = module.ir.function(func.func);
                let mut compares = false;
                FunctionCode::new(function, &[]).for_each_rvalue(|r| {
                    compares |= matches!(r, Rvalue::Compare(..) | Rvalue::Call { .. });
                });
                compares
            })
    }

    /// Whether an operand may be part of an object or a document.
    fn is_part(&self, operand: &Operand, depth: u32) -> bool {
        let Operand::Local(local) = operand else {
            return false;
        };
        depth > MAX_DEPTH
            || self.definitions(*local).iter().any(|(r, _)| match r {
                Rvalue::GetField(..) | Rvalue::GetItem(..) => true,
                Rvalue::Use(o) => self.is_part(o, depth + 1),
                Rvalue::Call { callee, .. } => self
                    .callee(callee)
                    .is_some_and(|n| n == "setdefault" || n == "get"),
                _ => false,
            })
    }
}
