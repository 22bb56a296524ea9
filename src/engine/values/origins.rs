//! How values were made.
//!
//! A symbol says that a value is new, not what made it. For an automaton that needs to know, the
//! heap holds for each symbol how it was made: a [`Term::Made`] with the callee's name and its
//! arguments. It is in a slot of the symbol, so joins, summaries and renamings treat it like any
//! other knowledge, and it disappears together with the symbol.

use std::sync::Arc;

use crate::engine::calls::args::Args;

use crate::engine::calls::call::outcome_of;
use crate::engine::flow::Evaluated;
use crate::engine::objects::class_texts::FORMAT;
use crate::engine::objects::methods::text_method;
use crate::engine::values::fact::Kind;
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::State;
use crate::engine::values::value::{MAX_TERM_DEPTH, Made, Site, Term, Value};
use crate::engine::{CompletedCall, Engine, FnContext, Returned};
use crate::ir::{Arg, BinOp, BlockId, Callee, Data, Literal, LocalId, Name, Operand, Rvalue};
use crate::program::FuncRef;

/// How a value was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// By a call: the last part of the callee's name, the receiver (None if there is none), and the
    /// arguments.
    Call(Name, Value, Vec<Value>),
    /// As an element of this collection.
    Element(Value),
    /// As the concatenation of these texts.
    Text(Vec<Value>),
}

/// The callee name in the origin of a value that a call may have changed. Its operands are the old
/// value and what the call was given.
pub const LENT: &str = "lent";

/// The callee name in the origin of a value that was computed from others in an unknown way.
pub const OPAQUE: &str = "opaque";

/// The name under which an automaton hears of a store to an item.
pub const SET_ITEM: &str = "__setitem__";

/// How many origins deep a text is searched for.
const TEXT_DEPTH: u32 = 3;

const KEYWORD: &str = "keyword:";

/// The receiver and the arguments of a call.
type Given<'a> = (Option<Value>, &'a [Value]);

