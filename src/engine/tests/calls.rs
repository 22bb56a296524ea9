//! Calls of functions of the program: what they return, and when they are not followed.

use std::collections::BTreeSet;

use super::{endings, graph, on_entry, returns, shown, watched_by};
use crate::engine::budget::{AT_A_PLACE, SUMMARY_EXITS};
use crate::engine::flow::ExitKind;
use crate::engine::summaries::library::Deeds;
use crate::engine::summaries::summary::SummaryExit;
use crate::engine::{Automaton, Engine, HelperFilter, WatchedPlace, Watches};
use crate::ir::BlockId;
use crate::ir::data::{FAILURE, SUCCESS};
use crate::program::FuncRef;

#[test]
fn a_helper_answers_for_its_arguments() {
    let text = "def sign(x):\n    if x > 0:\n        return 'more'\n    if x < 0:\n        return 'less'\n    \
                return 'zero'\n\n\ndef f(a):\n    if a > 3:\n        return sign(a)\n    if a == 0:\n        \
                return sign(a)\n    return sign(-5)\n";
    assert_eq!(returns(text), ["less", "more", "zero"]);
    let text = "def is_empty(rows):\n    return len(rows) == 0\n\n\ndef f(rows):\n    if is_empty(rows):\n        \
                return len(rows)\n    return 'some' if rows else 'never'\n";
    assert_eq!(returns(text), ["0", "some"]);
}

#[test]
fn a_validator_that_returns_constrains_its_argument() {
    let text = "def check(x):\n    if x is None:\n        raise ValueError\n\n\ndef f(a):\n    check(a)\n    \
                if a is None:\n        return 'never'\n    return 'some'\n";
    assert_eq!(endings(text), ["raises", "some"]);
}

#[test]
fn a_helper_changes_what_it_is_given_and_nothing_else() {
    let text = "class Box:\n    def __init__(self):\n        self.n = 1\n        self.other = 'same'\n\n\n\
                def fill(box, n):\n    box.n = n\n\n\ndef f(a):\n    x = Box()\n    y = Box()\n    fill(x, 2)\n    \
                if y.n != 1 or x.other != 'same':\n        return 'never'\n    return x.n\n";
    assert_eq!(returns(text), ["2"]);
    let text = "class Box:\n    def __init__(self):\n        self.n = 1\n\n\ndef fill(box):\n    \
                box.n = 2\n    raise ValueError\n\n\ndef f(a):\n    x = Box()\n    try:\n        fill(x)\n    \
                except ValueError:\n        return x.n\n    return 'never'\n";
    assert_eq!(returns(text), ["2"]);
}

#[test]
fn what_a_helper_makes_is_new_each_time() {
    let text = "class Box:\n    def __init__(self, n):\n        self.n = n\n\n\ndef make(n):\n    return Box(n)\n\n\n\
                def f(a):\n    x = make('x')\n    y = make('y')\n    x.n = 'changed'\n    \
                if x is y:\n        return 'same'\n    return y.n\n";
    assert!(returns(text).contains(&"y".to_owned()));
    assert!(!returns(text).contains(&"changed".to_owned()));
}

#[test]
fn what_a_helper_finds_out_of_a_field_is_kept_while_somebody_asks() {
    let text = "def check(o):\n    if o.rows is None:\n        raise ValueError\n\n\ndef f(a):\n    \
                check(a)\n    if a.rows is None:\n        return 'never'\n    return 'some'\n";
    assert_eq!(endings(text), ["raises", "some"]);
    // The test may be in a caller further out.
    let text = "def check(o):\n    if o.rows is None:\n        raise ValueError\n\n\ndef both(o):\n    check(o)\n\n\n\
                def f(a):\n    both(a)\n    if a.rows is None:\n        return 'never'\n    return 'some'\n";
    assert_eq!(endings(text), ["raises", "some"]);
}

#[test]
fn what_is_known_of_values_that_a_helper_does_not_see_stays() {
    let text = "def g(x):\n    if x:\n        return 1\n    return 2\n\n\ndef f(a, b):\n    if b > 3:\n        \
                g(a)\n        return b > 2\n    return None\n";
    assert_eq!(returns(text), ["None", "true"]);
}

#[test]
fn what_was_read_from_an_object_stays_what_it_was_when_a_helper_is_given_that() {
    let after = |helper: &str| {
        returns(&format!(
            "def g(x):\n    {helper}\n\n\ndef f(a):\n    n = a.count\n    if n > 3:\n        g(a)\n        \
             return n > 2\n    return None\n"
        ))
    };
    for helper in ["return 1", "x.count = 0", "x.other = x.count"] {
        assert_eq!(after(helper), ["None", "true"], "{helper}");
    }
}

