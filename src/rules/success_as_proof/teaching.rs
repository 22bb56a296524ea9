//! Which tests of a function can come to know of a success: what their conditions are made of says
//! so, before anything is simulated.
//!
//! The answer errs towards "can": the definitions of a local are taken together, wherever they
//! stand, with what is stored into it and what calls on it are given.

use std::cell::RefCell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::constants::Constants;
use super::hints::{LONG, asks_for_runs, selects};
use super::sites::Code;
use super::words::Vocabulary;
use crate::ir::control::{ControlDependence, Edge};
use crate::ir::data::is_outcome;
use crate::ir::{
    BlockId, Callee, Data, FuncIdx, Literal, LocalId, Name, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::program::{ClassRef, Def, FuncRef, Lookup, MemberDef};

/// How deep helpers are looked into.
const HELPERS: u32 = 2;

/// It names a status: compared with a word, that says something.
const STATUS: u8 = 1;
/// It is a word for success or failure, or the result of work.
const WORD: u8 = 2;
/// It says something by itself.
const ENOUGH: u8 = 4;

/// Whether what a condition is made of says enough to learn of a success.
fn is_enough(bits: u8) -> bool {
    bits & ENOUGH != 0 || bits & (STATUS | WORD) == STATUS | WORD
}

/// What functions say, by how deep helpers were looked into.
pub(super) type Said = RefCell<FxHashMap<(FuncRef, u32), u8>>;

/// What the words of one function say.
#[derive(Clone, Copy)]
pub(super) struct Reading<'c, 'f> {
    pub(super) code: &'c Code<'f>,
    pub(super) words: &'c Vocabulary,
    pub(super) constants: Constants<'c>,
    pub(super) said: &'c Said,
}

/// What the locals of a function are made of.
pub(super) struct Teaching<'c, 'f> {
    reading: Reading<'c, 'f>,
    code: &'c Code<'f>,
    control: &'c ControlDependence,
    /// What a local is made of beside its definitions: what is stored into it.
    stored: FxHashMap<LocalId, Vec<LocalId>>,
    /// Where it is given one of several values, or something is stored into it.
    changed: FxHashMap<LocalId, Vec<BlockId>>,
    /// What its definitions and its name say, by local.
    told: Vec<u8>,
    /// Locals from which alone nothing can be learnt, with the most that they say.
    silent: RefCell<FxHashMap<LocalId, u8>>,
}

impl<'c, 'f> Teaching<'c, 'f> {
    pub(super) fn new(reading: Reading<'c, 'f>, control: &'c ControlDependence) -> Self {
        let mut out = Self {
            reading,
            code: reading.code,
            control,
            stored: FxHashMap::default(),
            changed: FxHashMap::default(),
            told: reading.locals(HELPERS),
            silent: RefCell::default(),
        };
        out.note_stores();
        out
    }

    fn note_stores(&mut self) {
        let mut assigned: FxHashMap<LocalId, Vec<BlockId>> = FxHashMap::default();
        for (at, block) in (0u32..).zip(&self.code.function.body.blocks) {
            let at = BlockId(at);
            for s in &block.statements {
                match &s.kind {
                    StatementKind::SetField { object, value, .. }
                    | StatementKind::SetItem { object, value, .. }
                    | StatementKind::Overwrite { object, value } => {
                        self.note_store(at, object, [value]);
                    }
                    StatementKind::Assign(_, Rvalue::Data(Data::Gather { into, item })) => {
                        self.note_store(at, into, [item]);
                    }
                    StatementKind::Assign(to, _) => assigned.entry(*to).or_default().push(at),
                    _ => {}
                }
            }
            match &block.terminator.kind {
                TerminatorKind::Eval { dest, rvalue, .. } => {
                    if let Some(to) = dest {
                        assigned.entry(*to).or_default().push(at);
                    }
                    if let Rvalue::Call {
                        callee: Callee::Method { receiver, .. },
                        args,
                    } = rvalue
                    {
                        self.note_store(at, receiver, args.iter().map(|a| &a.value));
                    }
                }
                TerminatorKind::ForNext { iter, dest, .. } => {
                    self.note_store(at, &Operand::Local(*dest), [&Operand::Local(*iter)]);
                }
                _ => {}
            }
        }
        // Which of several values a local has is told by what decides between them.
        for (local, blocks) in assigned {
            if blocks.len() > 1 {
                self.changed.entry(local).or_default().extend(blocks);
            }
        }
    }

    /// Something is stored into an object, or a method of it is called with something.
    fn note_store<'o>(
        &mut self,
        at: BlockId,
        object: &Operand,
        values: impl IntoIterator<Item = &'o Operand>,
    ) {
        let Operand::Local(object) = object else {
            return;
        };
        let mut any = false;
        for value in values {
            any = true;
            match value {
                Operand::Local(value) => self.stored.entry(*object).or_default().push(*value),
                Operand::Const(Literal::Str(text)) => {
                    self.told[object.index()] |= self.reading.text(text);
                }
                Operand::Const(_) => {}
            }
        }
        if any {
            self.changed.entry(*object).or_default().push(at);
        }
    }

    /// Whether something can be learnt in the nested functions without a name, or put into a
    /// collection.
    pub(super) fn in_nested(&self) -> bool {
        let words = self.reading.words;
        self.code.nested.iter().any(|code| {
            let mut puts = false;
            code.for_each_rvalue(|rvalue| {
                puts |= match rvalue {
                    Rvalue::Call { callee, .. } => {
                        let name = code.callee(callee);
                        name.is_some_and(|n| words.puts(&n) || words.marks(&n))
                    }
                    Rvalue::Data(Data::Gather { .. }) => true,
                    _ => false,
                };
            });
            puts
        }) || self
            .closures()
            .any(|inner| is_enough(self.reading.function(self.reading.inner(inner), HELPERS)))
    }

    /// Whether a function of the program is seen to be called.
    pub(super) fn calls_helper(&self, callee: &Callee) -> bool {
        !callees(self.code, self.reading.constants, callee).is_empty()
    }

    fn closures(&self) -> impl Iterator<Item = FuncIdx> {
        let locals = (0u32..).zip(&self.code.function.body.locals);
        locals.flat_map(|(at, _)| {
            let defs = self.code.definitions(LocalId(at)).iter();
            defs.filter_map(|(rvalue, _)| match rvalue {
                Rvalue::Closure(inner) => Some(*inner),
                _ => None,
            })
        })
    }

    /// Whether something can be learnt from a value.
    fn local(&self, start: LocalId) -> bool {
        let mut seen = FxHashSet::default();
        let mut decided = FxHashSet::default();
        let mut work = vec![start];
        let mut bits = 0;
        while let Some(local) = work.pop() {
            if !seen.insert(local) {
                continue;
            }
            let known = self.silent.borrow().get(&local).copied();
            bits |= known.unwrap_or(self.told[local.index()]);
            if is_enough(bits) {
                return true;
            }
            if known.is_some() {
                continue;
            }
            for (rvalue, _) in self.code.definitions(local) {
                rvalue.for_each_operand(|o| {
                    if let Operand::Local(l) = o {
                        work.push(*l);
                    }
                });
                if let Rvalue::Closure(_) = rvalue {
                    work.extend(self.code.function.cells());
                }
            }
            work.extend(self.stored.get(&local).into_iter().flatten());
            for block in self.changed.get(&local).into_iter().flatten() {
                if decided.insert(*block) {
                    let deciders = self.control.deciders(*block);
                    work.extend(deciders.iter().filter_map(|edge| self.tested(edge.from)));
                }
            }
        }
        // What any of them is made of is among what was seen.
        let seen = seen.into_iter().map(|local| (local, bits));
        self.silent.borrow_mut().extend(seen);
        false
    }

    /// The local that a branch asks.
    fn tested(&self, block: BlockId) -> Option<LocalId> {
        match &self.code.function.body.block(block).terminator.kind {
            TerminatorKind::Branch {
                cond: Operand::Local(on),
                ..
            }
            | TerminatorKind::Switch { on, .. }
            | TerminatorKind::ForNext { iter: on, .. } => Some(*on),
            _ => None,
        }
    }

    /// The same, of what an operand holds.
    pub(super) fn operand(&self, o: &Operand) -> bool {
        match o {
            Operand::Local(local) => self.local(*local),
            Operand::Const(Literal::Str(text)) => is_enough(self.reading.text(text)),
            Operand::Const(_) => false,
        }
    }

    /// Whether a branch that one of these edges leads from can come to know of a success.
    pub(super) fn any(&self, deciders: &[Edge]) -> bool {
        let mut tested = deciders.iter().filter_map(|edge| self.tested(edge.from));
        tested.any(|local| self.local(local))
    }
}

