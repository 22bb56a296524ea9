//! Which edges no state takes, and since when that is known.

use super::{graph, on_entry};
use crate::engine::barriers::{Barrier, Since, Ways};
use crate::engine::{Engine, Presence};
use crate::ir::{BasicBlock, BlockId, Literal, Operand, StatementKind, TerminatorKind};

/// Whether a block stores under the watched key.
fn stores(block: &BasicBlock) -> bool {
    block.statements.iter().any(|statement| {
        matches!(&statement.kind, StatementKind::SetItem { key: Operand::Const(Literal::Str(key)), .. } if key == "rows")
    })
}

/// The barriers before the last `return` with a value of `f`, for states in which the watched key is missing, or for
/// all: the code of the terminator, whether no state takes the edge, and the code of what established it.
fn barriers(text: &str, all: bool) -> Vec<(String, bool, Vec<String>)> {
    on_entry(text, |engine, cx, state| {
        let graph = graph(engine, cx, state);
        let body = &cx.function().body;
        let returns = (0u32..).zip(&body.blocks).filter(|(_, block)| {
            matches!(
                block.terminator.kind,
                TerminatorKind::Return {
                    implicit: false,
                    ..
                }
            )
        });
        let latest = returns.max_by_key(|(_, block)| block.terminator.span.start);
        let ends = [BlockId(latest.expect("it returns").0)];
        let ways = Ways::new(cx, &graph, |state| {
            all || engine.presence(state) != Presence::Present
        });
        let code = |block: BlockId| {
            let span = body.block(block).terminator.span;
            span.slice(text).to_owned()
        };
        let found = ways.barriers(engine, &ends, &|block| !all && stores(block));
        let told = |engine: &mut Engine<'_>, barrier: Barrier| {
            let since = ways.since(engine, barrier).into_iter();
            let since = since.map(|since| match since {
                Since::Edge(from, _) => code(from),
                Since::Made(_, span) => span.slice(text).to_owned(),
            });
            (code(barrier.block), barrier.always, since.collect())
        };
        found
            .into_iter()
            .map(|barrier| told(engine, barrier))
            .collect()
    })
}

fn owned(code: &str, always: bool, since: &[&str]) -> (String, bool, Vec<String>) {
    let since = since.iter().map(|code| (*code).to_owned());
    (code.to_owned(), always, since.collect())
}

#[test]
fn the_last_test_before_the_end_is_the_barrier() {
    let text = "\
def f(rows, mode):
    if rows is None:
        return
    if mode:
        print(mode)
    if rows is None:
        if mode:
            return 1
";
    let wanted = [owned("rows is None", true, &["rows is None"])];
    assert_eq!(barriers(text, true), wanted);
}

#[test]
fn an_end_that_is_reached_has_no_barrier() {
    assert_eq!(
        barriers("def f(rows):\n    if rows:\n        return 1\n", true),
        []
    );
}

#[test]
fn only_the_states_without_the_key_are_barred() {
    let text = "\
class A:
    def f(self, x):
        done = False
        if x:
            self.stats['rows'] = 1
            done = True
        if done:
            return 1
";
    let wanted = [owned("done", false, &["False"])];
    assert_eq!(barriers(text, false), wanted);
    assert_eq!(barriers(text, true), []);
}

#[test]
fn a_completion_that_is_not_pending_is_no_way() {
    // The code leads from `finally` to the `return` only if the handler was entered.
    let text = "\
def f(rows):
    try:
        n = len(rows)
    except TypeError:
        return 1
    finally:
        print(rows)
    print(n)
";
    assert_eq!(barriers(text, true), [owned("len(rows)", true, &[])]);
}

#[test]
fn what_was_learnt_in_different_ways_is_told_of_each() {
    let text = "\
def f(rows, ask):
    x = None
    for row in rows:
        x = ask(row)
        if x:
            return
    if x:
        return 1
";
    let found = barriers(text, true);
    assert_eq!(found, [owned("x", true, &["x", "None"])]);
}
