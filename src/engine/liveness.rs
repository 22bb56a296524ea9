//! Backward liveness: which locals and which fields a later point of a function can still read.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ir::{
    BlockId, Body, Callee, Function, LocalId, LocalKind, Name, Operand, Rvalue, StatementKind,
    TerminatorKind,
};

/// A set of small integers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct BitSet(Vec<u64>);

impl BitSet {
    fn new(n: usize) -> Self {
        BitSet(vec![0; n.div_ceil(64)])
    }
    pub(crate) fn contains(&self, i: usize) -> bool {
        self.0.get(i / 64).is_some_and(|w| w >> (i % 64) & 1 == 1)
    }
    fn insert(&mut self, i: usize) {
        self.0[i / 64] |= 1 << (i % 64);
    }
    fn remove(&mut self, i: usize) {
        self.0[i / 64] &= !(1 << (i % 64));
    }
    fn union(&mut self, other: &BitSet) {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a |= b;
        }
    }
    fn union_without(&mut self, other: &BitSet, left_out: Option<LocalId>) {
        let left_out = left_out.map(LocalId::index).filter(|l| !self.contains(*l));
        self.union(other);
        if let Some(local) = left_out {
            self.remove(local);
        }
    }
}

/// What is live at the entry of each block of one function.
pub(crate) struct Liveness {
    locals: Vec<BitSet>,
    fields: Vec<BitSet>,
    field_index: FxHashMap<Name, usize>,
    /// Index of the pseudo-field "some function of the program runs later".
    any: usize,
    /// Locals whose value can decide a test, directly or through others.
    pub(crate) decides: BitSet,
    /// The locals that hold pending completions.
    pub(crate) completions: Vec<usize>,
    /// Locals that calls are given.
    pub(crate) given: BitSet,
    /// Number of predecessors of each block.
    pub(crate) predecessors: Vec<u32>,
    /// Position of each block in reverse postorder.
    pub(crate) order: Vec<u32>,
}

impl Liveness {
    pub(crate) fn compute(function: &Function) -> Self {
        let body = &function.body;
        let n = body.blocks.len();
        let mut field_index: FxHashMap<Name, usize> = FxHashMap::default();
        body.for_each_rvalue(|_, _, r| {
            if let Rvalue::GetField(_, name) = r {
                let next = field_index.len();
                field_index.entry(name.clone()).or_insert(next);
            }
        });
        let any = field_index.len();
        let receiver = function.class.and(Some(LocalId(0)));
        let mut locals = vec![BitSet::new(body.locals.len()); n];
        let mut fields = vec![BitSet::new(any + 1); n];
        let order = reverse_postorder(body);
        let mut by_order: Vec<usize> = (0..n).collect();
        by_order.sort_by_key(|b| std::cmp::Reverse(order[*b]));
        let mut changed = true;
        while changed {
            changed = false;
            for &b in &by_order {
                let mut live = BitSet::new(body.locals.len());
                let mut live_fields = BitSet::new(any + 1);
                let block = &body.blocks[b];
                block.terminator.kind.for_each_successor(|s| {
                    let bound = bound_on(&block.terminator.kind, s);
                    live.union_without(&locals[s.index()], bound);
                    live_fields.union(&fields[s.index()]);
                });
                let use_ = |o: &Operand, live: &mut BitSet| {
                    if let Operand::Local(l) = o {
                        live.insert(l.index());
                    }
                };
                terminator_uses(&block.terminator.kind, |o| use_(o, &mut live));
                if let TerminatorKind::Eval { rvalue, .. } = &block.terminator.kind {
                    note_fields(rvalue, receiver, &field_index, any, &mut live_fields);
                }
                if matches!(block.terminator.kind, TerminatorKind::ForNext { .. }) {
                    live_fields.insert(any);
                }
                for s in block.statements.iter().rev() {
                    match &s.kind {
                        StatementKind::Assign(d, r) => {
                            live.remove(d.index());
                            r.for_each_operand(|o| use_(o, &mut live));
                            note_fields(r, receiver, &field_index, any, &mut live_fields);
                        }
                        StatementKind::Unbind(d) => live.remove(d.index()),
                        StatementKind::Declare(..) | StatementKind::Skip => {}
                        StatementKind::SetField { object, value, .. }
                        | StatementKind::Overwrite { object, value } => {
                            use_(object, &mut live);
                            use_(value, &mut live);
                        }
                        StatementKind::SetItem { object, key, value } => {
                            use_(object, &mut live);
                            use_(key, &mut live);
                            use_(value, &mut live);
                        }
                        StatementKind::DelField { object, .. } => use_(object, &mut live),
                        StatementKind::SetGlobal { value, .. } => use_(value, &mut live),
                    }
                }
                if live != locals[b] || live_fields != fields[b] {
                    locals[b] = live;
                    fields[b] = live_fields;
                    changed = true;
                }
            }
        }
        let mut predecessors = vec![0u32; n];
        for block in &body.blocks {
            block
                .terminator
                .kind
                .for_each_successor(|s| predecessors[s.index()] += 1);
        }
        Liveness {
            locals,
            fields,
            field_index,
            any,
            decides: deciding(function),
            completions: (0..body.locals.len())
                .filter(|l| body.locals[*l].kind == LocalKind::Completion)
                .collect(),
            given: given(function),
            predecessors,
            order,
        }
    }

