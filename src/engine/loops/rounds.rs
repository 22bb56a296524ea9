//! The loops of a function. A round is one iteration of a loop. This module knows which blocks a
//! round consists of, which rounds a state is in, and from which block on a round cannot reach
//! anything wanted.

use smallvec::SmallVec;

use crate::engine::liveness::Liveness;
use crate::engine::values::state::State;
use crate::engine::{Engine, FnContext, RoundEvents};
use crate::ir::{
    BlockId, Body, Function, LocalId, LocalKind, Operand, Rvalue, StatementKind, TerminatorKind,
};

/// The number of a loop within its function.
pub(crate) type LoopId = u32;

/// A loop that a state is in, with the rule's flags on entry to that loop.
pub(crate) type Round = (LoopId, u32);

/// One natural loop (Aho, Sethi and Ullman, "Compilers", 10.4).
struct Loop {
    head: BlockId,
    /// Whether a variable carries something to the next round, or out of the loop, from which a
    /// later test can tell what a round learnt.
    remembers: bool,
}

/// The loops of one function.
pub(crate) struct Loops {
    all: Vec<Loop>,
    /// The loops around each block, the outermost first.
    around: Vec<SmallVec<[LoopId; 2]>>,
    /// The loop of which a block is the head.
    headed: Vec<Option<LoopId>>,
}

/// What the caller of a simulation wants to see.
pub struct Wanted {
    /// For each block, whether a wanted block or exit is reachable.
    comes: Vec<bool>,
    /// For each block, the outermost loop around it whose current round cannot reach a wanted block
    /// any more.
    over: Vec<Option<LoopId>>,
}

impl Wanted {
    /// Whether nothing wanted is reachable from a block.
    pub(crate) fn is_done(&self, block: BlockId) -> bool {
        !self.comes[block.index()]
    }
}

/// The blocks from which one of `to` is reachable along edges that `open` accepts, including `to`.
pub(in crate::engine) fn reaching(
    predecessors: &[SmallVec<[BlockId; 2]>],
    to: impl IntoIterator<Item = BlockId>,
    open: impl Fn(BlockId, BlockId) -> bool,
) -> Vec<bool> {
    let mut out = vec![false; predecessors.len()];
    let mut work: Vec<BlockId> = to.into_iter().collect();
    while let Some(block) = work.pop() {
        if !std::mem::replace(&mut out[block.index()], true) {
            let from = predecessors[block.index()].iter().copied();
            work.extend(from.filter(|from| open(*from, block)));
        }
    }
    out
}

impl Loops {
    pub(crate) fn compute(function: &Function, live: &Liveness) -> Self {
        let body = &function.body;
        let n = body.blocks.len();
        let before = body.predecessors();
        let mut heads: Vec<BlockId> = (0u32..)
            .zip(&body.blocks)
            .filter(|(_, block)| block.loop_head)
            .map(|(at, _)| BlockId(at))
            .collect();
        // The head of an outer loop comes before those of its inner loops.
        heads.sort_unstable_by_key(|head| live.order[head.index()]);
        let mut loops = Loops {
            all: Vec::new(),
            around: vec![SmallVec::new(); n],
            headed: vec![None; n],
        };
        for head in heads {
            let order = |block: BlockId| live.order[block.index()];
            let back = before[head.index()].iter().copied();
            let back = back.filter(|from| order(*from) >= order(head));
            let inside = reaching(&before, back, |_, to| to != head);
            if !inside[head.index()] {
                continue;
            }
            let id = LoopId::try_from(loops.all.len()).expect("fewer than 2^32 loops");
            for (block, _) in inside.iter().enumerate().filter(|(_, inside)| **inside) {
                loops.around[block].push(id);
            }
            loops.headed[head.index()] = Some(id);
            loops.all.push(Loop {
                head,
                remembers: remembers(function, live, head, &inside),
            });
        }
        loops
    }

    /// What has to be simulated for a caller that wants these blocks, and the exits if `ends`.
    fn towards(&self, body: &Body, wanted: &[BlockId], ends: bool) -> Wanted {
        let before = body.predecessors();
        let comes = if ends {
            vec![true; body.blocks.len()]
        } else {
            reaching(&before, wanted.iter().copied(), |_, _| true)
        };
        let mut over = vec![None; body.blocks.len()];
        for (id, l) in (0u32..).zip(&self.all) {
            if l.remembers {
                continue;
            }
            let inside = |block: BlockId| self.around[block.index()].contains(&id);
            let in_round = reaching(&before, wanted.iter().copied(), |from, to| {
                to != l.head || !inside(from)
            });
            for (block, over) in over.iter_mut().enumerate() {
                // The head begins a new round, whatever the round leads to.
                let here = self.around[block].contains(&id) && block != l.head.index();
                if here && !in_round[block] && over.is_none() {
                    *over = Some(id);
                }
            }
        }
        Wanted { comes, over }
    }
}

