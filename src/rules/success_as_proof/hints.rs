//! Whether it is worth while to follow a function: what its code says without being run.
//!
//! A function is followed when it contains something that can be an effect and something that a
//! success can be learnt from. Most functions have no more than words in common with that: an
//! `error` in a message, a constant that is a number. Only what a comparison can meet counts.

use rustc_hash::FxHashSet;

use super::sites::{Code, Effect, Place};
use super::words::{Vocabulary, parts};
use crate::ir::data::is_outcome;
use crate::ir::validate::for_each_operand;
use crate::ir::{
    BinOp, Callee, CmpOp, Data, DictItem, Literal, LocalId, LocalKind, Name, Operand, Rvalue,
    ScopeIdx, StatementKind, StaticExpr, StaticExprKind, TerminatorKind,
};
use crate::program::{ClassRef, Def, FuncRef, Lookup, MemberDef, ModuleId, Program, unread};

/// Definitions of definitions deeper than this are taken for words.
const MAX_DEPTH: u32 = 8;

/// Texts longer than this are queries, not words.
pub(super) const LONG: usize = 24;

/// What a query about runs has in its text: the verb, with one of these names, or a status.
pub(super) const QUERY_VERB: &str = "select";
pub(super) const QUERY_SUCCESS: &[&str] = &["succ", "complet", "done", "finished", "'ok'"];
pub(super) const QUERY_STATUS: &str = "status";

/// Words in the names of calls that run queries.
pub(super) const QUERY_WORDS: &[&str] = &[
    "query", "execute", "sql", "fetch", "fetchone", "fetchall", "select", "scalar", "prepare",
];

/// What constants stand for, as one function sees them.
#[derive(Clone, Copy)]
pub struct Constants<'p> {
    /// The program.
    pub program: &'p Program<'p>,
    /// The module of the function.
    pub module: ModuleId,
    /// The scope of the function.
    pub scope: ScopeIdx,
    /// The class of the function.
    pub class: Option<ClassRef>,
}

impl Constants<'_> {
    /// Whether the texts that a dotted path stands for satisfy `test`.
    fn path(&self, path: &[Name], test: &dyn Fn(&str) -> bool) -> bool {
        if let [owner @ .., last] = path
            && !owner.is_empty()
            && let Def::Class(class) = self.program.resolve_path(self.module, self.scope, owner)
            && self.member(class, last, test)
        {
            return true;
        }
        let def = self.program.resolve_path(self.module, self.scope, path);
        self.def(&def, test, 0)
    }

    /// The same for an attribute of a class, which may be inherited.
    fn member(&self, class: ClassRef, name: &str, test: &dyn Fn(&str) -> bool) -> bool {
        let Lookup::Found(_, defs) = self.program.lookup(class, name, None) else {
            return false;
        };
        defs.iter()
            .any(|def| matches!(def, MemberDef::Def(def) if self.def(def, test, 0)))
    }

    fn def(&self, def: &Def, test: &dyn Fn(&str) -> bool, depth: u32) -> bool {
        match def {
            Def::Value(module, scope, expr) => self.expr(*module, *scope, expr, test, depth),
            _ => false,
        }
    }

    fn expr(
        &self,
        module: ModuleId,
        scope: ScopeIdx,
        expr: &StaticExpr,
        test: &dyn Fn(&str) -> bool,
        depth: u32,
    ) -> bool {
        if depth > MAX_DEPTH {
            return true;
        }
        let go = |e: &StaticExpr| self.expr(module, scope, e, test, depth + 1);
        match &expr.kind {
            StaticExprKind::Literal(Literal::Str(text)) => test(text),
            StaticExprKind::Literal(_) | StaticExprKind::Lambda(_) | StaticExprKind::Opaque => {
                false
            }
            StaticExprKind::Path(path) => {
                path.last().is_some_and(|name| test(name))
                    || self.def(
                        &self.program.resolve_path(module, scope, path),
                        test,
                        depth + 1,
                    )
            }
            StaticExprKind::Call(callee, args, keywords) => {
                go(callee) || args.iter().any(go) || keywords.iter().any(|(_, e)| go(e))
            }
            StaticExprKind::Subscript(a, b) | StaticExprKind::Binary(_, a, b) => go(a) || go(b),
            StaticExprKind::Format(items)
            | StaticExprKind::List(items)
            | StaticExprKind::Tuple(items)
            | StaticExprKind::Set(items) => items.iter().any(go),
            StaticExprKind::Dict(items) => items.iter().any(|(k, v)| go(k) || go(v)),
        }
    }
}

