//! Paths: which states are kept apart, what is raised and caught, and which path a finding shows.

use super::{endings, graph, on_entry, returns, shown};
use crate::engine::budget::WITNESS_STEPS;
use crate::engine::flow::ExitKind;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::{End, EventKind, Goal, Paths, Witness};
use crate::engine::{Engine, Presence};
use crate::ir::{BasicBlock, BlockId, TerminatorKind};

/// `if k == 0: … elif k == 1: …` with `count` arms whose bodies `arm` makes.
pub(super) fn arms(count: usize, arm: impl Fn(usize) -> String) -> String {
    (0..count)
        .map(|i| {
            let word = if i == 0 { "if" } else { "elif" };
            format!("        {word} k == {i}:\n            {}\n", arm(i))
        })
        .collect()
}

#[test]
fn a_pending_completion_keeps_states_apart() {
    // More states arrive at the `finally` than are kept. Those with a pending return are not merged
    // with those without.
    let text = format!(
        "def f(k, stop):\n    x = 'none'\n    try:\n{}        if stop:\n            return 'early'\n    \
         finally:\n        done(x)\n    return 'late'\n",
        arms(20, |i| format!("x = 'a{i}'"))
    );
    let mut ways = returns(&text);
    ways.sort();
    assert_eq!(ways, ["early", "late"]);
}

#[test]
fn the_closest_states_are_merged() {
    // Of five states, the last two differ in one value from each other, and in all values from the
    // rest. After the merge it is still known which two values belong together in the rest.
    let checks: String = (0..2)
        .map(|i| format!("    if x == 'a{i}' and y != 'b{i}':\n        return 'never'\n"))
        .collect();
    let text = format!(
        "def f(k, z):\n    x = y = 'none'\n    w = 0\n    if go:\n{}        else:\n            \
         x = 'a11'\n            y = 'b11'\n    else:\n        x = 'a12'\n        y = 'b12'\n        \
         if z:\n            w = 1\n{checks}    return 'other' if w != 2 else 'two'\n",
        arms(2, |i| format!("x = 'a{i}'\n            y = 'b{i}'"))
    );
    assert_eq!(returns(&text), ["other"]);
}

#[test]
fn a_library_s_exception_is_no_exit_and_no_class_of_the_program() {
    let caught = |handlers: &str| {
        returns(&format!(
            "import lib\n\n\nclass Mine(Exception):\n    pass\n\n\ndef f():\n    try:\n        \
             raise lib.Broken\n{handlers}    return 'on'\n"
        ))
    };
    let handler =
        |class: &str, answer: &str| format!("    except {class}:\n        return '{answer}'\n");
    let any = handler("Exception", "any");
    for never in ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "Mine"] {
        assert_eq!(
            caught(&(handler(never, "never") + &any)),
            ["any"],
            "{never}"
        );
    }
    // It may derive from any other builtin exception.
    assert_eq!(
        caught(&(handler("ValueError", "value") + &any)),
        ["any", "value"]
    );
    assert_eq!(caught(&(handler("lib.Broken", "own") + &any)), ["own"]);
    assert_eq!(
        caught(&(handler("lib.Other", "other") + &any)),
        ["any", "other"]
    );
    assert_eq!(caught(&handler("BaseException", "base")), ["base"]);
}

#[test]
fn builtin_exceptions_are_caught_by_their_bases() {
    let caught = |raised: &str, handler: &str| {
        endings(&format!(
            "def f():\n    try:\n        raise {raised}\n    except {handler}:\n        return 'caught'\n"
        ))
    };
    for (raised, handler) in [
        ("KeyError('x')", "LookupError"),
        ("FileNotFoundError()", "IOError"),
        ("UnicodeDecodeError", "ValueError"),
        ("ValueError", "(KeyError, ValueError)"),
        ("SystemExit", "BaseException"),
    ] {
        assert_eq!(caught(raised, handler), ["caught"], "{raised}");
    }
    for (raised, handler) in [
        ("KeyError('x')", "IndexError"),
        ("LookupError()", "KeyError"),
        ("SystemExit", "Exception"),
        ("ValueError", "(KeyError, OSError)"),
    ] {
        assert_eq!(caught(raised, handler), ["raises"], "{raised}");
    }
}

