//! Joins of states, and the canonical names of their symbols.

use std::rc::Rc;
use std::sync::Arc;

use super::{site, symbol};
use crate::engine::values::fact::{Fact, Interval, Kind, Lits};
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Site, Term, Terms, Value};
use crate::ir::Literal;

/// The site of a join.
fn here() -> Site {
    Site {
        block: 7,
        index: u32::MAX,
        ..site(0)
    }
}

fn join(a: &State, b: &State, terms: &mut Terms) -> State {
    a.join(b, terms, here(), false)
}

fn field(name: &str) -> Slot {
    Slot::Field(name.into())
}

fn set(state: &mut State, object: Value, slot: Slot, v: Value) {
    state.heap.insert((object, slot), Cell::Has(v));
}

fn get(state: &State, object: Value, slot: Slot) -> Option<Cell> {
    state.heap.get(&(object, slot)).copied()
}

/// Two equal states whose watched object is the same symbol.
fn pair(terms: &mut Terms) -> (State, State, Value) {
    let watched = symbol(terms, 1);
    (State::new(watched), State::new(watched), watched)
}

#[test]
fn what_is_equal_stays_and_what_differs_gets_one_name() {
    let mut terms = Terms::default();
    let (mut a, mut b, watched) = pair(&mut terms);
    let (one, two, three) = (terms.int(1), terms.int(2), terms.int(3));
    for (local, x, y) in [(0, one, one), (1, one, two), (2, one, two), (3, two, three)] {
        a.env.set(local, x);
        b.env.set(local, y);
    }
    a.env.set(4, one);
    let joined = join(&a, &b, &mut terms);
    assert_eq!(joined.watched, watched);
    assert_eq!(joined.env.get(0), Some(one));
    let v = joined.env.get(1).expect("both have it");
    assert!(matches!(terms.term(v), Term::Symbol(s, 0) if s.block == 7));
    // The same pair of values gets the same joined value; another pair gets another.
    assert_eq!(joined.env.get(2), Some(v));
    assert_ne!(joined.env.get(3), Some(v));
    assert_eq!(joined.env.get(4), None);
    // It is one or the other.
    let fact = joined.fact(v).expect("both are literals");
    assert_eq!(
        fact.lits,
        Lits::In([1, 2].into_iter().map(Literal::Int).collect())
    );
    assert_eq!(fact.num, Interval { lo: 1, hi: 2 });
}

#[test]
fn flags_of_either_side_stay() {
    let mut terms = Terms::default();
    let (mut a, mut b, _) = pair(&mut terms);
    a.flags.rule = 1;
    b.flags.rule = 2;
    b.flags.doubt_place();
    a.flags.doubt_call();
    let joined = join(&a, &b, &mut terms);
    assert_eq!(joined.flags.rule, 3);
    assert!(joined.flags.is_uncertain() && joined.flags.is_unresolved());
}

#[test]
fn facts_of_both_are_joined_and_others_forgotten() {
    let mut terms = Terms::default();
    let (mut a, mut b, _) = pair(&mut terms);
    let (x, y, z) = (
        symbol(&mut terms, 2),
        symbol(&mut terms, 3),
        symbol(&mut terms, 4),
    );
    let w = symbol(&mut terms, 8);
    let between = |lo, hi| {
        Rc::new(Fact {
            num: Interval { lo, hi },
            ..Fact::default()
        })
    };
    a.facts.insert(x, between(1, 2));
    b.facts.insert(x, between(5, 6));
    a.facts.insert(y, between(1, 2));
    b.facts.insert(z, between(1, 2));
    for (state, truth) in [(&mut a, true), (&mut b, false)] {
        let fact = Fact {
            truth: Some(truth),
            ..Fact::default()
        };
        state.facts.insert(w, Rc::new(fact));
    }
    let joined = join(&a, &b, &mut terms);
    assert_eq!(joined.facts.len(), 1);
    assert_eq!(
        joined.fact(x).map(|f| f.num),
        Some(Interval { lo: 1, hi: 6 })
    );
    assert_eq!((joined.fact(y), joined.fact(z)), (None, None));
    let widened = a.join(&b, &mut terms, here(), true);
    assert_eq!(widened.fact(x).map(|f| f.num), Some(Interval::at_least(1)));
}

