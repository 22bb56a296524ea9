//! Searches for a path: which one is found, and when there is none.

use super::paths::{arms, way};
use super::{graph, on_entry};
use crate::engine::Engine;
use crate::engine::budget::WITNESS_STEPS;
use crate::engine::flow::ExitKind;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::{End, Goal, Paths, Witness};
use crate::ir::{BlockId, Literal};

/// The result of searching for a path on which `f` returns a text: its number of steps, or none.
fn search(text: &str, wanted: &str, steps: u64) -> String {
    on_entry(text, |engine, cx, state| {
        let graph = graph(engine, cx, state.clone());
        let accept = |engine: &mut Engine<'_>, _: &State, v: Value| {
            let text = engine.terms.literal(v);
            text == Some(&Literal::Str(wanted.into()))
        };
        let mut paths = Paths::new(cx, (BlockId::ENTRY, &state), &graph, None);
        let mut search = |block| {
            let goal = Goal {
                end: End::Exit(ExitKind::Return),
                block,
                from: None,
                accept: &accept,
                steps,
            };
            match paths.search(engine, &goal) {
                Witness::Found(events, _) => format!("{} steps", events.len()),
                Witness::Infeasible => "no way".to_owned(),
                Witness::Unknown => "not known".to_owned(),
            }
        };
        // Neither naming the block of the only `return` nor searching again makes a difference.
        let found = search(None);
        let exit = graph.exits.iter().find(|e| e.kind == ExitKind::Return);
        let block = exit.map(|e| e.block);
        assert_eq!(search(block), found);
        assert_eq!(search(None), found);
        found
    })
}

/// A function that returns one of `count` texts, or 'none'.
fn one_of(count: usize) -> String {
    let arms = arms(count, |i| format!("x = 'a{i}'"));
    format!("def f(k):\n    x = 'none'\n    if True:\n{arms}    return x\n")
}

#[test]
fn a_value_that_merged_states_hide_is_found() {
    let text = one_of(20);
    for i in 0..20 {
        let steps = search(&text, &format!("a{i}"), WITNESS_STEPS);
        assert_eq!(steps, format!("{} steps", i + 1));
    }
    assert_eq!(search(&text, "a20", WITNESS_STEPS), "no way");
}

#[test]
fn who_gave_up_some_ways_does_not_say_that_there_is_none() {
    // This many steps allow 96 states per block, and no more.
    let steps = 96 * 40;
    assert_eq!(search(&one_of(95), "other", steps), "no way");
    assert_eq!(search(&one_of(96), "other", steps), "not known");
    assert_eq!(search(&one_of(96), "other", WITNESS_STEPS), "no way");
    assert_eq!(search(&one_of(20), "other", 10), "not known");
}

#[test]
fn a_long_way_is_found_without_trying_all_others() {
    let text = |line: &str| {
        let lines: String = (0..16)
            .map(|i| format!("    {} a[{i}]:\n        n = {i}\n", line))
            .collect();
        format!("def f(a):\n    n = 'none'\n{lines}    return 'end'\n")
    };
    for line in ["if", "for x in"] {
        assert_eq!(search(&text(line), "end", 200), "16 steps", "{line}");
    }
}

/// Tests that double the number of paths, one after the other.
fn doubling(indent: &str) -> String {
    let test = |i| format!("{indent}if b[{i}]:\n{indent}    n = {i}\n");
    (0..14).map(test).collect()
}

#[test]
fn where_all_is_raised_nobody_looks_for_a_return() {
    let text = one_of(20);
    let (head, rest) = text.split_at(text.find("    if True").expect("a test"));
    let head = head.replace("f(k)", "f(k, a, b)");
    let raising = doubling("        ");
    let text = format!("{head}    if a:\n{raising}        raise ValueError\n{rest}");
    assert_eq!(search(&text, "a19", 1_000), "21 steps");
}

#[test]
fn a_test_that_can_only_come_out_one_way_makes_no_path_longer() {
    // One decision and two tests with a certain outcome cost less than two decisions.
    let steps = way(
        "        x = 1\n        if a:\n            if x == 1:\n                if x == 1:\n                    \
         return\n        if b:\n            self.stats['rows'] = 1\n",
    );
    assert_eq!(steps.unwrap(), ["2 test true", "4 test true!"]);
}

#[test]
fn a_loop_that_never_runs_is_less_than_a_decision() {
    let steps = way(
        "        if a:\n            for x in b:\n                x()\n            return\n        \
         if a.b:\n            self.stats['rows'] = 1\n",
    );
    assert_eq!(steps.unwrap(), ["1 test true", "2 loop never"]);
}

#[test]
fn of_two_ways_that_cost_the_same_the_first_is_shown() {
    assert_eq!(
        way("        if a:\n            x = 1\n        else:\n            x = 2\n").unwrap(),
        ["1 test true"]
    );
}