#[test]
fn a_call_of_something_unknown_may_raise() {
    assert_eq!(
        endings("def f():\n    g()\n    return 'on'\n"),
        ["on", "raises"]
    );
    assert_eq!(endings("def f():\n    return 'on'\n"), ["on"]);
    assert_eq!(endings("def f():\n    assert False\n"), ["raises"]);
}

#[test]
fn a_loop_ends_with_what_is_true_after_any_number_of_rounds() {
    assert_eq!(
        returns(
            "def f(rows):\n    n = 0\n    for row in rows:\n        n += 1\n    if n < 0:\n        \
             return 'never'\n    return 'some' if n else 'none'\n"
        ),
        ["none", "some"]
    );
    assert_eq!(
        returns("def f(rows):\n    n = 3\n    while n > 1:\n        n -= 1\n    return n\n"),
        ["1"]
    );
    assert_eq!(
        returns(
            "def f():\n    out = ''\n    for part in ('a', 'b'):\n        out = part\n    return out\n"
        ),
        ["b"]
    );
}

/// What a function can return if a test in a loop over a range gives up with `last`.
fn rounds(range: &str, test: &str) -> Vec<String> {
    returns(&format!(
        "def f(n):\n    ran = 'never'\n    for i in range({range}):\n        ran = 'ran out'\n        \
         if {test}:\n            return 'last'\n    return ran\n"
    ))
}

#[test]
fn a_range_ends_after_its_last_round() {
    for (range, test) in [
        ("n", "i == n - 1"),
        ("n", "i + 1 == n"),
        ("n", "not i < n - 1"),
        ("1, n + 1", "i >= n"),
        ("1, 1 + n", "i == n"),
        ("n, 0, -1", "i == 1"),
        ("n - 1, -1, -1", "i == 0"),
    ] {
        assert_eq!(rounds(range, test), ["last", "never"], "{range}: {test}");
    }
    // No index equals the end itself, the last index with a larger step is unknown, and the index
    // of a range says nothing about an unrelated number.
    for (range, test) in [
        ("n", "i == n"),
        ("0, n, 2", "i == n - 2"),
        ("n", "i == 3"),
        ("n", "i > n"),
    ] {
        let found = rounds(range, test);
        assert!(found.iter().any(|way| way == "ran out"), "{range}: {test}");
    }
}

/// A class with a method `f` of this body, for searching witnesses.
fn method(body: &str) -> String {
    format!(
        "class P(Base):\n    def f(self, a, b):\n{body}\n    def helper(self, a):\n        if a:\n            \
         self.stats['rows'] = 1\n            return True\n        return False\n\n    \
         def noted(self, a):\n        self.stats['rows'] = 1\n        return a\n"
    )
}

/// The events on the path with the fewest decisions to an exit where the key is not set, if there
/// is one: what happens, and the line, with `!` if the exit would be out of reach otherwise.
pub(super) fn way(body: &str) -> Option<Vec<String>> {
    way_to(body, None)
}