#[test]
fn recursion_ends_with_what_can_come_out() {
    let text = "def again(n):\n    if go(n):\n        return 'done'\n    return again(n)\n\n\n\
                def f(a):\n    return again(a)\n";
    assert_eq!(returns(text), ["done"]);
    // A function that never returns has no result.
    let text = "def ever(n):\n    return ever(n)\n\n\ndef f(a):\n    ever(a)\n    return 'never'\n";
    assert!(returns(text).is_empty());
    let text = "def even(n):\n    if go(n):\n        return 'even'\n    return odd(n)\n\n\n\
                def odd(n):\n    if go(n):\n        return 'odd'\n    return even(n)\n\n\n\
                def f(a):\n    return even(a)\n";
    assert_eq!(returns(text), ["even", "odd"]);
}

#[test]
fn nested_activations_are_limited() {
    let text = |from: u32| {
        format!(
            "def down(n):\n    if n <= 0:\n        return 'done'\n    return down(n - 1)\n\n\n\
             def f(a):\n    return down({from})\n"
        )
    };
    on_entry(&text(100), |engine, cx, state| {
        graph(engine, cx, state);
        assert_eq!(engine.summaries.len(), crate::engine::budget::RECURSION + 1);
        assert_eq!(engine.budget.calls_cut, 1);
    });
    assert_eq!(returns(&text(2)), ["done"]);
}

#[test]
fn one_summary_serves_calls_that_look_alike() {
    let text = "def g(x):\n    if x:\n        return 'yes'\n    return 'no'\n\n\ndef f(a, b):\n    \
                g(a)\n    g(b)\n    g(a)\n    return None\n";
    on_entry(text, |engine, cx, state| {
        graph(engine, cx, state);
        // An unknown argument, a true one, and a false one.
        assert_eq!(engine.summaries.len(), 3);
        assert!(engine.stack.is_empty());
    });
}

#[test]
fn a_helper_that_is_too_dear_is_an_unknown_call() {
    // Each test doubles the number of states: the helper is given up, and not entered again.
    let mut helper = String::from("def g(x):\n    n = 0\n");
    for i in 0..150 {
        helper += &format!("    if x[{i}]:\n        n += {i}\n");
    }
    let text = format!(
        "{helper}    return 'known' if n >= 0 else 'other'\n\n\ndef f(a, b):\n    g(a)\n    g(b)\n    \
         return 'on'\n"
    );
    on_entry(&text, |engine, cx, state| {
        let before = engine.budget.steps;
        graph(engine, cx, state);
        let granted = crate::engine::budget::STEPS_PER_BLOCK
            * u64::try_from(cx.function().body.blocks.len()).unwrap();
        let spent = before + granted - engine.budget.steps;
        assert!(engine.budget.calls_cut >= 2 && engine.cut.len() == 1);
        let limit = crate::engine::budget::STRANGER_STEPS;
        assert!((limit..2 * limit).contains(&spent), "{spent}");
    });
}

#[test]
fn a_helper_is_not_given_up_because_its_caller_has_little_left() {
    let mut helper = String::from("def g(x):\n    n = 0\n");
    for i in 0..150 {
        helper += &format!("    if x[{i}]:\n        n += {i}\n");
    }
    let text = format!("{helper}    return n\n\n\ndef f(a):\n    return g(a)\n");
    on_entry(&text, |engine, cx, state| {
        engine.budget.steps = 100;
        engine.simulate(cx, BlockId::ENTRY, state.clone(), &AT_A_PLACE);
        assert_eq!((engine.budget.steps, engine.cut.len()), (0, 0));
        // It is given up if it fails with its full budget.
        graph(engine, cx, state);
        assert_eq!(engine.cut.len(), 1);
    });
}

#[test]
fn a_helper_with_very_many_exits_is_left_in_fewer_ways() {
    let mut helper = String::from("def g(x):\n");
    for i in 0..60 {
        helper += &format!("    if x == {i}:\n        return 'a{i}'\n");
    }
    let text = format!(
        "{helper}    if x == 60:\n        return ''\n    if x == 61:\n        raise ValueError\n    \
         return None\n\n\ndef f(a):\n    try:\n        x = g(a)\n    except ValueError:\n        \
         return 'raised'\n    if x is None:\n        return 'none'\n    if x == '':\n        \
         return 'empty'\n    if x == 'b':\n        return 'other'\n    return 'text' if x else 'never'\n"
    );
    let ways = returns(&text);
    for way in ["raised", "none", "empty", "text"] {
        assert!(ways.iter().any(|w| w == way), "{way}");
    }
    assert!(!ways.iter().any(|w| w == "never"));
    on_entry(&text, |engine, cx, state| {
        graph(engine, cx, state);
        let exits = engine.summaries.values().map(|s| s.exits.len()).max();
        assert!(exits.is_some_and(|n| n <= 4), "{exits:?}");
    });
}

