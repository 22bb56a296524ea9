//! The text of a query, and what is bound to its parameters.

use std::rc::Rc;

use super::trace::Trace;
use super::{MAX_DEPTH, text_of};
use crate::engine::values::origins::Origin;
use crate::engine::values::state::{Cell, Slot};
use crate::engine::values::value::{Term, Value};
use crate::ir::Literal;
use crate::rules::success_as_proof::vocabulary::calls::{TEXT_OF_ARGUMENT, TEXT_OF_RECEIVER};
use crate::sql::{self, Bound, Piece, Query};

/// Shorter texts are no queries.
const SHORTEST: usize = 12;

/// How deep a bound value may be wrapped.
const MAX_WRAPPING: u32 = 5;

impl Trace<'_, '_, '_> {
    /// The query among the arguments of a call; `later` is what is bound to it afterwards.
    pub(super) fn query(self, args: &[Value], later: &[Value]) -> Option<Rc<Query>> {
        let engine = self.engine;
        let (at, pieces) = args.iter().enumerate().find_map(|(i, a)| {
            let a = engine.keyword(*a).map_or(*a, |(_, v)| v);
            let mut pieces = Vec::new();
            self.add_text(a, &mut pieces, 0);
            let solid: usize = pieces.iter().flatten().map(String::len).sum();
            (solid >= SHORTEST).then_some((i, pieces))
        })?;
        let mut bound = Bound::default();
        for (i, a) in args.iter().enumerate() {
            if i != at {
                self.bind(*a, &mut bound, 0);
            }
        }
        // `fetch("… = $1", "success")`
        if bound.positions.is_empty() {
            let behind = args.iter().skip(at + 1).chain(later);
            bound.positions = behind.map(|a| self.literal_text(*a)).collect();
        }
        self.read(&pieces, &bound)
    }

    /// The query with this text, read once.
    pub(super) fn read(self, pieces: &[Option<String>], bound: &Bound) -> Option<Rc<Query>> {
        let key = format!("{pieces:?}{bound:?}");
        if let Some(known) = self.queries.read.borrow().get(&key) {
            return known.clone();
        }
        let list: Vec<Piece<'_>> = pieces
            .iter()
            .map(|p| p.as_deref().map_or(Piece::Hole, Piece::Text))
            .collect();
        let words = self.queries.vocabulary;
        let query = sql::read(
            &list,
            bound,
            &sql::Vocabulary {
                is_status_column: &|n| words.is_status(n),
                is_count_column: &|n| words.is_count(n),
                is_success_word: &|n| words.is_success(n),
            },
        )
        .map(Rc::new);
        self.queries.read.borrow_mut().insert(key, query.clone());
        query
    }

    fn literal_text(self, v: Value) -> Option<String> {
        self.engine.terms.literal(v).and_then(text_of)
    }

    /// Adds a text in pieces; `None` stands for what is not known.
    fn add_text(self, v: Value, out: &mut Vec<Option<String>>, depth: u32) {
        if depth > MAX_DEPTH {
            out.push(None);
            return;
        }
        match self.engine.terms.term(v) {
            Term::Lit(Literal::Str(s)) => {
                out.push(Some(s.to_string()));
                return;
            }
            Term::Lit(Literal::Int(i)) => {
                out.push(Some(i.to_string()));
                return;
            }
            _ => {}
        }
        match self.engine.origin(self.state, v) {
            Some(Origin::Text(parts)) => {
                for p in parts {
                    self.add_text(p, out, depth + 1);
                }
            }
            Some(Origin::Call(name, receiver, _)) if TEXT_OF_RECEIVER.contains(&name.as_str()) => {
                self.add_text(receiver, out, depth + 1);
            }
            Some(Origin::Call(name, _, args)) if TEXT_OF_ARGUMENT.contains(&name.as_str()) => {
                match args.first() {
                    Some(a) => self.add_text(*a, out, depth + 1),
                    None => out.push(None),
                }
            }
            Some(Origin::Call(name, separator, args)) if name == "join" => {
                let items = args
                    .first()
                    .and_then(|a| self.engine.known_items(self.state, *a));
                let Some(items) = items else {
                    out.push(None);
                    return;
                };
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.add_text(separator, out, depth + 1);
                    }
                    self.add_text(*item, out, depth + 1);
                }
            }
            _ => out.push(None),
        }
    }

    /// Adds the literals that an argument binds to parameters, however it is wrapped.
    fn bind(self, v: Value, out: &mut Bound, depth: u32) {
        if depth > MAX_WRAPPING {
            return;
        }
        if let Some((name, v)) = self.engine.keyword(v) {
            if let Some(text) = self.literal_text(v) {
                out.names.insert(name.to_owned(), text);
            }
            return self.bind(v, out, depth + 1);
        }
        if let Some(items) = self.engine.known_items(self.state, v) {
            let texts: Vec<Option<String>> = items.iter().map(|i| self.literal_text(*i)).collect();
            if texts.iter().any(Option::is_some) && out.positions.is_empty() {
                out.positions = texts;
            }
            for i in items {
                self.bind(i, out, depth + 1);
            }
            return;
        }
        for (slot, cell) in self.state.slots(v) {
            if let (Slot::Item(k), Cell::Has(x)) = (slot, cell)
                && let (Some(k), Some(x)) = (self.literal_text(*k), self.literal_text(*x))
            {
                out.names.insert(k, x);
            }
        }
        if let Some(Origin::Call(_, _, args)) = self.engine.origin(self.state, v) {
            let texts: Vec<String> = args.iter().filter_map(|a| self.literal_text(*a)).collect();
            // `ScalarQueryParameter("status", "STRING", "success")`
            if let [name, .., value] = texts.as_slice() {
                out.names.insert(name.clone(), value.clone());
            }
            for a in args {
                self.bind(a, out, depth + 1);
            }
        }
    }
}
