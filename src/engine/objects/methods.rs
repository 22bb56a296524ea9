//! Methods of built-in containers and texts.

use std::rc::Rc;
use std::sync::Arc;

use crate::engine::calls::args::Args;

use crate::engine::calls::call::is_log_method;
use crate::engine::flow::Evaluated;
use crate::engine::values::fact::{Fact, Interval, Kind};
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{MAX_TERM_DEPTH, Site, Term, Value};
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::{Literal, Name};

impl Engine<'_> {
    /// Calls a method on a receiver whose class is not one of the program's.
    pub(crate) fn builtin_method(
        &mut self,
        cx: &FnContext,
        mut state: State,
        recv: Value,
        name: &Name,
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
        if let Some(out) = self.data_method(cx, &state, recv, name, &args, site) {
            return out;
        }
        if self.is_logger(&state, recv) && is_log_method(name) {
            let none = self.terms.none();
            return vec![Evaluated::normal(state, none)];
        }
        if let Term::Vars(object) = *self.terms.term(recv)
            && name == "get"
            && let Some(Literal::Str(field)) = args
                .positional
                .first()
                .and_then(|k| self.terms.literal(*k))
                .cloned()
        {
            let v = self.get_field(&state, object, &field);
            return vec![Evaluated::normal(state, v)];
        }
        if self.is_generator_object(&state, recv)
            && matches!(name.as_str(), "close" | "send" | "throw" | "__next__")
        {
            let v = self.fresh(&mut state, site);
            return vec![Evaluated::normal(state, v)];
        }
        if self.manager_kind(&state, recv).is_some() {
            return self.manager_method(cx, state, recv, name, args, site);
        }
        if matches!(name.as_str(), "run_until_complete" | "run") && args.positional.len() == 1 {
            let x = args.positional[0];
            if matches!(self.terms.term(x), Term::Pending(..)) {
                return self.run_awaitable(state, x, site);
            }
        }
        if name == "create_task"
            && let [x] = args.positional.as_slice()
            && matches!(self.terms.term(*x), Term::Pending(..))
        {
            let x = *x;
            return vec![Evaluated::normal(state, x)];
        }
        let kind = state.kind(&self.terms, recv);
        match kind {
            Kind::Dict | Kind::DefaultDict => self.dict_method(state, recv, name, args, site),
            Kind::List | Kind::Set => self.sequence_method(state, recv, name, args, site),
            Kind::Str => self.text_method(state, recv, name, args, site),
            Kind::Tuple | Kind::Int | Kind::Bool => {
                let v = self.fresh(&mut state, site);
                vec![Evaluated::normal(state, v)]
            }
            Kind::Exception if matches!(name.as_str(), "with_traceback" | "add_note") => {
                vec![Evaluated::normal(state, recv)]
            }
            _ => self.unknown_method(state, recv, name, args, site),
        }
    }

    /// A method of something nothing is known of. It may raise; a name that changes containers
    /// everywhere changes what is known of this one's contents.
    fn unknown_method(
        &mut self,
        mut state: State,
        recv: Value,
        name: &Name,
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
        let clock = self.terms.external("<clock>");
        if state.fact(recv).is_some_and(|f| f.is.contains(&clock)) {
            let mut fact = Fact::default();
            fact.is.push(clock);
            let v = self.fresh_with(&mut state, site, fact);
            return vec![Evaluated::normal(state, v)];
        }
        let given = self.mentions_watched(&state, &args);
        let changed = match name.as_str() {
            "append" | "appendleft" | "add" | "insert" | "push" => Some(Some(true)),
            "clear" => Some(Some(false)),
            "extend" | "update" | "pop" | "popleft" | "popitem" | "remove" | "discard" => {
                Some(None)
            }
            _ => None,
        };
        let mut out = self.unresolved(state.clone(), name, Some(recv), &args, given, site);
        if let Some(truth) = changed {
            let fact = Fact {
                truth,
                ..Fact::default()
            };
            for o in &mut out {
                if matches!(o.flow, crate::engine::flow::Flow::Normal(_)) {
                    self.mutate(&mut o.state, recv, fact.clone(), site);
                }
            }
        }
        out
    }

    pub(in crate::engine) fn dict_method(
        &mut self,
        mut state: State,
        recv: Value,
        name: &Name,
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
        let key = args.positional.first().copied();
        let default = args.positional.get(1).copied();
        let v = match name.as_str() {
            "get" => {
                let Some(k) = key else {
                    return self.may_raise(state, Fact::default(), site);
                };
                let default = default.unwrap_or_else(|| self.terms.none());
                match self.item_state(&state, recv, k) {
                    Some(Cell::Has(v)) => v,
                    Some(Cell::Absent) => default,
                    None => {
                        let snap = state.snapshot(recv);
                        if self.terms.depth(snap).max(self.terms.depth(k)) >= MAX_TERM_DEPTH {
                            self.fresh(&mut state, site)
                        } else {
                            self.terms
                                .make(Term::Pure("get".into(), Arc::from([snap, k, default])))
                        }
                    }
                }
            }
            "setdefault" => {
                let Some(k) = key else {
                    return self.may_raise(state, Fact::default(), site);
                };
                let default = default.unwrap_or_else(|| self.terms.none());
                match self.item_state(&state, recv, k) {
                    Some(Cell::Has(v)) => v,
                    Some(Cell::Absent) => {
                        self.set_item(&mut state, recv, k, default, site);
                        default
                    }
                    None => {
                        let kind = state.kind(&self.terms, default);
                        let fact = if kind.is_container() {
                            Fact::of_kind(kind)
                        } else {
                            Fact::default()
                        };
                        let v = self.fresh_with(&mut state, Site { part: 5, ..site }, fact);
                        self.set_item(&mut state, recv, k, v, site);
                        v
                    }
                }
            }
            "update" => {
                for source in args.positional.iter().chain(&args.double_stars) {
                    let pairs = self.pairs(&state, *source);
                    match pairs {
                        Some(pairs) => {
                            for (k, v) in pairs {
                                self.set_item(&mut state, recv, k, v, site);
                            }
                        }
                        None => self.update_from(&mut state, recv, *source, site),
                    }
                }
                for (n, v) in &args.keywords {
                    let k = self.terms.str(n);
                    self.set_item(&mut state, recv, k, *v, site);
                }
                self.terms.none()
            }
            "pop" => {
                let Some(k) = key else {
                    return self.may_raise(state, Fact::default(), site);
                };
                let found = self.item_state(&state, recv, k);
                if found == Some(Cell::Absent)
                    && default.is_none()
                    && state.kind(&self.terms, recv) == Kind::Dict
                {
                    return vec![self.raise_exact(state, "KeyError", site)];
                }
                let v = match (found, default) {
                    (Some(Cell::Has(v)), _) => v,
                    (Some(Cell::Absent), Some(d)) => d,
                    _ => self.fresh(&mut state, Site { part: 5, ..site }),
                };
                if found == Some(Cell::Absent) {
                    self.note_loss(&mut state, recv, k);
                } else {
                    self.remove_item(&mut state, recv, k, site);
                }
                v
            }
            "__setitem__" => {
                if let [k, v] = args.positional.as_slice() {
                    self.set_item(&mut state, recv, *k, *v, site);
                }
                self.terms.none()
            }
            "__getitem__" => {
                let Some(k) = key else {
                    return self.may_raise(state, Fact::default(), site);
                };
                return self.get_item(state, recv, k, site);
            }
            "__contains__" => {
                let Some(k) = key else {
                    return self.may_raise(state, Fact::default(), site);
                };
                self.compare(&state, crate::ir::CmpOp::In, k, recv)
            }
            "popitem" | "clear" => {
                self.drop_items(&mut state, recv);
                let kind = state.kind(&self.terms, recv);
                let fact = if name == "clear" {
                    Self::sized(kind, Interval::point(0))
                } else {
                    Fact::of_kind(Kind::Dict)
                };
                self.mutate(&mut state, recv, fact, site);
                if name == "clear" {
                    state.refine(recv, |f| {
                        f.closed = true;
                        true
                    });
                }
                self.terms.none()
            }
            "copy" => {
                let kind = state.kind(&self.terms, recv);
                let mut fact = Self::sized(kind, Interval::point(0));
                fact.closed = true;
                let d = self.fresh_with(&mut state, site, fact);
                self.update_from(&mut state, d, recv, site);
                d
            }
            "items" | "keys" | "values" => {
                let snap = state.snapshot(recv);
                let at = self
                    .terms
                    .make(Term::Pure("at".into(), Arc::from([recv, snap])));
                self.terms.make(Term::View(name.clone(), at))
            }
            "most_common" | "elements" | "subtract" | "total" => self.fresh(&mut state, site),
            _ => return self.unknown_method(state, recv, name, args, site),
        };
        self.note_presence(&mut state);
        vec![Evaluated::normal(state, v)]
    }

    /// The pairs of `[(k, v), …]` or of a tuple of pairs.
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

    /// What is known of an item.
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

    /// An item is gone; with a key that is not known any may be.
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

    /// An item is not there any more. Of the watched place, that settles what some call may have
    /// set before.
    fn note_loss(&mut self, state: &mut State, object: Value, key: Value) {
        if object == self.watched_object(state)
            && self.presence(state) == Presence::Absent
            && Some(key) == self.place_key()
        {
            state.flags.settle();
        }
    }

    /// Forgets all items.
    fn drop_items(&mut self, state: &mut State, object: Value) {
        state
            .heap
            .retain(|(o, slot), _| *o != object || !matches!(slot, Slot::Item(_)));
        if let Some(f) = state.facts.get_mut(&object).map(Rc::make_mut) {
            f.closed = false;
        }
        // The contract's key: gone with the rest.
        if object == self.watched_object(state)
            && let Some(key) = self.place_key()
        {
            state.heap.insert((object, Slot::Item(key)), Cell::Absent);
            state.flags.settle();
        }
    }

    /// A list or set grew; what is known of its elements by position is lost.
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

    fn sequence_method(
        &mut self,
        mut state: State,
        recv: Value,
        name: &Name,
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
        let old = self.contents(&state, recv).len;
        let plus = |n: i64| Interval {
            lo: old.lo.saturating_add(n),
            hi: old.hi.saturating_add(n),
        };
        let is_set = state.kind(&self.terms, recv) == Kind::Set;
        let v = match name.as_str() {
            "append" | "insert" => {
                self.grow(&mut state, recv, plus(1), site);
                self.terms.none()
            }
            "add" => {
                self.grow(
                    &mut state,
                    recv,
                    Interval {
                        lo: old.lo.max(1),
                        hi: old.hi.saturating_add(1),
                    },
                    site,
                );
                self.terms.none()
            }
            "extend" | "update" => {
                let more = args
                    .positional
                    .first()
                    .map_or(Interval::at_least(0), |x| self.contents(&state, *x).len);
                let lo = if is_set {
                    old.lo.max(i64::from(more.lo > 0))
                } else {
                    old.lo.saturating_add(more.lo)
                };
                self.grow(
                    &mut state,
                    recv,
                    Interval {
                        lo,
                        hi: old.hi.saturating_add(more.hi),
                    },
                    site,
                );
                self.terms.none()
            }
            "clear" => {
                self.grow(&mut state, recv, Interval::point(0), site);
                self.terms.none()
            }
            "pop" | "remove" => {
                let class = if name == "pop" {
                    "IndexError"
                } else {
                    "ValueError"
                };
                let failed = self.raise_exact(state.clone(), class, site);
                if name == "pop" && args.positional.is_empty() {
                    if old.hi == 0 {
                        return vec![failed];
                    }
                    self.grow(
                        &mut state,
                        recv,
                        Interval {
                            lo: (old.lo - 1).max(0),
                            hi: old.hi.saturating_sub(1),
                        },
                        site,
                    );
                    let v = self.fresh(&mut state, Site { part: 5, ..site });
                    if old.lo > 0 {
                        return vec![Evaluated::normal(state, v)];
                    }
                    return vec![Evaluated::normal(state, v), failed];
                }
                self.grow(
                    &mut state,
                    recv,
                    Interval {
                        lo: (old.lo - 1).max(0),
                        hi: old.hi,
                    },
                    site,
                );
                let v = self.fresh(&mut state, Site { part: 5, ..site });
                return vec![Evaluated::normal(state, v), failed];
            }
            "discard" | "difference_update" | "intersection_update" => {
                self.grow(&mut state, recv, Interval { lo: 0, hi: old.hi }, site);
                self.terms.none()
            }
            "sort" | "reverse" => self.terms.none(),
            "copy" => {
                let snap = state.snapshot(recv);
                self.terms
                    .make(Term::Pure("copy".into(), Arc::from([snap])))
            }
            "count" => self.fresh_with(&mut state, site, Fact::of_kind(Kind::Int)),
            "index" => {
                let failed = self.raise_exact(state.clone(), "ValueError", site);
                let v = self.fresh_with(&mut state, site, Fact::of_kind(Kind::Int));
                return vec![Evaluated::normal(state, v), failed];
            }
            _ => self.fresh(&mut state, site),
        };
        vec![Evaluated::normal(state, v)]
    }

    fn text_method(
        &mut self,
        mut state: State,
        recv: Value,
        name: &Name,
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
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
            debug_assert!(ok, "a text method gives what it gives");
            return vec![Evaluated::normal(state, v)];
        }
        let v = self.fresh_with(&mut state, site, fact);
        vec![Evaluated::normal(state, v)]
    }
}

/// The name under which a method of texts is known here, whatever its language calls it.
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