#[test]
fn a_field_that_one_side_never_touched_has_its_old_value_there() {
    let mut terms = Terms::default();
    let (mut a, b, watched) = pair(&mut terms);
    let one = terms.int(1);
    set(&mut a, watched, field("rows"), one);
    for (x, y) in [(&a, &b), (&b, &a)] {
        let joined = join(x, y, &mut terms);
        let Some(Cell::Has(v)) = get(&joined, watched, field("rows")) else {
            panic!("it is one of two values");
        };
        assert!(v != one && matches!(terms.term(v), Term::Symbol(..)));
    }
    // If the stored value is the original one, it is kept.
    let old = terms.make(Term::Field(watched, "rows".into()));
    set(&mut a, watched, field("rows"), old);
    let joined = join(&a, &b, &mut terms);
    assert_eq!(get(&joined, watched, field("rows")), Some(Cell::Has(old)));
}

#[test]
fn a_field_that_both_sides_set_has_either_value() {
    let mut terms = Terms::default();
    let (mut a, mut b, watched) = pair(&mut terms);
    let (one, two) = (terms.int(1), terms.int(2));
    for (state, v) in [(&mut a, one), (&mut b, two)] {
        set(state, watched, field("same"), one);
        set(state, watched, field("other"), v);
    }
    let joined = join(&a, &b, &mut terms);
    assert_eq!(get(&joined, watched, field("same")), Some(Cell::Has(one)));
    let Some(Cell::Has(v)) = get(&joined, watched, field("other")) else {
        panic!("both have it");
    };
    assert!(v != one && v != two);
}

#[test]
fn a_name_that_is_taken_is_not_given_again() {
    let mut terms = Terms::default();
    let taken = terms.make(Term::Symbol(Site { part: 0, ..here() }, 0));
    let (one, two, three) = (terms.int(1), terms.int(2), terms.int(3));
    for (left, right) in [(taken, taken), (three, taken)] {
        let (mut a, mut b, _) = pair(&mut terms);
        for (state, v, w) in [(&mut a, one, left), (&mut b, two, right)] {
            state.env.set(0, v);
            state.env.set(1, w);
        }
        let joined = join(&a, &b, &mut terms);
        assert_ne!(joined.env.get(0), Some(taken));
        assert_ne!(joined.env.get(0), joined.env.get(1));
    }
}

#[test]
fn an_object_that_one_side_made_has_no_old_values() {
    let mut terms = Terms::default();
    let (mut a, b, watched) = pair(&mut terms);
    let (made, one) = (symbol(&mut terms, 5), terms.int(1));
    set(&mut a, made, field("rows"), one);
    set(&mut a, made, Slot::Item(one), one);
    set(&mut a, watched, Slot::Item(one), one);
    a.set_ghost(watched, Ghost::Source, one);
    for (x, y) in [(&a, &b), (&b, &a)] {
        let joined = join(x, y, &mut terms);
        assert!(joined.heap.is_empty());
    }
    // A field of an object that exists on entry is joined.
    let input = terms.make(Term::Input(0));
    set(&mut a, input, field("rows"), one);
    for (x, y) in [(&a, &b), (&b, &a)] {
        let joined = join(x, y, &mut terms);
        assert!(matches!(
            get(&joined, input, field("rows")),
            Some(Cell::Has(_))
        ));
    }
}

#[test]
fn contents_that_one_side_changed_are_other_contents() {
    let mut terms = Terms::default();
    let (mut a, b, _) = pair(&mut terms);
    let (list, after) = (symbol(&mut terms, 5), symbol(&mut terms, 6));
    set(&mut a, list, Slot::Content, after);
    for (x, y) in [(&a, &b), (&b, &a)] {
        let joined = join(x, y, &mut terms);
        let content = joined.snapshot(list);
        assert!(content != list && content != after);
    }
}

#[test]
fn what_is_absent_on_one_side_only_is_not_known() {
    let mut terms = Terms::default();
    let (mut a, mut b, watched) = pair(&mut terms);
    let (key, other, third) = (terms.str("rows"), terms.str("errors"), terms.str("more"));
    for state in [&mut a, &mut b] {
        state.heap.insert((watched, Slot::Item(key)), Cell::Absent);
    }
    a.heap.insert((watched, Slot::Item(other)), Cell::Absent);
    set(&mut b, watched, Slot::Item(other), key);
    a.heap.insert((watched, Slot::Item(third)), Cell::Absent);
    for (x, y) in [(&a, &b), (&b, &a)] {
        let joined = join(x, y, &mut terms);
        assert_eq!(get(&joined, watched, Slot::Item(key)), Some(Cell::Absent));
        assert_eq!(joined.heap.len(), 1);
    }
}

