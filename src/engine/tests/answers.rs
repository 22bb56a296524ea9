//! What tests establish.

use std::rc::Rc;
use std::sync::Arc;

use super::{graph, on_entry, returns, shown};
use crate::engine::flow::ExitKind;
use crate::engine::values::fact::{Fact, Interval, Kind};
use crate::engine::values::state::{Cell, Slot};
use crate::engine::values::value::Term;

/// The possible values of `conclusion` after a test of `condition`.
fn follows(parameters: &str, condition: &str, conclusion: &str) -> String {
    let text = format!(
        "def f({parameters}):\n    if {condition}:\n        return {conclusion}\n    return None\n"
    );
    let mut out = returns(&text);
    out.retain(|way| way != "None");
    out.join(" ")
}

#[track_caller]
fn check(parameters: &str, cases: &[(&str, &str, &str)]) {
    for (condition, conclusion, expected) in cases {
        let found = follows(parameters, condition, conclusion);
        assert_eq!(found, *expected, "if {condition}: {conclusion}");
    }
}

#[test]
fn numbers_are_bounded_by_comparisons() {
    check(
        "x",
        &[
            ("x < 3", "x < 4", "true"),
            ("x < 3", "x < 3", "true"),
            ("x < 3", "x < 2", "?"),
            ("x < 3", "x >= 3", "false"),
            ("x <= 3", "x < 4", "true"),
            ("x <= 3", "x < 3", "?"),
            ("x > 3", "x > 3", "true"),
            ("x > 3", "x >= 4", "true"),
            ("x > 3", "x > 4", "?"),
            ("x >= 3", "x > 2", "true"),
            ("x >= 3", "x > 3", "?"),
            ("x < 3 and x > 1", "x == 2", "true"),
            ("x < 3 and x > 0", "x == 2", "?"),
            ("x < 3 and x > 4", "x", ""),
            ("not x < 3", "x >= 3", "true"),
            ("3 < x", "x > 3", "true"),
            ("3 >= x", "x <= 3", "true"),
        ],
    );
}

#[test]
fn numbers_with_a_fraction_bound_whole_ones() {
    check(
        "x",
        &[
            ("x < 2.5", "x <= 2", "true"),
            ("x < 2.5", "x <= 1", "?"),
            ("x >= 2.5", "x >= 3", "true"),
            ("x >= 2.5", "x >= 4", "?"),
            ("x > 2.5", "x >= 3", "true"),
            ("x > 2.5", "x >= 4", "?"),
            ("x <= 2.5", "x <= 2", "true"),
            ("x <= 2.5", "x <= 1", "?"),
        ],
    );
}

#[test]
fn a_number_that_is_not_an_end_moves_the_end() {
    check(
        "x",
        &[
            ("x >= 1 and x <= 3 and x != 3", "x <= 2", "true"),
            ("x >= 1 and x <= 3 and x != 1", "x >= 2", "true"),
            ("x >= 1 and x <= 3 and x != 2", "x <= 2", "?"),
            ("x >= 1 and x <= 1 and x != 1", "x", ""),
            ("x >= 0 and x != 0", "x", "true"),
        ],
    );
}

#[test]
fn lengths_are_numbers_that_are_not_negative() {
    check(
        "rows",
        &[
            ("len(rows) <= 2 and len(rows) != 2", "len(rows) < 2", "true"),
            ("len(rows) != 0", "len(rows) > 0", "true"),
            (
                "len(rows) != 0 and len(rows) != 1",
                "len(rows) >= 2",
                "true",
            ),
            (
                "len(rows) <= 1 and len(rows) != 1",
                "len(rows) == 0",
                "true",
            ),
            ("len(rows) == 2", "len(rows) == 2", "true"),
            ("len(rows) == 2", "len(rows) == 3", "false"),
            ("len(rows) == 0", "bool(rows)", "false"),
            ("len(rows) < 0", "rows", ""),
            ("len(rows)", "bool(rows)", "true"),
            ("not len(rows)", "bool(rows)", "false"),
            ("len(rows) == 'a'", "rows", ""),
            ("len(rows) < 3", "len(rows) < 4", "true"),
            ("len(rows) > 3", "len(rows) > 4", "?"),
            ("len(rows) == 0 and len(rows) != 0", "rows", ""),
        ],
    );
}

