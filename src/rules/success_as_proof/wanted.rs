//! What of a function has to be followed: the blocks whose states the rule looks at.

use rustc_hash::FxHashSet;

use super::sites::{Code, Effect, Place};
use super::teaching::Teaching;
use super::words::Vocabulary;
use crate::ir::control::ControlDependence;
use crate::ir::{
    BinOp, BlockId, Callee, CmpOp, Data, LocalId, LocalKind, Operand, Rvalue, TerminatorKind,
};

/// The blocks that a function is followed to.
pub(super) struct Sought {
    /// Where something is decided, collected or done.
    pub blocks: Vec<BlockId>,
    /// Whether the states at the exits are looked at, too.
    pub ends: bool,
    /// Whether something asks for the units in a collection that the function fills.
    pub collects: bool,
}

/// Collections that may hold units of which something is known.
struct Collections {
    /// The blocks that put something into one.
    puts: Vec<BlockId>,
    /// The locals that may hold one, or something made of one.
    held: FxHashSet<LocalId>,
    /// Whether one is a field of an object, or shared with a nested function.
    elsewhere: bool,
}

impl Code<'_> {
    /// What has to be followed for effects at these places. Nothing has where no success can be
    /// learnt of.
    pub(super) fn sought(
        &self,
        words: &Vocabulary,
        control: &ControlDependence,
        teaching: &Teaching<'_, '_>,
        places: &[Place],
    ) -> Option<Sought> {
        let mut blocks: Vec<BlockId> = places.iter().map(|place| place.block).collect();
        for place in places {
            if let Effect::Queues { .. } = place.effect {
                // A success goes the other way.
                for edge in control.deciders(place.block) {
                    blocks.extend(control.successors(edge.from));
                }
            }
        }
        let collections = self.collections(words, control, teaching);
        let uses = self.uses(words, control, teaching, &collections, &blocks);
        let used = !uses.is_empty() || collections.elsewhere;
        let collects = teaching.in_nested() || used && !collections.puts.is_empty();
        if collects {
            blocks.extend(uses);
            blocks.extend(collections.puts);
        }
        // What loops over, or takes away, what a query brings leaves successes out of the work.
        let mut leaves_out = false;
        for block in &self.function.body.blocks {
            leaves_out |= match &block.terminator.kind {
                TerminatorKind::ForNext { iter, .. } => teaching.operand(&Operand::Local(*iter)),
                TerminatorKind::Eval {
                    rvalue: Rvalue::Call { callee, args },
                    ..
                } => {
                    let takes = self.callee(callee).is_some_and(|name| name == "difference");
                    takes && args.iter().any(|a| teaching.operand(&a.value))
                }
                _ => false,
            };
        }
        self.function.body.for_each_rvalue(|_, _, rvalue| {
            leaves_out |= matches!(rvalue,
                Rvalue::Binary(BinOp::Sub, _, done) | Rvalue::InPlace(BinOp::Sub, _, done)
                    if teaching.operand(done));
        });
        let ends = collects || leaves_out;
        if blocks.is_empty() && !ends {
            return None;
        }
        blocks.sort_unstable();
        blocks.dedup();
        Some(Sought {
            blocks,
            ends,
            collects,
        })
    }

    /// The collections that the function puts units into of which something can be known.
    fn collections(
        &self,
        words: &Vocabulary,
        control: &ControlDependence,
        teaching: &Teaching<'_, '_>,
    ) -> Collections {
        let mut out = Collections {
            puts: Vec::new(),
            held: FxHashSet::default(),
            elsewhere: !self.nested.is_empty(),
        };
        let mut owners: Vec<LocalId> = Vec::new();
        self.function.body.for_each_rvalue(|at, _, rvalue| {
            let (list, item) = match rvalue {
                Rvalue::Call {
                    callee: Callee::Method { receiver, name, .. },
                    args,
                } if words.puts(name) => (receiver, args.first().map(|a| &a.value)),
                Rvalue::Data(Data::Gather { into, item }) => (into, Some(item)),
                _ => return,
            };
            let told = item.is_some_and(|item| teaching.operand(item));
            if told || teaching.any(&control.deciders(at)) {
                out.puts.push(at);
                owners.extend(local(list));
            }
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

    /// The blocks that use a collection of units in a way that says something about a unit.
    fn uses(
        &self,
        words: &Vocabulary,
        control: &ControlDependence,
        teaching: &Teaching<'_, '_>,
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
                        && matches!(name, "contains" | "contains_key" | "__contains__");
                    let given = || args.iter().any(|a| held(&a.value));
                    let looks = matches!(name, "any" | "all" | "difference")
                        || words.marks(name)
                        || teaching.calls_helper(callee);
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