/// The same for the `return` in a line.
fn way_to(body: &str, line: Option<usize>) -> Option<Vec<String>> {
    let text = method(body);
    let line_of = |at: u32| text[..at as usize].matches('\n').count() - 1;
    on_entry(&text, |engine, cx, state| {
        let graph = graph(engine, cx, state.clone());
        let accept = |engine: &mut Engine<'_>, state: &State, _: Value| {
            engine.presence(state) != Presence::Present
        };
        let goal = Goal {
            end: End::Exit(ExitKind::Return),
            block: line.map(|line| {
                let blocks = &cx.function().body.blocks;
                let is_there = |b: &BasicBlock| {
                    matches!(b.terminator.kind, TerminatorKind::Return { .. })
                        && line_of(b.terminator.span.start) == line
                };
                block_id(blocks.iter().position(is_there).expect("there is a return"))
            }),
            from: None,
            accept: &accept,
            steps: WITNESS_STEPS,
        };
        let found = Paths::new(cx, (BlockId::ENTRY, &state), &graph, None).search(engine, &goal);
        let Witness::Found(events, end) = found else {
            assert!(matches!(found, Witness::Infeasible), "the method is small");
            return None;
        };
        assert_ne!(engine.presence(&end), Presence::Present);
        let steps = events.iter().map(|e| {
            let line = line_of(e.span.start);
            let what = match e.what {
                EventKind::Decision(_, taken) => format!("test {taken}"),
                EventKind::Loop(round) => format!("loop {round:?}").to_lowercase(),
                EventKind::Entered(_) => "enters".to_owned(),
                EventKind::Milestone(bits) => format!("milestone {bits}"),
                other => format!("{other:?}").to_lowercase(),
            };
            format!("{line} {what}{}", if e.matters { "!" } else { "" })
        });
        Some(steps.collect())
    })
}

fn block_id(index: usize) -> BlockId {
    BlockId(u32::try_from(index).expect("few blocks"))
}

const SET: &str = "            self.stats['rows'] = 1\n";

#[test]
fn a_witness_is_the_way_with_the_fewest_decisions() {
    assert_eq!(
        way(&format!("        if a:\n{SET}")).unwrap(),
        ["1 test false!"]
    );
    let steps = way(&format!(
        "        if a:\n            pass\n        if b:\n            return\n        else:\n{SET}"
    ));
    let steps = steps.unwrap();
    assert!(steps.len() == 2 && !steps[0].ends_with('!'), "{steps:?}");
    assert_eq!(steps[1], "3 test true!");
    assert_eq!(way("        self.stats['rows'] = 1\n"), None);
    assert_eq!(
        way(&format!("        for x in a:\n{SET}")).unwrap(),
        ["1 loop never!"]
    );
    assert_eq!(
        way(
            "        for x in a:\n            if x:\n                return\n        \
             self.stats['rows'] = 1\n"
        )
        .unwrap(),
        ["1 loop runs!", "2 test true!"]
    );
    // A loop over a collection that is not empty runs at least once.
    assert_eq!(
        way("        if not a:\n            raise b\n        for x in a:\n            b(x)\n")
            .unwrap(),
        ["1 test true!", "3 loop ends!"]
    );
    // A key set on one path only does not hide that the watched one is absent on both.
    assert!(
        way(
            "        self.stats = {}\n        if a:\n            self.stats['other'] = 1\n        \
             self.stats.pop('rows', 0)\n"
        )
        .is_some()
    );
    // Two tests of the same value cannot come out differently.
    assert_eq!(
        way(&format!("        if a:\n{SET}        if not a:\n{SET}")),
        None
    );
}

#[test]
fn a_witness_tells_what_is_raised_caught_and_lost() {
    assert_eq!(
        way("        try:\n            go()\n        except Exception:\n            return\n        \
             self.stats['rows'] = 1\n")
        .unwrap(),
        ["2 raised!", "3 caught!"]
    );
    assert_eq!(
        way("        import contextlib\n        with contextlib.suppress(Exception):\n            go()\n            \
             self.stats['rows'] = 1\n")
        .unwrap(),
        ["3 raised!", "2 swallowed!"]
    );
    assert_eq!(
        way("        self.stats['rows'] = 1\n        del self.stats['rows']\n").unwrap(),
        ["2 lost!"]
    );
    assert_eq!(
        way("        self.stats['rows'] = 1\n        self.stats = {}\n").unwrap(),
        ["2 lost!"]
    );
    assert_eq!(way("        self.write(a)\n").unwrap(), ["1 milestone 1!"]);
}

