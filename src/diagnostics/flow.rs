//! The control-flow graph of the function that a finding is about, and the path through it that shows the finding.

use serde::{Deserialize, Serialize};

use crate::source::{FileId, Span};

/// A control-flow graph, without what does not lead anywhere else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Flow {
    /// The qualified name of the function.
    pub function: String,
    /// Its file.
    pub file: FileId,
    /// What runs without a decision in between; the function begins with the first.
    pub blocks: Vec<FlowBlock>,
    /// Where each leads.
    pub edges: Vec<FlowEdge>,
    /// The blocks on the path of the finding, in the order of execution.
    pub path: Vec<u32>,
}

impl Flow {
    /// Whether it is the graph of the same function.
    #[must_use]
    pub fn is_of_same(&self, other: &Flow) -> bool {
        let spans = |flow: &Flow| {
            flow.blocks
                .iter()
                .map(|block| (block.span, block.test))
                .collect::<Vec<_>>()
        };
        (self.file, &self.function) == (other.file, &other.function)
            && self.edges.len() == other.edges.len()
            && spans(self) == spans(other)
    }

    /// Lets the path go on as it does in another graph of the same function. What is feasible in one of them is.
    pub fn go_on(&mut self, other: &Flow) {
        for (block, known) in self.blocks.iter_mut().zip(&other.blocks) {
            block.feasible |= known.feasible;
        }
        for (edge, known) in self.edges.iter_mut().zip(&other.edges) {
            edge.feasible |= known.feasible;
        }
        self.path.extend(&other.path);
        self.path.dedup();
    }
}

/// A part of a function.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FlowBlock {
    /// Its code; `None` if it has none of its own.
    pub span: Option<Span>,
    /// What is tested at its end.
    pub test: Option<Span>,
    /// How the function is left at its end.
    pub leaves: Option<Leaves>,
    /// Whether the engine found a way to it.
    pub feasible: bool,
}

/// How a function is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Leaves {
    /// By returning.
    Returns,
    /// By an exception.
    Raises,
}

/// A way from one block to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FlowEdge {
    /// The index of the block that it leaves.
    pub from: u32,
    /// The index of the block that it enters.
    pub to: u32,
    /// When it is taken.
    pub when: When,
    /// Whether the engine found a state that takes it.
    pub feasible: bool,
}

/// When a way is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum When {
    /// Nothing else is possible, or nothing fails.
    Always,
    /// The test is true.
    True,
    /// The test is false.
    False,
    /// The loop has another item.
    Item,
    /// The loop has none.
    Done,
    /// Something raises.
    Raises,
}
