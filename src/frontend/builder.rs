//! Builds bodies: open blocks first, then a clean-up.

use crate::frontend::index;
use crate::ir::{
    BasicBlock, BlockId, Body, Handler, Literal, LocalDecl, LocalId, LocalKind, Name, Operand,
    Rvalue, Statement, StatementKind, Terminator, TerminatorKind, Unwind,
};
use crate::source::Span;

const UNREACHABLE: Terminator = Terminator {
    kind: TerminatorKind::Unreachable,
    span: Span { start: 0, end: 0 },
};

/// A body under construction. Statements go to the current block. Blocks that are never ended are
/// unreachable, or end in `Unreachable`.
pub(crate) struct Builder {
    locals: Vec<LocalDecl>,
    blocks: Vec<BasicBlock>,
    /// The exception handlers so far.
    pub(crate) handlers: Vec<Handler>,
    /// `None` where control does not come. A block is created only if something is built there.
    current: Option<BlockId>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let mut builder = Self {
            locals: Vec::new(),
            blocks: Vec::new(),
            handlers: Vec::new(),
            current: None,
        };
        builder.current = Some(builder.block());
        builder
    }

    pub(crate) fn local(&mut self, name: Option<Name>, kind: LocalKind) -> LocalId {
        let id = LocalId(index(self.locals.len()));
        self.locals.push(LocalDecl { name, kind });
        id
    }

    pub(crate) fn temp(&mut self) -> LocalId {
        self.local(None, LocalKind::Temp)
    }

    pub(crate) fn kind(&self, local: LocalId) -> LocalKind {
        self.locals[local.index()].kind
    }

    /// A new block without predecessors.
    pub(crate) fn block(&mut self) -> BlockId {
        let id = BlockId(index(self.blocks.len()));
        self.blocks.push(BasicBlock {
            statements: Vec::new(),
            terminator: UNREACHABLE,
            loop_head: false,
        });
        id
    }

    pub(crate) fn loop_head(&mut self) -> BlockId {
        let id = self.block();
        self.blocks[id.index()].loop_head = true;
        id
    }

    /// Continues building at `block`.
    pub(crate) fn at(&mut self, block: BlockId) {
        self.current = Some(block);
    }

    fn current(&mut self) -> &mut BasicBlock {
        let id = match self.current {
            Some(id) => id,
            None => {
                let id = self.block();
                self.current = Some(id);
                id
            }
        };
        &mut self.blocks[id.index()]
    }

    pub(crate) fn push(&mut self, kind: StatementKind, span: Span) {
        self.current().statements.push(Statement { kind, span });
    }

    pub(crate) fn assign(&mut self, dest: LocalId, rvalue: Rvalue, span: Span) {
        self.push(StatementKind::Assign(dest, rvalue), span);
    }

    /// Ends the current block. What is built before the next [`Builder::at`] is unreachable.
    pub(crate) fn end(&mut self, kind: TerminatorKind, span: Span) {
        self.current().terminator = Terminator { kind, span };
        self.current = None;
    }

    pub(crate) fn goto(&mut self, target: BlockId) {
        self.end(TerminatorKind::Goto(target), Span::default());
    }

    /// The finished body: without unreachable and empty blocks, numbered in reverse postorder.
    pub(crate) fn finish(mut self) -> Body {
        let mut blocks = self.blocks;
        skip_empty(&mut blocks);
        let completion = |local: &LocalDecl| local.kind == LocalKind::Completion;
        if self.locals.iter().any(completion) {
            while drop_idle_completions(&mut blocks, &self.locals) {}
        }
        join_straight(&mut blocks);
        // Bodies live as long as the run, so unused capacity is released.
        self.locals.shrink_to_fit();
        Body {
            locals: self.locals,
            blocks: renumber(blocks),
            handlers: self.handlers,
        }
    }
}

/// Redirects edges into empty blocks to where these lead.
fn skip_empty(blocks: &mut [BasicBlock]) {
    let mut forward: Vec<BlockId> = Vec::with_capacity(blocks.len());
    for index in 0..blocks.len() {
        let mut at = index;
        for _ in 0..blocks.len() {
            let block = &blocks[at];
            match block.terminator.kind {
                TerminatorKind::Goto(next) if block.statements.is_empty() && !block.loop_head => {
                    // Earlier blocks already know their final target.
                    at = forward.get(next.index()).copied().unwrap_or(next).index();
                }
                _ => break,
            }
        }
        forward.push(BlockId(crate::frontend::index(at)));
    }
    for block in blocks {
        retarget(&mut block.terminator.kind, |target| forward[target.index()]);
    }
}