impl Reading<'_, '_> {
    /// What the name of a variable, a field or a constant says.
    fn name(&self, name: &str) -> u8 {
        let words = self.words;
        let mut out = 0;
        let mut set = |bit: u8, when: bool| out |= if when { bit } else { 0 };
        let success = words.names_success(name);
        set(STATUS, words.is_status(name));
        set(WORD, success || words.names_failure(name));
        set(ENOUGH, success && words.is_plain_success(name));
        set(ENOUGH, words.is_success_flag(name));
        out
    }

    /// What a text says: a word, or a query.
    fn text(&self, text: &str) -> u8 {
        if text.len() > LONG {
            return if selects(text) || asks_for_runs(text) {
                ENOUGH
            } else {
                0
            };
        }
        let words = self.words;
        let success = words.is_success(text) || text.to_lowercase().starts_with("succ");
        let word = success || words.is_failure(text);
        self.name(text)
            | if word { WORD } else { 0 }
            | if success && words.is_plain_success(text) {
                ENOUGH
            } else {
                0
            }
    }

    /// What a constant says that goes by a name.
    fn stands(&self, path: &[Name]) -> u8 {
        let mut out = path.iter().fold(0, |out, name| out | self.name(name));
        for bit in [WORD, STATUS, ENOUGH] {
            if out & bit == 0
                && self
                    .constants
                    .path(path, &|text| self.text(text) & bit != 0)
            {
                out |= bit;
            }
        }
        out
    }

