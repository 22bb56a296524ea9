//! Invariants of lowered bodies.
//!
//! Every body from a front end must satisfy them all; the engine relies on them without checking.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ir::{
    BlockId, Function, Literal, LocalId, LocalKind, Operand, Rvalue, StatementKind, TerminatorKind,
    Unwind,
};

/// Checks the body of a function.
///
/// # Errors
/// A description of each violated invariant, with its block.
pub fn validate(function: &Function) -> Result<(), Vec<String>> {
    let mut checker = Checker {
        function,
        at: "locals".to_owned(),
        problems: Vec::new(),
    };
    if function.body.blocks.is_empty() {
        return Err(vec!["there is no entry block".to_owned()]);
    }
    checker.check_locals();
    for (index, block) in function.body.blocks.iter().enumerate() {
        checker.at = format!("bb{index}");
        for statement in &block.statements {
            checker.check_statement(&statement.kind);
        }
        checker.check_terminator(&block.terminator.kind);
    }
    if checker.problems.is_empty() {
        checker.check_reachable();
        checker.check_loops();
        checker.check_assigned();
    }
    if checker.problems.is_empty() {
        Ok(())
    } else {
        Err(checker.problems)
    }
}

struct Checker<'a> {
    function: &'a Function,
    at: String,
    problems: Vec<String>,
}

