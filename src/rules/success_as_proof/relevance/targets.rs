//! Up to which blocks a function is followed: those whose states the rule looks at.

use rustc_hash::FxHashSet;

use super::sources::Sources;
use crate::ir::control::ControlDependence;
use crate::ir::{
    BinOp, BlockId, Callee, CmpOp, Data, LocalId, LocalKind, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::rules::success_as_proof::code::FunctionCode;
use crate::rules::success_as_proof::effects::{Effect, EffectSite};
use crate::rules::success_as_proof::vocabulary::Vocabulary;
use crate::rules::tables::collections::CONTAINS;

/// The blocks that a function is followed to.
pub struct Targets {
    /// Where an effect is, or a collection is filled or used.
    pub blocks: Vec<BlockId>,
    /// Whether the states at the exits matter, too.
    pub ends: bool,
    /// Whether something uses a collection that the function fills with units.
    pub collects: bool,
}

/// Collections of units that may be known to have succeeded.
struct Collections {
    /// The blocks that put something into one.
    puts: Vec<BlockId>,
    /// The locals that may hold one, or something made of one.
    held: FxHashSet<LocalId>,
    /// Whether one can be seen from outside: as a field of an object, or in a nested function.
    elsewhere: bool,
}

impl FunctionCode<'_> {
    /// The blocks to follow the function to, for effects at these sites; `None` if it cannot learn
    /// of a success anywhere.
    pub fn targets(
        &self,
        words: &Vocabulary,
        control: &ControlDependence,
        sources: &Sources<'_, '_>,
        sites: &[EffectSite],
    ) -> Option<Targets> {
        let mut blocks: Vec<BlockId> = sites.iter().map(|site| site.block).collect();
        for site in sites {
            if let Effect::Queues { .. } = site.effect {
                // A success goes the other way.
                for edge in control.deciders(site.block) {
                    blocks.extend(control.successors(edge.from));
                }
            }
        }
        let collections = self.collections(words, control, sources);
        let uses = self.uses(words, control, sources, &collections, &blocks);
        let used = !uses.is_empty() || collections.elsewhere;
        let collects = sources.in_nested() || used && !collections.puts.is_empty();
        if collects {
            blocks.extend(uses);
            blocks.extend(collections.puts);
        }
        let ends = collects || self.leaves_out_successes(sources);
        if blocks.is_empty() && !ends {
            return None;
        }
        blocks.sort_unstable();
        blocks.dedup();
        Some(Targets {
            blocks,
            ends,
            collects,
        })
    }

    /// Whether the result of a query may leave successes out of the work: it is looped over, or
    /// subtracted from something.
    fn leaves_out_successes(&self, sources: &Sources<'_, '_>) -> bool {
        let by_terminator = |kind: &TerminatorKind| match kind {
            TerminatorKind::ForNext { iter, .. } => sources.operand(&Operand::Local(*iter)),
            TerminatorKind::Eval {
                rvalue: Rvalue::Call { callee, args },
                ..
            } => {
                self.callee(callee).is_some_and(|name| name == "difference")
                    && args.iter().any(|a| sources.operand(&a.value))
            }
            _ => false,
        };
        let mut blocks = self.function.body.blocks.iter();
        if blocks.any(|block| by_terminator(&block.terminator.kind)) {
            return true;
        }
        let mut subtracts = false;
        self.for_each_rvalue(|rvalue| {
            subtracts |= matches!(rvalue,
                Rvalue::Binary(BinOp::Sub, _, done) | Rvalue::InPlace(BinOp::Sub, _, done)
                    if sources.operand(done));
        });
        subtracts
    }

    /// The collections into which the function puts units that may be known to have succeeded.
    fn collections(
        &self,
        words: &Vocabulary,
        control: &ControlDependence,
        sources: &Sources<'_, '_>,
    ) -> Collections {
        let mut out = Collections {
            puts: Vec::new(),
            held: FxHashSet::default(),
            elsewhere: !self.nested.is_empty(),
        };
        let mut owners: Vec<LocalId> = Vec::new();
        let mut put = |at: BlockId, list: &Operand, item: Option<&Operand>| {
            let told = item.is_some_and(|item| sources.operand(item));
            if told || sources.any(&control.deciders(at)) {
                out.puts.push(at);
                owners.extend(local(list));
            }
        };
        for (at, block) in (0u32..).zip(&self.function.body.blocks) {
            for statement in &block.statements {
                if let StatementKind::SetItem { object, value, .. } = &statement.kind {
                    put(BlockId(at), object, Some(value));
                }
            }
        }
        self.function
            .body
            .for_each_rvalue(|at, _, rvalue| match rvalue {
                Rvalue::Call {
                    callee: Callee::Method { receiver, name, .. },
                    args,
                } if words.puts(name) => put(at, receiver, args.last().map(|a| &a.value)),
                Rvalue::Data(Data::Gather { into, item }) => put(at, into, Some(item)),
                _ => {}
            });
        // What the collection is a part of.
        while let Some(owner) = owners.pop() {
            if !out.held.insert(owner) {
                continue;
            }
            let kind = self.function.body.locals[owner.index()].kind;
            out.elsewhere |= matches!(kind, LocalKind::Cells | LocalKind::OuterCells);
            for (rvalue, _) in self.definitions(owner) {
                match rvalue {
                    Rvalue::GetField(of, _) => {
                        out.elsewhere = true;
                        owners.extend(local(of));
                    }
                    Rvalue::Use(of) | Rvalue::GetItem(of, _) => owners.extend(local(of)),
                    Rvalue::Call {
                        callee: Callee::Method { receiver, .. },
                        ..
                    } => owners.extend(local(receiver)),
                    Rvalue::Global(_) | Rvalue::Path(_) => out.elsewhere = true,
                    _ => {}
                }
            }
        }
        // What is made of it.
        let mut grows = true;
        while grows {
            grows = false;
            self.function.body.for_each_rvalue(|_, to, rvalue| {
                if let Some(to) = to
                    && !out.held.contains(&to)
                    && mentions(rvalue, &out.held)
                {
                    out.held.insert(to);
                    grows = true;
                }
            });
        }
        out
    }

    /// The blocks that use a collection of units to tell which units succeeded: they ask whether it
    /// holds one, subtract it, hand it on, or loop over it.
    fn uses(
        &self,
        words: &Vocabulary,
        control: &ControlDependence,
        sources: &Sources<'_, '_>,
        units: &Collections,
        effects: &[BlockId],
    ) -> Vec<BlockId> {
        let mut out = Vec::new();
        if units.puts.is_empty() {
            return out;
        }
        let held = |o: &Operand| local(o).is_some_and(|l| units.held.contains(&l));
        self.function.body.for_each_rvalue(|at, _, rvalue| {
            let uses = match rvalue {
                Rvalue::Compare(CmpOp::In | CmpOp::NotIn, _, list) => held(list),
                Rvalue::Binary(BinOp::Sub, _, done) | Rvalue::InPlace(BinOp::Sub, _, done) => {
                    held(done)
                }
                Rvalue::Call { callee, args } => {
                    let name = self.callee(callee);
                    let name = name.as_deref().unwrap_or_default();
                    let asked = matches!(callee, Callee::Method { receiver, .. } if held(receiver))
                        && CONTAINS.contains(&name);
                    let given = || args.iter().any(|a| held(&a.value));
                    let looks = matches!(name, "any" | "all" | "difference")
                        || words.marks(name)
                        || sources.calls_helper(callee);
                    asked || looks && given()
                }
                _ => false,
            };
            if uses {
                out.push(at);
            }
        });
        for (at, block) in (0u32..).zip(&self.function.body.blocks) {
            let head = BlockId(at);
            if let TerminatorKind::ForNext { iter, body, .. } = &block.terminator.kind
                && units.held.contains(iter)
            {
                let round = control.reachable(*body, &[head]);
                let mut acts = effects.iter().chain(&units.puts);
                if acts.any(|b| round.contains(b)) {
                    out.push(head);
                }
            }
        }
        out
    }
}

fn local(o: &Operand) -> Option<LocalId> {
    match o {
        Operand::Local(l) => Some(*l),
        Operand::Const(_) => None,
    }
}

fn mentions(rvalue: &Rvalue, locals: &FxHashSet<LocalId>) -> bool {
    let mut found = false;
    rvalue.for_each_operand(|o| found |= local(o).is_some_and(|l| locals.contains(&l)));
    found
}
