//! The arguments of a call.

use crate::engine::Engine;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Site, Value};
use crate::ir::{Arg, ArgKind, Literal, Name};

/// Evaluated arguments.
#[derive(Clone, Default, Debug)]
pub(crate) struct Args {
    pub(crate) positional: Vec<Value>,
    pub(crate) keywords: Vec<(Name, Value)>,
    /// `*x` arguments; they may contain further positional arguments.
    pub(crate) stars: Vec<Value>,
    /// `**x` arguments.
    pub(crate) double_stars: Vec<Value>,
}

impl Args {
    pub(crate) fn positional(positional: Vec<Value>) -> Self {
        Args {
            positional,
            ..Args::default()
        }
    }

    pub(crate) fn evaluate(
        engine: &mut Engine<'_>,
        state: &mut State,
        args: &[Arg],
        site: Site,
    ) -> Self {
        let mut out = Args::default();
        for a in args {
            let v = engine.operand(state, &a.value, site);
            match &a.kind {
                ArgKind::Positional if out.stars.is_empty() => out.positional.push(v),
                ArgKind::Positional => out.stars.push(v),
                ArgKind::Keyword(n) => out.keywords.push((n.clone(), v)),
                ArgKind::Star => match engine.known_items(state, v) {
                    Some(items) if out.stars.is_empty() => out.positional.extend(items),
                    _ => out.stars.push(v),
                },
                ArgKind::DoubleStar => {
                    let known: Vec<(Name, Value)> = state
                        .slots(v)
                        .filter_map(|(slot, cell)| match (slot, cell) {
                            (Slot::Item(k), Cell::Has(x)) => match engine.terms.literal(*k) {
                                Some(Literal::Str(n)) => Some((n.clone(), *x)),
                                _ => None,
                            },
                            _ => None,
                        })
                        .collect();
                    out.keywords.extend(known);
                    if !state.fact(v).is_some_and(|f| f.closed) {
                        out.double_stars.push(v);
                    }
                }
            }
        }
        out
    }

    pub(crate) fn keyword(&self, name: &str) -> Option<Value> {
        self.keywords
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| *v)
    }

    /// The argument at a position or with a name.
    pub(crate) fn get(&self, position: usize, name: &str) -> Option<Value> {
        self.positional
            .get(position)
            .copied()
            .or_else(|| self.keyword(name))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Value> + '_ {
        self.positional
            .iter()
            .copied()
            .chain(self.keywords.iter().map(|(_, v)| *v))
            .chain(self.stars.iter().copied())
            .chain(self.double_stars.iter().copied())
    }

    pub(in crate::engine) fn is_plain(&self) -> bool {
        self.stars.is_empty() && self.double_stars.is_empty()
    }

    /// The same arguments with one more in front.
    pub(crate) fn with_first(mut self, v: Value) -> Self {
        self.positional.insert(0, v);
        self
    }
}
