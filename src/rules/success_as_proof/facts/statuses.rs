//! Which tests find a status to be success.

use std::collections::BTreeSet;

use super::flags::{FACT, PERFORMED, STORED};
use super::names::{constant_name, text};
use super::{Facts, Lesson, PathPoint};
use crate::engine::values::fact::{Fact, Lits};
use crate::engine::values::origins::Origin;
use crate::engine::values::value::{Term, Value};
use crate::ir::data::{SUCCESS, is_outcome};
use crate::ir::{CmpOp, Literal};
use crate::rules::success_as_proof::vocabulary::calls::ASKS_FOR_FILE;

/// How many steps back the end of a path is looked for.
const MAX_PATH_DEPTH: u32 = 6;

/// What a fact about the tag of an option or result says of its presence.
pub fn presence(fact: &Fact) -> Option<bool> {
    let tag = |l: &Literal| match l {
        Literal::Str(s) if is_outcome(s) => Some(s == SUCCESS),
        _ => None,
    };
    let (set, said) = match &fact.lits {
        Lits::In(set) => (set, true),
        Lits::NotIn(set) => (set, false),
    };
    let mut tags = set.iter();
    match (tags.next(), tags.next()) {
        (Some(one), None) => tag(one).map(|success| success == said),
        _ => None,
    }
}

/// What a test leaves of the texts that a value may be.
enum PossibleTexts {
    /// These alone.
    Only(Vec<String>),
    /// Any but these.
    AnyBut(Vec<String>),
}

