//! Typed collections: the methods of maps, map entries and sequences, and the functions that make
//! them.

use std::sync::Arc;

use crate::engine::calls::args::Args;
use crate::engine::flow::{Evaluated, Flow};
use crate::engine::objects::methods::MethodCall;
use crate::engine::values::assume::set_truth;
use crate::engine::values::fact::{Fact, Interval, Kind};
use crate::engine::values::state::{Cell, State};
use crate::engine::values::value::{MAX_TERM_DEPTH, Site, Term, Value};
use crate::engine::{Engine, FnContext};
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{CmpOp, Name};

impl Engine<'_> {
    /// Methods of maps.
    pub(in crate::engine) fn map_method(
        &mut self,
        mut call: MethodCall<'_>,
    ) -> Option<Vec<Evaluated>> {
        let key = call.args.positional.first().copied();
        let v = match (
            call.name.as_str(),
            key,
            call.args.positional.get(1).copied(),
        ) {
            ("insert", Some(k), Some(v)) => {
                let old = self.item_state(&call.state, call.recv, k);
                self.set_item(&mut call.state, call.recv, k, v, call.site);
                self.as_option(&mut call.state, old, call.site)
            }
            ("entry", Some(k), None) => {
                let k = match self.comparable(k) {
                    Some(l) => self.terms.lit(l),
                    None => k,
                };
                self.terms
                    .make(Term::Pure("entry".into(), Arc::from([call.recv, k])))
            }
            ("get" | "get_mut", Some(k), None) => {
                return Some(self.map_get(call.state, call.recv, k, call.site));
            }
            ("contains_key", Some(k), None) => self.compare(&call.state, CmpOp::In, k, call.recv),
            ("remove" | "swap_remove" | "shift_remove" | "remove_entry", Some(k), None) => {
                let old = self.item_state(&call.state, call.recv, k);
                let v = self.as_option(&mut call.state, old, call.site);
                if old != Some(Cell::Absent) {
                    self.remove_item(&mut call.state, call.recv, k, call.site);
                }
                v
            }
            ("clear", None, _) => return Some(self.dict_method(call)),
            ("drain", ..) => {
                let clear = MethodCall {
                    name: &Name::new("clear"),
                    args: &Args::default(),
                    ..call
                };
                let cleared = self.dict_method(clear);
                call.state = cleared.into_iter().next()?.state;
                self.fresh_with(&mut call.state, call.site, Fact::of_kind(Kind::Iterator))
            }
            ("extend" | "append", Some(source), None) => {
                self.add_items(&mut call.state, call.recv, source, call.site);
                self.terms.none()
            }
            (
                "iter" | "iter_mut" | "into_iter" | "keys" | "values" | "values_mut" | "retain"
                | "reserve" | "shrink_to_fit" | "capacity",
                ..,
            ) => self.fresh(&mut call.state, call.site),
            _ => {
                let given = self.is_holder(&call.state, call.recv)
                    || self.mentions_watched(&call.state, call.args);
                return Some(self.unresolved(
                    call.state,
                    call.name,
                    Some(call.recv),
                    call.args,
                    given,
                    call.site,
                ));
            }
        };
        self.note_presence(&mut call.state);
        Some(vec![Evaluated::normal(call.state, v)])
    }

    /// What a map returns of an item that it had or did not have, as an option.
    fn as_option(&mut self, state: &mut State, item: Option<Cell>, site: Site) -> Value {
        match item {
            Some(Cell::Has(v)) => self.variant_of(SUCCESS, Some(v)),
            Some(Cell::Absent) => self.variant_of(FAILURE, None),
            None => self.fresh(state, Site { part: 5, ..site }),
        }
    }

    /// `map.get(key)`: a variant; both variants if it is not known whether the key exists.
    fn map_get(&mut self, mut state: State, map: Value, key: Value, site: Site) -> Vec<Evaluated> {
        let item = self.item_state(&state, map, key);
        let snap = state.snapshot(map);
        let deep = self.terms.depth(snap).max(self.terms.depth(key)) >= MAX_TERM_DEPTH;
        let v = match item {
            None if !deep => {
                let got = Term::Pure("get".into(), Arc::from([snap, key]));
                self.terms.make(got)
            }
            None => self.fresh(&mut state, site),
            item => self.as_option(&mut state, item, site),
        };
        vec![Evaluated::normal(state, v)]
    }

    /// Methods of a map entry.
    pub(in crate::engine) fn entry_method(
        &mut self,
        cx: &FnContext,
        (map, key): (Value, Value),
        call: MethodCall<'_>,
    ) -> Vec<Evaluated> {
        let MethodCall {
            mut state,
            recv,
            name,
            args,
            site,
        } = call;
        let given = args.positional.first().copied();
        let old = self.item_state(&state, map, key);
        match name.as_str() {
            "or_insert" | "or_default" | "or_insert_with" | "or_insert_with_key"
                if matches!(old, Some(Cell::Has(_))) =>
            {
                let v = match old {
                    Some(Cell::Has(v)) => v,
                    _ => self.fresh(&mut state, site),
                };
                vec![Evaluated::normal(state, v)]
            }
            "or_insert_with" => {
                let Some(f) = given else {
                    return self.may_raise(state, Fact::default(), site);
                };
                let here = Site {
                    part: site.part + 6,
                    ..site
                };
                let called = self.call_value(cx, state, f, Args::default(), here);
                called
                    .into_iter()
                    .map(|mut o| {
                        if let Flow::Normal(v) = o.flow {
                            self.set_item(&mut o.state, map, key, v, site);
                        }
                        o
                    })
                    .collect()
            }
            "or_insert" | "or_default" | "or_insert_with_key" | "insert" | "insert_entry" => {
                let v = match given {
                    Some(v) if name != "or_insert_with_key" => v,
                    _ => self.fresh(&mut state, Site { part: 5, ..site }),
                };
                self.set_item(&mut state, map, key, v, site);
                vec![Evaluated::normal(state, v)]
            }
            "and_modify" => vec![Evaluated::normal(state, recv)],
            "key" => vec![Evaluated::normal(state, key)],
            "remove" | "remove_entry" => {
                self.remove_item(&mut state, map, key, site);
                let v = self.fresh(&mut state, Site { part: 5, ..site });
                vec![Evaluated::normal(state, v)]
            }
            _ => {
                let v = match old {
                    Some(Cell::Has(v)) => v,
                    _ => self.fresh(&mut state, site),
                };
                vec![Evaluated::normal(state, v)]
            }
        }
    }

    /// Methods that change the length of a typed sequence; all others are unknown calls.
    pub(in crate::engine) fn array_method(
        &mut self,
        call: MethodCall<'_>,
    ) -> Option<Vec<Evaluated>> {
        let MethodCall {
            mut state,
            recv,
            name,
            args,
            site,
        } = call;
        let old = self.contents(&state, recv).len;
        let len = match name.as_str() {
            "push" | "push_back" | "push_front" => Interval {
                lo: old.lo.saturating_add(1),
                hi: old.hi.saturating_add(1),
            },
            // A set may contain the element already.
            "insert" | "push_str" => Interval {
                lo: old.lo.max(i64::from(name == "insert")),
                hi: i64::MAX,
            },
            "extend" | "append" | "extend_from_slice" => Interval::at_least(old.lo),
            "clear" | "drain" => Interval::point(0),
            "pop" | "pop_front" | "pop_back" | "remove" | "swap_remove" => Interval {
                lo: old.lo.saturating_sub(1).max(0),
                hi: old.hi,
            },
            "truncate" | "retain" | "dedup" | "resize" | "split_off" => Interval::at_least(0),
            "contains" => {
                let [item] = args.positional.as_slice() else {
                    return None;
                };
                let found = self.compare(&state, CmpOp::In, *item, recv);
                return Some(vec![Evaluated::normal(state, found)]);
            }
            "iter" | "iter_mut" | "into_iter" if args.positional.is_empty() => {
                return Some(vec![Evaluated::normal(state, recv)]);
            }
            _ => return None,
        };
        self.grow(&mut state, recv, len, site);
        let v = self.fresh(&mut state, Site { part: 5, ..site });
        Some(vec![Evaluated::normal(state, v)])
    }

    /// Functions that make maps: `HashMap::new()`, `BTreeMap::from([…])`; `None` for others.
    pub(in crate::engine) fn call_maker(
        &mut self,
        state: &State,
        path: &str,
        args: &Args,
        site: Site,
    ) -> Option<Vec<Evaluated>> {
        let mut parts = path.rsplit('.');
        let (last, owner) = (parts.next()?, parts.next()?);
        let map = owner == "builtins" || owner.len() > 3 && owner.ends_with("Map");
        let mut state = state.clone();
        let v = match (last, args.positional.as_slice()) {
            ("new" | "with_capacity" | "default", _) if map => self.empty_map(&mut state, site),
            ("from" | "from_iter", [source]) if map => {
                let map = self.empty_map(&mut state, site);
                match self.pairs(&state, *source) {
                    Some(pairs) => {
                        for (k, v) in pairs {
                            self.set_item(&mut state, map, k, v, site);
                        }
                    }
                    None => self.update_from(&mut state, map, *source, site),
                }
                map
            }
            ("new" | "with_capacity", _)
                if matches!(
                    owner,
                    "Vec" | "VecDeque" | "String" | "HashSet" | "BTreeSet" | "IndexSet"
                ) =>
            {
                let mut fact = Self::sized(Kind::Sized, Interval::point(0));
                fact.closed = true;
                self.fresh_with(&mut state, site, fact)
            }
            _ => return None,
        };
        Some(vec![Evaluated::normal(state, v)])
    }

    /// The literals that a collection is known to hold. Where it is filled in a loop, its elements
    /// are not known by position.
    pub(in crate::engine) fn held(&self, state: &State, object: Value) -> Vec<Value> {
        let now = Term::Pure("at".into(), Arc::from([object, state.snapshot(object)]));
        let Some(now) = self.terms.existing(&now) else {
            return Vec::new();
        };
        let facts = state.facts.iter();
        facts
            .filter(|(_, fact)| fact.truth == Some(true))
            .filter_map(|(test, _)| match *self.terms.term(*test) {
                Term::Cmp(CmpOp::In, item, within) if within == now => Some(item),
                _ => None,
            })
            .filter(|item| self.terms.literal(*item).is_some())
            .collect()
    }

    /// The literals that a collection is known to hold after a call that changes it.
    pub(super) fn held_after(&self, call: &MethodCall<'_>) -> Vec<Value> {
        let mut held = match call.name.as_str() {
            "append" | "insert" | "extend" | "add" | "update" => self.held(&call.state, call.recv),
            _ => return Vec::new(),
        };
        if matches!(call.name.as_str(), "append" | "add") {
            let items = call.args.positional.iter();
            held.extend(items.filter(|item| self.terms.literal(**item).is_some()));
        }
        held
    }

    pub(super) fn note_held(&mut self, state: &mut State, object: Value, held: &[Value]) {
        for item in held {
            let test = self.compare(state, CmpOp::In, *item, object);
            state.refine(test, |fact| set_truth(fact, true));
        }
    }
}
