//! Whether it is worth while to follow a function: what its code says without being run.
//!
//! A function is followed when it contains something that can be an effect and something that a
//! success can be learnt from. Most functions have no more than words in common with that: an
//! `error` in a message, a constant that is a number. Only what a comparison can meet counts.

use super::sites::{Code, Effect, Place};
use super::words::{Vocabulary, parts};
use crate::ir::data::is_outcome;
use crate::ir::validate::for_each_operand;
use crate::ir::{
    BinOp, Callee, Data, DictItem, Literal, LocalId, LocalKind, Name, Operand, Rvalue, ScopeIdx,
    StatementKind, StaticExpr, StaticExprKind, TerminatorKind,
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

/// What the names and texts in a function hint at.
#[derive(Default)]
struct Hints {
    /// It names success in words that mean nothing else.
    plain_success: bool,
    /// It names a status.
    status: bool,
    /// It runs queries.
    queries: bool,
    /// It has a text that may be a query about runs.
    query_text: bool,
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

/// Whether a text may be a query about runs.
fn asks_for_runs(text: &str) -> bool {
    let lower = text.to_lowercase();
    let names = || QUERY_SUCCESS.iter().any(|w| lower.contains(w));
    lower.contains(QUERY_VERB) && names() || lower.contains(QUERY_STATUS)
}

fn is_constant(name: &str) -> bool {
    name.chars().all(|c| !c.is_lowercase())
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
            || hints.queries && hints.query_text
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
                hints.query_text |= is_constant(n) && self.stands_for(r, constants, &asks_for_runs);
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
            let Rvalue::Compare(_, left, right) = r else {
                return;
            };
            for (one, other) in [(left, right), (right, left)] {
                found = found
                    || self.is_word(words, constants, one, 0)
                        && (self.is_status(words, other, 0) || self.is_success_name(words, one, 0));
            }
        });
        found
    }

    /// Whether an operand, or what it is taken from, goes by the name of a status.
    fn is_status(&self, words: &Vocabulary, operand: &Operand, depth: u32) -> bool {
        let local = match operand {
            Operand::Const(Literal::Str(text)) => return words.is_status(text),
            Operand::Const(_) => return false,
            Operand::Local(local) => *local,
        };
        if depth > MAX_DEPTH || self.variables(local).iter().any(|n| words.is_status(n)) {
            return true;
        }
        let decl = &self.function.body.locals[local.index()];
        if decl.kind == LocalKind::Param && self.function.name.starts_with('<') {
            // What a function without a name is given goes by another name outside.
            return true;
        }
        let go = |o: &Operand| self.is_status(words, o, depth + 1);
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
    fn is_success_name(&self, words: &Vocabulary, operand: &Operand, depth: u32) -> bool {
        let Operand::Local(local) = operand else {
            return false;
        };
        if depth > MAX_DEPTH {
            return true;
        }
        let named = |n: &Name| words.names_success(n);
        let defs = self.definitions(*local);
        defs.is_empty()
            || defs.iter().any(|(r, _)| match r {
                Rvalue::Global(n) => named(n),
                Rvalue::Path(path) => path.last().is_some_and(named),
                Rvalue::GetField(o, n) => named(n) || self.is_success_name(words, o, depth + 1),
                _ => {
                    let mut found = false;
                    for_each_operand(r, &mut |o| {
                        found = found || self.is_success_name(words, o, depth + 1);
                    });
                    found
                }
            })
    }

    /// Whether a word is a text, or the name of something, anywhere in the function.
    fn has_word(&self, word: &dyn Fn(&str) -> bool) -> bool {
        let mut found = false;
        self.for_each_rvalue(|r| {
            if let Rvalue::Global(n) | Rvalue::GetField(_, n) = r {
                found |= word(n);
            }
            for_each_operand(r, &mut |o| {
                found |= matches!(o, Operand::Const(Literal::Str(s)) if s.len() <= LONG && word(s));
            });
        });
        found
    }

    /// Whether an operand may stand for success or failure, or hold something that does.
    fn is_word(
        &self,
        words: &Vocabulary,
        constants: Constants<'_>,
        operand: &Operand,
        depth: u32,
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
        if depth > MAX_DEPTH {
            return true;
        }
        let go = |o: &Operand| self.is_word(words, constants, o, depth + 1);
        if self.definitions(local).is_empty() {
            // A parameter is anything; what a loop or a `with` binds may be any word around.
            return self.function.body.locals[local.index()].kind != LocalKind::Param
                && self.has_word(&word);
        }
        self.definitions(local).iter().any(|(r, _)| match r {
            Rvalue::Global(n) => word(n) || is_constant(n) && self.stands_for(r, constants, &word),
            Rvalue::GetField(o, n) => {
                let cells = Some(o.clone()) == self.function.cells.map(Operand::Local)
                    || Some(o.clone()) == self.function.outer_cells.map(Operand::Local);
                word(n)
                    || cells
                    || matches!(n.as_str(), "value" | "name") && go(o)
                    || is_constant(n) && self.stands_for(r, constants, &word)
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
                receiver.is_some_and(go) || args.iter().any(|a| go(&a.value))
            }
            Rvalue::Format(items) => items.iter().any(go),
            Rvalue::Compare(..) | Rvalue::Not(_) | Rvalue::Neg(_) | Rvalue::Closure(_) => false,
            _ => self.has_word(&word),
        })
    }
}