#[test]
fn a_helper_that_raises_very_many_exceptions_is_left_in_fewer_ways() {
    let mut text = String::new();
    let mut helper = String::from("def g(x):\n");
    for i in 0..20 {
        text += &format!("class E{i}(Exception):\n    pass\n\n\n");
        helper += &format!("    if x == {i}:\n        raise E{i}\n");
    }
    text += &format!(
        "{helper}    return 'on'\n\n\ndef f(a):\n    try:\n        return g(a)\n    except Exception:\n        \
         return 'caught'\n"
    );
    let ways = endings(&text);
    for way in ["caught", "on"] {
        assert!(ways.iter().any(|w| w == way), "{way}");
    }
    on_entry(&text, |engine, cx, state| {
        graph(engine, cx, state);
        let exits = engine.summaries.values().map(|s| s.exits.len()).max();
        assert!(exits.is_some_and(|n| n <= SUMMARY_EXITS), "{exits:?}");
    });
}

#[test]
fn many_failures_are_one_failure_and_other_answers_are_none() {
    on_entry("def f(a):\n    return a\n", |engine, cx, state| {
        let mut joined = |tag: Option<&str>| {
            let exits = (1..20).map(|i| {
                let number = engine.terms.int(i);
                SummaryExit {
                    kind: ExitKind::Return,
                    value: tag.map_or(number, |tag| engine.variant_of(tag, Some(number))),
                    state: state.clone(),
                    block: BlockId::ENTRY,
                }
            });
            let exits: Vec<SummaryExit> = exits.collect();
            let joined = engine.join_exits(exits, cx.func, SUMMARY_EXITS);
            assert_eq!(joined.len(), 1);
            engine.is_failure(&joined[0].state, joined[0].value)
        };
        assert!(joined(Some(FAILURE)));
        assert!(!joined(Some(SUCCESS)));
        assert!(!joined(None));
    });
}

#[test]
fn a_generator_goes_on_where_it_stopped() {
    let text = "def two():\n    yield 'a'\n    yield 'b'\n\n\ndef f():\n    out = 'none'\n    \
                for x in two():\n        out = x\n    return out\n";
    assert_eq!(returns(text), ["b"]);
    let text = "def one(x):\n    if x:\n        yield 'a'\n\n\ndef f(a):\n    for x in one(a):\n        \
                return x if a else 'never'\n    return 'never' if a else 'none'\n";
    assert_eq!(returns(text), ["a", "none"]);
    // It resumes with its variables.
    let text = "def two(x):\n    last = x\n    yield 'a'\n    yield last\n\n\ndef f():\n    out = 'none'\n    \
                for x in two('b'):\n        out = x\n    return out\n";
    assert_eq!(returns(text), ["b"]);
}

#[test]
fn who_is_called_in_a_circle_gives_back_all_that_comes_out_of_it() {
    // `odd` is first met while nothing is known about `even`.
    let text = "def even(n):\n    if go():\n        return 'even'\n    return odd(n)\n\n\n\
                def odd(n):\n    if go():\n        return 'odd'\n    return even(n)\n\n\n\
                def f(a):\n    even(a)\n    x = odd(a)\n    go()\n    return x\n";
    assert_eq!(returns(text), ["even", "odd"]);
}

#[test]
fn what_a_function_makes_of_its_own_answer_comes_out_as_well() {
    let text = "def again(n):\n    if go():\n        return 'a'\n    x = again(n)\n    if x == 'a':\n        \
                return 'b'\n    return x\n\n\ndef f(a):\n    return again(a)\n";
    assert_eq!(returns(text), ["a", "b"]);
}

#[test]
fn helpers_that_are_nested_very_deeply_are_unknown_calls() {
    let answer = |depth: usize| {
        let mut text = String::new();
        for i in 0..depth {
            text += &format!("def g{i}(x):\n    return g{}(x)\n\n\n", i + 1);
        }
        text += &format!("def g{depth}(x):\n    return 'deep'\n\n\ndef f(a):\n    return g0(a)\n");
        let unknown = on_entry(&text, |engine, cx, state| {
            graph(engine, cx, state);
            engine.budget.calls_cut
        });
        (returns(&text), unknown > 0)
    };
    assert_eq!(answer(5), (vec!["deep".to_owned()], false));
    assert_eq!(answer(12), (vec!["?".to_owned()], true));
}

