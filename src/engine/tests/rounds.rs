//! Rounds of loops: what a state keeps when a round is over, and how much of a function is
//! simulated for a caller that wants only some of its blocks.

use std::collections::BTreeSet;

use super::{Rows, watched_by};
use crate::engine::budget::AT_A_PLACE;
use crate::engine::flow::ExitKind;
use crate::engine::loops::rounds::Wanted;
use crate::engine::simulate::{Exit, Extent, Graph};
use crate::engine::{Automaton, CallEvent, Engine, FnContext, RoundEvents, WatchedPlace, Watches};
use crate::ir::control::{ControlDependence, Edge};
use crate::ir::{BlockId, Callee, Operand, Rvalue, StatementKind, TerminatorKind};

/// Its one bit records a write in this round.
struct InRound;

impl Automaton for InRound {
    fn on_call(&self, flags: u32, call: &CallEvent<'_>) -> u32 {
        flags | u32::from(call.name == "write")
    }

    fn watches(&self) -> Watches<'_> {
        Watches {
            rounds: Some(self),
            ..Watches::default()
        }
    }
}

impl RoundEvents for InRound {
    fn after_round(&self, on_entry: u32, _at_end: u32) -> u32 {
        on_entry
    }
}

/// The function `f` with this body, simulated for the blocks that call `here`, and for the exits if
/// `ends`; simulated completely if no block calls `here`.
fn simulated<T>(
    body: &str,
    ends: bool,
    work: impl FnOnce(&mut Engine<'_>, &FnContext, &Graph) -> T,
) -> T {
    let lines = body.lines().map(|line| format!("    {line}\n"));
    let text = format!("def f(a, b):\n{}", lines.collect::<String>());
    watched_by(&InRound, &text, |engine, cx, state| {
        let here = calls(cx, "here");
        let wanted: Option<Wanted> = (!here.is_empty()).then(|| cx.towards(&here, ends));
        let extent = Extent {
            bounds: &AT_A_PLACE,
            wanted: wanted.as_ref(),
        };
        let graph = engine.simulate_towards(cx, BlockId::ENTRY, state, extent);
        assert!(graph.complete, "the function is small");
        work(engine, cx, &graph)
    })
}

/// The blocks that call a function of this name.
fn calls(cx: &FnContext, wanted: &str) -> Vec<BlockId> {
    let body = &cx.function().body;
    let is_global = |local| {
        body.blocks.iter().flat_map(|b| &b.statements).any(|s| {
            matches!(&s.kind, StatementKind::Assign(to, Rvalue::Global(name))
                if *to == local && name == wanted)
        })
    };
    let blocks = (0u32..).zip(&body.blocks).filter(|(_, b)| {
        matches!(&b.terminator.kind, TerminatorKind::Eval { rvalue: Rvalue::Call { callee, .. }, .. }
            if matches!(callee, Callee::Value(Operand::Local(l)) if is_global(*l)))
    });
    blocks.map(|(at, _)| BlockId(at)).collect()
}

/// The flags with which `f` can return.
fn left_with(body: &str) -> BTreeSet<u32> {
    simulated(body, true, |_, _, graph| {
        returning(graph).map(|e| e.state.flags.rule).collect()
    })
}

fn returning(graph: &Graph) -> impl Iterator<Item = &Exit> {
    graph.exits.iter().filter(|e| e.kind == ExitKind::Return)
}

#[test]
fn what_a_round_finds_out_ends_with_it() {
    let never = [0].into();
    let either = [0, 1].into();
    assert_eq!(
        left_with("for x in a:\n    if b:\n        write(x)\n"),
        never
    );
    assert_eq!(left_with("while a():\n    write(b)\n"), never);
    // What held before the loop still holds, and so does what a round learnt before it broke out.
    assert_eq!(left_with("write(a)\nfor x in b:\n    x()\n"), [1].into());
    let broken = "for x in a:\n    if x():\n        write(x)\n        break\n";
    assert_eq!(left_with(broken), either);
    // In nested loops, each round of the outer one begins anew.
    let nested = "for x in a:\n    if x:\n        write(x)\n    for y in x:\n        y()\n";
    assert_eq!(left_with(nested), never);
    let inner =
        "for x in a:\n    write(x)\n    for y in x:\n        y()\n    if x:\n        return\n";
    assert_eq!(left_with(inner), either);
}

#[test]
fn what_a_variable_takes_along_is_not_forgotten() {
    let either = [0, 1].into();
    let found = "n = None\nfor x in a:\n    if x:\n        write(x)\n        n = x\nreturn n\n";
    assert_eq!(left_with(found), either);
    // A counter is only updated, so it tells nothing about a single round.
    let count = "n = 0\nfor x in a:\n    write(x)\n    n += 1\nreturn n\n";
    assert_eq!(left_with(count), [0].into());
    // Nothing reads what the round sets.
    let unread = "for x in a:\n    n = write(x)\n    b(n)\n";
    assert_eq!(left_with(unread), [0].into());
}

#[test]
fn a_rule_that_does_not_tell_rounds_apart_keeps_its_flags() {
    let rows = Rows(WatchedPlace::key_of("stats", "rows"));
    let text = "def f(a):\n    for x in a:\n        write(x)\n";
    let flags: BTreeSet<u32> = watched_by(&rows, text, |engine, cx, state| {
        let graph = engine.simulate(cx, BlockId::ENTRY, state, &AT_A_PLACE);
        graph.exits.iter().map(|e| e.state.flags.rule).collect()
    });
    assert_eq!(flags, [0, 1].into());
}

#[test]
fn blocks_from_which_nothing_wanted_comes_are_left_out() {
    let body = "if a:\n    here()\nelse:\n    b()\nb()\n";
    let blocks = |ends: bool| {
        simulated(body, ends, |_, cx, graph| {
            assert_eq!(returning(graph).count() > 0, ends);
            let here = calls(cx, "here");
            assert!(graph.nodes.iter().any(|n| here.contains(&n.block)));
            graph.nodes.iter().map(|n| n.block).collect::<BTreeSet<_>>()
        })
    };
    let (some, all) = (blocks(false), blocks(true));
    assert!(some.is_subset(&all) && some.len() < all.len());
}

#[test]
fn a_round_is_over_where_nothing_wanted_comes_any_more() {
    // After `here`, the rest of the round is the same with and without a write.
    let at_rest = |body: &str| {
        simulated(body, true, |_, cx, graph| {
            let rest = calls(cx, "rest");
            let nodes = graph.nodes.iter().filter(|n| rest.contains(&n.block));
            nodes.map(|n| n.state.flags.rule).collect::<BTreeSet<_>>()
        })
    };
    let after = "for x in a:\n    if x:\n        write(x)\n    here()\n    b()\n    rest()\n";
    assert_eq!(at_rest(after), [0].into());
    let before = "for x in a:\n    if x:\n        write(x)\n    rest()\n    here()\n";
    assert_eq!(at_rest(before), [0, 1].into());
    // If `here` is after the loop, a round is not over as long as it can break out.
    let behind =
        "for x in a:\n    if x:\n        write(x)\n    rest()\n    if b:\n        break\nhere()\n";
    assert_eq!(at_rest(behind), [0, 1].into());
}

#[test]
fn branches_decide_what_runs_on_one_of_their_edges_only() {
    let body = "for x in a:\n    if x:\n        here()\n    else:\n        b()\n    rest()\nb()\n";
    simulated(body, true, |_, cx, _| {
        let control = ControlDependence::compute(&cx.function().body);
        let kinds = |name: &str| -> Vec<&str> {
            let deciders = control.deciders(calls(cx, name)[0]);
            let kind = |edge: &Edge| match cx.function().body.block(edge.from).terminator.kind {
                TerminatorKind::ForNext { .. } => "loop",
                TerminatorKind::Branch { .. } => "test",
                _ => "other",
            };
            deciders.iter().map(kind).collect()
        };
        assert_eq!(kinds("here"), ["loop", "test"]);
        assert_eq!(kinds("rest"), ["loop"]);
    });
}