impl Checker<'_> {
    fn problem(&mut self, text: impl AsRef<str>) {
        let text = format!("{}: {}", self.at, text.as_ref());
        self.problems.push(text);
    }

    fn require(&mut self, holds: bool, text: &str) {
        if !holds {
            self.problem(text);
        }
    }

    fn kind(&self, local: LocalId) -> Option<LocalKind> {
        let decl = self.function.body.locals.get(local.index());
        decl.map(|decl| decl.kind)
    }

    fn check_locals(&mut self) {
        let function = self.function;
        let locals = &function.body.locals;
        let params = function.params.len();
        self.require(locals.len() >= params, "a parameter has no local");
        for (index, decl) in locals.iter().enumerate() {
            self.require(
                (decl.kind == LocalKind::Param) == (index < params),
                "the parameters are not the first locals",
            );
            if let Some(param) = function.params.get(index) {
                let same = decl.name.as_ref() == Some(&param.name);
                self.require(same, "a parameter's local has another name");
            }
        }
        let mut next = params;
        for (local, kind) in [
            (function.cells(), LocalKind::Cells),
            (function.outer_cells, LocalKind::OuterCells),
        ] {
            if let Some(local) = local {
                self.require(local.index() == next, "cells do not follow the parameters");
                self.require(self.kind(local) == Some(kind), "cells of another kind");
                next += 1;
            }
            let count = locals.iter().filter(|decl| decl.kind == kind).count();
            let expected = usize::from(local.is_some());
            self.require(count == expected, "cells that the function does not name");
        }
    }

    fn check_block(&mut self, block: BlockId) {
        let exists = block.index() < self.function.body.blocks.len();
        self.require(exists, "a target is out of range");
    }

    fn check_dest(&mut self, dest: LocalId) {
        let writable = match self.kind(dest) {
            Some(LocalKind::Param | LocalKind::Var | LocalKind::Temp | LocalKind::Exception) => {
                true
            }
            Some(LocalKind::Completion | LocalKind::Cells | LocalKind::OuterCells) | None => false,
        };
        self.require(writable, "this local cannot be assigned");
    }

    fn check_operand(&mut self, operand: &Operand) {
        if let Operand::Local(local) = operand {
            let kind = self.kind(*local);
            self.require(kind.is_some(), "a local is out of range");
            let readable = kind != Some(LocalKind::Completion);
            self.require(readable, "a completion is used as a value");
        }
    }

    fn check_operands(&mut self, rvalue: &Rvalue) {
        rvalue.for_each_operand(|operand| self.check_operand(operand));
    }

    fn check_unwind(&mut self, unwind: Option<Unwind>) {
        if let Some(unwind) = unwind {
            self.check_block(unwind.target);
            let kind = self.kind(unwind.exc);
            self.require(
                kind == Some(LocalKind::Exception),
                "an exception goes into a local that is not for exceptions",
            );
        }
    }

    fn check_statement(&mut self, kind: &StatementKind) {
        match kind {
            StatementKind::Assign(dest, rvalue) => {
                if self.kind(*dest) == Some(LocalKind::Completion) {
                    let code = matches!(rvalue, Rvalue::Use(Operand::Const(Literal::Int(_))));
                    self.require(code, "a completion is not a constant");
                    return;
                }
                self.check_dest(*dest);
                self.check_operands(rvalue);
                let raises = matches!(
                    rvalue,
                    Rvalue::Call { .. }
                        | Rvalue::Await(_)
                        | Rvalue::Import(_)
                        | Rvalue::Enter { .. }
                        | Rvalue::Exit { .. }
                );
                self.require(!raises, "a statement may raise");
            }
            StatementKind::SetField { object, value, .. }
            | StatementKind::Overwrite { object, value } => {
                self.check_operand(object);
                self.check_operand(value);
            }
            StatementKind::SetItem { object, key, value } => {
                self.check_operand(object);
                self.check_operand(key);
                self.check_operand(value);
            }
            StatementKind::DelField { object, .. } => self.check_operand(object),
            StatementKind::SetGlobal { value, .. } => self.check_operand(value),
            StatementKind::Declare(local, path) => {
                let variable = matches!(self.kind(*local), Some(LocalKind::Var | LocalKind::Param));
                self.require(variable, "what is declared is not a variable");
                self.require(!path.is_empty(), "a type without a name");
            }
            StatementKind::Unbind(local) => {
                let variable = matches!(self.kind(*local), Some(LocalKind::Var | LocalKind::Param));
                self.require(variable, "what is unbound is not a variable");
            }
            StatementKind::Skip => {}
        }
    }

    fn check_terminator(&mut self, kind: &TerminatorKind) {
        let mut targets = Vec::new();
        kind.for_each_successor(|target| targets.push(target));
        for target in targets {
            self.check_block(target);
        }
        match kind {
            TerminatorKind::Branch { cond, .. } => self.check_operand(cond),
            TerminatorKind::Switch { on, cases } => {
                let kind = self.kind(*on);
                let completion = kind == Some(LocalKind::Completion);
                self.require(completion, "a switch is not on a completion");
                self.require(!cases.is_empty(), "a switch has no cases");
                let mut seen = FxHashSet::default();
                for (code, _) in cases {
                    let integer = matches!(code, Literal::Int(_));
                    self.require(integer, "a case is not an integer");
                    self.require(seen.insert(code), "two cases are the same");
                }
            }
            TerminatorKind::Eval {
                dest,
                rvalue,
                unwind,
                ..
            } => {
                if let Some(dest) = dest {
                    self.check_dest(*dest);
                }
                self.check_operands(rvalue);
                self.check_unwind(*unwind);
                self.require(can_raise(rvalue), "what is evaluated cannot raise");
            }
            TerminatorKind::DelItem {
                object,
                key,
                unwind,
                ..
            } => {
                self.check_operand(object);
                self.check_operand(key);
                self.check_unwind(*unwind);
            }
            TerminatorKind::ForNext {
                iter, dest, unwind, ..
            } => {
                self.check_dest(*dest);
                self.check_unwind(*unwind);
                let made = self.function.body.blocks.iter().any(|block| {
                    block.statements.iter().any(|s| {
                        matches!(&s.kind, StatementKind::Assign(l, Rvalue::Iter { .. }) if l == iter)
                    })
                });
                self.require(made, "an iterator is not made by Iter");
            }
            TerminatorKind::Yield {
                value,
                dest,
                unwind,
                ..
            } => {
                self.check_operand(value);
                if let Some(dest) = dest {
                    self.check_dest(*dest);
                }
                self.check_unwind(*unwind);
                let generator = self.function.is_generator;
                self.require(generator, "a function that is no generator yields");
            }
            TerminatorKind::Return { value, .. } => self.check_operand(value),
            TerminatorKind::Raise { exc, unwind } => {
                self.check_operand(exc);
                self.check_unwind(*unwind);
            }
            TerminatorKind::Goto(_) | TerminatorKind::Unreachable => {}
        }
    }

    fn successors(&self, block: usize) -> Vec<usize> {
        let mut targets = Vec::new();
        let kind = &self.function.body.blocks[block].terminator.kind;
        kind.for_each_successor(|target| targets.push(target.index()));
        targets
    }

    fn check_reachable(&mut self) {
        let count = self.function.body.blocks.len();
        let mut seen = vec![false; count];
        let mut work = vec![0];
        while let Some(block) = work.pop() {
            if !std::mem::replace(&mut seen[block], true) {
                work.extend(self.successors(block));
            }
        }
        for (index, seen) in seen.into_iter().enumerate() {
            self.at = format!("bb{index}");
            self.require(seen, "the block is unreachable");
        }
    }

    /// Every cycle goes through a loop head: without loop heads, the graph has no cycle.
    fn check_loops(&mut self) {
        let blocks = &self.function.body.blocks;
        let mut incoming = vec![0_usize; blocks.len()];
        for index in 0..blocks.len() {
            for target in self.successors(index) {
                if !blocks[target].loop_head {
                    incoming[target] += 1;
                }
            }
        }
        let mut work: Vec<usize> = (0..blocks.len()).filter(|&b| incoming[b] == 0).collect();
        let mut sorted = 0;
        while let Some(block) = work.pop() {
            sorted += 1;
            for target in self.successors(block) {
                if !blocks[target].loop_head {
                    incoming[target] -= 1;
                    if incoming[target] == 0 {
                        work.push(target);
                    }
                }
            }
        }
        self.at = "body".to_owned();
        let acyclic = sorted == blocks.len();
        self.require(acyclic, "a cycle has no loop head");
    }

    /// A temporary, exception or completion is assigned before each use: on every path, or in a
    /// body with a switch on some path, because not all paths through a switch are real.
    fn check_assigned(&mut self) {
        let body = &self.function.body;
        let must = !body
            .blocks
            .iter()
            .any(|block| matches!(block.terminator.kind, TerminatorKind::Switch { .. }));
        let tracked: FxHashMap<LocalId, usize> = (0..body.locals.len())
            .filter_map(|index| u32::try_from(index).ok().map(LocalId))
            .filter(|local| {
                matches!(
                    self.kind(*local),
                    Some(LocalKind::Temp | LocalKind::Exception | LocalKind::Completion)
                )
            })
            .enumerate()
            .map(|(bit, local)| (local, bit))
            .collect();
        let words = tracked.len().div_ceil(64);
        let mut entry: Vec<Option<Vec<u64>>> = vec![None; body.blocks.len()];
        entry[0] = Some(vec![0; words]);
        let mut work = vec![0];
        while let Some(index) = work.pop() {
            let Some(mut state) = entry[index].clone() else {
                continue;
            };
            let set = |state: &mut Vec<u64>, local: LocalId| {
                if let Some(bit) = tracked.get(&local) {
                    state[bit / 64] |= 1 << (bit % 64);
                }
            };
            for statement in &body.blocks[index].statements {
                if let StatementKind::Assign(dest, _) = &statement.kind {
                    set(&mut state, *dest);
                }
            }
            for (target, defined) in edges(&body.blocks[index].terminator.kind) {
                let mut state = state.clone();
                if let Some(local) = defined {
                    set(&mut state, local);
                }
                let merged = match &entry[target.index()] {
                    None => state,
                    Some(old) => old
                        .iter()
                        .zip(&state)
                        .map(|(a, b)| if must { a & b } else { a | b })
                        .collect(),
                };
                if entry[target.index()].as_ref() != Some(&merged) {
                    entry[target.index()] = Some(merged);
                    work.push(target.index());
                }
            }
        }
        for (index, state) in entry.into_iter().enumerate() {
            self.at = format!("bb{index}");
            if let Some(state) = state {
                self.check_uses(index, state, &tracked);
            }
        }
    }

    fn check_uses(
        &mut self,
        block: usize,
        mut state: Vec<u64>,
        tracked: &FxHashMap<LocalId, usize>,
    ) {
        let block = &self.function.body.blocks[block];
        let mut missing = Vec::new();
        for statement in &block.statements {
            for_each_use(&statement.kind, &mut |local| {
                note_missing(local, &state, tracked, &mut missing);
            });
            if let StatementKind::Assign(dest, _) = &statement.kind
                && let Some(bit) = tracked.get(dest)
            {
                state[bit / 64] |= 1 << (bit % 64);
            }
        }
        for_each_terminator_use(&block.terminator.kind, &mut |local| {
            note_missing(local, &state, tracked, &mut missing);
        });
        for local in missing {
            self.problem(format!("_{} is used before it is assigned", local.0));
        }
    }
}