#[test]
fn one_unknown_number_below_another() {
    check(
        "a, b",
        &[
            ("a < b", "a < b", "true"),
            ("a < b", "b < a", "false"),
            ("a < b", "a >= b", "false"),
            ("not a < b", "a < b", "false"),
            ("not a < b", "b < a", "?"),
            ("b < 5 and a < b", "a < 4", "true"),
            ("b < 5 and a < b", "a < 3", "?"),
            ("a > 3 and a < b", "b > 4", "true"),
            ("a > 3 and a < b", "b > 5", "?"),
            ("a < 3 and b > 5", "a < b", "true"),
            ("a < 3 and b > 5", "b < a", "false"),
            ("a <= 3 and b >= 3", "b < a", "false"),
            ("a <= 3 and b >= 3", "a < b", "?"),
            ("a == 2 and b == 3", "a < b", "true"),
            ("a < a", "b", ""),
            ("a <= a", "a == a", "true"),
        ],
    );
}

#[test]
fn equal_values_are_equal_to_the_same() {
    check(
        "a, b",
        &[
            ("a == b", "a == b", "true"),
            ("a == b", "a != b", "false"),
            ("a == 3 and a == b", "b == 3", "true"),
            ("a == 3 and b == a", "b == 3", "true"),
            ("a == 3 and b == 4", "a == b", "false"),
            ("a < 3 and b > 5", "a == b", "false"),
            ("a < 7 and b > 5", "a == b", "?"),
            ("a in (1, 2) and b in (3, 4)", "a == b", "false"),
            ("a in (1, 2) and b in (2, 3)", "a == b", "?"),
            ("a in ('x', 'y') and a == b", "b == 'x'", "?"),
            ("a != b", "a == b", "false"),
            ("a is b", "a is b", "true"),
            ("b in ('x', 'y') and a == b", "a == 'x'", "?"),
        ],
    );
}

#[test]
fn literals_are_told_apart() {
    check(
        "x",
        &[
            ("x == 'a'", "x == 'a'", "true"),
            ("x == 'a'", "x == 'b'", "false"),
            ("x == 'a'", "bool(x)", "true"),
            ("x == ''", "bool(x)", "false"),
            ("x != 'a'", "x == 'a'", "false"),
            ("x != 'a'", "x == 'b'", "?"),
            ("x == 1", "x == True", "true"),
            ("x is None", "x is None", "true"),
            ("x is None", "bool(x)", "false"),
            ("x is not None", "x is None", "false"),
            ("x is not None", "bool(x)", "?"),
            ("x", "x is None", "false"),
            ("bool(x)", "x is None", "false"),
            ("not str(x)", "bool(x)", "?"),
            ("not x", "x is None", "?"),
            ("x == 0", "bool(x)", "false"),
            ("x is True", "bool(x)", "true"),
            ("len(x) == True", "len(x) == 1", "?"),
            ("str(x) != ''", "bool(str(x))", "true"),
            ("1 == True", "x == x", "true"),
            ("1 is True", "x", ""),
        ],
    );
}

#[test]
fn members_of_a_display_are_the_only_possible_ones() {
    check(
        "x",
        &[
            ("x in ('a', 'b') and x != 'a'", "x == 'b'", "true"),
            ("x in ('a', 'b')", "x == 'c'", "false"),
            ("x in ('a', 'b')", "x == 'a'", "?"),
            ("x in ('a', 'b') and x in ('b', 'c')", "x == 'b'", "true"),
            ("x in ('a', 'b') and x in ('c', 'd')", "x", ""),
            ("x not in ('a', 'b')", "x == 'a'", "false"),
            ("x not in ('a', 'b')", "x == 'c'", "?"),
            ("x not in ('a',) and x in ('a', 'b')", "x == 'b'", "true"),
            ("x not in ('a', 'b') and x in ('a', 'b')", "x", ""),
            ("x in ()", "x", ""),
            ("x not in ()", "x == 1", "?"),
            ("x in (1, 2, 3) and x > 1", "x == 1", "false"),
            ("x in (1, 2) and x > 2", "x", ""),
            ("x not in (x, 3)", "x", ""),
            ("x not in (x.a, x.b)", "x == x", "true"),
            ("x not in (x, x.b)", "x", ""),
            ("x in str(('a', 'b'))", "x == 'c'", "?"),
            ("'a' in ('a', 'b')", "x == x", "true"),
            ("'c' in ('a', 'b')", "x", ""),
            ("x in ['a'] ", "x == 'a'", "true"),
        ],
    );
}