#[test]
fn who_follows_no_helpers_says_so() {
    let text = "def g(x):\n    return 'known'\n\n\ndef f(a):\n    return g(a)\n";
    for follows in [true, false] {
        on_entry(text, |engine, cx, state| {
            engine.follows_helpers = follows;
            let exits = graph(engine, cx, state).exits;
            let known = exits
                .iter()
                .any(|e| shown(engine, &e.state, e.value) == "known");
            assert_eq!((known, engine.budget.calls_cut > 0), (follows, !follows));
        });
    }
}

#[test]
fn what_a_helper_does_not_ask_for_makes_it_no_other_call() {
    let followed = |field: &str| {
        let text = format!(
            "def g(o):\n    return o.rows\n\n\ndef f(a):\n    if a.{field} > 3:\n        g(a)\n    else:\n        \
             g(a)\n    return None\n"
        );
        on_entry(&text, |engine, cx, state| {
            graph(engine, cx, state);
            engine.summaries.len()
        })
    };
    assert_eq!(followed("rows"), 2);
    assert_eq!(followed("other"), 1);
}

#[test]
fn two_things_that_one_call_makes_are_two() {
    let text = "class Box:\n    def __init__(self, n):\n        self.n = n\n\n\ndef make():\n    \
                return Box('a'), Box('b')\n\n\ndef f():\n    x, y = make()\n    \
                x.n = 'changed'\n    return y.n\n";
    assert_eq!(returns(text), ["b"]);
}

#[test]
fn what_a_helper_takes_out_is_no_longer_known_to_be_there() {
    let text = "def take(d):\n    d.popitem()\n\n\ndef f():\n    d = {'a': 1, 'b': 2}\n    take(d)\n    \
                return 'a' in d\n";
    assert_eq!(returns(text), ["?"]);
    let text = "def put(rows):\n    rows.insert(0, 'new')\n\n\ndef f():\n    rows = ['old']\n    put(rows)\n    \
                return 'some' if rows[0] == 'old' else 'other'\n";
    assert_eq!(returns(text), ["other", "some"]);
    for key in ["'a'", "k", "k.name"] {
        let text = format!(
            "def empty(d):\n    d.clear()\n\n\ndef f(k):\n    d = {{}}\n    d[{key}] = 'old'\n    \
             empty(d)\n    return {key} in d\n"
        );
        assert_eq!(returns(&text), ["false"], "{key}");
    }
}

/// A rule to which what a helper does makes no difference, unless the rule is `concerned` with its
/// code.
struct Indifferent {
    place: Option<WatchedPlace>,
    concerned: bool,
}

impl Automaton for Indifferent {
    fn watches(&self) -> Watches<'_> {
        Watches {
            places: self.place.as_ref().map(std::slice::from_ref),
            helpers: Some(self),
            ..Watches::default()
        }
    }
}

impl HelperFilter for Indifferent {
    fn ignores(&self, _: &Engine<'_>, _: &Deeds) -> bool {
        true
    }

    fn concerns(&self, _: &Engine<'_>, _: FuncRef) -> bool {
        self.concerned
    }
}

#[test]
fn a_helper_that_makes_no_difference_is_followed_once_for_all_callers() {
    let text = "def g(x):\n    if x:\n        return 'yes'\n    return 'no'\n\n\ndef f(a, b):\n    \
                g(a)\n    if b > 3:\n        return g(b)\n    return 'else' if g(a) else 'never'\n";
    for concerned in [false, true] {
        let rule = Indifferent {
            place: Some(WatchedPlace::key_of("stats", "rows")),
            concerned,
        };
        watched_by(&rule, text, |engine, cx, state| {
            let exits = graph(engine, cx, state).exits;
            let returned = exits
                .iter()
                .filter(|e| e.kind == ExitKind::Return)
                .map(|e| shown(engine, &e.state, e.value));
            let returned: BTreeSet<String> = returned.collect();
            assert_eq!(returned, ["else".to_owned(), "yes".to_owned()].into());
            // A helper whose code matters is followed from the state of each caller.
            assert_eq!(engine.summaries.is_empty(), !concerned);
        });
    }
}

#[test]
fn a_rule_that_watches_no_place_looks_into_short_helpers_only() {
    let rule = Indifferent {
        place: None,
        concerned: false,
    };
    let answer = |tests: usize| {
        let tests = "    if x == 1:\n        x = 2\n".repeat(tests);
        let text =
            format!("def g(x):\n{tests}    return 'known'\n\n\ndef f(a):\n    return g(a)\n");
        watched_by(&rule, &text, |engine, cx, state| {
            let exits = graph(engine, cx, state).exits;
            let returned = exits.iter().find(|e| e.kind == ExitKind::Return);
            let e = returned.expect("it returns");
            shown(engine, &e.state, e.value)
        })
    };
    assert_eq!(answer(1), "known");
    assert_eq!(answer(20), "?");
}