fn note_missing(
    local: LocalId,
    state: &[u64],
    tracked: &FxHashMap<LocalId, usize>,
    missing: &mut Vec<LocalId>,
) {
    if let Some(bit) = tracked.get(&local)
        && state[bit / 64] & (1 << (bit % 64)) == 0
    {
        missing.push(local);
    }
}

/// Whether the rvalue may raise, with any handler.
fn can_raise(rvalue: &Rvalue) -> bool {
    matches!(
        rvalue,
        Rvalue::Call { .. }
            | Rvalue::Await(_)
            | Rvalue::Import(_)
            | Rvalue::Enter { .. }
            | Rvalue::Exit { .. }
            | Rvalue::GetItem(..)
            | Rvalue::GetField(..)
            | Rvalue::Neg(_)
            | Rvalue::Binary(..)
            | Rvalue::InPlace(..)
            | Rvalue::Compare(..)
    )
}

/// The edges out of a block, each with the local that is bound on it.
fn edges(kind: &TerminatorKind) -> Vec<(BlockId, Option<LocalId>)> {
    let mut edges = Vec::new();
    match kind {
        TerminatorKind::Eval {
            dest,
            normal,
            unwind,
            ..
        }
        | TerminatorKind::Yield {
            dest,
            normal,
            unwind,
            ..
        } => {
            edges.push((*normal, *dest));
            edges.extend(unwind.map(|unwind| (unwind.target, Some(unwind.exc))));
        }
        TerminatorKind::DelItem { normal, unwind, .. } => {
            edges.push((*normal, None));
            edges.extend(unwind.map(|unwind| (unwind.target, Some(unwind.exc))));
        }
        TerminatorKind::ForNext {
            dest,
            body,
            exhausted,
            unwind,
            ..
        } => {
            edges.push((*body, Some(*dest)));
            edges.push((*exhausted, None));
            edges.extend(unwind.map(|unwind| (unwind.target, Some(unwind.exc))));
        }
        TerminatorKind::Raise { unwind, .. } => {
            edges.extend(unwind.map(|unwind| (unwind.target, Some(unwind.exc))));
        }
        other => other.for_each_successor(|target| edges.push((target, None))),
    }
    edges
}