#[test]
fn a_loss_is_where_it_happens() {
    assert_eq!(
        way("        self.stats['rows'] = 1\n        x = b\n        self.stats = a\n").unwrap(),
        ["3 lost!"]
    );
}

#[test]
fn what_a_manager_lets_through_it_does_not_swallow() {
    assert_eq!(
        way(
            "        import contextlib\n        try:\n            with contextlib.suppress(KeyError):\n                \
             go()\n        except ValueError:\n            return\n        self.stats['rows'] = 1\n"
        )
        .unwrap(),
        ["4 raised!", "5 caught!"]
    );
}

#[test]
fn helpers_are_shown_to_a_certain_depth() {
    let mut body = String::from("        self.h1(a)\n\n");
    for i in 1..6 {
        body += &format!("    def h{i}(self, a):\n        self.h{}(a)\n\n", i + 1);
    }
    body += "    def h6(self, a):\n        if a:\n            self.stats['rows'] = 1\n";
    let steps = way(&body).unwrap();
    let entered = steps.iter().filter(|s| s.ends_with("enters!"));
    assert_eq!(entered.count(), 3, "{steps:?}");
}

#[test]
fn a_helper_that_is_given_the_receiver_or_its_dict_may_cost_more() {
    let mut tests = String::from("        n = 0\n");
    for i in 0..150 {
        tests += &format!("        if x[{i}]:\n            n += {i}\n");
    }
    let receiver = format!(
        "        self.heavy(a)\n\n    def heavy(self, x):\n{tests}        self.stats['rows'] = 1\n"
    );
    assert_eq!(way(&receiver), None);
    let dict = format!(
        "        self.stats = {{}}\n        self.heavy(self.stats, a)\n\n    @staticmethod\n    \
         def heavy(stats, x):\n{tests}        stats['rows'] = 1\n"
    );
    assert_eq!(way(&dict), None);
}

#[test]
fn what_cannot_come_out_otherwise_is_told_if_it_leads_past_the_store() {
    let steps = way(
        "        x = 1\n        if x == 1:\n            return\n        self.stats['rows'] = 1\n",
    );
    assert_eq!(steps.unwrap(), ["2 test true!"]);
    let steps = way("        x = 1\n        if x == 1:\n            return\n        go()\n");
    assert_eq!(steps, Some(Vec::new()));
    // A handler that does not catch the exception is passed.
    assert_eq!(
        way(
            "        try:\n            go()\n        except ValueError:\n            raise\n        \
             except KeyError:\n            return\n        self.stats['rows'] = 1\n"
        )
        .unwrap(),
        ["2 raised!", "5 caught!"]
    );
}

#[test]
fn a_decision_matters_if_the_other_way_ends_elsewhere() {
    assert_eq!(
        way("        if a:\n            raise ValueError\n").unwrap(),
        ["1 test false!"]
    );
    let two = "        if a:\n            return\n        if b:\n            return\n        \
               self.stats['rows'] = 1\n";
    assert_eq!(way_to(two, Some(2)).unwrap(), ["1 test true!"]);
    assert_eq!(
        way_to(two, Some(4)).unwrap(),
        ["1 test false!", "3 test true!"]
    );
    assert_eq!(way(two).unwrap().len(), 1);
    // A loop that may run as well tells nothing, unless what runs in it sets the place.
    let names = "        names = [x.name for x in a]\n        b(names)\n";
    assert_eq!(way(names).unwrap(), ["1 loop never"]);
    assert_eq!(
        way(&format!("{names}        for x in b:\n{SET}")).unwrap(),
        ["1 loop never", "3 loop never!"]
    );
    // The second loop runs if the first does.
    assert_eq!(
        way(&format!("{names}        for x in a:\n{SET}")).unwrap(),
        ["1 loop never!"]
    );
}