#[test]
fn a_kind_excludes_literals_of_others() {
    check(
        "x",
        &[
            ("str(x) == 3", "x", ""),
            ("str(x) != 3", "x == x", "true"),
            ("str(x) is None", "x", ""),
            ("f'{x}' is not None", "x == x", "true"),
            ("len(x) is None", "x", ""),
            ("sorted(x) is None", "x", ""),
            ("[x] == 'a'", "x", ""),
            ("(x, x) == 'a'", "x", ""),
            ("(x, x)", "x == x", "true"),
            ("()", "x", ""),
        ],
    );
}

#[test]
fn copies_are_as_long_as_what_they_are_made_from() {
    check(
        "rows",
        &[
            ("rows", "bool(sorted(rows))", "true"),
            ("not sorted(rows)", "bool(rows)", "false"),
            ("range(3)", "rows == rows", "true"),
            ("range(0)", "rows", ""),
            ("range(3, 0)", "rows", ""),
            ("range(3, 0, -1)", "rows == rows", "true"),
        ],
    );
}

#[test]
fn a_test_that_was_kept_in_a_variable_counts_later() {
    let text = "def f(x):\n    small = x < 3\n    flag = not small\n    if flag:\n        \
                return x >= 3\n    if small is True:\n        return x < 3\n    return 'never'\n";
    assert_eq!(returns(text), ["true"]);
}

#[test]
fn what_was_asked_before_the_numbers_were_known() {
    for (a, b, answer) in [(2, 3, "true"), (3, 2, "false"), (2, 2, "false")] {
        let text = format!(
            "def f(a, b):\n    less = a < b\n    if a == {a} and b == {b}:\n        return less\n    \
             return 'else'\n"
        );
        assert_eq!(returns(&text), ["else", answer], "{a} < {b}");
    }
}

#[test]
fn a_loop_over_several_goes_round_if_none_is_empty() {
    let text = |over: &str| {
        format!("def f(a, b):\n    for x in {over}:\n        return bool(a)\n    return 'none'\n")
    };
    for over in ["zip(a, b)", "enumerate(a)", "sorted(a)", "zip(a)"] {
        assert_eq!(returns(&text(over)), ["none", "true"], "{over}");
    }
    let text = |over: &str| {
        format!("def f(a, b):\n    for x in {over}:\n        return 'some'\n    return bool(a)\n")
    };
    for over in ["enumerate(a)", "zip(a)"] {
        assert_eq!(returns(&text(over)), ["false", "some"], "{over}");
    }
    assert_eq!(returns(&text("zip(a, b)")), ["false", "some", "true"]);
}

#[test]
fn an_exception_without_a_message_is_possible_and_not_likely() {
    let doubted = |text: &str| {
        on_entry(text, |engine, cx, state| {
            let graph = graph(engine, cx, state);
            let mut out: Vec<(String, bool)> = Vec::new();
            for e in graph
                .exits
                .into_iter()
                .filter(|e| e.kind == ExitKind::Return)
            {
                let what = shown(engine, &e.state, e.value);
                out.push((what, e.state.flags.is_uncertain()));
            }
            out.sort();
            out
        })
    };
    let way = |what: &str, doubt| (what.to_owned(), doubt);
    assert_eq!(
        doubted(
            "def f():\n    try:\n        go()\n    except Exception as e:\n        if not str(e):\n            \
             return 'empty'\n        return 'text'\n    return 'on'\n"
        ),
        [way("empty", true), way("on", false), way("text", false)]
    );
    assert_eq!(
        doubted("def f(x):\n    if not str(x):\n        return 'empty'\n    return 'text'\n"),
        [way("empty", false), way("text", false)]
    );
}

#[test]
fn functions_and_classes_are_true() {
    let text = "class C:\n    pass\n\n\ndef g():\n    pass\n\n\ndef f(x):\n    if not g or not C:\n        \
                return 'never'\n    if g is None or C == 3:\n        return 'never'\n    return 'done'\n";
    assert_eq!(returns(text), ["done"]);
}

#[test]
fn keys_are_remembered_until_the_dict_changes() {
    let body = |between: &str| {
        format!(
            "def f(d, k):\n    if 'a' in d:\n        {between}\n        return 'a' in d\n    return None\n"
        )
    };
    let after = |between: &str| {
        let mut out = returns(&body(between));
        out.retain(|way| way != "None");
        out.join(" ")
    };
    assert_eq!(after("pass"), "true");
    assert_eq!(after("d['b'] = 1"), "true");
    assert_eq!(after("del d['a']"), "false");
    assert_eq!(after("d = {}"), "false");
    assert_eq!(after("d = {'a': 1}"), "true");
    assert_eq!(after("d = dict(b=1)"), "false");
    check(
        "d, k",
        &[
            ("'a' in d", "bool(d)", "true"),
            ("'a' not in d", "'a' in d", "false"),
            ("'a' not in d", "'b' in d", "?"),
            ("k in d", "k in d", "true"),
        ],
    );
}

