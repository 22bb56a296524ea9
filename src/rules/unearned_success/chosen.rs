//! A success that is one of the values of a variable, which only says how it went: `outcome = "success"`.

use std::collections::BTreeSet;

use super::claims::{Claim, Says, pair};
use super::code::{Code, named_store};
use crate::ir::{
    Arg, ArgKind, BlockId, Callee, Literal, LocalId, LocalKind, Name, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::rules::failed_write::code::called;
use crate::rules::tables::outcomes::{
    asks_or_shows, names_status, records_status, says_run_succeeded, says_success,
};

/// What becomes of the value of a variable at one place.
enum Use {
    /// It goes on as a status.
    Said,
    /// It is shown, or put into a text.
    Shown,
    /// Anything else.
    Other,
}

impl<'f> Code<'f> {
    /// The places at which a variable with several values, all of them statuses, gets one that says success,
    /// and from which it goes on only as a status.
    pub(super) fn chosen(&self) -> Vec<Claim<'f>> {
        let mut out = Vec::new();
        for (at, block) in (0u32..).zip(&self.function.body.blocks) {
            let at = BlockId(at);
            for statement in &block.statements {
                let StatementKind::Assign(to, value) = &statement.kind else {
                    continue;
                };
                let kind = self.function.body.locals[to.index()].kind;
                if kind != LocalKind::Var || self.only[to.index()].is_some() {
                    continue;
                }
                let Some(word) = self.word_of(value).filter(|word| says_success(word)) else {
                    continue;
                };
                if !self.is_choice(*to) {
                    continue;
                }
                let Some(said_at) = self.said_at(*to, says_run_succeeded(&word)) else {
                    continue;
                };
                let kept = self.kept_from(at, *to);
                if !said_at.iter().any(|said| kept.contains(said)) {
                    continue;
                }
                out.push(Claim {
                    held: vec![*to],
                    of_run: says_run_succeeded(&word),
                    text: Some(word),
                    said_at,
                    ..Claim::new((at, statement.span), Says::Chooses)
                });
            }
        }
        out
    }

    /// Whether all values of a variable are statuses that are written here, and not all of them say success.
    fn is_choice(&self, local: LocalId) -> bool {
        let mut others = false;
        let values = self.graph().values_of(local);
        let known = values.iter().all(|value| match value {
            Rvalue::Use(Operand::Const(Literal::None)) => true,
            value => self.word_of(value).is_some_and(|word| {
                others |= !says_success(&word);
                true
            }),
        });
        known && others
    }

    /// The blocks that can be reached from one that sets a variable before it is set again.
    fn kept_from(&self, from: BlockId, local: LocalId) -> BTreeSet<BlockId> {
        let body = &self.function.body;
        let sets = |at: BlockId| {
            let mut statements = body.block(at).statements.iter();
            statements.any(|s| matches!(s.kind, StatementKind::Assign(to, _) if to == local))
        };
        let mut out = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            body.block(at).terminator.kind.for_each_successor(|next| {
                if !sets(next) && out.insert(next) {
                    open.push(next);
                }
            });
        }
        out
    }

    /// Where a variable goes on as a status; `None` if it serves something else as well.
    fn said_at(&self, local: LocalId, of_run: bool) -> Option<Vec<BlockId>> {
        let is = |operand: &Operand| *operand == Operand::Local(local);
        let named = || {
            let name = self.function.body.locals[local.index()].name.as_ref();
            name.is_some_and(|name| names_status(name))
        };
        let mut out = Vec::new();
        for (at, block) in (0u32..).zip(&self.function.body.blocks) {
            let at = BlockId(at);
            for statement in &block.statements {
                let uses = match &statement.kind {
                    StatementKind::Assign(_, rvalue) if within(rvalue, local) => {
                        self.in_value((at, &statement.kind), rvalue, local)
                    }
                    StatementKind::SetItem { key, .. } if is(key) => Use::Other,
                    StatementKind::SetField { value, .. }
                    | StatementKind::SetItem { value, .. }
                    | StatementKind::SetGlobal { value, .. }
                    | StatementKind::Overwrite { value, .. }
                        if is(value) =>
                    {
                        let name = named_store(&statement.kind).map(|(_, name)| name);
                        said(name.is_some_and(|name| names_status(name)))
                    }
                    _ => continue,
                };
                match uses {
                    Use::Said => out.push(at),
                    Use::Shown => {}
                    Use::Other => return None,
                }
            }
            let uses = match &block.terminator.kind {
                TerminatorKind::Eval {
                    rvalue: Rvalue::Call { callee, args },
                    dest,
                    ..
                } if args.iter().any(|arg| is(&arg.value)) => {
                    self.in_call((at, *dest), (callee, args), local)
                }
                TerminatorKind::Eval { rvalue, .. } if within(rvalue, local) => Use::Other,
                TerminatorKind::Return { value, .. } if is(value) => said(named() && of_run),
                TerminatorKind::Branch { cond, .. } if is(cond) => Use::Other,
                TerminatorKind::Yield { value, .. } if is(value) => Use::Other,
                _ => continue,
            };
            match uses {
                Use::Said => out.push(at),
                Use::Shown => {}
                Use::Other => return None,
            }
        }
        Some(out)
    }

    /// What becomes of a variable in a value that is made of it.
    fn in_value(
        &self,
        (at, statement): (BlockId, &StatementKind),
        value: &Rvalue,
        local: LocalId,
    ) -> Use {
        let StatementKind::Assign(to, _) = statement else {
            return Use::Other;
        };
        match value {
            Rvalue::Format(_) => Use::Shown,
            // `{"status": outcome}`
            Rvalue::Dict(items) => {
                let as_status = items.iter().all(|item| match pair(item) {
                    Some((key, value)) => *value != Operand::Local(local) || names_status(key),
                    None => true,
                });
                said(as_status && self.leaves(at, *to).is_some())
            }
            _ => Use::Other,
        }
    }

    /// What becomes of a variable in a call.
    fn in_call(
        &self,
        (at, dest): (BlockId, Option<LocalId>),
        (callee, args): (&Callee, &[Arg]),
        local: LocalId,
    ) -> Use {
        let name = called(self.function, callee).name;
        if self.only_shows(callee) {
            return Use::Shown;
        }
        let makes = name.starts_with(char::is_uppercase);
        let goes_on = || !makes || dest.is_some_and(|dest| self.leaves(at, dest).is_some());
        let as_status = args.iter().all(|arg| {
            arg.value != Operand::Local(local)
                || match &arg.kind {
                    ArgKind::Keyword(keyword) => names_status(keyword) && goes_on(),
                    ArgKind::Positional => records(&name),
                    ArgKind::Star | ArgKind::DoubleStar => false,
                }
        });
        said(as_status && !asks_or_shows(&name))
    }
}

fn records(name: &Name) -> bool {
    name.to_ascii_lowercase().contains("status") && records_status(name)
}

fn said(as_status: bool) -> Use {
    if as_status { Use::Said } else { Use::Other }
}

/// Whether a value is made of a local.
fn within(rvalue: &Rvalue, local: LocalId) -> bool {
    let mut uses = false;
    rvalue.for_each_operand(|operand| uses |= *operand == Operand::Local(local));
    uses
}
