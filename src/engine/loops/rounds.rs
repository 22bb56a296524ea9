//! The loops of a function: which blocks a round of each consists of, what a state knows of the
//! rounds that it is in, and from where on a round brings nothing more that somebody asks for.

use smallvec::SmallVec;

use crate::engine::liveness::Liveness;
use crate::engine::values::state::State;
use crate::engine::{Engine, FnContext, RoundEvents};
use crate::ir::{
    BlockId, Body, Function, LocalId, LocalKind, Operand, Rvalue, StatementKind, TerminatorKind,
};

/// A loop of a function, by its number.
pub(crate) type LoopId = u32;

/// A loop that a state is in, and the rule's flags with which it was entered.
pub(crate) type Round = (LoopId, u32);

/// One natural loop (Aho, Sethi and Ullman, "Compilers", 10.4).
struct Loop {
    head: BlockId,
    /// Whether a variable takes something from one round to the next, or out of the loop, by which
    /// a later test can tell what a round found out.
    remembers: bool,
}

/// The loops of one function.
pub(crate) struct Loops {
    all: Vec<Loop>,
    /// The loops that each block is in, the outermost first.
    around: Vec<SmallVec<[LoopId; 2]>>,
    /// The loop that a block is the head of.
    headed: Vec<Option<LoopId>>,
}

/// What the caller of a simulation asks for.
pub struct Wanted {
    /// For each block, whether something wanted can still come.
    comes: Vec<bool>,
    /// For each block, the outermost loop that it is in whose round brings no wanted block any more.
    over: Vec<Option<LoopId>>,
}

impl Wanted {
    /// Whether nothing wanted can come from a block on.
    pub(crate) fn is_done(&self, block: BlockId) -> bool {
        !self.comes[block.index()]
    }
}

/// The blocks that control comes to a block from.
fn predecessors(body: &Body) -> Vec<SmallVec<[BlockId; 2]>> {
    let mut out = vec![SmallVec::new(); body.blocks.len()];
    for (from, block) in (0u32..).zip(&body.blocks) {
        block
            .terminator
            .kind
            .for_each_successor(|to| out[to.index()].push(BlockId(from)));
    }
    out
}

/// The blocks from which one of `to` is reached by edges that `open` lets pass, themselves included.
fn reaching(
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
        let before = predecessors(body);
        let mut heads: Vec<BlockId> = (0u32..)
            .zip(&body.blocks)
            .filter(|(_, block)| block.loop_head)
            .map(|(at, _)| BlockId(at))
            .collect();
        // An outer loop's head comes before those of the loops in it.
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

    /// What there is to do for a caller that asks for these blocks, and for the exits if `ends`.
    fn towards(&self, body: &Body, wanted: &[BlockId], ends: bool) -> Wanted {
        let before = predecessors(body);
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
                // The head begins a round, whatever comes of it.
                let here = self.around[block].contains(&id) && block != l.head.index();
                if here && !in_round[block] && over.is_none() {
                    *over = Some(id);
                }
            }
        }
        Wanted { comes, over }
    }
}

/// Whether a variable that is read after the head of a loop is given, in the loop, something other
/// than an update of what it holds: `found = True` or `last = run`, and not `day += step`.
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
    // What a temporary is made of.
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
            // A field of an object, or of the variables that nested functions share.
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
    /// The loops of the function, found out when they are first asked for.
    pub(crate) fn loops(&self) -> &Loops {
        self.loops
            .get_or_init(|| Loops::compute(self.function(), &self.live))
    }

    /// What there is to simulate for a caller that asks for the states at these blocks, and for
    /// those at the exits if `ends`: the blocks from which on none of it comes are left out, and
    /// where none comes in a round of a loop any more, what was found out in it is let go.
    #[must_use]
    pub fn towards(&self, wanted: &[BlockId], ends: bool) -> Wanted {
        self.loops().towards(&self.function().body, wanted, ends)
    }
}

impl Engine<'_> {
    /// Keeps up, at the entry of a block, with the rounds of loops that a state is in, and lets go
    /// of what was found out about the unit of a round that is over.
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