#[test]
fn nothing_from_outside_is_the_program_s_own_sentinel() {
    let text = "MISSING = object()\n\n\ndef f(x):\n    y = x.get(1)\n    if y is MISSING:\n        \
                return 'never'\n    return 'done'\n";
    assert_eq!(returns(text), ["done"]);
    let text = "MISSING = object()\n\n\ndef f(x):\n    y = x.get(1, MISSING)\n    if x is MISSING:\n        \
                return 'never'\n    if y == MISSING:\n        return 'equal'\n    return 'done'\n";
    assert_eq!(returns(text), ["done", "equal"]);
    // Any other name of the program may be that value.
    let text = "LIMIT = load()\n\n\ndef f(x):\n    y = x.get(1)\n    if y is LIMIT:\n        \
                return 'same'\n    return 'done'\n";
    assert_eq!(returns(text), ["done", "same"]);
}

#[test]
fn an_enumeration_has_no_other_members() {
    let text = |last: &str| {
        format!(
            "from enum import Enum\n\n\nclass Mode(Enum):\n    A = 1\n    B = 2\n\n\n\
             def f(mode: Mode):\n    if mode == Mode.A:\n        return 'a'\n    \
             if mode == Mode.{last}:\n        return 'b'\n    return 'other'\n"
        )
    };
    assert_eq!(returns(&text("B")), ["a", "b"]);
    assert_eq!(returns(&text("A")), ["a", "other"]);
    // No member of the enumeration is false.
    let text = text("B").replace("mode == Mode.A", "not Mode.A");
    assert_eq!(returns(&text), ["b", "other"]);
}

#[test]
fn what_was_iterated_over_is_not_none() {
    let text = "def f(rows):\n    for row in rows:\n        pass\n    return rows is None\n";
    assert_eq!(returns(text), ["false"]);
}

#[test]
fn what_goes_through_something_is_empty_with_it() {
    on_entry("def f(a, b):\n    return a\n", |engine, cx, state| {
        let (a, b) = (state.env.get(0).unwrap(), state.env.get(1).unwrap());
        let zero = engine.terms.int(0);
        let over = [
            Term::Enumerate(a, zero),
            Term::View("items".into(), a),
            Term::Zip(Arc::from([a])),
            Term::Pure("at".into(), Arc::from([b, a])),
        ];
        for term in over {
            let v = engine.terms.make(term);
            for truth in [true, false] {
                let mut after = state.clone();
                assert!(engine.assume(&mut after, v, truth));
                assert_eq!(engine.truth(&after, a), Some(truth));
                assert_eq!(engine.truth(&after, b), None);
            }
        }
        // If a `zip` is not empty, neither is any of its operands; if it is empty, any of them may
        // be.
        let both = engine.terms.make(Term::Zip(Arc::from([a, b])));
        let mut after = state.clone();
        assert!(engine.assume(&mut after, both, true));
        assert_eq!(engine.truth(&after, a), Some(true));
        assert_eq!(engine.truth(&after, b), Some(true));
        let mut after = state.clone();
        assert!(engine.assume(&mut after, both, false));
        assert_eq!(engine.truth(&after, a), None);
        // A function is never false.
        let function = engine.terms.make(Term::Func(cx.func));
        let bound = engine.terms.make(Term::Bound(function, a));
        for v in [function, bound] {
            assert!(engine.assume(&mut state.clone(), v, true));
            assert!(!engine.assume(&mut state.clone(), v, false));
        }
    });
}

#[test]
fn a_list_that_may_be_longer_is_not_just_what_is_known_of_it() {
    on_entry("def f(a):\n    return a\n", |engine, _, mut state| {
        let list = state.env.get(0).unwrap();
        let (first, item) = (engine.terms.int(0), engine.terms.str("first"));
        state
            .heap
            .insert((list, Slot::Item(first)), Cell::Has(item));
        let mut items = |lo, hi, closed| {
            let fact = Fact {
                len: Interval { lo, hi },
                closed,
                ..Fact::of_kind(Kind::List)
            };
            state.facts.insert(list, Rc::new(fact));
            engine.known_items(&state, list)
        };
        assert_eq!(items(1, 1, true), Some(vec![item]));
        assert_eq!(items(1, 2, true), None);
        assert_eq!(items(2, 2, true), None);
        assert_eq!(items(1, 1, false), None);
    });
}