#[test]
fn objects_that_become_one_keep_what_both_contain() {
    let mut terms = Terms::default();
    let (mut a, mut b, _) = pair(&mut terms);
    let (x, y) = (symbol(&mut terms, 5), symbol(&mut terms, 6));
    let (one, two, key) = (terms.int(1), terms.int(2), terms.str("rows"));
    a.env.set(0, x);
    b.env.set(0, y);
    set(&mut a, x, field("same"), one);
    set(&mut b, y, field("same"), one);
    set(&mut a, x, field("other"), one);
    set(&mut b, y, field("other"), two);
    set(&mut a, x, field("mine"), one);
    a.heap.insert((x, Slot::Item(key)), Cell::Absent);
    b.heap.insert((y, Slot::Item(key)), Cell::Absent);
    a.heap.insert((x, Slot::Item(one)), Cell::Absent);
    set(&mut b, y, Slot::Item(one), one);
    let joined = join(&a, &b, &mut terms);
    let v = joined.env.get(0).expect("both have it");
    assert_eq!(get(&joined, v, field("same")), Some(Cell::Has(one)));
    let Some(Cell::Has(other)) = get(&joined, v, field("other")) else {
        panic!("both have it");
    };
    assert!(other != one && other != two);
    // No fact holds of both.
    assert!(joined.facts.keys().all(|known| *known != v));
    assert_eq!(get(&joined, v, field("mine")), None);
    assert_eq!(get(&joined, v, Slot::Item(key)), Some(Cell::Absent));
    assert_eq!(get(&joined, v, Slot::Item(one)), None);
}

#[test]
fn a_failure_on_both_sides_is_a_failure() {
    let mut terms = Terms::default();
    let (mut a, mut b, _) = pair(&mut terms);
    let (x, y) = (symbol(&mut terms, 5), symbol(&mut terms, 6));
    let failed = |state: &mut State, terms: &mut Terms, v| {
        let tag = terms.make(Term::Pure("tag".into(), Arc::from([v])));
        let fact = Fact {
            lits: Lits::In([Literal::Str("Err".into())].into_iter().collect()),
            ..Fact::default()
        };
        state.facts.insert(tag, Rc::new(fact));
    };
    a.env.set(0, x);
    b.env.set(0, y);
    failed(&mut a, &mut terms, x);
    let tag_of_joined = |joined: &State, terms: &mut Terms| {
        let v = joined.env.get(0).expect("both have it");
        let tag = terms.make(Term::Pure("tag".into(), Arc::from([v])));
        joined.fact(tag).map(|f| f.lits.clone())
    };
    let one_sided = join(&a, &b, &mut terms);
    assert_eq!(tag_of_joined(&one_sided, &mut terms), None);
    failed(&mut b, &mut terms, y);
    let both = join(&a, &b, &mut terms);
    let err = Lits::In([Literal::Str("Err".into())].into_iter().collect());
    assert_eq!(tag_of_joined(&both, &mut terms), Some(err));
}

#[test]
fn a_closed_dict_is_closed_only_if_it_is_so_on_both_sides() {
    let mut terms = Terms::default();
    let (mut a, mut b, watched) = pair(&mut terms);
    let dict = |closed| {
        Rc::new(Fact {
            closed,
            ..Fact::of_kind(Kind::Dict)
        })
    };
    a.facts.insert(watched, dict(true));
    b.facts.insert(watched, dict(true));
    let closed = |s: State| s.fact(watched).is_some_and(|f| f.closed);
    assert!(closed(join(&a, &b, &mut terms)));
    b.facts.insert(watched, dict(false));
    assert!(!closed(join(&a, &b, &mut terms)));
    assert!(!closed(join(&b, &a, &mut terms)));
}

#[test]
fn joining_again_changes_nothing() {
    let mut terms = Terms::default();
    let (mut a, mut b, _) = pair(&mut terms);
    let (one, two) = (terms.int(1), terms.int(2));
    a.env.set(0, one);
    b.env.set(0, two);
    let joined = join(&a, &b, &mut terms);
    assert_eq!(join(&joined, &b, &mut terms), joined);
    assert_eq!(join(&joined, &joined, &mut terms), joined);
    // If the other side holds a value of this join in another place, its name is not free.
    let v = joined.env.get(0).expect("both have it");
    let mut c = b.clone();
    c.env.set(0, one);
    c.env.set(1, v);
    let mut d = joined.clone();
    d.env.set(1, two);
    let again = join(&d, &c, &mut terms);
    assert_ne!(again.env.get(0), Some(v));
    assert_ne!(again.env.get(1), again.env.get(0));
}

