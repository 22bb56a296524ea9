//! Methods of built-in containers and texts.

use std::rc::Rc;
use std::sync::Arc;

use crate::engine::calls::args::Args;
use crate::engine::calls::call::is_log_method;
use crate::engine::flow::{Evaluated, Flow};
use crate::engine::values::fact::{Fact, Interval, Kind};
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{MAX_TERM_DEPTH, Site, Term, Value};
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::{CmpOp, Literal, Name};

/// A call of a method on a receiver whose class is not one of the program's.
#[derive(Clone)]
pub(in crate::engine) struct MethodCall<'a> {
    pub(in crate::engine) state: State,
    /// The receiver.
    pub(in crate::engine) recv: Value,
    pub(in crate::engine) name: &'a Name,
    pub(in crate::engine) args: &'a Args,
    pub(in crate::engine) site: Site,
}

impl Engine<'_> {
    /// Calls a method on a receiver whose class is not part of the program.
    pub(in crate::engine) fn builtin_method(
        &mut self,
        cx: &FnContext,
        mut call: MethodCall<'_>,
    ) -> Vec<Evaluated> {
        if let Some(out) = self.data_method(cx, &call) {
            return out;
        }
        if self.is_logger(&call.state, call.recv) && is_log_method(call.name) {
            let none = self.terms.none();
            return vec![Evaluated::normal(call.state, none)];
        }
        if let Term::Vars(object) = *self.terms.term(call.recv)
            && call.name == "get"
            && let Some(Literal::Str(field)) = call
                .args
                .positional
                .first()
                .and_then(|k| self.terms.literal(*k))
                .cloned()
        {
            let v = self.get_field(&call.state, object, &field);
            return vec![Evaluated::normal(call.state, v)];
        }
        if self.is_generator_object(&call.state, call.recv)
            && matches!(call.name.as_str(), "close" | "send" | "throw" | "__next__")
        {
            let v = self.fresh(&mut call.state, call.site);
            return vec![Evaluated::normal(call.state, v)];
        }
        if self.manager_kind(&call.state, call.recv).is_some() {
            return self.manager_method(cx, call);
        }
        if matches!(call.name.as_str(), "run_until_complete" | "run")
            && call.args.positional.len() == 1
        {
            let x = call.args.positional[0];
            if matches!(self.terms.term(x), Term::Pending(..)) {
                return self.run_awaitable(call.state, x, call.site);
            }
        }
        if call.name == "create_task"
            && let [x] = call.args.positional.as_slice()
            && matches!(self.terms.term(*x), Term::Pending(..))
        {
            let x = *x;
            return vec![Evaluated::normal(call.state, x)];
        }
        if let Some(out) = self.wait_for_work(&call) {
            return out;
        }
        self.note_put(&mut call);
        let kind = call.state.kind(&self.terms, call.recv);
        match kind {
            Kind::Dict | Kind::DefaultDict => self.dict_method(call),
            Kind::List | Kind::Set => self.sequence_method(call),
            Kind::Str => self.text_method(call),
            Kind::Tuple | Kind::Int | Kind::Bool => {
                let v = self.fresh(&mut call.state, call.site);
                vec![Evaluated::normal(call.state, v)]
            }
            Kind::Exception if matches!(call.name.as_str(), "with_traceback" | "add_note") => {
                vec![Evaluated::normal(call.state, call.recv)]
            }
            _ => self.unknown_method(call),
        }
    }

    /// A method of a receiver about which nothing is known. It may raise. If methods of that name
    /// change containers, what is known about the receiver's contents is dropped.
    fn unknown_method(&mut self, call: MethodCall<'_>) -> Vec<Evaluated> {
        let MethodCall {
            mut state,
            recv,
            name,
            args,
            site,
        } = call;
        let clock = self.terms.external("<clock>");
        if state.fact(recv).is_some_and(|f| f.is.contains(&clock)) {
            let mut fact = Fact::default();
            fact.is.push(clock);
            let v = self.fresh_with(&mut state, site, fact);
            return vec![Evaluated::normal(state, v)];
        }
        let given = self.mentions_watched(&state, args);
        let changed = match name.as_str() {
            "append" | "appendleft" | "add" | "insert" | "push" => Some(Some(true)),
            "clear" => Some(Some(false)),
            "extend" | "update" | "pop" | "popleft" | "popitem" | "remove" | "discard" => {
                Some(None)
            }
            _ => None,
        };
        let shared = self.share_of_method(recv, name, args);
        let mut out = self.unresolved(state.clone(), name, Some(recv), args, given, site);
        for o in &mut out {
            if let (Some(share), Flow::Normal(v)) = (shared, &o.flow) {
                self.share(&mut o.state, *v, recv, share);
            }
        }
        if let Some(truth) = changed {
            let fact = Fact {
                truth,
                ..Fact::default()
            };
            for o in &mut out {
                if matches!(o.flow, Flow::Normal(_)) {
                    self.mutate(&mut o.state, recv, fact.clone(), site);
                }
            }
        }
        out
    }

    pub(in crate::engine) fn dict_method(&mut self, mut call: MethodCall<'_>) -> Vec<Evaluated> {
        let v = match call.name.as_str() {
            "get" | "setdefault" | "pop" | "__getitem__" | "__contains__" => {
                return match call.args.positional.first() {
                    Some(key) => self.item_method(*key, call),
                    None => self.may_raise(call.state, Fact::default(), call.site),
                };
            }
            "update" => {
                self.update(&mut call.state, call.recv, call.args, call.site);
                self.terms.none()
            }
            "__setitem__" => {
                if let [k, v] = call.args.positional.as_slice() {
                    self.set_item(&mut call.state, call.recv, *k, *v, call.site);
                }
                self.terms.none()
            }
            "popitem" => {
                self.drop_items(&mut call.state, call.recv);
                self.mutate(
                    &mut call.state,
                    call.recv,
                    Fact::of_kind(Kind::Dict),
                    call.site,
                );
                self.terms.none()
            }
            "clear" => {
                self.drop_items(&mut call.state, call.recv);
                let kind = call.state.kind(&self.terms, call.recv);
                let fact = Self::sized(kind, Interval::point(0));
                self.mutate(&mut call.state, call.recv, fact, call.site);
                call.state.refine(call.recv, |f| {
                    f.closed = true;
                    true
                });
                self.terms.none()
            }
            "copy" => self.copy_dict(&mut call.state, call.recv, call.site),
            "items" | "keys" | "values" => {
                let snap = call.state.snapshot(call.recv);
                let at = self
                    .terms
                    .make(Term::Pure("at".into(), Arc::from([call.recv, snap])));
                self.terms.make(Term::View(call.name.clone(), at))
            }
            "most_common" | "elements" | "subtract" | "total" => {
                self.fresh(&mut call.state, call.site)
            }
            _ => return self.unknown_method(call),
        };
        self.note_presence(&mut call.state);
        vec![Evaluated::normal(call.state, v)]
    }

    /// A method of a dict that asks for one item.
    fn item_method(&mut self, key: Value, mut call: MethodCall<'_>) -> Vec<Evaluated> {
        let (dict, site) = (call.recv, call.site);
        let default = call.args.positional.get(1).copied();
        let v = match call.name.as_str() {
            "__getitem__" => return self.get_item(call.state, dict, key, site),
            "__contains__" => self.compare(&call.state, CmpOp::In, key, dict),
            "pop" => match self.pop_item(&mut call.state, dict, key, default, site) {
                Some(v) => v,
                None => return vec![self.raise_exact(call.state, "KeyError", site)],
            },
            name => {
                let default = default.unwrap_or_else(|| self.terms.none());
                if name == "setdefault" {
                    self.get_or_set(&mut call.state, dict, key, default, site)
                } else {
                    self.get_or(&mut call.state, dict, key, default, site)
                }
            }
        };
        self.note_presence(&mut call.state);
        vec![Evaluated::normal(call.state, v)]
    }

    /// `dict.get(key, default)`
    fn get_or(
        &mut self,
        state: &mut State,
        dict: Value,
        key: Value,
        default: Value,
        site: Site,
    ) -> Value {
        match self.item_state(state, dict, key) {
            Some(Cell::Has(v)) => v,
            Some(Cell::Absent) => default,
            None => {
                let snap = state.snapshot(dict);
                if self.terms.depth(snap).max(self.terms.depth(key)) >= MAX_TERM_DEPTH {
                    return self.fresh(state, site);
                }
                self.terms
                    .make(Term::Pure("get".into(), Arc::from([snap, key, default])))
            }
        }
    }

    /// `dict.setdefault(key, default)`
    fn get_or_set(
        &mut self,
        state: &mut State,
        dict: Value,
        key: Value,
        default: Value,
        site: Site,
    ) -> Value {
        let v = match self.item_state(state, dict, key) {
            Some(Cell::Has(v)) => return v,
            Some(Cell::Absent) => default,
            None => {
                let kind = state.kind(&self.terms, default);
                let fact = if kind.is_container() {
                    Fact::of_kind(kind)
                } else {
                    Fact::default()
                };
                self.fresh_with(state, Site { part: 5, ..site }, fact)
            }
        };
        self.set_item(state, dict, key, v, site);
        v
    }

    /// `dict.update(other, key=value)`
    fn update(&mut self, state: &mut State, dict: Value, args: &Args, site: Site) {
        for source in args.positional.iter().chain(&args.double_stars) {
            self.add_items(state, dict, *source, site);
        }
        for (n, v) in &args.keywords {
            let k = self.terms.str(n);
            self.set_item(state, dict, k, *v, site);
        }
    }

    /// Adds the items of a mapping, or of a sequence of pairs.
    pub(in crate::engine) fn add_items(
        &mut self,
        state: &mut State,
        dict: Value,
        source: Value,
        site: Site,
    ) {
        match self.pairs(state, source) {
            Some(pairs) => {
                for (k, v) in pairs {
                    self.set_item(state, dict, k, v, site);
                }
            }
            None => self.update_from(state, dict, source, site),
        }
    }

    /// `dict.pop(key, default)`; `None` if it certainly raises.
    fn pop_item(
        &mut self,
        state: &mut State,
        dict: Value,
        key: Value,
        default: Option<Value>,
        site: Site,
    ) -> Option<Value> {
        let found = self.item_state(state, dict, key);
        let is_dict = state.kind(&self.terms, dict) == Kind::Dict;
        if found == Some(Cell::Absent) && default.is_none() && is_dict {
            return None;
        }
        let v = match (found, default) {
            (Some(Cell::Has(v)), _) => v,
            (Some(Cell::Absent), Some(d)) => d,
            _ => self.fresh(state, Site { part: 5, ..site }),
        };
        if found == Some(Cell::Absent) {
            self.note_loss(state, dict, key);
        } else {
            self.remove_item(state, dict, key, site);
        }
        Some(v)
    }

    /// The pairs in `[(k, v), …]` or in a tuple of pairs.
    pub(in crate::engine) fn pairs(
        &self,
        state: &State,
        source: Value,
    ) -> Option<Vec<(Value, Value)>> {
        let items = self.known_items(state, source)?;
        items
            .into_iter()
            .map(|i| match self.known_items(state, i)?.as_slice() {
                [k, v] => Some((*k, *v)),
                _ => None,
            })
            .collect()
    }

    /// What is known about an item.
    pub(crate) fn item_state(&mut self, state: &State, object: Value, key: Value) -> Option<Cell> {
        let lit = self.comparable(key);
        let key = match &lit {
            Some(l) => self.terms.lit(l.clone()),
            None => key,
        };
        match state.heap.get(&(object, Slot::Item(key))) {
            Some(c) => Some(*c),
            None if lit.is_some() && state.fact(object).is_some_and(|f| f.closed) => {
                Some(Cell::Absent)
            }
            None => None,
        }
    }

    /// Removes an item; if the key is unknown, any item may be gone.
    pub(crate) fn remove_item(&mut self, state: &mut State, object: Value, key: Value, site: Site) {
        let old = self.contents(state, object);
        let kind = if old.kind == Kind::Unknown {
            Kind::Dict
        } else {
            old.kind
        };
        match self.comparable(key) {
            Some(l) => {
                let key = self.terms.lit(l);
                state.heap.insert((object, Slot::Item(key)), Cell::Absent);
                self.note_loss(state, object, key);
            }
            None => self.drop_items(state, object),
        }
        let len = Interval {
            lo: old.len.lo.saturating_sub(1).max(0),
            hi: if old.len.hi == i64::MAX {
                i64::MAX
            } else {
                old.len.hi.saturating_sub(1).max(0)
            },
        };
        let fact = Self::sized(kind, len);
        self.mutate(state, object, fact, site);
    }

    /// An item was removed. If it is the watched place, doubts from earlier calls no longer matter.
    fn note_loss(&mut self, state: &mut State, object: Value, key: Value) {
        if self.is_place_key(state, object, key) && self.presence(state) == Presence::Absent {
            state.flags.settle();
        }
    }

    /// Removes all items.
    fn drop_items(&mut self, state: &mut State, object: Value) {
        state
            .heap
            .retain(|(o, slot), _| *o != object || !matches!(slot, Slot::Item(_)));
        if let Some(f) = state.facts.get_mut(&object).map(Rc::make_mut) {
            f.closed = false;
        }
        self.lose_items(state, object);
    }

    /// A list or set grew. What was known about its elements by position is lost.
    pub(crate) fn grow(&mut self, state: &mut State, object: Value, len: Interval, site: Site) {
        let kind = state.kind(&self.terms, object);
        state
            .heap
            .retain(|(o, slot), _| *o != object || !matches!(slot, Slot::Item(_)));
        if let Some(f) = state.facts.get_mut(&object).map(Rc::make_mut) {
            f.closed = false;
        }
        let fact = Self::sized(kind, len);
        self.mutate(state, object, fact, site);
    }

    fn sequence_method(&mut self, mut call: MethodCall<'_>) -> Vec<Evaluated> {
        let old = self.contents(&call.state, call.recv).len;
        let is_set = call.state.kind(&self.terms, call.recv) == Kind::Set;
        let len = match call.name.as_str() {
            "append" | "insert" => Interval {
                lo: old.lo.saturating_add(1),
                hi: old.hi.saturating_add(1),
            },
            "add" => Interval {
                lo: old.lo.max(1),
                hi: old.hi.saturating_add(1),
            },
            "extend" | "update" => {
                let more = call.args.positional.first();
                let more = more.map_or(Interval::at_least(0), |x| {
                    self.contents(&call.state, *x).len
                });
                let lo = if is_set {
                    old.lo.max(i64::from(more.lo > 0))
                } else {
                    old.lo.saturating_add(more.lo)
                };
                Interval {
                    lo,
                    hi: old.hi.saturating_add(more.hi),
                }
            }
            "clear" => Interval::point(0),
            "discard" | "difference_update" | "intersection_update" => {
                Interval { lo: 0, hi: old.hi }
            }
            "pop" | "remove" => {
                return self.take_out(call);
            }
            "index" => {
                let failed = self.raise_exact(call.state.clone(), "ValueError", call.site);
                let v = self.fresh_with(&mut call.state, call.site, Fact::of_kind(Kind::Int));
                return vec![Evaluated::normal(call.state, v), failed];
            }
            _ => {
                let v = match call.name.as_str() {
                    "sort" | "reverse" => self.terms.none(),
                    "copy" => {
                        let snap = call.state.snapshot(call.recv);
                        self.terms
                            .make(Term::Pure("copy".into(), Arc::from([snap])))
                    }
                    "count" => {
                        self.fresh_with(&mut call.state, call.site, Fact::of_kind(Kind::Int))
                    }
                    _ => self.fresh(&mut call.state, call.site),
                };
                return vec![Evaluated::normal(call.state, v)];
            }
        };
        let held = self.held_after(&call);
        self.grow(&mut call.state, call.recv, len, call.site);
        self.note_held(&mut call.state, call.recv, &held);
        let none = self.terms.none();
        vec![Evaluated::normal(call.state, none)]
    }

    /// `list.pop()`, `list.pop(index)`, `list.remove(item)`, which raise if there is no such item.
    fn take_out(&mut self, call: MethodCall<'_>) -> Vec<Evaluated> {
        let MethodCall {
            mut state,
            recv,
            name,
            args,
            site,
        } = call;
        let old = self.contents(&state, recv).len;
        let class = match name.as_str() {
            "pop" => "IndexError",
            _ => "ValueError",
        };
        let failed = self.raise_exact(state.clone(), class, site);
        let takes_last = name == "pop" && args.positional.is_empty();
        if takes_last && old.hi == 0 {
            return vec![failed];
        }
        let len = Interval {
            lo: (old.lo - 1).max(0),
            hi: if takes_last {
                old.hi.saturating_sub(1)
            } else {
                old.hi
            },
        };
        self.grow(&mut state, recv, len, site);
        let v = self.fresh(&mut state, Site { part: 5, ..site });
        let taken = Evaluated::normal(state, v);
        if takes_last && old.lo > 0 {
            return vec![taken];
        }
        vec![taken, failed]
    }

    fn text_method(&mut self, call: MethodCall<'_>) -> Vec<Evaluated> {
        let MethodCall {
            mut state,
            recv,
            name,
            args,
            site,
        } = call;
        let name = text_method(name);
        if let (Some(Literal::Str(s)), true) = (
            self.terms.literal(recv).cloned(),
            args.all().next().is_none(),
        ) {
            let folded = match name {
                "lower" | "casefold" => Some(s.to_lowercase()),
                "upper" => Some(s.to_uppercase()),
                "strip" => Some(s.trim().to_string()),
                _ => None,
            };
            if let Some(t) = folded {
                let v = self.terms.str(&t);
                return vec![Evaluated::normal(state, v)];
            }
        }
        let mut ops = vec![recv];
        ops.extend(args.all());
        let pure = ops
            .iter()
            .all(|o| self.terms.depth(*o) < MAX_TERM_DEPTH - 2);
        let fact = match name {
            "lower" | "upper" | "casefold" | "strip" | "lstrip" | "rstrip" | "title"
            | "capitalize" | "replace" | "format" | "join" | "zfill" | "ljust" | "rjust"
            | "swapcase" | "removeprefix" | "removesuffix" => Fact::of_kind(Kind::Str),
            "startswith" | "endswith" | "isdigit" | "isalpha" | "isnumeric" | "isupper"
            | "islower" | "isspace" => Fact::of_kind(Kind::Bool),
            "split" | "rsplit" | "splitlines" => Fact::of_kind(Kind::List),
            "count" | "find" | "rfind" => Fact::of_kind(Kind::Int),
            "index" | "rindex" | "encode" | "decode" => {
                return self.may_raise(state, Fact::default(), site);
            }
            _ => Fact::default(),
        };
        if pure && fact.kind != Kind::List {
            let v = self
                .terms
                .make(Term::Pure(format!("text.{name}").into(), ops.into()));
            let ok = state.refine(v, |f| {
                if f.kind == Kind::Unknown {
                    f.kind = fact.kind;
                }
                true
            });
            debug_assert!(ok, "the fact is of a kind that a text method returns");
            return vec![Evaluated::normal(state, v)];
        }
        let v = self.fresh_with(&mut state, site, fact);
        vec![Evaluated::normal(state, v)]
    }
}

/// The engine's common name of a text method, whatever the language calls it.
pub(in crate::engine) fn text_method(name: &str) -> &str {
    match name {
        "to_lowercase" | "to_ascii_lowercase" => "lower",
        "to_uppercase" | "to_ascii_uppercase" => "upper",
        "trim" => "strip",
        "starts_with" => "startswith",
        "ends_with" => "endswith",
        _ => name,
    }
}
