//! The counts of records that are at hand where a status is taken as proof, and that nothing compares.

use super::Reporter;
use crate::ir::control::Edge;
use crate::ir::{BlockId, Name, Operand, Rvalue, StatementKind, TerminatorKind};
use crate::rules::success_as_proof::code::FunctionCode;
use crate::rules::success_as_proof::effects::EffectSite;
use crate::rules::success_as_proof::vocabulary::parts;
use crate::source::Span;

/// How many unchecked counts a finding names.
const MAX_COUNTS: usize = 2;

impl Reporter<'_> {
    /// The first counts of records that the function reads on the way to an effect or after it, and
    /// where. A count that is compared anywhere is left out: the path may have compared it.
    pub(super) fn counts_at_hand(&self, site: &EffectSite, edges: &[Edge]) -> Vec<(Name, Span)> {
        let (body, control) = (&self.code.function.body, self.control);
        let heads = self.code.loop_heads();
        let mut on_the_way = control.before(site.block);
        on_the_way.extend(control.reachable(site.block, &heads));
        for edge in edges {
            on_the_way.extend(control.reachable(edge.to, &heads));
        }
        let compared = self.compared();
        let mut out: Vec<(Name, Span)> = Vec::new();
        let mut reads: Vec<(BlockId, Name, Span)> = Vec::new();
        for (at, block) in (0u32..).zip(&body.blocks) {
            let at = BlockId(at);
            for statement in &block.statements {
                if let StatementKind::Assign(_, rvalue) = &statement.kind {
                    reads.extend(
                        FunctionCode::read_name(rvalue).map(|name| (at, name, statement.span)),
                    );
                }
            }
            if let TerminatorKind::Eval { rvalue, .. } = &block.terminator.kind {
                reads.extend(
                    FunctionCode::read_name(rvalue).map(|name| (at, name, block.terminator.span)),
                );
            }
        }
        for (at, name, span) in reads {
            let is_count = self.words.is_count(&name) && parts(&name).len() > 1;
            let known = out.iter().any(|(known, _)| *known == name);
            if is_count && !known && on_the_way.contains(&at) && !compared.contains(&name) {
                out.push((name, span));
            }
        }
        out.truncate(MAX_COUNTS);
        out
    }

    /// The names of what the function compares, or tests for its truth.
    fn compared(&self) -> Vec<Name> {
        let mut out = Vec::new();
        let mut add = |o: &Operand| out.extend(self.code.all_names(o));
        self.code.for_each_rvalue(|rvalue| {
            if let Rvalue::Compare(_, a, b) = rvalue {
                add(a);
                add(b);
            }
        });
        for block in &self.code.function.body.blocks {
            if let TerminatorKind::Branch { cond, .. } = &block.terminator.kind {
                add(cond);
            }
        }
        out
    }
}