#[test]
fn canonical_names_follow_the_order_in_which_values_are_found() {
    let mut terms = Terms::default();
    let place = site(9);
    let made = |terms: &mut Terms, generation| terms.make(Term::Symbol(place, generation));
    let (first, second, fifth) = (
        made(&mut terms, 0),
        made(&mut terms, 1),
        made(&mut terms, 5),
    );
    let watched = symbol(&mut terms, 1);
    let one = terms.int(1);
    let mut state = State::new(watched);
    state.env.set(0, fifth);
    state.env.set(1, second);
    set(&mut state, fifth, field("next"), second);
    set(&mut state, second, field("n"), one);
    state
        .facts
        .insert(second, Rc::new(Fact::of_kind(Kind::Object)));
    let named = state.canonical(&mut terms);
    assert_eq!(
        (named.env.get(0), named.env.get(1)),
        (Some(first), Some(second))
    );
    assert_eq!(get(&named, first, field("next")), Some(Cell::Has(second)));
    assert_eq!(get(&named, second, field("n")), Some(Cell::Has(one)));
    assert_eq!(named.fact(second).map(|f| f.kind), Some(Kind::Object));
    assert_eq!(named.clone().canonical(&mut terms), named);
    // Symbols that only the heap reaches come after the variables, and those that only facts
    // mention come last.
    let mut state = State::new(watched);
    state.env.set(0, fifth);
    state.facts.insert(first, Rc::new(Fact::of_kind(Kind::Int)));
    set(&mut state, fifth, Slot::Item(second), second);
    let named = state.canonical(&mut terms);
    let third = made(&mut terms, 2);
    assert_eq!(named.env.get(0), Some(first));
    assert_eq!(
        get(&named, first, Slot::Item(second)),
        Some(Cell::Has(second))
    );
    assert_eq!(named.fact(third).map(|f| f.kind), Some(Kind::Int));
}

#[test]
fn values_of_a_join_are_named_by_their_parts() {
    let mut terms = Terms::default();
    let watched = symbol(&mut terms, 1);
    let part = |terms: &mut Terms, part| terms.make(Term::Symbol(Site { part, ..here() }, 0));
    let (zero, one, four) = (
        part(&mut terms, 0),
        part(&mut terms, 1),
        part(&mut terms, 4),
    );
    let mut state = State::new(watched);
    state.env.set(0, four);
    state.env.set(1, one);
    let named = state.canonical(&mut terms);
    assert_eq!(
        (named.env.get(0), named.env.get(1)),
        (Some(zero), Some(one))
    );
}

#[test]
fn distance_counts_what_a_join_would_lose() {
    let mut terms = Terms::default();
    let (mut a, b, watched) = pair(&mut terms);
    let one = terms.int(1);
    assert_eq!(a.distance(&b), 0);
    a.facts
        .insert(watched, Rc::new(Fact::of_kind(Kind::Object)));
    assert_eq!(a.distance(&b), 1);
    a.env.set(0, one);
    assert_eq!(a.distance(&b), 3);
    set(&mut a, watched, field("rows"), one);
    assert_eq!((a.distance(&b), b.distance(&a)), (5, 5));
}

#[test]
fn what_was_put_into_a_collection_is_what_either_side_put_there() {
    let mut terms = Terms::default();
    let list = symbol(&mut terms, 0);
    let (one, two, nothing) = (terms.int(1), terms.int(2), terms.int(0));
    let filled = |v: Option<Value>| {
        let mut state = State::new(list);
        if let Some(v) = v {
            state.set_ghost(list, Ghost::Filled, v);
        }
        state
    };
    let mut joined = |a, b| join(&filled(a), &filled(b), &mut terms).ghost(list, Ghost::Filled);
    // A side that put nothing in does not count; if the two sides put in different things, nothing
    // is known.
    assert_eq!(joined(Some(one), None), Some(one));
    assert_eq!(joined(None, Some(one)), Some(one));
    assert_eq!(joined(Some(one), Some(one)), Some(one));
    assert_eq!(joined(Some(one), Some(two)), Some(nothing));
    assert_eq!(joined(Some(nothing), Some(two)), Some(nothing));
    assert_eq!(joined(None, None), None);
}