    /// Whether a local is live at the entry of a block.
    pub(crate) fn local(&self, block: BlockId, local: usize) -> bool {
        self.locals[block.index()].contains(local)
    }

    /// Whether a field of that name may be read at or after the entry of a block.
    pub(crate) fn field(&self, block: BlockId, name: &Name) -> bool {
        let set = &self.fields[block.index()];
        set.contains(self.any) || self.field_index.get(name).is_some_and(|i| set.contains(*i))
    }

    /// The fields live at the entry of a block: their names, and whether any other may be.
    pub(crate) fn live_fields(&self, block: BlockId) -> (FxHashSet<Name>, bool) {
        let set = &self.fields[block.index()];
        let names = self
            .field_index
            .iter()
            .filter(|(_, i)| set.contains(**i))
            .map(|(n, _)| n.clone())
            .collect();
        (names, set.contains(self.any))
    }
}

/// The locals that calls are given.
fn given(function: &Function) -> BitSet {
    let mut set = BitSet::new(function.body.locals.len());
    function.body.for_each_rvalue(|_, _, r| {
        if let Rvalue::Call { args, .. } = r {
            for arg in args {
                if let Operand::Local(l) = &arg.value {
                    set.insert(l.index());
                }
            }
        }
    });
    set
}

/// Notes which fields an rvalue reads; a call that may run code of the program reads any.
fn note_fields(
    rvalue: &Rvalue,
    receiver: Option<LocalId>,
    index: &FxHashMap<Name, usize>,
    any: usize,
    live: &mut BitSet,
) {
    match rvalue {
        Rvalue::GetField(_, name) => live.insert(index[name]),
        Rvalue::Call { callee, .. } => match callee {
            Callee::Method {
                receiver: Operand::Local(l),
                ..
            } if Some(*l) != receiver => {}
            Callee::Method { .. } | Callee::Value(_) => live.insert(any),
        },
        Rvalue::Await(_) | Rvalue::Enter { .. } | Rvalue::Exit { .. } => live.insert(any),
        Rvalue::Super { .. } => live.insert(any),
        _ => {}
    }
}

/// The locals whose value can decide a branch, what a call does or what is returned.
fn deciding(function: &Function) -> BitSet {
    let body = &function.body;
    let supers: FxHashSet<LocalId> = body
        .blocks
        .iter()
        .flat_map(|b| &b.statements)
        .filter_map(|s| match &s.kind {
            StatementKind::Assign(d, Rvalue::Super { .. }) => Some(*d),
            _ => None,
        })
        .collect();
    // Whether a call may run a function of the program, which may look at its arguments.
    let may_be_ours = |receiver: &Operand| match receiver {
        // `self`, an instance made here, `super()`; not what was just read from a field.
        Operand::Local(l) => {
            function.outer_cells.is_some()
                || supers.contains(l)
                || body.locals[l.index()].kind != LocalKind::Temp
        }
        Operand::Const(_) => false,
    };
    let looks_at_arguments = |callee: &Callee| match callee {
        Callee::Value(_) => true,
        // The models of containers and managers look at what is stored.
        Callee::Method { receiver, name, .. } => {
            may_be_ours(receiver)
                || matches!(
                    name.as_str(),
                    "update"
                        | "setdefault"
                        | "get"
                        | "pop"
                        | "__setitem__"
                        | "__getitem__"
                        | "__contains__"
                        | "callback"
                        | "push"
                        | "enter_context"
                        | "enter_async_context"
                        | "execute"
                        | "insert"
                        | "insert_entry"
                        | "entry"
                        | "or_insert"
                        | "or_insert_with"
                        | "extend"
                        | "remove"
                        | "get_mut"
                        | "contains_key"
                )
        }
    };
    let mut set = BitSet::new(body.locals.len());
    for (i, l) in body.locals.iter().enumerate() {
        if matches!(
            l.kind,
            LocalKind::Completion | LocalKind::Cells | LocalKind::OuterCells
        ) {
            set.insert(i);
        }
    }
    let mut changed = true;
    while changed {
        changed = false;
        let mut mark = |o: &Operand, set: &mut BitSet| {
            if let Operand::Local(l) = o
                && !set.contains(l.index())
            {
                set.insert(l.index());
                changed = true;
            }
        };
        for block in &body.blocks {
            for s in &block.statements {
                match &s.kind {
                    StatementKind::Assign(d, r) => {
                        if set.contains(d.index()) {
                            r.for_each_operand(|o| mark(o, &mut set));
                        }
                    }
                    StatementKind::SetField { object, value, .. }
                    | StatementKind::Overwrite { object, value } => {
                        mark(object, &mut set);
                        mark(value, &mut set);
                    }
                    StatementKind::SetItem { object, key, .. } => {
                        mark(object, &mut set);
                        mark(key, &mut set);
                    }
                    StatementKind::DelField { object, .. } => mark(object, &mut set),
                    StatementKind::SetGlobal { value, .. } => mark(value, &mut set),
                    StatementKind::Unbind(_) | StatementKind::Declare(..) | StatementKind::Skip => {
                    }
                }
            }
            match &block.terminator.kind {
                TerminatorKind::Eval { dest, rvalue, .. } => match rvalue {
                    Rvalue::Call { callee, .. } => {
                        if looks_at_arguments(callee)
                            || dest.is_some_and(|d| set.contains(d.index()))
                        {
                            rvalue.for_each_operand(|o| mark(o, &mut set));
                        } else if let Callee::Method { receiver, .. } = callee {
                            mark(receiver, &mut set);
                        }
                    }
                    _ => rvalue.for_each_operand(|o| mark(o, &mut set)),
                },
                other => terminator_uses(other, |o| mark(o, &mut set)),
            }
        }
    }
    set
}

