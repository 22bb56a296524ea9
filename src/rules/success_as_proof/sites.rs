//! The places of a function where a unit of work is taken for done.

use rustc_hash::{FxHashMap, FxHashSet};

use super::words::Vocabulary;
use crate::engine::{is_log_method, is_logger_name};
use crate::ir::control::ControlDependence;
use crate::ir::{
    Arg, BlockId, Callee, Data, Function, Literal, LocalId, LocalKind, Name, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::source::Span;

/// What happens at such a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// A call or a store marks the unit as done; whether it writes a checkpoint, a registry or a
    /// history.
    Marks { what: String, registry: bool },
    /// A predicate answers. `yes`: which answer means that there is nothing to do.
    Answers { yes: bool },
    /// An exception or a return value says that there is nothing to do.
    Says,
    /// The rest of a round, or of the function, is skipped.
    Skips { round: bool },
    /// The unit is put into a list of work.
    Queues { list: String },
}

/// A place with an effect.
#[derive(Clone, Debug)]
pub struct Place {
    /// The block.
    pub block: BlockId,
    /// Where.
    pub span: Span,
    /// What.
    pub effect: Effect,
}

/// A function with what its code says without running it.
pub struct Code<'f> {
    /// The function.
    pub function: &'f Function,
    /// The functions without a name in it.
    pub(super) nested: Vec<Code<'f>>,
    names: FxHashMap<LocalId, Vec<Name>>,
    defs: FxHashMap<LocalId, Vec<(&'f Rvalue, Span)>>,
}