/// The locals that were come across while following what others are made of.
type Seen = FxHashSet<LocalId>;

/// What the names and texts in a function hint at.
#[derive(Default)]
struct Hints {
    /// It names success in words that mean nothing else.
    plain_success: bool,
    /// It names a status.
    status: bool,
    /// It runs queries.
    queries: bool,
    /// It has a text that may be a query about runs, or a part of one.
    query_text: bool,
    /// It has a text that selects something.
    selects: bool,
    /// It asks a function that is named like a test for success.
    asks: bool,
    /// It does work.
    performs: bool,
    /// It puts something into a collection.
    fills: bool,
    /// It puts something into a collection that an object or a document has.
    fills_field: bool,
    /// It takes something out of something.
    subtracts: bool,
}

/// Whether a text selects something.
fn selects(text: &str) -> bool {
    text.as_bytes()
        .windows(QUERY_VERB.len())
        .any(|w| w.eq_ignore_ascii_case(QUERY_VERB.as_bytes()))
}

/// Whether a text may be a query about runs.
fn asks_for_runs(text: &str) -> bool {
    let lower = text.to_lowercase();
    let names = || QUERY_SUCCESS.iter().any(|w| lower.contains(w));
    lower.contains(QUERY_VERB) && names() || lower.contains(QUERY_STATUS)
}

/// Whether a method of that name puts what it is given into its receiver.
fn fills(name: &str) -> bool {
    matches!(
        name,
        "append"
            | "appendleft"
            | "add"
            | "insert"
            | "extend"
            | "update"
            | "setdefault"
            | "put"
            | "push"
            | "push_back"
            | "or_insert"
            | "or_insert_with"
            | "send"
            | "__setitem__"
            | "set"
    )
}

fn is_constant(name: &str) -> bool {
    name.chars().all(|c| !c.is_lowercase())
}

/// The same for an attribute: `matrix.T` is no constant.
fn is_constant_attribute(name: &str) -> bool {
    name.len() > 1 && is_constant(name)
}

/// Whether a name is that of a class of exceptions: nobody compares a status with one.
pub(super) fn is_exception(name: &str) -> bool {
    name.ends_with("Error") || name.ends_with("Exception")
}

/// Whether a function is worth following.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Worth {
    /// It is not.
    Nothing,
    /// Only to its places with an effect.
    FollowingTo,
    /// In any case: what it does with lists and queries may be an effect.
    Following,
}

