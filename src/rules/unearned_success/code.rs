//! The code of one function: what names its values go by, and what decides whether a block runs.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use smallvec::SmallVec;

use super::rounds::Loop;
use super::tallies::Addition;
use crate::ir::control::{ControlDependence, Edge};
use crate::ir::{
    BlockId, Body, BranchRole, Data, Function, Literal, LocalId, Name, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::rules::failed_write::code::{called, is_variable};
use crate::rules::tables::is_harmless;
use crate::rules::tables::outcomes::{asks_or_shows, asks_whether};

/// How many attributes and keys deep a place may lie.
const DEPTH: usize = 6;

/// Calls whose result is a part of what they are given, or says something about it.
const PARTS: &[&str] = &[
    "len",
    "get",
    "getattr",
    "items",
    "keys",
    "values",
    "iter",
    "enumerate",
    "zip",
    "list",
    "str",
    "int",
    "sum",
    "lower",
    "upper",
    "strip",
];

/// A place in memory: a variable, and the attributes and keys that lead on from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Spot {
    pub(super) root: LocalId,
    pub(super) path: Vec<Name>,
}

impl Spot {
    /// The last name of the place.
    pub(super) fn name(&self, function: &Function) -> Name {
        let root = || function.body.locals[self.root.index()].name.clone();
        let last = self.path.last().cloned();
        last.or_else(root).unwrap_or_default()
    }

    /// The place, as messages name it.
    pub(super) fn text(&self, function: &Function) -> String {
        let root = function.body.locals[self.root.index()].name.clone();
        let mut out = root.unwrap_or_default().to_string();
        for part in &self.path {
            out.push('.');
            out.push_str(part);
        }
        out
    }
}

/// A function with an index of its values and, made on first use, of its graph: most functions claim nothing.
pub(super) struct Code<'f> {
    pub(super) function: &'f Function,
    /// The only value of each local, if it has only one.
    pub(super) only: Vec<Option<&'f Rvalue>>,
    graph: OnceCell<Graph<'f>>,
    /// Where something is added to a count or a list, also found on first use.
    pub(super) additions: OnceCell<Vec<Addition>>,
}

/// The control-flow graph of a function, with what is asked of it.
pub(super) struct Graph<'f> {
    /// All values of each local.
    values: Vec<Vec<&'f Rvalue>>,
    pub(super) control: ControlDependence,
    pub(super) loops: Vec<Loop>,
    /// The blocks that run only after something was caught.
    pub(super) handling: BTreeSet<BlockId>,
    /// The blocks that lead to each block.
    before: Vec<SmallVec<[BlockId; 2]>>,
}

impl<'f> Graph<'f> {
    fn new(body: &'f Body) -> Self {
        let blocks = (0u32..).zip(&body.blocks);
        let heads = blocks.filter(|(_, block)| block.loop_head);
        let loops = heads.map(|(head, _)| {
            let head = BlockId(head);
            let blocks = body.natural_loop(head);
            Loop { head, blocks }
        });
        Self {
            values: body.all_values(),
            control: ControlDependence::compute(body),
            loops: loops.collect(),
            handling: handling(body),
            before: body.predecessors(),
        }
    }

    /// All values of a local.
    pub(super) fn values_of(&self, local: LocalId) -> &[&'f Rvalue] {
        &self.values[local.index()]
    }
}

impl<'f> Code<'f> {
    pub(super) fn new(function: &'f Function) -> Self {
        Self {
            function,
            only: function.body.only_values(),
            graph: OnceCell::new(),
            additions: OnceCell::new(),
        }
    }

