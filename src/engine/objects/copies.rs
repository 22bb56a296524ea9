//! Copies: what is known of the length of what was copied holds of the copy, also if it is learnt
//! later.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::calls::args::Args;
use crate::engine::values::fact::{Interval, Kind};
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{MAX_TERM_DEPTH, Site, Term, Value};
use crate::ir::Literal;

/// How many of the elements a copy has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Share {
    /// All of them.
    All,
    /// Not more, and none only if there are none.
    Some,
}

impl Share {
    /// The pure function that makes such contents.
    fn name(self) -> &'static str {
        match self {
            Share::All => "copy",
            Share::Some => "some",
        }
    }
}

/// Whether a pure function of this name returns as many elements as its operand has.
pub(crate) fn is_same_length(name: &str) -> bool {
    matches!(name, "copy" | "sorted" | "reversed")
}

/// Whether a pure function of this name returns something that is empty exactly if its operand is.
pub(crate) fn is_as_empty(name: &str) -> bool {
    is_same_length(name) || name == "some"
}

impl Engine<'_> {
    /// Records that an object, which was just made, has elements of `original` as it is now. Both
    /// stay objects of their own.
    pub(in crate::engine) fn share(
        &mut self,
        state: &mut State,
        copy: Value,
        original: Value,
        share: Share,
    ) {
        if state.kind(&self.terms, original) == Kind::Iterator {
            // It is read only once.
            return;
        }
        let known = self.contents(state, original).len;
        let snapshot = state.snapshot(original);
        let contents = Term::Pure(share.name().into(), Arc::from([snapshot]));
        let contents = self.terms.make(contents);
        if self.terms.depth(contents) >= MAX_TERM_DEPTH {
            return;
        }
        let len = match share {
            Share::All => known,
            Share::Some => Interval {
                lo: i64::from(known.lo > 0),
                hi: known.hi,
            },
        };
        let possible = state.refine(contents, |f| match f.len.meet(len) {
            Some(len) => {
                f.len = len;
                true
            }
            None => false,
        });
        if possible {
            state
                .heap
                .insert((copy, Slot::Content), Cell::Has(contents));
        }
    }

    /// `dict.copy()`
    pub(super) fn copy_dict(&mut self, state: &mut State, dict: Value, site: Site) -> Value {
        let kind = state.kind(&self.terms, dict);
        let mut fact = Self::sized(kind, Interval::point(0));
        fact.closed = true;
        let copy = self.fresh_with(state, site, fact);
        self.update_from(state, copy, dict, site);
        copy
    }

    /// Which elements of a receiver, about which nothing is known, a method returns: those of every
    /// container are called so.
    pub(super) fn share_of_method(&self, recv: Value, name: &str, args: &Args) -> Option<Share> {
        let copies = match name {
            "copy" => args.positional.is_empty() && args.stars.is_empty(),
            "keys" | "values" | "items" => args.all().next().is_none(),
            _ => false,
        };
        (copies && !self.always_object(recv)).then_some(Share::All)
    }

    /// Which elements a slice has, if it is not empty unless the sliced object is.
    pub(in crate::engine) fn share_of_slice(&self, bounds: [Value; 3]) -> Option<Share> {
        let [start, end, step] = bounds.map(|bound| self.terms.literal(bound));
        let from_start = matches!(start, Some(Literal::None | Literal::Int(0)));
        let to_end = matches!(end, Some(Literal::None));
        match (step, end) {
            (Some(Literal::None | Literal::Int(1)), _) if from_start && to_end => Some(Share::All),
            (Some(Literal::Int(-1)), _) if start == Some(&Literal::None) && to_end => {
                Some(Share::All)
            }
            (Some(Literal::Int(n)), _) if from_start && to_end && *n > 0 => Some(Share::Some),
            (Some(Literal::None), Some(Literal::Int(n))) if from_start && *n > 0 => {
                Some(Share::Some)
            }
            _ => None,
        }
    }
}
