//! Work on units, and which branches skip it.

use rustc_hash::FxHashSet;

use super::{EffectSite, FunctionCode, Vocabulary};
use crate::engine::{is_log_method, is_logger_name};
use crate::ir::control::{ControlDependence, Edge};
use crate::ir::{Arg, BlockId, Callee, LocalKind, Operand, StaticExprKind, TerminatorKind};
use crate::rules::tables::{self, is_write};
use crate::settings::Writes;

/// Calls that wait.
const WAITS: &[&str] = &["sleep", "wait", "wait_for"];

/// First words of a query text that only reads.
const READING: &[&str] = &["select", "with", "show"];

impl FunctionCode<'_> {
    /// The blocks whose call does work on a unit.
    pub fn work_blocks(&self, words: &Vocabulary) -> FxHashSet<BlockId> {
        self.blocks_with(|callee, args| self.does_work(words, callee, args))
    }

    /// Whether a call of the function does work on a unit, and does not just put it into a list.
    pub fn works(&self, words: &Vocabulary) -> bool {
        let works = self.blocks_with(|callee, args| {
            let puts = self.callee(callee).is_none_or(|name| words.puts(&name));
            !puts && self.does_work(words, callee, args)
        });
        !works.is_empty()
    }

    /// Whether a call does work on a unit.
    fn does_work(&self, words: &Vocabulary, callee: &Callee, args: &[Arg]) -> bool {
        let Some(name) = self.callee(callee) else {
            return false;
        };
        if words.puts(&name) {
            let list = self.receiver(callee).or_else(|| match callee {
                Callee::Method {
                    receiver: Operand::Local(l),
                    ..
                } => self.variables(*l).first().cloned(),
                _ => None,
            });
            return list.is_some_and(|l| words.is_work_list(&l));
        }
        let reads = Self::texts(args).any(|t| {
            let first = t.split_whitespace().next().unwrap_or("").to_lowercase();
            READING.contains(&first.as_str())
        });
        if self.encodes(callee, args) {
            return false;
        }
        let receiver = self.receiver(callee);
        let foreign = receiver.as_ref().is_some_and(|r| words.is_no_worker(r));
        let logs = is_log_method(&name) && receiver.as_ref().is_some_and(|r| is_logger_name(r));
        // A class makes an object: `TriggerEvent(…)`.
        let makes = name.starts_with(char::is_uppercase);
        let writes = || is_write(&Writes::default(), &name, receiver.as_deref(), &[]);
        (words.is_work(&name) || writes()) && !reads && !foreign && !logs && !makes
    }

    /// Whether a call writes into bytes or a text that the caller of the function gave it: what is
    /// left out there is a part of a format, and no unit.
    fn encodes(&self, callee: &Callee, args: &[Arg]) -> bool {
        let is_given = |operand: &Operand| {
            let Operand::Local(local) = operand else {
                return false;
            };
            let is_param = self.function.body.locals[local.index()].kind == LocalKind::Param;
            let param = self.function.params.get(local.index());
            let annotation = param
                .filter(|_| is_param)
                .and_then(|p| p.annotation.as_ref());
            annotation.is_some_and(|of| match &of.kind {
                StaticExprKind::Path(path) => tables::takes_bytes(path),
                _ => false,
            })
        };
        match callee {
            Callee::Method { receiver, .. } => is_given(receiver),
            Callee::Value(_) => args.iter().any(|arg| is_given(&arg.value)),
        }
    }

    /// The blocks whose call waits.
    fn waiting_blocks(&self) -> FxHashSet<BlockId> {
        self.blocks_with(|callee, _| {
            let name = self.callee(callee);
            name.is_some_and(|name| WAITS.contains(&name.as_str()))
        })
    }
}

/// The work that a function does on units.
pub struct Work<'w> {
    code: &'w FunctionCode<'w>,
    control: &'w ControlDependence,
    blocks: FxHashSet<BlockId>,
    waiting: FxHashSet<BlockId>,
    /// The heads of loops, each with the blocks that it reaches.
    heads: Vec<(BlockId, FxHashSet<BlockId>)>,
}

impl<'w> Work<'w> {
    /// The work of a function.
    pub fn new(
        code: &'w FunctionCode<'w>,
        control: &'w ControlDependence,
        words: &Vocabulary,
    ) -> Self {
        let heads = code.loop_heads().into_iter();
        Work {
            heads: heads
                .map(|head| (head, control.reachable(head, &[])))
                .collect(),
            code,
            control,
            blocks: code.work_blocks(words),
            waiting: code.waiting_blocks(),
        }
    }

    /// Whether a test skips work by taking `edge` to the site: what is skipped on this edge is done
    /// on another, and nothing is done on the way to the site. With `round`, only work of the same
    /// round counts.
    pub fn is_skipped(&self, edge: Edge, site: &EffectSite, round: bool) -> bool {
        let body = &self.code.function.body;
        let test = &body.block(edge.from).terminator.kind;
        if !matches!(test, TerminatorKind::Branch { .. }) {
            return false;
        }
        let control = self.control;
        let heads = self.heads_around(edge.from);
        let leads_there = |b: BlockId| control.reachable(b, &heads).contains(&site.block);
        if edge.to != site.block {
            // What comes after later rounds is no skip of this one.
            if !leads_there(edge.to) {
                return false;
            }
            let mut around = heads.clone();
            around.push(site.block);
            let on_the_way = control.reachable(edge.to, &around);
            // To wait and look again is no skip, either.
            let acts = |b: &&BlockId| self.blocks.contains(b) || self.waiting.contains(b);
            if on_the_way.iter().filter(acts).any(|b| leads_there(*b)) {
                return false;
            }
        }
        let mut stop = if round { heads.clone() } else { Vec::new() };
        stop.push(edge.from);
        let before = control.before(edge.from);
        let mut others = control.successors(edge.from).iter();
        others.any(|other| {
            *other != edge.to && {
                let reached = control.reachable(*other, &stop);
                let mut works = reached.iter().filter(|b| self.blocks.contains(b));
                works.any(|b| !before.contains(b))
            }
        })
    }

    /// The heads of the loops that a block is in, unless it is a head itself.
    fn heads_around(&self, block: BlockId) -> Vec<BlockId> {
        let onwards = self.control.reachable(block, &[]);
        let around = |(head, reached): &&(BlockId, FxHashSet<BlockId>)| {
            *head != block && reached.contains(&block) && onwards.contains(head)
        };
        self.heads
            .iter()
            .filter(around)
            .map(|(head, _)| *head)
            .collect()
    }
}