    /// The control-flow graph.
    pub(super) fn graph(&self) -> &Graph<'f> {
        self.graph.get_or_init(|| Graph::new(&self.function.body))
    }

    fn body(&self) -> &'f Body {
        &self.function.body
    }

    /// Whether every path to a block leads through another one.
    pub(super) fn dominates(&self, first: BlockId, block: BlockId) -> bool {
        self.graph().control.passes(block, first)
    }

    /// The blocks that lead to a block.
    pub(super) fn before(&self, block: BlockId) -> &[BlockId] {
        &self.graph().before[block.index()]
    }

    /// The blocks from which a block can be reached without passing through another one, itself included.
    pub(super) fn leading_to(&self, block: BlockId, without: Option<BlockId>) -> BTreeSet<BlockId> {
        let mut out = BTreeSet::new();
        let mut open = vec![block];
        while let Some(at) = open.pop() {
            if Some(at) != without && out.insert(at) {
                open.extend_from_slice(self.before(at));
            }
        }
        out
    }

    /// Whether a block runs only because something was caught, or did not work.
    pub(super) fn is_for_failure(&self, at: BlockId) -> bool {
        self.graph().handling.contains(&at) || self.refused_before(at).is_some()
    }

    /// The last test for what came of a call that decides whether a block runs.
    pub(super) fn refused_before(&self, at: BlockId) -> Option<Edge> {
        let deciders = self.graph().control.deciders(at).into_iter();
        let asking = deciders.filter(|edge| {
            self.dominates(edge.to, at)
                && match &self.body().block(edge.from).terminator.kind {
                    TerminatorKind::Branch { cond, role, .. } => {
                        !matches!(
                            role,
                            BranchRole::While | BranchRole::Handler | BranchRole::Try
                        ) && self.asks_outcome(cond)
                    }
                    _ => false,
                }
        });
        asking.max_by_key(|edge| self.graph().control.before(edge.from).len())
    }

    /// Whether a test asks for what came of a call. What it asks of units that are only read may be how
    /// somebody else's work went.
    fn asks_outcome(&self, cond: &Operand) -> bool {
        let mut open: Vec<(Operand, bool)> = vec![(cond.clone(), false)];
        let mut seen = BTreeSet::new();
        while let Some((operand, unit)) = open.pop() {
            let Operand::Local(local) = operand else {
                continue;
            };
            if !seen.insert(local) {
                continue;
            }
            if let Some(iter) = self.unit_of(local) {
                open.push((Operand::Local(iter), true));
            }
            for rvalue in self.graph().values_of(local) {
                let through = match rvalue {
                    Rvalue::Call { callee, .. } => {
                        let name = called(self.function, callee).name;
                        let asks = asks_whether(&name) || PARTS.contains(&name.as_str());
                        let reads = unit && (asks_or_shows(&name) || is_harmless(&name));
                        if !asks && !reads {
                            return true;
                        }
                        asks
                    }
                    _ => true,
                };
                if through {
                    rvalue.for_each_operand(|operand| open.push((operand.clone(), unit)));
                }
            }
        }
        false
    }

    /// What a loop goes over whose units a local holds.
    pub(super) fn unit_of(&self, local: LocalId) -> Option<LocalId> {
        let mut blocks = self.body().blocks.iter();
        blocks.find_map(|block| match block.terminator.kind {
            TerminatorKind::ForNext { iter, dest, .. } if dest == local => Some(iter),
            _ => None,
        })
    }

    /// The name of a variable; nothing if there is none.
    pub(super) fn name_of(&self, local: Option<&LocalId>) -> Name {
        let named = local.and_then(|local| self.function.body.locals[local.index()].name.clone());
        named.unwrap_or_default()
    }

    /// The place that a value was read from.
    pub(super) fn spot(&self, operand: &Operand) -> Option<Spot> {
        let Operand::Local(mut at) = *operand else {
            return None;
        };
        let mut path = Vec::new();
        // What a variable holds may lead no further.
        let mut named = None;
        for _ in 0..DEPTH {
            if is_variable(self.function, at) {
                named = Some((at, path.len()));
            }
            match self.only[at.index()] {
                Some(Rvalue::GetField(Operand::Local(of), name)) => {
                    path.insert(0, name.clone());
                    at = *of;
                }
                Some(Rvalue::GetItem(Operand::Local(of), Operand::Const(Literal::Str(key)))) => {
                    path.insert(0, key.clone());
                    at = *of;
                }
                Some(
                    Rvalue::Use(Operand::Local(of)) | Rvalue::Data(Data::Copy(Operand::Local(of))),
                ) => {
                    at = *of;
                }
                _ => break,
            }
        }
        if is_variable(self.function, at) {
            return Some(Spot { root: at, path });
        }
        let (root, known) = named?;
        path.drain(..path.len() - known);
        Some(Spot { root, path })
    }

    /// The variable that leads to an object by attributes and items; the local itself if there is none.
    pub(super) fn root(&self, operand: &Operand) -> Option<LocalId> {
        match operand {
            Operand::Local(local) => Some(self.spot(operand).map_or(*local, |spot| spot.root)),
            Operand::Const(_) => None,
        }
    }

    /// The text that a value is, or the last name of the constant that it is: `SUCCESS` of `Status.SUCCESS`.
    pub(super) fn word(&self, operand: &Operand) -> Option<Name> {
        match operand {
            Operand::Const(literal) => text(literal),
            Operand::Local(local) => self.word_of(self.only[local.index()]?),
        }
    }

    /// The same for a value that may be one of several of a variable.
    pub(super) fn word_of(&self, mut rvalue: &'f Rvalue) -> Option<Name> {
        for _ in 0..DEPTH {
            let from = match rvalue {
                Rvalue::Use(Operand::Const(literal)) => return text(literal),
                Rvalue::Use(Operand::Local(from)) => from,
                // `Status.SUCCESS.value`
                Rvalue::GetField(Operand::Local(from), name) if name == "value" => from,
                Rvalue::GetField(Operand::Local(of), name) => {
                    let constant = name.chars().next().is_some_and(char::is_uppercase);
                    let of_class = matches!(
                        self.only[of.index()],
                        Some(Rvalue::Global(_) | Rvalue::Path(_) | Rvalue::GetField(..))
                    );
                    return (constant && of_class).then(|| name.clone());
                }
                Rvalue::Path(path) => return path.last().cloned(),
                Rvalue::Global(name) => {
                    let constant = name.chars().all(|c| c.is_uppercase() || c == '_');
                    return constant.then(|| name.clone());
                }
                _ => return None,
            };
            rvalue = self.only[from.index()]?;
        }
        None
    }
}

