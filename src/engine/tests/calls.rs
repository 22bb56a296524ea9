//! Calls of functions of the program: what comes back of them, and when they are not followed.

use super::{endings, graph, on_entry, returns};

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
fn what_is_known_of_values_that_a_helper_does_not_see_stays() {
    let text = "def g(x):\n    if x:\n        return 1\n    return 2\n\n\ndef f(a, b):\n    if b > 3:\n        \
                g(a)\n        return b > 2\n    return None\n";
    assert_eq!(returns(text), ["None", "true"]);
}

#[test]
fn recursion_ends_with_what_can_come_out() {
    let text = "def again(n):\n    if go(n):\n        return 'done'\n    return again(n)\n\n\n\
                def f(a):\n    return again(a)\n";
    assert_eq!(returns(text), ["done"]);
    // One that has no way out gives nothing back.
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
        // Not known at all, known to be true, known to be false.
        assert_eq!(engine.summaries.len(), 3);
        assert!(engine.stack.is_empty());
    });
}

#[test]
fn a_helper_that_is_too_dear_is_an_unknown_call() {
    // Its tests double what there is to do: the helper is given up, and not entered again.
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
fn a_generator_goes_on_where_it_stopped() {
    let text = "def two():\n    yield 'a'\n    yield 'b'\n\n\ndef f():\n    out = 'none'\n    \
                for x in two():\n        out = x\n    return out\n";
    assert_eq!(returns(text), ["b"]);
    let text = "def one(x):\n    if x:\n        yield 'a'\n\n\ndef f(a):\n    for x in one(a):\n        \
                return x if a else 'never'\n    return 'never' if a else 'none'\n";
    assert_eq!(returns(text), ["a", "none"]);
}