#[test]
fn what_was_put_into_lists_that_become_one_is_what_either_side_put_there() {
    let mut terms = Terms::default();
    let (one, two, nothing) = (terms.int(1), terms.int(2), terms.int(0));
    let mut joined = |left: Option<Value>, right: Option<Value>| {
        let (mut a, mut b, _) = pair(&mut terms);
        for (state, part, filled) in [(&mut a, 5, left), (&mut b, 6, right)] {
            let list = symbol(&mut terms, part);
            state.env.set(0, list);
            if let Some(v) = filled {
                state.set_ghost(list, Ghost::Filled, v);
            }
        }
        let joined = join(&a, &b, &mut terms);
        joined.ghost(joined.env.get(0).expect("both have it"), Ghost::Filled)
    };
    assert_eq!(joined(Some(one), None), Some(one));
    assert_eq!(joined(None, Some(one)), Some(one));
    assert_eq!(joined(Some(one), Some(one)), Some(one));
    assert_eq!(joined(Some(one), Some(two)), Some(nothing));
    assert_eq!(joined(None, None), None);
}

#[test]
fn a_dict_that_gets_a_key_on_one_side_is_closed_no_more() {
    let mut terms = Terms::default();
    let (mut a, mut b, dict) = pair(&mut terms);
    let (key, other) = (terms.str("rows"), terms.str("errors"));
    let closed = |sizes| {
        Rc::new(Fact {
            closed: true,
            len: sizes,
            ..Fact::of_kind(Kind::Dict)
        })
    };
    for state in [&mut a, &mut b] {
        set(state, dict, Slot::Item(key), key);
    }
    a.facts.insert(dict, closed(Interval::at_least(1)));
    b.facts.insert(dict, closed(Interval::point(1)));
    // Both know the same keys, so there is no other.
    for (x, y) in [(&a, &b), (&b, &a)] {
        let joined = join(x, y, &mut terms);
        let missing = joined.known_in(dict, &Slot::Item(other));
        assert_eq!(missing, Some(Cell::Absent));
    }
    // One side has another key, so it may exist.
    set(&mut b, dict, Slot::Item(other), key);
    for (x, y) in [(&a, &b), (&b, &a)] {
        let joined = join(x, y, &mut terms);
        assert_eq!(joined.known_in(dict, &Slot::Item(other)), None);
    }
    a.heap.insert((dict, Slot::Item(other)), Cell::Absent);
    for (x, y) in [(&a, &b), (&b, &a)] {
        let joined = join(x, y, &mut terms);
        assert_eq!(joined.known_in(dict, &Slot::Item(other)), None);
    }
}

#[test]
fn dicts_that_become_one_stay_closed_if_they_have_the_same_keys() {
    let mut terms = Terms::default();
    let (mut a, mut b, _) = pair(&mut terms);
    let (x, y, after) = (
        symbol(&mut terms, 5),
        symbol(&mut terms, 6),
        symbol(&mut terms, 7),
    );
    let (key, other) = (terms.str("rows"), terms.str("errors"));
    for (state, dict) in [(&mut a, x), (&mut b, y)] {
        state.env.set(0, dict);
        set(state, dict, Slot::Item(key), key);
        let fact = Fact {
            closed: true,
            ..Fact::of_kind(Kind::Dict)
        };
        state.facts.insert(dict, Rc::new(fact));
    }
    // One of them was changed after it was made, and has an attribute.
    set(&mut a, x, Slot::Content, after);
    set(&mut a, x, field("name"), key);
    let mut missing = |a: &State, b: &State| {
        let joined = join(a, b, &mut terms);
        let dict = joined.env.get(0).expect("both have it");
        joined.known_in(dict, &Slot::Item(other))
    };
    assert_eq!(missing(&a, &b), Some(Cell::Absent));
    assert_eq!(missing(&b, &a), Some(Cell::Absent));
    set(&mut a, x, Slot::Item(other), key);
    assert_eq!(missing(&a, &b), None);
    assert_eq!(missing(&b, &a), None);
}

#[test]
fn what_both_sides_know_alike_is_kept_however_much_it_is() {
    let mut terms = Terms::default();
    let (mut a, mut b, _) = pair(&mut terms);
    let code = symbol(&mut terms, 5);
    let one_of_many = Fact {
        lits: Lits::In((0..100).map(Literal::Int).collect()),
        ..Fact::default()
    };
    for state in [&mut a, &mut b] {
        state.facts.insert(code, Rc::new(one_of_many.clone()));
    }
    let joined = join(&a, &b, &mut terms);
    assert_eq!(joined.fact(code), Some(&one_of_many));
}