impl Engine<'_> {
    /// How a value was made, if the state remembers it.
    #[must_use]
    pub fn origin(&self, state: &State, v: Value) -> Option<Origin> {
        match self.terms.term(v) {
            Term::Pure(n, ops) if n.starts_with("text.") => {
                let name = Name::new(n.trim_start_matches("text."));
                return Some(Origin::Call(name, ops[0], ops[1..].to_vec()));
            }
            Term::Arith(BinOp::Add, a, b) => return Some(Origin::Text(vec![*a, *b])),
            _ => {}
        }
        let Term::Made(how, ops) = self.terms.term(state.ghost(v, Ghost::Origin)?) else {
            return None;
        };
        Some(match how {
            Made::Element => Origin::Element(ops[0]),
            Made::Text => Origin::Text(ops.to_vec()),
            Made::Call(n) => Origin::Call(n.clone(), ops[0], ops[1..].to_vec()),
        })
    }

    /// The text that a value is or begins with, as far as it is known.
    #[must_use]
    pub fn known_text(&self, state: &State, v: Value) -> Option<Name> {
        self.text_at(state, v, 0)
    }

    fn text_at(&self, state: &State, v: Value, depth: u32) -> Option<Name> {
        if let Some(Literal::Str(s)) = self.terms.literal(v) {
            return Some(s.clone());
        }
        if depth > TEXT_DEPTH {
            return None;
        }
        if let Term::Pure(n, parts) = self.terms.term(v)
            && n == FORMAT
        {
            return self.text_at(state, *parts.first()?, depth + 1);
        }
        match self.origin(state, v)? {
            Origin::Text(parts) => self.text_at(state, *parts.first()?, depth + 1),
            // A text that was stripped, joined, dedented and so on.
            Origin::Call(_, of, args) => {
                let of = std::iter::once(of).chain(args);
                of.into_iter()
                    .find_map(|v| self.text_at(state, v, depth + 1))
            }
            Origin::Element(_) => None,
        }
    }

    /// Whether a value may be, or begin with, a text that only the caller knows.
    pub(in crate::engine) fn may_be_text(&self, state: &State, v: Value, depth: u32) -> bool {
        if depth > TEXT_DEPTH || self.terms.literal(v).is_some() {
            return false;
        }
        if self.is_class_text(v) {
            return true;
        }
        if self.is_from_caller(v) {
            return matches!(state.kind(&self.terms, v), Kind::Unknown | Kind::Str);
        }
        match self.origin(state, v) {
            Some(Origin::Text(parts)) => {
                let first = parts.first();
                first.is_some_and(|first| self.may_be_text(state, *first, depth + 1))
            }
            Some(Origin::Call(_, of, args)) => std::iter::once(of)
                .chain(args)
                .any(|v| self.may_be_text(state, v, depth + 1)),
            _ => false,
        }
    }

    /// Whether a value depends on an input of the function.
    pub(in crate::engine) fn is_from_caller(&self, v: Value) -> bool {
        let mut leaves = self.terms.leaves(v).iter();
        leaves.any(|leaf| matches!(self.terms.term(*leaf), Term::Input(_)))
    }

    /// The name and value of an argument that was passed by keyword.
    #[must_use]
    pub fn keyword(&self, argument: Value) -> Option<(&str, Value)> {
        match self.terms.term(argument) {
            Term::Pure(n, ops) => n.strip_prefix(KEYWORD).map(|n| (n, ops[0])),
            _ => None,
        }
    }

    /// The names of the variables of a function that held a value.
    #[must_use]
    pub fn names_of(&self, func: FuncRef, v: Value) -> &[Name] {
        self.names.get(&(func, v)).map_or(&[], |n| n.as_slice())
    }

    /// Remembers that a variable holds a value.
    pub(crate) fn note_name(&mut self, cx: &FnContext, local: LocalId, v: Value) {
        if self.watches.values.is_none() {
            return;
        }
        let Some(name) = &cx.function().body.locals[local.index()].name else {
            return;
        };
        let names = self.names.entry((cx.func, v)).or_default();
        if !names.contains(name) {
            names.push(name.clone());
        }
    }

    fn set_origin(&mut self, state: &mut State, v: Value, how: Made, operands: Vec<Value>) {
        let deep = operands
            .iter()
            .any(|o| self.terms.depth(*o) >= MAX_TERM_DEPTH);
        if deep
            || !matches!(self.terms.term(v), Term::Symbol(..))
            || state.ghost(v, Ghost::Origin).is_some()
        {
            return;
        }
        let from = self.terms.make(Term::Made(how, operands.into()));
        state.set_ghost(v, Ghost::Origin, from);
    }

    /// Remembers that `item` is an element of `source`.
    pub(crate) fn note_element(&mut self, state: &mut State, item: Value, source: Value) {
        if self.watches.values.is_some() {
            self.set_origin(state, item, Made::Element, vec![source]);
        }
    }

    /// Tells the automaton of a store to an item, as the call of `__setitem__` that it is.
    pub(crate) fn tell_item_set(
        &mut self,
        cx: &FnContext,
        state: &mut State,
        object: Value,
        args: [Value; 2],
        site: Site,
    ) {
        if let Some(values) = self.watches.values {
            let call = Returned {
                func: cx.func,
                block: BlockId(site.block),
                name: SET_ITEM,
                receiver: Some(object),
                args: &args,
                result: self.terms.none(),
            };
            values.on_returned(self, state, &call);
        }
    }

    /// Remembers how the result of an rvalue was made, and reports calls to the automaton.
    pub(crate) fn note_made(
        &mut self,
        cx: &FnContext,
        state: &mut State,
        rvalue: &Rvalue,
        result: Value,
        site: Site,
    ) {
        let Some(values) = self.watches.values else {
            return;
        };
        let tell = |engine: &mut Self, state: &mut State, name: &str, given: Given<'_>| {
            let (receiver, args) = given;
            let call = Returned {
                func: cx.func,
                block: BlockId(site.block),
                name,
                receiver,
                args,
                result,
            };
            values.on_returned(engine, state, &call);
        };
        match rvalue {
            Rvalue::Call { callee, args } => {
                let (name, receiver) = self.called(state, callee, site);
                let given = self.given(state, args, site);
                let mut operands = vec![receiver.unwrap_or_else(|| self.terms.none())];
                operands.extend(&given);
                // A function that was followed may have filled the collection that it returns: a
                // test sees what is in it.
                let contents = state.snapshot(result);
                if contents != result {
                    self.set_origin(state, contents, Made::Call(name.clone()), operands.clone());
                }
                self.set_origin(state, result, Made::Call(name.clone()), operands);
                tell(self, state, &name, (receiver, &given));
            }
            Rvalue::Opaque(parts) if !parts.is_empty() => {
                let mut parts = self.operands(state, parts, site);
                parts.insert(0, self.terms.none());
                self.set_origin(state, result, Made::Call(OPAQUE.into()), parts);
            }
            Rvalue::Data(Data::Lent { object, with }) => {
                let mut parts = self.operands(state, with, site);
                parts.insert(0, self.operand(state, object, site));
                if result != parts[0] {
                    self.set_origin(state, result, Made::Call(LENT.into()), parts);
                }
            }
            Rvalue::Data(Data::Gather { into, item }) => {
                let both = self.operands(state, &[into.clone(), item.clone()], site);
                tell(self, state, "append", (Some(both[0]), &both[1..]));
            }
            Rvalue::Format(parts) => {
                let parts = self.operands(state, parts, site);
                self.set_origin(state, result, Made::Text, parts);
            }
            Rvalue::Binary(BinOp::Add, a, b) | Rvalue::InPlace(BinOp::Add, a, b) => {
                let parts = self.operands(state, &[a.clone(), b.clone()], site);
                self.set_origin(state, result, Made::Text, parts);
            }
            Rvalue::Binary(op, a, b) => {
                let parts = self.operands(state, &[a.clone(), b.clone()], site);
                let name: Name = format!("{op:?}").into();
                self.set_origin(state, result, Made::Call(name.clone()), parts.clone());
                tell(self, state, &name, (None, &parts));
            }
            Rvalue::Await(o)
            | Rvalue::Slice { object: o, .. }
            | Rvalue::Enter { manager: o, .. } => {
                let object = self.operand(state, o, site);
                self.set_origin(state, result, Made::Call("same".into()), vec![object]);
            }
            _ => {}
        }
    }

    /// The name and the receiver of a callee.
    fn called(&mut self, state: &mut State, callee: &Callee, site: Site) -> (Name, Option<Value>) {
        let (name, receiver) = match callee {
            Callee::Method { receiver, name, .. } => {
                let receiver = self.operand(state, receiver, site);
                (Some(name.clone()), Some(receiver))
            }
            Callee::Value(o) => {
                let f = self.operand(state, o, site);
                let receiver = match self.terms.term(f) {
                    Term::Field(r, _) | Term::Bound(_, r) | Term::Method(r, _) => Some(*r),
                    _ => None,
                };
                (self.name_of(f), receiver)
            }
        };
        let name = name.unwrap_or_else(|| "call".into());
        let name = match text_method(&name) {
            common if common == name => name,
            common => Name::new(common),
        };
        (name, receiver)
    }

    /// The arguments of a call, keyword arguments last.
    fn given(&mut self, state: &mut State, args: &[Arg], site: Site) -> Vec<Value> {
        let args = Args::evaluate(self, state, args, site);
        let mut given: Vec<Value> = args.positional.clone();
        given.extend(args.stars.iter().chain(&args.double_stars));
        for (n, v) in &args.keywords {
            let named = Term::Pure(format!("{KEYWORD}{n}").into(), Arc::from([*v]));
            given.push(self.terms.make(named));
        }
        given
    }

    /// Tells the automaton how a call of a function of the program came out.
    pub(in crate::engine) fn tell_followed(
        &mut self,
        outcomes: &mut [Evaluated],
        f: FuncRef,
        args: &Args,
        site: Site,
    ) {
        let Some(failures) = self.watches.failures else {
            return;
        };
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        let of_object = function.class.is_some() && !self.is_static_method(f);
        let (receiver, given) = match args.positional.split_first() {
            Some((receiver, rest)) if of_object => (Some(*receiver), rest),
            _ => (None, args.positional.as_slice()),
        };
        for o in outcomes {
            let call = CompletedCall {
                site,
                name: &function.name,
                receiver,
                args: given,
                keywords: &args.keywords,
                outcome: outcome_of(o.flow),
                callee: Some(f),
            };
            failures.on_completed(self, &mut o.state, &call);
        }
    }

    fn operands(&mut self, state: &mut State, list: &[Operand], site: Site) -> Vec<Value> {
        list.iter().map(|o| self.operand(state, o, site)).collect()
    }
}