/// Drops the cases of completions that no reachable block sets. Returns whether it dropped any.
fn drop_idle_completions(blocks: &mut [BasicBlock], locals: &[LocalDecl]) -> bool {
    let mut set: Vec<(LocalId, Literal)> = Vec::new();
    let mut switches = Vec::new();
    let order = postorder(blocks);
    for &id in &order {
        let block = &blocks[id.index()];
        for statement in &block.statements {
            if let StatementKind::Assign(dest, Rvalue::Use(Operand::Const(code))) = &statement.kind
                && locals[dest.index()].kind == LocalKind::Completion
            {
                set.push((*dest, code.clone()));
            }
        }
        if matches!(block.terminator.kind, TerminatorKind::Switch { .. }) {
            switches.push(id);
        }
    }
    let mut dropped = false;
    for id in switches {
        let kind = &mut blocks[id.index()].terminator.kind;
        if let TerminatorKind::Switch { on, cases } = kind {
            let before = cases.len();
            cases.retain(|(code, _)| set.iter().any(|(local, c)| local == on && c == code));
            dropped |= cases.len() != before;
            if let [(_, only)] = cases.as_slice() {
                *kind = TerminatorKind::Goto(*only);
                dropped = true;
            } else if cases.is_empty() {
                *kind = TerminatorKind::Unreachable;
                dropped = true;
            }
        }
    }
    dropped
}

/// Merges a block into its only predecessor, if that has no other successor.
fn join_straight(blocks: &mut [BasicBlock]) {
    let mut predecessors = vec![0_u32; blocks.len()];
    let order = postorder(blocks);
    predecessors[0] = 1;
    for &id in &order {
        let kind = &blocks[id.index()].terminator.kind;
        kind.for_each_successor(|target| predecessors[target.index()] += 1);
    }
    for &id in order.iter().rev() {
        while let TerminatorKind::Goto(next) = blocks[id.index()].terminator.kind {
            if next == id || predecessors[next.index()] != 1 || blocks[next.index()].loop_head {
                break;
            }
            let tail = &mut blocks[next.index()];
            let statements = std::mem::take(&mut tail.statements);
            let terminator = std::mem::replace(&mut tail.terminator, UNREACHABLE);
            let head = &mut blocks[id.index()];
            head.statements.extend(statements);
            head.terminator = terminator;
        }
    }
}

/// The reachable blocks in postorder. Of several successors, later ones come first, so that the
/// reverse follows the source.
fn postorder(blocks: &[BasicBlock]) -> Vec<BlockId> {
    let mut order = Vec::with_capacity(blocks.len());
    let mut seen = vec![false; blocks.len()];
    let mut stack = vec![(BlockId::ENTRY, false)];
    while let Some((id, done)) = stack.pop() {
        if done {
            order.push(id);
            continue;
        }
        if std::mem::replace(&mut seen[id.index()], true) {
            continue;
        }
        stack.push((id, true));
        blocks[id.index()]
            .terminator
            .kind
            .for_each_successor(|target| {
                if !seen[target.index()] {
                    stack.push((target, false));
                }
            });
    }
    order
}

fn renumber(blocks: Vec<BasicBlock>) -> Vec<BasicBlock> {
    let order = postorder(&blocks);
    let mut numbers = vec![BlockId::ENTRY; blocks.len()];
    for (number, id) in order.iter().rev().enumerate() {
        numbers[id.index()] = BlockId(index(number));
    }
    let mut blocks: Vec<Option<BasicBlock>> = blocks.into_iter().map(Some).collect();
    let ordered = order.iter().rev();
    let mut out: Vec<BasicBlock> = Vec::with_capacity(ordered.len());
    out.extend(ordered.filter_map(|id| blocks[id.index()].take()));
    for block in &mut out {
        // Most blocks have few statements.
        block.statements.shrink_to_fit();
        retarget(&mut block.terminator.kind, |target| numbers[target.index()]);
    }
    out
}

/// Replaces each successor.
fn retarget(kind: &mut TerminatorKind, new: impl Fn(BlockId) -> BlockId) {
    let set = |target: &mut BlockId| *target = new(*target);
    let set_unwind = |unwind: &mut Option<Unwind>| {
        if let Some(unwind) = unwind {
            set(&mut unwind.target);
        }
    };
    match kind {
        TerminatorKind::Goto(target) => set(target),
        TerminatorKind::Branch {
            then, otherwise, ..
        } => {
            set(then);
            set(otherwise);
        }
        TerminatorKind::Switch { cases, .. } => {
            cases.iter_mut().for_each(|(_, target)| set(target));
        }
        TerminatorKind::Eval { normal, unwind, .. }
        | TerminatorKind::DelItem { normal, unwind, .. }
        | TerminatorKind::Yield { normal, unwind, .. } => {
            set(normal);
            set_unwind(unwind);
        }
        TerminatorKind::ForNext {
            body,
            exhausted,
            unwind,
            ..
        } => {
            set(body);
            set(exhausted);
            set_unwind(unwind);
        }
        TerminatorKind::Raise { unwind, .. } => set_unwind(unwind),
        TerminatorKind::Return { .. } | TerminatorKind::Unreachable => {}
    }
}