    /// What a computation says, whatever it is given. `dest` is the local that gets its result.
    fn tells(&self, dest: LocalId, rvalue: &Rvalue, depth: u32) -> u8 {
        let mut out = 0;
        rvalue.for_each_operand(|o| {
            if let Operand::Const(Literal::Str(text)) = o {
                out |= self.text(text);
            }
        });
        out | match rvalue {
            Rvalue::Data(Data::IsVariant { tag, .. }) if !is_outcome(tag) => {
                let words = self.words;
                if words.names_success(tag) || words.names_failure(tag) {
                    ENOUGH
                } else {
                    self.name(tag)
                }
            }
            Rvalue::Path(path) => self.stands(path),
            Rvalue::Global(name) => self.stands(std::slice::from_ref(name)),
            Rvalue::GetField(_, name) => {
                let mut out = self.name(name);
                if let Some(class) = self.constants.class {
                    let says = |text: &str| self.text(text) != 0;
                    out |= if self.constants.member(class, name, &says) {
                        ENOUGH
                    } else {
                        0
                    };
                }
                out
            }
            Rvalue::Call { callee, .. } => {
                let words = self.words;
                let name = self.code.callee(callee);
                let name = name.as_deref().unwrap_or_default();
                let enough = words.names_success(name)
                    || words.asks(name).is_some()
                    // The result itself is what is tested.
                    || words.is_performer(name) && self.code.variables(dest).is_empty()
                    || depth > 0
                        && callees(self.code, self.constants, callee)
                            .into_iter()
                            .any(|func| is_enough(self.function(func, depth - 1)));
                let performs = words.is_performer(name);
                self.name(name) | if enough { ENOUGH } else { 0 } | if performs { WORD } else { 0 }
            }
            Rvalue::Closure(inner) => self.function(self.inner(*inner), depth),
            Rvalue::MakeClass(_) => ENOUGH,
            _ => 0,
        }
    }

    fn inner(&self, func: FuncIdx) -> FuncRef {
        FuncRef {
            module: self.constants.module,
            func,
        }
    }

    /// What the code of a function says, wherever in it, and that of its helpers.
    fn function(&self, func: FuncRef, depth: u32) -> u8 {
        if let Some(known) = self.said.borrow().get(&(func, depth)) {
            return *known;
        }
        let module = self.constants.program.module(func.module);
        let function = module.ir.function(func.func);
        let class = function.class.map(|class| ClassRef {
            module: func.module,
            class,
        });
        let inner = Reading {
            code: &Code::new(function, &[]),
            constants: Constants {
                module: func.module,
                scope: function.scope,
                class,
                ..self.constants
            },
            ..*self
        };
        let said = inner.locals(depth);
        let said = said.into_iter().fold(0, |all, told| all | told);
        self.said.borrow_mut().insert((func, depth), said);
        said
    }

    /// What the names and definitions of each local say.
    fn locals(&self, depth: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.code.function.body.locals.len());
        for (at, decl) in (0u32..).zip(&self.code.function.body.locals) {
            let local = LocalId(at);
            let mut told = decl.name.as_deref().map_or(0, |name| self.name(name));
            for (rvalue, _) in self.code.definitions(local) {
                told |= self.tells(local, rvalue, depth);
            }
            out.push(told);
        }
        out
    }
}

/// The functions of the program that a call can be seen to lead to.
fn callees(code: &Code<'_>, constants: Constants<'_>, callee: &Callee) -> Vec<FuncRef> {
    match callee {
        Callee::Method {
            receiver: Operand::Local(LocalId(0)),
            name,
            ..
        } => {
            let lookup = constants
                .class
                .map(|c| constants.program.lookup(c, name, None));
            let Some(Lookup::Found(_, defs)) = lookup else {
                return Vec::new();
            };
            let funcs = defs.iter().filter_map(|def| match def {
                MemberDef::Func(func) | MemberDef::Def(Def::Func(func)) => Some(*func),
                _ => None,
            });
            funcs.collect()
        }
        Callee::Value(Operand::Local(l)) => {
            let defs = code.definitions(*l).iter();
            let funcs = defs.filter_map(|(rvalue, _)| {
                let path = match rvalue {
                    Rvalue::Global(name) => std::slice::from_ref(name),
                    Rvalue::Path(path) => path,
                    _ => return None,
                };
                let program = constants.program;
                match program.resolve_path(constants.module, constants.scope, path) {
                    Def::Func(func) => Some(func),
                    _ => None,
                }
            });
            funcs.collect()
        }
        _ => Vec::new(),
    }
}
