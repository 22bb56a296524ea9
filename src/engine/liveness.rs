//! Backward liveness: which locals and which fields a later point of a function can still read.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ir::{
    BasicBlock, BlockId, Body, Callee, Function, LocalId, LocalKind, Name, Operand, Rvalue,
    Statement, StatementKind, TerminatorKind,
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
    /// Index of the pseudo-field that stands for "some function of the program runs later".
    any: usize,
    /// Variables that some path reads before it binds them.
    pub(crate) unbound: Vec<usize>,
    /// Whether some path may read a variable that is not bound.
    pub(crate) may_miss: bool,
    /// Locals whose value can decide a test, directly or through others.
    pub(crate) decides: BitSet,
    /// The locals that hold pending completions.
    pub(crate) completions: Vec<usize>,
    /// Locals that calls are given or made on, that are stored, and from which these are computed.
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
        let nothing = Live {
            locals: BitSet::new(body.locals.len()),
            fields: BitSet::new(any + 1),
        };
        let fields_of = Fields {
            receiver: function.class.and(Some(LocalId(0))),
            index: &field_index,
            any,
        };
        let mut live = vec![nothing.clone(); n];
        let order = reverse_postorder(body);
        let mut by_order: Vec<usize> = (0..n).collect();
        by_order.sort_by_key(|b| std::cmp::Reverse(order[*b]));
        let mut changed = true;
        while changed {
            changed = false;
            for &b in &by_order {
                let block = &body.blocks[b];
                let mut now = nothing.clone();
                block.terminator.kind.for_each_successor(|s| {
                    let bound = bound_on(&block.terminator.kind, s);
                    now.locals.union_without(&live[s.index()].locals, bound);
                    now.fields.union(&live[s.index()].fields);
                });
                now.before(block, &fields_of);
                if now != live[b] {
                    live[b] = now;
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
        let (locals, fields): (Vec<BitSet>, _) =
            live.into_iter().map(|l| (l.locals, l.fields)).unzip();
        let entry = &locals[BlockId::ENTRY.index()];
        let is_variable = |l: &usize| body.locals[*l].kind == LocalKind::Var;
        let unbound: Vec<usize> = (0..body.locals.len())
            .filter(|l| is_variable(l) && entry.contains(*l))
            .collect();
        let unbinds = |s: &Statement| matches!(s.kind, StatementKind::Unbind(_));
        let may_miss =
            !unbound.is_empty() || body.blocks.iter().any(|b| b.statements.iter().any(unbinds));
        Liveness {
            unbound,
            may_miss,
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

    /// The fields live at the entry of a block: their names, and whether any other field may be
    /// live.
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

/// The locals that calls are given or made on, those that are stored into an object, and those from
/// which these are computed.
fn given(function: &Function) -> BitSet {
    let mut set = BitSet::new(function.body.locals.len());
    let mut add = |o: &Operand| {
        if let Operand::Local(l) = o {
            set.insert(l.index());
        }
    };
    function.body.for_each_rvalue(|_, _, r| {
        if let Rvalue::Call { callee, args } = r {
            args.iter().for_each(|arg| add(&arg.value));
            if let Callee::Method { receiver, .. } = callee {
                add(receiver);
            }
        }
    });
    let statements = || function.body.blocks.iter().flat_map(|b| &b.statements);
    for s in statements() {
        if let StatementKind::SetItem { value, .. } | StatementKind::SetField { value, .. } =
            &s.kind
        {
            add(value);
        }
    }
    let mut before = None;
    while before.as_ref() != Some(&set) {
        before = Some(set.clone());
        for s in statements() {
            if let StatementKind::Assign(d, r) = &s.kind
                && set.contains(d.index())
            {
                r.for_each_operand(|o| {
                    if let Operand::Local(l) = o {
                        set.insert(l.index());
                    }
                });
            }
        }
    }
    set
}

/// What is live at one point.
#[derive(Clone, PartialEq, Eq)]
struct Live {
    locals: BitSet,
    fields: BitSet,
}

impl Live {
    /// Turns what is live at the end of a block into what is live at its entry.
    fn before(&mut self, block: &BasicBlock, fields: &Fields<'_>) {
        let terminator = &block.terminator.kind;
        terminator_uses(terminator, |o| self.uses(o));
        match terminator {
            TerminatorKind::Eval { rvalue, .. } => fields.note(rvalue, &mut self.fields),
            TerminatorKind::ForNext { .. } => self.fields.insert(fields.any),
            _ => {}
        }
        for s in block.statements.iter().rev() {
            match &s.kind {
                StatementKind::Assign(d, r) => {
                    self.locals.remove(d.index());
                    r.for_each_operand(|o| self.uses(o));
                    fields.note(r, &mut self.fields);
                }
                StatementKind::Unbind(d) => self.locals.remove(d.index()),
                StatementKind::Declare(..) | StatementKind::Skip => {}
                StatementKind::SetField { object, value, .. }
                | StatementKind::Overwrite { object, value } => {
                    self.uses(object);
                    self.uses(value);
                }
                StatementKind::SetItem { object, key, value } => {
                    self.uses(object);
                    self.uses(key);
                    self.uses(value);
                }
                StatementKind::DelField { object, .. } => self.uses(object),
                StatementKind::SetGlobal { value, .. } => self.uses(value),
            }
        }
    }

    fn uses(&mut self, o: &Operand) {
        if let Operand::Local(l) = o {
            self.locals.insert(l.index());
        }
    }
}

/// The fields that a function reads by name, with their indices.
struct Fields<'a> {
    receiver: Option<LocalId>,
    index: &'a FxHashMap<Name, usize>,
    /// The index that stands for any field.
    any: usize,
}

impl Fields<'_> {
    /// Adds the fields that an rvalue reads. A call that may run code of the program may read any
    /// field.
    fn note(&self, rvalue: &Rvalue, live: &mut BitSet) {
        match rvalue {
            Rvalue::GetField(_, name) => live.insert(self.index[name]),
            Rvalue::Call { callee, .. } => match callee {
                Callee::Method {
                    receiver: Operand::Local(l),
                    ..
                } if Some(*l) != self.receiver => {}
                Callee::Method { .. } | Callee::Value(_) => live.insert(self.any),
            },
            Rvalue::Await(_)
            | Rvalue::Enter { .. }
            | Rvalue::Exit { .. }
            | Rvalue::Super { .. } => {
                live.insert(self.any);
            }
            _ => {}
        }
    }
}

/// Methods with a model in the engine that examines their arguments.
const MODELLED: &[&str] = &[
    "update",
    "setdefault",
    "get",
    "pop",
    "__setitem__",
    "__getitem__",
    "__contains__",
    "callback",
    "push",
    "enter_context",
    "enter_async_context",
    "execute",
    "insert",
    "insert_entry",
    "entry",
    "or_insert",
    "or_insert_with",
    "extend",
    "remove",
    "get_mut",
    "contains_key",
];

/// The locals whose value can decide a branch, what a call does, or what is returned.
fn deciding(function: &Function) -> BitSet {
    let body = &function.body;
    let statements = body.blocks.iter().flat_map(|b| &b.statements);
    let supers = statements.filter_map(|s| match &s.kind {
        StatementKind::Assign(d, Rvalue::Super { .. }) => Some(*d),
        _ => None,
    });
    let mut deciding = Deciding {
        function,
        supers: supers.collect(),
        set: BitSet::new(body.locals.len()),
        changed: true,
    };
    for (i, l) in body.locals.iter().enumerate() {
        if matches!(
            l.kind,
            LocalKind::Completion | LocalKind::Cells | LocalKind::OuterCells
        ) {
            deciding.set.insert(i);
        }
    }
    while std::mem::take(&mut deciding.changed) {
        for block in &body.blocks {
            for s in &block.statements {
                deciding.look_at(&s.kind);
            }
            deciding.look_at_end(&block.terminator.kind);
        }
    }
    deciding.set
}

/// The search for these locals.
struct Deciding<'f> {
    function: &'f Function,
    /// The locals that hold a `super()`.
    supers: FxHashSet<LocalId>,
    set: BitSet,
    /// Whether this iteration added a local.
    changed: bool,
}

impl Deciding<'_> {
    fn mark(&mut self, o: &Operand) {
        if let Operand::Local(l) = o
            && !self.set.contains(l.index())
        {
            self.set.insert(l.index());
            self.changed = true;
        }
    }

    fn look_at(&mut self, statement: &StatementKind) {
        match statement {
            StatementKind::Assign(d, r) => {
                if self.set.contains(d.index()) {
                    r.for_each_operand(|o| self.mark(o));
                }
            }
            StatementKind::SetField { object, value, .. }
            | StatementKind::Overwrite { object, value } => {
                self.mark(object);
                self.mark(value);
            }
            StatementKind::SetItem { object, key, .. } => {
                self.mark(object);
                self.mark(key);
            }
            StatementKind::DelField { object, .. } => self.mark(object),
            StatementKind::SetGlobal { value, .. } => self.mark(value),
            StatementKind::Unbind(_) | StatementKind::Declare(..) | StatementKind::Skip => {}
        }
    }

    fn look_at_end(&mut self, terminator: &TerminatorKind) {
        let TerminatorKind::Eval { dest, rvalue, .. } = terminator else {
            terminator_uses(terminator, |o| self.mark(o));
            return;
        };
        match rvalue {
            Rvalue::Call { callee, .. }
                if !self.looks_at_arguments(callee)
                    && !dest.is_some_and(|d| self.set.contains(d.index())) =>
            {
                if let Callee::Method { receiver, .. } = callee {
                    self.mark(receiver);
                }
            }
            _ => rvalue.for_each_operand(|o| self.mark(o)),
        }
    }

    /// Whether a call may examine its arguments, as models and functions of the program do.
    fn looks_at_arguments(&self, callee: &Callee) -> bool {
        match callee {
            Callee::Value(_) => true,
            Callee::Method { receiver, name, .. } => {
                self.may_be_ours(receiver) || MODELLED.contains(&name.as_str())
            }
        }
    }

    /// Whether a method of this receiver may be a function of the program. That is so for `self`,
    /// an instance made here, and `super()`, but not for a value that was just read from a field.
    fn may_be_ours(&self, receiver: &Operand) -> bool {
        match receiver {
            Operand::Local(l) => {
                self.function.outer_cells.is_some()
                    || self.supers.contains(l)
                    || self.function.body.locals[l.index()].kind != LocalKind::Temp
            }
            Operand::Const(_) => false,
        }
    }
}

/// The local that a terminator binds on the way to a block, if only one of its edges leads there.
/// Neither an exception nor the end of a loop binds it.
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