/// The local that a terminator binds on its way to a block, if it comes there by one edge only: an
/// exception leaves what the terminator would have bound as it was, and so does a loop's end.
fn bound_on(t: &TerminatorKind, to: BlockId) -> Option<LocalId> {
    let (onward, unwind) = match t {
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
        } => (dest.map(|dest| (*normal, dest)), unwind),
        TerminatorKind::ForNext {
            dest, body, unwind, ..
        } => (Some((*body, *dest)), unwind),
        TerminatorKind::DelItem { unwind, .. } | TerminatorKind::Raise { unwind, .. } => {
            (None, unwind)
        }
        _ => return None,
    };
    let unwind = unwind.map(|unwind| (unwind.target, unwind.exc));
    let mut successors = 0;
    t.for_each_successor(|b| successors += usize::from(b == to));
    let mut edges = [onward, unwind].into_iter().flatten();
    let edge = edges.find(|(target, _)| *target == to && successors == 1);
    edge.map(|(_, bound)| bound)
}

fn terminator_uses(t: &TerminatorKind, mut f: impl FnMut(&Operand)) {
    match t {
        TerminatorKind::Branch { cond, .. } => f(cond),
        TerminatorKind::Switch { on, .. } => f(&Operand::Local(*on)),
        TerminatorKind::Eval { rvalue, .. } => rvalue.for_each_operand(f),
        TerminatorKind::DelItem { object, key, .. } => {
            f(object);
            f(key);
        }
        TerminatorKind::ForNext { iter, .. } => f(&Operand::Local(*iter)),
        TerminatorKind::Yield { value, .. } | TerminatorKind::Return { value, .. } => f(value),
        TerminatorKind::Raise { exc, .. } => f(exc),
        TerminatorKind::Goto(_) | TerminatorKind::Unreachable => {}
    }
}

fn reverse_postorder(body: &Body) -> Vec<u32> {
    let n = body.blocks.len();
    let mut order = vec![0u32; n];
    let mut seen = vec![false; n];
    let mut post = Vec::with_capacity(n);
    let mut stack: Vec<(usize, Vec<usize>)> = Vec::new();
    let successors = |b: usize| {
        let mut s = Vec::new();
        body.blocks[b]
            .terminator
            .kind
            .for_each_successor(|t| s.push(t.index()));
        s
    };
    if n > 0 {
        seen[0] = true;
        stack.push((0, successors(0)));
    }
    while let Some((b, rest)) = stack.last_mut() {
        match rest.pop() {
            Some(s) if !seen[s] => {
                seen[s] = true;
                let next = successors(s);
                stack.push((s, next));
            }
            Some(_) => {}
            None => {
                post.push(*b);
                stack.pop();
            }
        }
    }
    for (i, b) in post.iter().rev().enumerate() {
        order[*b] = u32::try_from(i).expect("fewer than 2^32 blocks");
    }
    order
}
