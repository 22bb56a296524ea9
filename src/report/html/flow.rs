//! Control-flow graphs, as the page draws them.

use serde::Serialize;

use super::excerpts::Excerpts;
use crate::diagnostics::{Flow, FlowBlock, Leaves, Location, When};
use crate::report::Report;
use crate::source::Span;

/// The first line and column of a text, and the line and column of its end.
type Extent = (u32, u32, u32, u32);

#[derive(Serialize)]
pub(super) struct JsonFlow<'a> {
    function: &'a str,
    file: usize,
    blocks: Vec<JsonBlock>,
    /// The blocks that an edge leaves and enters, when it is taken, and whether it can be.
    edges: Vec<(u32, u32, &'static str, bool)>,
    path: &'a [u32],
}

#[derive(Serialize)]
struct JsonBlock {
    code: Option<Extent>,
    test: Option<Extent>,
    leaves: Option<&'static str>,
    feasible: bool,
}

/// The graph, whose code will be shown.
pub(super) fn of<'a>(report: &Report<'_>, excerpts: &mut Excerpts, flow: &'a Flow) -> JsonFlow<'a> {
    let mut extent = |span: Option<Span>| {
        let location = Location {
            file: flow.file,
            span: span?,
        };
        let (_, line, column, end_line, end_column, ..) = excerpts.place(report, &location);
        Some((line, column, end_line, end_column))
    };
    let blocks = flow.blocks.iter();
    let blocks = blocks.map(|block: &FlowBlock| JsonBlock {
        code: extent(block.span),
        test: extent(block.test),
        leaves: block.leaves.map(|leaves| match leaves {
            Leaves::Returns => "returns",
            Leaves::Raises => "raises",
        }),
        feasible: block.feasible,
    });
    let blocks = blocks.collect();
    JsonFlow {
        function: &flow.function,
        file: excerpts.number(report, flow.file),
        blocks,
        edges: flow
            .edges
            .iter()
            .map(|edge| (edge.from, edge.to, when(edge.when), edge.feasible))
            .collect(),
        path: &flow.path,
    }
}

fn when(when: When) -> &'static str {
    match when {
        When::Always => "",
        When::True => "true",
        When::False => "false",
        When::Item => "next item",
        When::Done => "no more",
        When::Raises => "raises",
    }
}
