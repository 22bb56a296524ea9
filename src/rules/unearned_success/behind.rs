//! Numbers of what worked that stay behind those of what was tried: that something failed shows only where
//! somebody compares the two.

use super::code::{Code, Spot};
use super::inside::Place;
use super::tallies::{Addition, Amount, How, Tally};
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{
    BlockId, Callee, Data, Literal, LocalId, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::rules::failed_write::code::{
    call_at, call_giving, called, given_to, is_value_of, is_variable,
};
use crate::rules::failed_write::handling::Handling;
use crate::rules::tables::is_harmless;
use crate::rules::tables::outcomes::{
    asks_or_shows, asks_whether, counts_plain_successes, counts_successes, counts_tries,
};

/// How many operators of a condition are looked through.
const DEPTH: u32 = 4;

/// A test of what a call answers.
#[derive(Clone, Copy)]
struct Asked {
    /// The branch.
    branch: BlockId,
    /// The local that holds the answer.
    answer: LocalId,
    /// The outcome that says that it worked.
    worked: bool,
    /// Whether the answer is an error, or none.
    is_outcome: bool,
}

impl Place<'_> {
    /// The places in loops over units at which a call answers that it did not work: the unit then is among those
    /// that were tried and not among those that worked, and nothing else is done about it.
    pub(super) fn behind(self, code: &Code<'_>) -> Vec<Tally> {
        let additions = code.additions();
        let name = |of: &Addition| of.spot.name(code.function);
        let (mut good, mut tried) = (Vec::new(), Vec::new());
        for addition in additions {
            if addition.added.amount == Amount::Other {
                continue;
            }
            if counts_successes(&name(addition)) {
                good.push(addition);
            } else if counts_tries(&name(addition)) {
                tried.push(addition);
            }
        }
        let tallies = good.into_iter().filter_map(|good| {
            let mut beside = tried.iter().filter(|tried| {
                tried.added.amount == good.added.amount && are_beside(&tried.spot, &good.spot)
            });
            let plain = counts_plain_successes(&name(good));
            let (tried, asked) = beside.find_map(|tried| {
                let asked = code.asked_between(tried.at, good.at)?;
                self.tells_of_failure(code, asked, plain)
                    .then_some((tried, asked))
            })?;
            Some(Tally {
                block: asked.branch,
                span: code.function.body.block(asked.branch).terminator.span,
                spot: good.spot.clone(),
                how: How::Behind(tried.spot.clone()),
                inside: None,
            })
        });
        tallies.collect()
    }

    /// Whether the answer of a call says that it did not work, and not that there was nothing to do. What a
    /// function of the program answers decides. Of other calls nothing is known but what their answer is counted
    /// as: `plain` says that the count is one of successes by its name.
    fn tells_of_failure(self, code: &Code<'_>, asked: Asked, plain: bool) -> bool {
        if asked.is_outcome {
            return true;
        }
        let Some(at) = code.call_of(asked.answer) else {
            return false;
        };
        if let Some(func) = self.program.call_inside(self.presets, (self.func, at)) {
            let module = self.program.module(func.module);
            return Code::new(module.ir.function(func.func)).refuses_by_answer();
        }
        let name = call_at(code.function, at).map(|(callee, _)| called(code.function, callee).name);
        plain
            && name.is_some_and(|name| {
                !asks_whether(&name) && !asks_or_shows(&name) && !is_harmless(&name)
            })
    }
}

/// Whether two counts are kept in the same place.
fn are_beside(one: &Spot, other: &Spot) -> bool {
    let holder = |spot: &Spot| {
        let inner = spot.path.len().checked_sub(1)?;
        Some((spot.root, spot.path[..inner].to_vec()))
    };
    holder(one) == holder(other) && one != other
}