impl Facts<'_> {
    /// The lesson of a value that was found to equal, or not to equal, some texts.
    pub fn status(
        &self,
        at: PathPoint<'_, '_>,
        v: Value,
        fact: &Fact,
        old: &Fact,
    ) -> Option<Lesson> {
        if fact.lits == old.lits {
            return None;
        }
        let words = self.vocabulary;
        let plain = |texts: &[String]| texts.iter().any(|s| words.is_plain_success(s));
        let names_success = |texts: &[String]| texts.iter().any(|s| words.is_success(s));
        match self.remaining(at, v, fact) {
            PossibleTexts::Only(texts) if texts.is_empty() => None,
            // A test for another status: not success, if the value could be one, or is a status at
            // all.
            PossibleTexts::Only(texts) if !names_success(&texts) => {
                let could = match &old.lits {
                    Lits::In(before) => plain(&texts_of(at, before)),
                    Lits::NotIn(_) => false,
                };
                if !could && !self.is_status(at, v) {
                    None
                } else if texts.iter().any(|s| words.is_partial(s)) {
                    Some(Lesson::NotSuccess)
                } else {
                    Some(Lesson::OtherStatus)
                }
            }
            PossibleTexts::Only(texts) => {
                let counts = |s: &String| words.is_success(s) || words.is_partial(s);
                let certain = plain(&texts);
                if !texts.iter().all(counts) || !certain && !self.is_status(at, v) {
                    return None;
                }
                self.about_success(at, v, certain).map(Lesson::Success)
            }
            PossibleTexts::AnyBut(texts) if names_success(&texts) => {
                (plain(&texts) || self.is_status(at, v)).then_some(Lesson::NotSuccess)
            }
            // No failure: whatever the words, that is a success.
            PossibleTexts::AnyBut(texts) if texts.iter().any(|s| words.is_failure(s)) => {
                let status = self.is_status(at, v);
                let about = status.then(|| self.about_success(at, v, true))?;
                about.map(Lesson::Success)
            }
            PossibleTexts::AnyBut(_) => None,
        }
    }

    fn remaining(&self, at: PathPoint<'_, '_>, v: Value, fact: &Fact) -> PossibleTexts {
        match &fact.lits {
            Lits::In(set) => PossibleTexts::Only(texts_of(at, set)),
            Lits::NotIn(set) => {
                let out = texts_of(at, set);
                // A status in a row can only be one that the query let through.
                match self.queries.statuses(at.engine, at.state, v) {
                    Some(all) => {
                        PossibleTexts::Only(all.into_iter().filter(|s| !out.contains(s)).collect())
                    }
                    None => PossibleTexts::AnyBut(out),
                }
            }
        }
    }

    /// The lesson of `a == b`, `a is b` or `a in b` with something that is no literal.
    pub fn equality(
        &self,
        at: PathPoint<'_, '_>,
        op: CmpOp,
        (a, b): (Value, Value),
        truth: bool,
    ) -> Option<Lesson> {
        let words = self.vocabulary;
        for (x, y) in [(a, b), (b, a)] {
            let Some(name) = constant_name(at.engine, y) else {
                continue;
            };
            if words.names_success(&name) {
                if !truth {
                    return Some(Lesson::NotSuccess);
                }
                let plain = words.is_plain_success(&name);
                return self.about_success(at, x, plain).map(Lesson::Success);
            }
            if words.names_failure(&name) && self.is_status(at, x) {
                if truth {
                    return Some(Lesson::OtherStatus);
                }
                return self.about(at, x).map(Lesson::Success);
            }
            if op == CmpOp::Eq && truth && self.is_count(at, x) {
                return Some(Lesson::Records);
            }
            if op != CmpOp::In && truth && self.is_status(at, x) {
                let last = name.rsplit('.').next().unwrap_or(&name);
                return Some(match words.is_partial(last) {
                    true => Lesson::NotSuccess,
                    false => Lesson::OtherStatus,
                });
            }
        }
        None
    }

    /// The lesson of the truth of a flag that says "it succeeded", or of the result of work.
    pub fn success_flag(&self, at: PathPoint<'_, '_>, v: Value, truth: bool) -> Option<Lesson> {
        let words = self.vocabulary;
        let engine = at.engine;
        let whole = unpacked_from(at, v);
        let origin = engine.origin(at.state, whole);
        if let Some(Origin::Call(name, receiver, args)) = &origin
            && name == "startswith"
            && let [prefix] = args.as_slice()
            && let Some(prefix) = text(engine, *prefix)
            && prefix.to_lowercase().starts_with("succ")
        {
            return if truth {
                self.about(at, *receiver).map(Lesson::Success)
            } else {
                Some(Lesson::NotSuccess)
            };
        }
        if let Some(Origin::Call(name, receiver, args)) = &origin {
            let path = args.first().copied().unwrap_or(*receiver);
            if ASKS_FOR_FILE.contains(&name.as_str()) && self.is_marker(at, path) {
                return Some(if truth {
                    Lesson::Success(FACT | STORED)
                } else {
                    Lesson::NotSuccess
                });
            }
            if words.asks_success(name) {
                return if truth {
                    self.about(at, whole).map(Lesson::Success)
                } else {
                    Some(Lesson::NotSuccess)
                };
            }
        }
        let performed = matches!(&origin, Some(Origin::Call(name, ..)) if words.is_performer(name));
        let names: Vec<String> = at.names(v).collect();
        let field = at.looked_up(v);
        let flagged = names.iter().chain(&field).any(|n| words.is_success_flag(n));
        if performed && (flagged || names.is_empty() && whole == v) || field.is_some() && flagged {
            return Some(if truth {
                Lesson::Success(PERFORMED)
            } else {
                Lesson::NotSuccess
            });
        }
        None
    }
}

impl Facts<'_> {
    /// Whether a path is that of a file whose being there says that a run ended well.
    fn is_marker(&self, at: PathPoint<'_, '_>, path: Value) -> bool {
        let mut end = path;
        for _ in 0..MAX_PATH_DEPTH {
            if let Some(text) = text(at.engine, end) {
                return self.vocabulary.is_marker(&text);
            }
            let last = match at.engine.origin(at.state, end) {
                Some(Origin::Text(parts)) => parts.last().copied(),
                // `folder / "_SUCCESS"`, `os.path.join(…)`, `bucket.blob(…)`
                Some(Origin::Call(_, _, args)) => args.last().copied(),
                _ => None,
            };
            let Some(last) = last else { return false };
            end = last;
        }
        false
    }
}

/// The texts among literals, and the names of members of enumerations.
fn texts_of(at: PathPoint<'_, '_>, set: &BTreeSet<Literal>) -> Vec<String> {
    let texts = set.iter().filter_map(|l| match l {
        Literal::Str(s) => Some(s.to_string()),
        other => at.engine.member_name(other),
    });
    texts.collect()
}

/// The value that another was unpacked from: `ok` of `ok, message = processor.run(…)`.
pub fn unpacked_from(at: PathPoint<'_, '_>, v: Value) -> Value {
    match at.engine.terms.term(v) {
        Term::Pure(n, ops) if n.starts_with("unpack") => ops[0],
        _ => v,
    }
}