impl Code<'_> {
    /// The path of the class whose constant a value is: `Status` of `Status.SUCCESS`.
    pub(super) fn class_of(&self, operand: &Operand) -> Option<Vec<Name>> {
        let Operand::Local(mut at) = *operand else {
            return None;
        };
        let mut path = Vec::new();
        for _ in 0..DEPTH {
            match self.only[at.index()]? {
                Rvalue::Use(Operand::Local(from)) => at = *from,
                Rvalue::GetField(Operand::Local(of), name) => {
                    path.insert(0, name.clone());
                    at = *of;
                }
                Rvalue::Global(name) => {
                    path.insert(0, name.clone());
                    break;
                }
                Rvalue::Path(names) => {
                    path.splice(0..0, names.iter().cloned());
                    break;
                }
                _ => return None,
            }
        }
        path.pop_if(|last| last == "value");
        path.pop()?;
        (!path.is_empty()).then_some(path)
    }
}

fn text(literal: &Literal) -> Option<Name> {
    match literal {
        Literal::Str(text) => Some(text.clone()),
        _ => None,
    }
}

/// The object and the name of the place, if a statement stores into an attribute or below a known key.
pub(super) fn named_store(statement: &StatementKind) -> Option<(&Operand, &Name)> {
    match statement {
        StatementKind::SetField { object, field, .. } => Some((object, field)),
        StatementKind::SetItem {
            object,
            key: Operand::Const(Literal::Str(name)),
            ..
        } => Some((object, name)),
        _ => None,
    }
}

/// The blocks that can be reached only through a handler.
fn handling(body: &Body) -> BTreeSet<BlockId> {
    let mut reached = BTreeSet::new();
    let mut open = vec![BlockId::ENTRY];
    while let Some(at) = open.pop() {
        if !reached.insert(at) {
            continue;
        }
        match &body.block(at).terminator.kind {
            TerminatorKind::Branch {
                role: BranchRole::Handler | BranchRole::Swallow,
                otherwise,
                ..
            } => open.push(*otherwise),
            other => other.for_each_successor(|next| open.push(next)),
        }
    }
    let all = (0u32..).zip(&body.blocks).map(|(at, _)| BlockId(at));
    all.filter(|at| !reached.contains(at)).collect()
}