#[test]
fn a_witness_looks_into_a_helper_that_decides() {
    assert_eq!(
        way("        self.helper(a)\n").unwrap(),
        ["1 enters!", "4 test false!", "7 left!"]
    );
    assert_eq!(
        way("        if self.noted(a):\n            self.stats = {}\n            return\n")
            .unwrap(),
        ["1 enters", "11 left", "1 test true!", "2 lost!"]
    );
    assert_eq!(
        way("        try:\n            self.fails()\n        except ValueError:\n            return\n        \
             self.stats['rows'] = 1\n\n    def fails(self):\n        raise ValueError\n")
        .unwrap(),
        ["2 raised!", "3 caught!"]
    );
}

#[test]
fn a_helper_is_looked_into_if_it_decides_what_is_set_or_shown() {
    // The helper sets the key, which is lost later.
    let set = "        if not self.helper(a):\n            raise b\n        self.stats = {}\n";
    assert_eq!(
        way(set).unwrap(),
        ["1 enters!", "6 test true!", "8 left!", "3 lost!"]
    );
    // Once the milestone is reached, both outcomes of the helper are alike.
    assert_eq!(
        way(
            "        self.write(a)\n        self.maybe(a)\n\n    def maybe(self, x):\n        \
             if x:\n            self.write(x)\n"
        )
        .unwrap(),
        ["1 milestone 1!", "2 enters", "4 left"]
    );
}

#[test]
fn a_place_can_be_arrived_at() {
    let text = method(
        "        if a:\n            x = 1\n        elif b:\n            x = 2\n        else:\n            x = 3\n        go(x)\n",
    );
    on_entry(&text, |engine, cx, state| {
        let graph = graph(engine, cx, state.clone());
        // The block in which the three arms meet.
        let meet = (0..cx.function().body.blocks.len())
            .map(block_id)
            .find(|b| cx.live.predecessors[b.index()] == 3)
            .unwrap();
        let arrive = |engine: &mut Engine<'_>, from, wanted: bool| {
            let accept = move |_: &mut Engine<'_>, _: &State, _: Value| wanted;
            let goal = Goal {
                end: End::Arrival,
                block: Some(meet),
                from,
                accept: &accept,
                steps: WITNESS_STEPS,
            };
            match Paths::new(cx, (BlockId::ENTRY, &state), &graph, None).search(engine, &goal) {
                Witness::Found(events, _) => {
                    // The other side of each decision leads here, too.
                    assert!(events.iter().all(|e| !e.matters));
                    Some(events.len())
                }
                Witness::Infeasible | Witness::Unknown => None,
            }
        };
        assert_eq!(arrive(engine, None, true), Some(1));
        assert_eq!(arrive(engine, None, false), None);
        let mut ways: Vec<usize> = Vec::new();
        for i in 0..cx.function().body.blocks.len() {
            ways.extend(arrive(engine, Some(block_id(i)), true));
        }
        ways.sort_unstable();
        assert_eq!(ways, [1, 2, 2]);
        // Only one path leads into an arm, so its decision matters.
        let first = &cx.function().body.block(BlockId::ENTRY).terminator.kind;
        let TerminatorKind::Branch { then, .. } = first else {
            panic!("it starts with a test");
        };
        let accept = |_: &mut Engine<'_>, _: &State, _: Value| true;
        let goal = Goal {
            end: End::Arrival,
            block: Some(*then),
            from: None,
            accept: &accept,
            steps: WITNESS_STEPS,
        };
        let found = Paths::new(cx, (BlockId::ENTRY, &state), &graph, None).search(engine, &goal);
        let Witness::Found(events, _) = found else {
            panic!("the arm is reached");
        };
        assert!(events.len() == 1 && events[0].matters);
    });
}

#[test]
fn exits_know_what_is_returned() {
    on_entry(
        "def f(a):\n    return a if a is None else 'some'\n",
        |engine, cx, state| {
            let graph = graph(engine, cx, state);
            let mut out: Vec<String> = Vec::new();
            for e in graph.exits {
                out.push(shown(engine, &e.state, e.value));
            }
            out.sort();
            assert_eq!(out, ["false", "some"]);
        },
    );
}