impl Code<'_> {
    /// Whether it is worth while to follow the function: it has something that can be an effect,
    /// and it can come to know of a success.
    pub fn worth(&self, words: &Vocabulary, constants: Constants<'_>, places: &[Place]) -> Worth {
        let hints = self.hints(words, constants);
        let skips = |p: &Place| matches!(p.effect, Effect::Skips { .. } | Effect::Queues { .. });
        let works = !self.work(words).is_empty();
        let effects = places.iter().any(|p| works || !skips(p));
        let lists = hints.fills_field || hints.fills && hints.subtracts;
        if !(effects || lists || hints.queries && works) {
            return Worth::Nothing;
        }
        let marks = places
            .iter()
            .any(|p| matches!(p.effect, Effect::Marks { .. }));
        let learns = hints.plain_success
            || hints.queries && hints.query_text && (hints.selects || self.selects(constants))
            || hints.asks
            || marks && hints.performs
            || hints.status && self.compares_word(words, constants);
        if !learns {
            Worth::Nothing
        } else if lists || hints.queries && works {
            Worth::Following
        } else {
            Worth::FollowingTo
        }
    }

    fn hints(&self, words: &Vocabulary, constants: Constants<'_>) -> Hints {
        let mut hints = Hints::default();
        self.collect_hints(words, constants, &mut hints);
        hints
    }

    fn collect_hints(&self, words: &Vocabulary, constants: Constants<'_>, hints: &mut Hints) {
        for nested in &self.nested {
            nested.collect_hints(words, constants, hints);
        }
        let locals = &self.function.body.locals;
        hints.status |= locals
            .iter()
            .any(|l| l.name.as_ref().is_some_and(|n| words.is_status(n)));
        self.for_each_rvalue(|r| self.hint(words, constants, r, hints));
    }

    fn for_each_rvalue(&self, mut f: impl FnMut(&Rvalue)) {
        for block in &self.function.body.blocks {
            for s in &block.statements {
                if let StatementKind::Assign(_, r) = &s.kind {
                    f(r);
                }
            }
            if let TerminatorKind::Eval { rvalue, .. } = &block.terminator.kind {
                f(rvalue);
            }
        }
    }

    fn hint(&self, words: &Vocabulary, constants: Constants<'_>, r: &Rvalue, hints: &mut Hints) {
        for_each_operand(r, &mut |o| {
            let Operand::Const(Literal::Str(s)) = o else {
                return;
            };
            hints.selects = hints.selects || selects(s);
            if s.len() > LONG {
                hints.query_text |= asks_for_runs(s);
            } else {
                hints.plain_success |= words.is_success(s) && words.is_plain_success(s);
                hints.plain_success |= s.to_lowercase().starts_with("succ");
                hints.status |= words.is_status(s);
            }
        });
        match r {
            Rvalue::Data(Data::IsVariant { tag, .. }) if !is_outcome(tag) => {
                hints.plain_success |= words.names_success(tag) && words.is_plain_success(tag);
            }
            Rvalue::Path(path) => {
                let Some(n) = path.last() else { return };
                hints.plain_success |= words.names_success(n) && words.is_plain_success(n);
                hints.query_text |= is_constant(n) && constants.path(path, &asks_for_runs);
                hints.status |= words.is_status(n);
            }
            Rvalue::Global(n) | Rvalue::GetField(_, n) => {
                hints.plain_success |= words.names_success(n) && words.is_plain_success(n);
                let constant = match r {
                    Rvalue::Global(_) => is_constant(n),
                    _ => is_constant_attribute(n),
                };
                hints.query_text |= constant && self.stands_for(r, constants, &asks_for_runs);
                hints.status |= words.is_status(n);
            }
            Rvalue::Call { callee, .. } => {
                let Some(name) = self.callee(callee) else {
                    return;
                };
                hints.status |= words.is_status(&name);
                hints.asks |= (words.names_success(&name) || words.asks(&name).is_some())
                    && self.may_answer(constants, callee);
                let parts = parts(&name);
                let has = |list: &[&str]| parts.iter().any(|p| list.contains(&p.as_str()));
                hints.queries |= has(QUERY_WORDS);
                hints.performs |= words.is_performer(&name) || has(&["is", "has", "one"]);
                if words.puts(&name)
                    && let Callee::Method { receiver, .. } = callee
                {
                    hints.fills = true;
                    hints.fills_field |= self.is_part(receiver, 0);
                }
                hints.subtracts |= name == "difference";
            }
            Rvalue::Binary(BinOp::Sub, ..) | Rvalue::InPlace(BinOp::Sub, ..) => {
                hints.subtracts = true;
            }
            _ => {}
        }
    }

    /// Whether something outside of the function stands for a text that selects something.
    fn selects(&self, constants: Constants<'_>) -> bool {
        let inside = |nested: &Code<'_>| nested.selects(constants);
        let mut found = self.nested.iter().any(inside);
        self.for_each_rvalue(|r| {
            found = found
                || match r {
                    Rvalue::Path(path) => constants.path(path, &selects),
                    Rvalue::Global(_) => self.stands_for(r, constants, &selects),
                    Rvalue::GetField(_, n) if is_constant_attribute(n) => {
                        self.stands_for(r, constants, &selects)
                    }
                    Rvalue::GetField(..) => {
                        self.is_known_attribute(r) && self.stands_for(r, constants, &selects)
                    }
                    _ => false,
                };
        });
        found
    }

    /// Whether an attribute is one of the receiver, or of something that goes by a global name.
    fn is_known_attribute(&self, r: &Rvalue) -> bool {
        let mut at = r;
        for _ in 0..MAX_DEPTH {
            match at {
                Rvalue::Global(_) => return true,
                Rvalue::GetField(Operand::Local(l), _) | Rvalue::Use(Operand::Local(l)) => {
                    match self.definitions(*l) {
                        [] => return *l == LocalId(0),
                        [(r, _)] => at = r,
                        _ => return false,
                    }
                }
                _ => return false,
            }
        }
        false
    }

    /// Whether a constant, by its name or as an attribute, stands for texts that satisfy `test`.
    /// An attribute of something that is neither a module, a class nor the receiver may.
    fn stands_for(
        &self,
        r: &Rvalue,
        constants: Constants<'_>,
        test: &dyn Fn(&str) -> bool,
    ) -> bool {
        let mut path = Vec::new();
        let mut at = r;
        loop {
            match at {
                Rvalue::Global(name) => {
                    path.push(name.clone());
                    path.reverse();
                    return constants.path(&path, test);
                }
                Rvalue::GetField(Operand::Local(l), name) if path.len() < MAX_DEPTH as usize => {
                    path.push(name.clone());
                    let receiver = *l == LocalId(0) && constants.class.is_some();
                    if let Some(stored) = self.cell_values(*l) {
                        return stored.into_iter().any(|o| match o {
                            Operand::Const(Literal::Str(text)) => test(text),
                            Operand::Const(_) => false,
                            Operand::Local(l) => self.definitions(*l).iter().any(|(r, _)| {
                                matches!(r, Rvalue::Global(n) if constants.path(std::slice::from_ref(n), test))
                                    || matches!(r, Rvalue::Format(_) | Rvalue::Binary(..))
                            }),
                        });
                    }
                    match self.definitions(*l) {
                        [] if receiver && path.len() == 1 => {
                            let class = constants.class;
                            return class.is_some_and(|c| constants.member(c, name, test));
                        }
                        [(r, _)] => at = r,
                        _ => return true,
                    }
                }
                Rvalue::Use(Operand::Local(l)) => match self.definitions(*l) {
                    [(r, _)] => at = r,
                    _ => return true,
                },
                _ => return true,
            }
        }
    }

    /// Whether a call may bring what its name says: it is not known to be of something outside,
    /// and where its code is at hand, that compares something.
    fn may_answer(&self, constants: Constants<'_>, callee: &Callee) -> bool {
        let program = constants.program;
        let funcs: Vec<FuncRef> = match callee {
            Callee::Method {
                receiver: Operand::Local(LocalId(0)),
                name,
                ..
            } if constants.class.is_some() => match constants
                .class
                .map_or(Lookup::Unknown, |class| program.lookup(class, name, None))
            {
                Lookup::Found(_, defs) => defs
                    .iter()
                    .filter_map(|def| match def {
                        MemberDef::Func(func) | MemberDef::Def(Def::Func(func)) => Some(*func),
                        _ => None,
                    })
                    .collect(),
                Lookup::Missing | Lookup::Unknown => return false,
            },
            Callee::Value(Operand::Local(l)) => match self.definitions(*l) {
                [(Rvalue::Global(name), _)] => {
                    match program.resolve_path(
                        constants.module,
                        constants.scope,
                        std::slice::from_ref(name),
                    ) {
                        Def::Func(func) => vec![func],
                        Def::External(_) => return false,
                        _ => return true,
                    }
                }
                _ => return true,
            },
            _ => return true,
        };
        funcs.is_empty()
            || funcs.iter().any(|func| {
                let module = program.module(func.module);
                let function = module.ir.function(func.func);
                if function.unread.is_some() {
                    unread::note();
                }
                let mut compares = false;
                Code::new(function, &[]).for_each_rvalue(|r| {
                    compares |= matches!(r, Rvalue::Compare(..) | Rvalue::Call { .. });
                });
                compares
            })
    }

    /// Whether an operand may be part of an object or a document.
    fn is_part(&self, operand: &Operand, depth: u32) -> bool {
        let Operand::Local(local) = operand else {
            return false;
        };
        depth > MAX_DEPTH
            || self.definitions(*local).iter().any(|(r, _)| match r {
                Rvalue::GetField(..) | Rvalue::GetItem(..) => true,
                Rvalue::Use(o) => self.is_part(o, depth + 1),
                Rvalue::Call { callee, .. } => self
                    .callee(callee)
                    .is_some_and(|n| n == "setdefault" || n == "get"),
                _ => false,
            })
    }

    /// Whether a comparison may find a success, or that something is no failure. What is plainly
    /// a success, or is a constant that is named like one, says so of anything; other words do
    /// only of a status.
    fn compares_word(&self, words: &Vocabulary, constants: Constants<'_>) -> bool {
        let inside = |nested: &Code<'_>| nested.compares_word(words, constants);
        let mut found = self.nested.iter().any(inside);
        self.for_each_rvalue(|r| {
            if let Rvalue::Data(Data::IsVariant { tag, .. }) = r {
                let named = words.names_success(tag) || words.names_failure(tag);
                found |= named && !is_outcome(tag);
            }
            let Rvalue::Compare(op, left, right) = r else {
                return;
            };
            // Which of two is greater says nothing about a status.
            if matches!(op, CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE) {
                return;
            }
            for (one, other) in [(left, right), (right, left)] {
                found = found
                    || self.is_word(words, constants, one, &mut Seen::default())
                        && (self.is_status(words, other, &mut Seen::default())
                            || self.is_success_name(words, one, &mut Seen::default()));
            }
        });
        found
    }

    /// Whether an operand, or what it is taken from, goes by the name of a status.
    fn is_status(&self, words: &Vocabulary, operand: &Operand, seen: &mut Seen) -> bool {
        let local = match operand {
            Operand::Const(Literal::Str(text)) => return words.is_status(text),
            Operand::Const(_) => return false,
            Operand::Local(local) => *local,
        };
        if !seen.insert(local) {
            return false;
        }
        if self.variables(local).iter().any(|n| words.is_status(n)) {
            return true;
        }
        let decl = &self.function.body.locals[local.index()];
        if decl.kind == LocalKind::Param && self.function.name.starts_with('<') {
            // What a function without a name is given goes by another name outside.
            return true;
        }
        let mut go = |o: &Operand| self.is_status(words, o, seen);
        self.definitions(local).iter().any(|(r, _)| match r {
            Rvalue::Global(n) => words.is_status(n),
            Rvalue::Path(path) => path.iter().any(|n| words.is_status(n)),
            Rvalue::GetField(o, n) => words.is_status(n) || go(o),
            Rvalue::Call { callee, args } => {
                self.callee(callee).is_some_and(|n| words.is_status(&n))
                    || matches!(callee, Callee::Method { receiver, .. } if go(receiver))
                    || args.iter().any(|a| go(&a.value))
            }
            _ => {
                let mut found = false;
                for_each_operand(r, &mut |o| found = found || go(o));
                found
            }
        })
    }

    /// Whether an operand may be a constant that is named for success, or hold one.
    fn is_success_name(&self, words: &Vocabulary, operand: &Operand, seen: &mut Seen) -> bool {
        let Operand::Local(local) = operand else {
            return false;
        };
        if !seen.insert(*local) {
            return false;
        }
        let named = |n: &Name| words.names_success(n);
        let sources = self.looped_over(*local);
        if !sources.is_empty() {
            let mut sources = sources.iter();
            return sources.any(|o| self.is_success_name(words, o, seen));
        }
        if let Some(stored) = self.cell_values(*local) {
            let mut stored = stored.into_iter();
            return stored.any(|o| self.is_success_name(words, o, seen));
        }
        if self.is_own_param(*local) {
            return false;
        }
        let defs = self.definitions(*local);
        defs.is_empty()
            || defs.iter().any(|(r, _)| match r {
                Rvalue::Global(n) => named(n),
                Rvalue::Path(path) => path.last().is_some_and(named),
                Rvalue::GetField(o, n) => named(n) || self.is_success_name(words, o, seen),
                _ => {
                    let mut found = false;
                    for_each_operand(r, &mut |o| {
                        found = found || self.is_success_name(words, o, seen);
                    });
                    found
                }
            })
    }

    /// What loops take the values of a local from, when nothing else gives it any.
    fn looped_over(&self, local: LocalId) -> Vec<Operand> {
        if !self.definitions(local).is_empty() {
            return Vec::new();
        }
        let blocks = self.function.body.blocks.iter();
        let sources = blocks.filter_map(|b| match b.terminator.kind {
            TerminatorKind::ForNext { iter, dest, .. } if dest == local => {
                Some(Operand::Local(iter))
            }
            _ => None,
        });
        sources.collect()
    }

    /// What is stored in the cells of the function, if the local holds these: an operand for each
    /// store. Those of the function around hold what is not known here.
    fn cell_values(&self, local: LocalId) -> Option<Vec<&Operand>> {
        match self.function.body.locals[local.index()].kind {
            LocalKind::Cells => {
                let statements = self.function.body.blocks.iter().flat_map(|b| &b.statements);
                let stored = statements.filter_map(|s| match &s.kind {
                    StatementKind::SetField { object, value, .. }
                        if *object == Operand::Local(local) =>
                    {
                        Some(value)
                    }
                    _ => None,
                });
                Some(stored.collect())
            }
            LocalKind::OuterCells if !self.function.name.starts_with('<') => Some(Vec::new()),
            _ => None,
        }
    }

    /// Whether a local is a parameter that is not assigned to, of a function that is called from
    /// elsewhere: its value has no name here.
    fn is_own_param(&self, local: LocalId) -> bool {
        let decl = &self.function.body.locals[local.index()];
        decl.kind == LocalKind::Param
            && !self.function.name.starts_with('<')
            && self.definitions(local).is_empty()
    }

    /// Whether a word is put into something from which it may be taken out again.
    fn keeps_word(&self, word: &dyn Fn(&str) -> bool) -> bool {
        let kept = |o: &Operand| self.is_plain_word(o, word, &mut Seen::default());
        let body = &self.function.body;
        let stored = |kind: &StatementKind| match kind {
            StatementKind::SetField { value, .. }
            | StatementKind::SetItem { value, .. }
            | StatementKind::SetGlobal { value, .. }
            | StatementKind::Overwrite { value, .. } => kept(value),
            _ => false,
        };
        let mut found = body
            .blocks
            .iter()
            .flat_map(|b| &b.statements)
            .any(|s| stored(&s.kind));
        self.for_each_rvalue(|r| {
            found = found
                || match r {
                    Rvalue::List(items) | Rvalue::Tuple(items) | Rvalue::Set(items) => {
                        items.iter().any(|i| kept(&i.value))
                    }
                    Rvalue::Dict(items) => items.iter().any(|i| match i {
                        DictItem::Pair(k, v) => kept(k) || kept(v),
                        DictItem::Spread(v) => kept(v),
                    }),
                    Rvalue::Data(data) => {
                        let mut any = false;
                        data.for_each_operand(|o| any |= kept(o));
                        any
                    }
                    Rvalue::Call {
                        callee: Callee::Method { name, .. },
                        args,
                    } => fills(name) && args.iter().any(|a| kept(&a.value)),
                    _ => false,
                };
        });
        found
    }

    /// Whether an operand is a word, or the name of something that is not raised.
    fn is_plain_word(
        &self,
        operand: &Operand,
        word: &dyn Fn(&str) -> bool,
        seen: &mut Seen,
    ) -> bool {
        let local = match operand {
            Operand::Const(Literal::Str(text)) => return text.len() <= LONG && word(text),
            Operand::Const(_) => return false,
            Operand::Local(local) => *local,
        };
        seen.insert(local)
            && self.definitions(local).iter().any(|(r, _)| match r {
                Rvalue::Global(n) => word(n) && !is_exception(n),
                Rvalue::GetField(_, n) => word(n),
                Rvalue::Path(path) => path.last().is_some_and(|n| word(n)),
                Rvalue::Use(o) => self.is_plain_word(o, word, seen),
                Rvalue::Binary(_, a, b) | Rvalue::InPlace(_, a, b) => {
                    self.is_plain_word(a, word, seen) || self.is_plain_word(b, word, seen)
                }
                _ => false,
            })
    }

    /// Whether an operand may stand for success or failure, or hold something that does.
    fn is_word(
        &self,
        words: &Vocabulary,
        constants: Constants<'_>,
        operand: &Operand,
        seen: &mut Seen,
    ) -> bool {
        let word = |text: &str| {
            words.is_success(text)
                || words.is_failure(text)
                || words.names_success(text)
                || words.names_failure(text)
        };
        let local = match operand {
            Operand::Const(Literal::Str(text)) => return text.len() <= LONG && word(text),
            Operand::Const(_) => return false,
            Operand::Local(local) => *local,
        };
        if !seen.insert(local) {
            return false;
        }
        let mut go = |o: &Operand| self.is_word(words, constants, o, seen);
        let sources = self.looped_over(local);
        if !sources.is_empty() {
            return sources.iter().any(&mut go) || self.keeps_word(&word);
        }
        if self.definitions(local).is_empty() {
            // A parameter is anything; what nothing here gives a value may be any word around.
            return self.function.body.locals[local.index()].kind != LocalKind::Param
                && self.keeps_word(&word);
        }
        self.definitions(local).iter().any(|(r, _)| match r {
            Rvalue::Global(n) => {
                word(n) && !is_exception(n)
                    || is_constant(n) && self.stands_for(r, constants, &word)
            }
            Rvalue::GetField(o, n) => {
                let cells = match o {
                    Operand::Local(l) => match self.cell_values(*l) {
                        Some(stored) => stored.into_iter().any(&mut go),
                        None => self.function.outer_cells == Some(*l),
                    },
                    Operand::Const(_) => false,
                };
                word(n)
                    || cells
                    || matches!(n.as_str(), "value" | "name") && go(o)
                    || is_constant_attribute(n) && self.stands_for(r, constants, &word)
            }
            Rvalue::Path(path) => {
                path.last().is_some_and(|n| word(n)) || constants.path(path, &word)
            }
            Rvalue::Use(o) | Rvalue::Await(o) => go(o),
            Rvalue::List(items) | Rvalue::Tuple(items) | Rvalue::Set(items) => {
                items.iter().any(|i| go(&i.value))
            }
            Rvalue::Dict(items) => items.iter().any(|i| match i {
                DictItem::Pair(k, v) => go(k) || go(v),
                DictItem::Spread(v) => go(v),
            }),
            Rvalue::GetItem(a, b) | Rvalue::Binary(_, a, b) | Rvalue::InPlace(_, a, b) => {
                go(a) || go(b)
            }
            Rvalue::Call { callee, args } => {
                let receiver = match callee {
                    Callee::Method { receiver, .. } => Some(receiver),
                    Callee::Value(_) => None,
                };
                receiver.is_some_and(&mut go) || args.iter().any(|a| go(&a.value))
            }
            Rvalue::Format(items) => items.iter().any(&mut go),
            Rvalue::Compare(..)
            | Rvalue::Not(_)
            | Rvalue::Neg(_)
            | Rvalue::Closure(_)
            | Rvalue::Data(Data::Len(_)) => false,
            // An element: of what is written down there, or of what was put in before.
            Rvalue::Unpack { object, .. } | Rvalue::Iter { object, .. } => {
                go(object) || self.keeps_word(&word)
            }
            Rvalue::Slice { object, .. } => go(object),
            _ => {
                let mut found = false;
                for_each_operand(r, &mut |o| found = found || go(o));
                found || self.keeps_word(&word)
            }
        })
    }
}