/// Calls `f` for each local that the statement reads.
pub(crate) fn for_each_use(kind: &StatementKind, f: &mut dyn FnMut(LocalId)) {
    let mut operand = |operand: &Operand| {
        if let Operand::Local(local) = operand {
            f(*local);
        }
    };
    match kind {
        StatementKind::Assign(_, rvalue) => rvalue.for_each_operand(operand),
        StatementKind::SetField { object, value, .. }
        | StatementKind::Overwrite { object, value } => {
            operand(object);
            operand(value);
        }
        StatementKind::SetItem { object, key, value } => {
            operand(object);
            operand(key);
            operand(value);
        }
        StatementKind::DelField { object, .. } => operand(object),
        StatementKind::SetGlobal { value, .. } => operand(value),
        StatementKind::Unbind(_) | StatementKind::Declare(..) | StatementKind::Skip => {}
    }
}

/// Calls `f` for each local that the terminator reads.
pub(crate) fn for_each_terminator_use(kind: &TerminatorKind, f: &mut dyn FnMut(LocalId)) {
    let mut operand = |operand: &Operand| {
        if let Operand::Local(local) = operand {
            f(*local);
        }
    };
    match kind {
        TerminatorKind::Branch { cond, .. } => operand(cond),
        TerminatorKind::Switch { on, .. } => f(*on),
        TerminatorKind::Eval { rvalue, .. } => rvalue.for_each_operand(operand),
        TerminatorKind::DelItem { object, key, .. } => {
            operand(object);
            operand(key);
        }
        TerminatorKind::ForNext { iter, .. } => f(*iter),
        TerminatorKind::Yield { value, .. } | TerminatorKind::Return { value, .. } => {
            operand(value);
        }
        TerminatorKind::Raise { exc, .. } => operand(exc),
        TerminatorKind::Goto(_) | TerminatorKind::Unreachable => {}
    }
}