/// Whether the loop assigns a variable that is read after the loop's head, and the value is not an
/// update of the variable: `found = True` or `last = run`, but not `day += step`.
fn remembers(function: &Function, live: &Liveness, head: BlockId, inside: &[bool]) -> bool {
    let body = &function.body;
    let blocks = || {
        let all = body.blocks.iter().zip(inside);
        all.filter(|(_, inside)| **inside).map(|(block, _)| block)
    };
    let mentions = |rvalue: &Rvalue, local: LocalId| {
        let mut found = false;
        rvalue.for_each_operand(|o| found |= *o == Operand::Local(local));
        found
    };
    // Whether a temporary is computed from a local.
    let made = |temp: LocalId, local: LocalId| {
        blocks().any(|block| {
            let by_statement = block.statements.iter().any(|s| {
                matches!(&s.kind, StatementKind::Assign(to, r) if *to == temp && mentions(r, local))
            });
            by_statement
                || matches!(&block.terminator.kind,
                    TerminatorKind::Eval { dest: Some(to), rvalue, .. }
                        if *to == temp && mentions(rvalue, local))
        })
    };
    let carries = |local: LocalId, rvalue: &Rvalue| {
        let kind = body.locals[local.index()].kind;
        matches!(kind, LocalKind::Var | LocalKind::Param)
            && live.local(head, local.index())
            && !mentions(rvalue, local)
            && !matches!(rvalue, Rvalue::Use(Operand::Local(temp))
                if body.locals[temp.index()].kind == LocalKind::Temp && made(*temp, local))
    };
    blocks().any(|block| {
        let by_statement = block.statements.iter().any(|s| match &s.kind {
            StatementKind::Assign(local, rvalue) => carries(*local, rvalue),
            // A field of an object, or a variable shared with nested functions.
            StatementKind::SetField {
                value: Operand::Const(_),
                ..
            }
            | StatementKind::SetGlobal { .. } => true,
            _ => false,
        });
        by_statement
            || matches!(&block.terminator.kind,
                TerminatorKind::Eval { dest: Some(local), rvalue, .. } if carries(*local, rvalue))
    })
}

impl FnContext {
    /// The loops of the function, computed on first use.
    pub(crate) fn loops(&self) -> &Loops {
        self.loops
            .get_or_init(|| Loops::compute(self.function(), &self.live))
    }

    /// What has to be simulated for a caller that wants the states at these blocks, and those at
    /// the exits if `ends`. Blocks that reach nothing wanted are left out. Where the current round
    /// of a loop reaches nothing wanted any more, what it learnt is dropped.
    #[must_use]
    pub fn towards(&self, wanted: &[BlockId], ends: bool) -> Wanted {
        self.loops().towards(&self.function().body, wanted, ends)
    }
}

impl Engine<'_> {
    /// Updates the rounds of a state at the entry of a block. When a round is over, what was learnt
    /// about its unit is dropped.
    pub(in crate::engine) fn turn(
        &mut self,
        cx: &FnContext,
        block: BlockId,
        state: &mut State,
        wanted: Option<&Wanted>,
    ) {
        let Some(rounds) = self.watches.rounds else {
            return;
        };
        let loops = cx.loops();
        let around = &loops.around[block.index()];
        state.env.leave_rounds(|id| around.contains(&id));
        if let Some(id) = loops.headed[block.index()] {
            match state.env.entered(id) {
                Some(_) if loops.all[id as usize].remembers => {}
                Some(before) => end_round(rounds, state, before),
                None => {
                    let now = state.flags.rule;
                    state.env.enter_round(id, now);
                }
            }
        }
        if let Some(id) = wanted.and_then(|wanted| wanted.over[block.index()])
            && let Some(before) = state.env.entered(id)
        {
            end_round(rounds, state, before);
        }
    }
}

fn end_round(rounds: &dyn RoundEvents, state: &mut State, on_entry: u32) {
    state.flags.rule = rounds.after_round(on_entry, state.flags.rule);
}