impl<'f> Code<'f> {
    /// Reads a function; `nested` are the functions without a name in it.
    pub fn new(function: &'f Function, nested: &[&'f Function]) -> Self {
        let mut defs: FxHashMap<LocalId, Vec<(&Rvalue, Span)>> = FxHashMap::default();
        let mut names: FxHashMap<LocalId, Vec<Name>> = FxHashMap::default();
        for block in &function.body.blocks {
            for s in &block.statements {
                if let StatementKind::Assign(d, r) = &s.kind {
                    defs.entry(*d).or_default().push((r, s.span));
                    if let (Rvalue::Use(Operand::Local(from)), Some(name)) =
                        (r, &function.body.locals[d.index()].name)
                    {
                        names.entry(*from).or_default().push(name.clone());
                    }
                }
            }
            if let TerminatorKind::Eval {
                dest: Some(d),
                rvalue,
                ..
            } = &block.terminator.kind
            {
                defs.entry(*d)
                    .or_default()
                    .push((rvalue, block.terminator.span));
            }
        }
        Code {
            function,
            nested: nested.iter().map(|f| Code::new(f, &[])).collect(),
            names,
            defs,
        }
    }

    /// The fields and keys that the function reads.
    pub fn fields(&self) -> impl Iterator<Item = &Name> {
        self.defs.values().flatten().filter_map(|(r, _)| match r {
            Rvalue::GetField(_, n) | Rvalue::GetItem(_, Operand::Const(Literal::Str(n))) => Some(n),
            _ => None,
        })
    }

    /// What a local is assigned, and where.
    pub fn definitions(&self, local: LocalId) -> &[(&'f Rvalue, Span)] {
        self.defs.get(&local).map_or(&[], |d| d.as_slice())
    }

    /// The variables that a local is, or is assigned to.
    pub fn variables(&self, local: LocalId) -> Vec<Name> {
        let mut out: Vec<Name> = self.function.body.locals[local.index()]
            .name
            .iter()
            .cloned()
            .collect();
        out.extend(self.names.get(&local).into_iter().flatten().cloned());
        out
    }

    /// The name by which a local is a list of work to do, if it is one.
    fn work_list(&self, words: &Vocabulary, local: LocalId) -> Option<String> {
        let mut names = self.variables(local).into_iter();
        names.find(|n| words.is_work_list(n)).map(|n| n.to_string())
    }

    /// The last name of an operand: of a variable, a global, a field, or of what is called.
    pub fn name(&self, o: &Operand) -> Option<Name> {
        let Operand::Local(l) = o else { return None };
        let decl = &self.function.body.locals[l.index()];
        if matches!(decl.kind, LocalKind::Var | LocalKind::Param) {
            return decl.name.clone();
        }
        match self.definitions(*l).last()?.0 {
            Rvalue::GetItem(_, Operand::Const(Literal::Str(n))) => Some(n.clone()),
            Rvalue::Call { callee, .. } => self.callee(callee),
            Rvalue::Use(o)
            | Rvalue::Await(o)
            | Rvalue::Data(Data::Copy(o) | Data::Payload { object: o, .. }) => self.name(o),
            other => other.name().cloned(),
        }
    }

    /// The last part of a callee's name.
    pub fn callee(&self, callee: &Callee) -> Option<Name> {
        match callee {
            Callee::Method { name, .. } => Some(name.clone()),
            Callee::Value(o) => self.name(o),
        }
    }

    fn receiver(&self, callee: &Callee) -> Option<Name> {
        match callee {
            Callee::Method { receiver, .. } => self.name(receiver),
            Callee::Value(Operand::Local(l)) => match self.definitions(*l).last()?.0 {
                Rvalue::GetField(o, _) => self.name(o),
                _ => None,
            },
            Callee::Value(Operand::Const(_)) => None,
        }
    }

    pub(super) fn texts(args: &[Arg]) -> impl Iterator<Item = &Name> {
        args.iter().filter_map(|a| match &a.value {
            Operand::Const(Literal::Str(s)) => Some(s),
            _ => None,
        })
    }

    /// Whether a call does work on a unit.
    fn works(&self, words: &Vocabulary, callee: &Callee, args: &[Arg]) -> bool {
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
            matches!(first.as_str(), "select" | "with" | "show")
        });
        let foreign = self
            .receiver(callee)
            .is_some_and(|r| words.is_no_worker(&r));
        let logs =
            is_log_method(&name) && self.receiver(callee).is_some_and(|r| is_logger_name(&r));
        words.is_work(&name) && !reads && !foreign && !logs
    }

    /// The blocks whose call does work on a unit.
    pub fn work(&self, words: &Vocabulary) -> FxHashSet<BlockId> {
        let mut out = FxHashSet::default();
        for (i, block) in self.function.body.blocks.iter().enumerate() {
            if let TerminatorKind::Eval {
                rvalue: Rvalue::Call { callee, args },
                ..
            } = &block.terminator.kind
                && self.works(words, callee, args)
            {
                out.insert(BlockId(u32::try_from(i).expect("fewer than 2^32 blocks")));
            }
        }
        out
    }

    /// The places with an effect.
    pub fn places(&self, words: &Vocabulary) -> Vec<Place> {
        let mut out = Vec::new();
        let asks = words.asks(&self.function.name);
        for (i, block) in self.function.body.blocks.iter().enumerate() {
            let id = BlockId(u32::try_from(i).expect("fewer than 2^32 blocks"));
            let mut push = |span: Span, effect: Effect| {
                out.push(Place {
                    block: id,
                    span,
                    effect,
                });
            };
            for s in &block.statements {
                match &s.kind {
                    StatementKind::Assign(
                        _,
                        Rvalue::Data(Data::Gather {
                            into: Operand::Local(l),
                            ..
                        }),
                    ) => {
                        if let Some(list) = self.work_list(words, *l) {
                            push(s.span, Effect::Queues { list });
                        }
                    }
                    StatementKind::Skip => push(s.span, Effect::Skips { round: true }),
                    StatementKind::SetField {
                        object,
                        field,
                        value,
                    } => {
                        if let Some(effect) = self.store(words, object, field, value) {
                            push(s.span, effect);
                        }
                    }
                    StatementKind::SetItem {
                        object,
                        key: Operand::Const(Literal::Str(key)),
                        value,
                    } => {
                        if let Some(effect) = self.store(words, object, key, value) {
                            push(s.span, effect);
                        }
                    }
                    _ => {}
                }
            }
            let span = block.terminator.span;
            match &block.terminator.kind {
                TerminatorKind::Eval {
                    rvalue: Rvalue::Call { callee, args },
                    ..
                } => {
                    let Some(name) = self.callee(callee) else {
                        continue;
                    };
                    let receiver = self.receiver(callee);
                    if let Some(what) = self.written(words, &name, args) {
                        let registry = true;
                        push(span, Effect::Marks { what, registry });
                    } else if words.marks(&name) {
                        let registry = words.is_registry(&name)
                            || receiver.as_ref().is_some_and(|r| words.is_registry(r));
                        let what = name.to_string();
                        push(span, Effect::Marks { what, registry });
                    } else if words.puts(&name)
                        && let Callee::Method {
                            receiver: Operand::Local(l),
                            ..
                        } = callee
                        && let Some(list) = self.work_list(words, *l)
                    {
                        push(span, Effect::Queues { list });
                    }
                }
                TerminatorKind::Return { value, implicit } => {
                    if let Some(yes) = asks {
                        push(span, Effect::Answers { yes });
                    } else if self.says(words, value) {
                        push(span, Effect::Says);
                    } else if !implicit && self.is_trivial(value) {
                        push(span, Effect::Skips { round: false });
                    }
                }
                TerminatorKind::Raise { exc, .. } if self.says(words, exc) => {
                    push(span, Effect::Says);
                }
                _ => {}
            }
        }
        out
    }

    /// A store of "done" into an object.
    fn store(
        &self,
        words: &Vocabulary,
        object: &Operand,
        field: &str,
        value: &Operand,
    ) -> Option<Effect> {
        if !words.is_mark_field(field) {
            return None;
        }
        let says = match value {
            Operand::Const(Literal::Bool(true)) => true,
            Operand::Local(_) => field.ends_with("_at") || field.ends_with("_on"),
            Operand::Const(_) => false,
        };
        let owner = self.name(object)?;
        let own = matches!(owner.as_str(), "self" | "cls" | "this");
        let tally = super::words::parts(&owner).iter().any(|w| {
            matches!(
                w.as_str(),
                "stats"
                    | "summary"
                    | "result"
                    | "results"
                    | "metrics"
                    | "report"
                    | "counts"
                    | "totals"
                    | "out"
            )
        });
        (says && !own && !tally).then(|| Effect::Marks {
            what: format!("{owner}.{field}"),
            registry: words.is_registry(&owner) || words.is_store(&owner),
        })
    }
}