impl Code<'_> {
    /// The test of a call about a unit that decides whether one block of a round runs after another one that runs
    /// in any case. Where the call did not work, the round ends and nothing is done about it.
    fn asked_between(&self, always: BlockId, worked: BlockId) -> Option<Asked> {
        let around = self.graph().loops.iter();
        let round = around
            .filter(|l| l.blocks.contains(&worked))
            .min_by_key(|l| l.blocks.len())?;
        let TerminatorKind::ForNext { dest: unit, .. } =
            self.function.body.block(round.head).terminator.kind
        else {
            return None;
        };
        if !round.blocks.contains(&always) {
            return None;
        }
        // Who leaves the loop after a success tries the same work again and again.
        let goes_on = self.function.body.reach(worked, Some(round.head));
        if goes_on.iter().any(|at| !round.blocks.contains(at)) {
            return None;
        }
        let mut deciders = self.graph().control.deciders(worked).into_iter();
        deciders.find_map(|edge| {
            let branch = edge.from;
            let asked = self.asked(branch)?;
            let TerminatorKind::Branch {
                then, otherwise, ..
            } = self.function.body.block(branch).terminator.kind
            else {
                return None;
            };
            let call = self.call_of(asked.answer)?;
            let (good, bad) = if asked.worked {
                (then, otherwise)
            } else {
                (otherwise, then)
            };
            // What comes next in any case is not done about a failure.
            let does_nothing = || {
                let lost = Handling::after(self.function, branch, !asked.worked);
                lost.blocks.is_subset(&round.blocks) && self.does_nothing(&lost, call)
            };
            (good == edge.to
                && self.dominates(always, branch)
                && self.is_about(call, unit)
                && (self.before(bad).len() > 1 || does_nothing()))
            .then_some(asked)
        })
    }

    /// What a branch asks of the answer of a call.
    fn asked(&self, branch: BlockId) -> Option<Asked> {
        let TerminatorKind::Branch { cond, .. } = &self.function.body.block(branch).terminator.kind
        else {
            return None;
        };
        let mut worked = true;
        let mut at = cond;
        for _ in 0..DEPTH {
            let Operand::Local(local) = *at else {
                return None;
            };
            match self.only[local.index()]? {
                Rvalue::Not(of) => {
                    worked = !worked;
                    at = of;
                }
                Rvalue::Use(of) => at = of,
                Rvalue::Data(Data::IsVariant {
                    object: Operand::Local(answer),
                    tag,
                    ..
                }) if tag == SUCCESS || tag == FAILURE => {
                    return Some(Asked {
                        branch,
                        answer: *answer,
                        worked: worked == (tag == SUCCESS),
                        is_outcome: true,
                    });
                }
                Rvalue::Call { .. } | Rvalue::Await(_) => {
                    return Some(Asked {
                        branch,
                        answer: local,
                        worked,
                        is_outcome: false,
                    });
                }
                _ => return None,
            }
        }
        None
    }

    /// The call whose answer a local holds.
    pub(super) fn call_of(&self, local: LocalId) -> Option<BlockId> {
        let mut at = local;
        for _ in 0..DEPTH {
            match self.only[at.index()]? {
                Rvalue::Use(Operand::Local(of)) | Rvalue::Await(Operand::Local(of)) => at = *of,
                Rvalue::Call { .. } => return call_giving(self.function, at),
                _ => return None,
            }
        }
        None
    }

    /// Whether a call is given a unit, or is made on it.
    fn is_about(&self, call: BlockId, unit: LocalId) -> bool {
        let is_unit = |value: &Operand| {
            let own = self.root(value);
            own == Some(unit)
                || own
                    .is_some_and(|own| is_value_of(&self.function.body, &Operand::Local(own), unit))
        };
        call_at(self.function, call).is_some_and(|(callee, args)| {
            let on = match callee {
                Callee::Method { receiver, .. } => Some(receiver),
                Callee::Value(_) => None,
            };
            let mut values = args.iter().map(|arg| &arg.value).chain(on);
            values.any(is_unit)
        })
    }

    /// Whether what is done about a failure changes nothing and tells nobody. `call` is what failed.
    fn does_nothing(&self, part: &Handling<'_>, call: BlockId) -> bool {
        let mut statements = part.statements();
        let changes = statements.any(|statement| match statement {
            StatementKind::Assign(to, _) => is_variable(self.function, *to),
            StatementKind::Skip => false,
            _ => true,
        });
        !changes && !part.calls_somebody(&given_to(self.function, call))
    }

    /// Whether the function answers False, or nothing, where it caught something, and nowhere else.
    fn refuses_by_answer(&self) -> bool {
        let blocks = (0u32..).map(BlockId).zip(&self.function.body.blocks);
        let (mut refuses, mut works) = (false, false);
        for (at, block) in blocks {
            let TerminatorKind::Return { value, .. } = &block.terminator.kind else {
                continue;
            };
            let refused = matches!(
                value,
                Operand::Const(Literal::Bool(false) | Literal::None | Literal::Int(0))
            );
            if refused != self.graph().handling.contains(&at) {
                return false;
            }
            refuses |= refused;
            works |= !refused;
        }
        refuses && works
    }
}