/// Whether a branch skips work: what is skipped on one edge is done on the other, and nothing is
/// done on the way to the skip.
pub fn skips_work(
    control: &ControlDependence,
    function: &Function,
    work: &FxHashSet<BlockId>,
    decider: BlockId,
    to: BlockId,
    place: &Place,
    round: bool,
) -> bool {
    let heads: Vec<BlockId> = function
        .body
        .blocks
        .iter()
        .enumerate()
        .filter(|(_, b)| b.loop_head)
        .map(|(i, _)| BlockId(u32::try_from(i).expect("fewer than 2^32 blocks")))
        .filter(|h| *h != decider && in_loop(control, *h, decider))
        .collect();
    let mut around = heads.clone();
    around.push(place.block);
    let on_the_way = control.reachable(to, &around);
    let leads_there = |b: &BlockId| control.reachable(*b, &heads).contains(&place.block);
    // What comes after later rounds is no skip of this one.
    if to != place.block && !leads_there(&to) {
        return false;
    }
    if to != place.block
        && on_the_way
            .iter()
            .any(|b| work.contains(b) && leads_there(b))
    {
        return false;
    }
    let stop: Vec<BlockId> = if round { heads } else { Vec::new() };
    let before = control.before(decider);
    control
        .successors(decider)
        .iter()
        .filter(|s| **s != to)
        .any(|s| {
            let mut stop = stop.clone();
            stop.push(decider);
            control
                .reachable(*s, &stop)
                .iter()
                .any(|b| work.contains(b) && !before.contains(b))
        })
}

/// Whether `block` is in the loop that `head` begins.
fn in_loop(control: &ControlDependence, head: BlockId, block: BlockId) -> bool {
    control.reachable(head, &[]).contains(&block) && control.reachable(block, &[]).contains(&head)
}
