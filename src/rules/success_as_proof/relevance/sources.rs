//! From which values of a function a success can be learnt: what they are made of says so, before
//! anything is simulated.
//!
//! The answer errs towards "can". All definitions of a local are taken together, wherever they
//! stand, with everything that is stored into it and every argument of the methods called on it.

use std::cell::RefCell;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::ir::control::{ControlDependence, Edge};
use crate::ir::data::is_outcome;
use crate::ir::{
    BlockId, Callee, Data, FuncIdx, Literal, LocalId, Name, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::program::FuncRef;
use crate::rules::success_as_proof::code::{Constants, FunctionCode, class_of};
use crate::rules::success_as_proof::vocabulary::Vocabulary;
use crate::rules::success_as_proof::vocabulary::queries::{LONGEST_WORD, asks_for_runs, selects};

/// How many calls deep helpers are read.
const HELPERS: u32 = 2;

/// Names a status. Compared with a [`WORD`], it tells of a success.
const STATUS: u8 = 1;
/// Is a word for success or failure, or the result of work.
const WORD: u8 = 2;
/// Tells of a success by itself.
const ENOUGH: u8 = 4;

/// Whether a success can be learnt from something with these bits.
fn is_enough(bits: u8) -> bool {
    bits & ENOUGH != 0 || bits & (STATUS | WORD) == STATUS | WORD
}

/// The bits of whole functions, by how deep their helpers were read.
pub type KnownSources = RefCell<FxHashMap<(FuncRef, u32), u8>>;

/// Reads the bits off names, texts and rvalues of one function.
#[derive(Clone, Copy)]
pub struct SourceReader<'c, 'f> {
    /// The function.
    pub code: &'c FunctionCode<'f>,
    /// What names mean.
    pub words: &'c Vocabulary,
    /// What constants stand for.
    pub constants: Constants<'c>,
    /// What is known of other functions.
    pub known: &'c KnownSources,
}

/// The locals of a function from which a success can be learnt.
pub struct Sources<'c, 'f> {
    reading: SourceReader<'c, 'f>,
    code: &'c FunctionCode<'f>,
    control: &'c ControlDependence,
    /// The locals that are stored into a local.
    stored: FxHashMap<LocalId, Vec<LocalId>>,
    /// Where a local is assigned one of several values, or something is stored into it.
    changed: FxHashMap<LocalId, Vec<BlockId>>,
    /// The bits of the definitions and the name of each local.
    told: Vec<u8>,
    /// Locals found not to be enough, with the bits of all that they are made of.
    silent: RefCell<FxHashMap<LocalId, u8>>,
}

impl<'c, 'f> Sources<'c, 'f> {
    /// Reads the function.
    pub fn new(reading: SourceReader<'c, 'f>, control: &'c ControlDependence) -> Self {
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
        // Which of several values a local has depends on the tests that decide between them.
        for (local, blocks) in assigned {
            if blocks.len() > 1 {
                self.changed.entry(local).or_default().extend(blocks);
            }
        }
    }

    /// Values are stored into an object, or given to a method of it.
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

    /// Whether a lambda or comprehension in the function can learn of a success, or puts something
    /// into a collection.
    pub fn in_nested(&self) -> bool {
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

    /// Whether a call surely leads to a function of the program.
    pub fn calls_helper(&self, callee: &Callee) -> bool {
        !self.code.callees(self.reading.constants, callee).is_empty()
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

    /// Whether a success can be learnt from a local.
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
        // All that any of them is made of was seen.
        let seen = seen.into_iter().map(|local| (local, bits));
        self.silent.borrow_mut().extend(seen);
        false
    }

    /// The local that a branch tests.
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

    /// Whether a success can be learnt from an operand.
    pub fn operand(&self, o: &Operand) -> bool {
        match o {
            Operand::Local(local) => self.local(*local),
            Operand::Const(Literal::Str(text)) => is_enough(self.reading.text(text)),
            Operand::Const(_) => false,
        }
    }

    /// Whether a branch that one of these edges leaves can learn of a success.
    pub fn any(&self, deciders: &[Edge]) -> bool {
        let mut tested = deciders.iter().filter_map(|edge| self.tested(edge.from));
        tested.any(|local| self.local(local))
    }
}

impl SourceReader<'_, '_> {
    /// The bits of the name of a variable, a field or a constant.
    fn name(&self, name: &str) -> u8 {
        let words = self.words;
        let mut out = 0;
        let mut set = |bit: u8, when: bool| out |= if when { bit } else { 0 };
        let success = words.names_success(name);
        set(STATUS, words.is_status(name));
        set(WORD, success || words.names_failure(name));
        set(ENOUGH, success && words.is_plain_success(name));
        set(
            ENOUGH,
            words.is_success_flag(name) || words.asks_success(name) || words.is_marker(name),
        );
        out
    }

    /// The bits of a text: a word, or a query.
    fn text(&self, text: &str) -> u8 {
        if text.len() > LONGEST_WORD {
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

    /// The bits of a constant, by its name and by the texts that it stands for.
    fn constant(&self, path: &[Name]) -> u8 {
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

    /// The bits of a computation, its operands left out. `dest` is the local that gets its result.
    fn rvalue(&self, dest: LocalId, rvalue: &Rvalue, depth: u32) -> u8 {
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
            Rvalue::Path(path) => self.constant(path),
            Rvalue::Global(name) => self.constant(std::slice::from_ref(name)),
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
                        && self
                            .code
                            .callees(self.constants, callee)
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

    /// The bits of all code of a function and of its helpers.
    fn function(&self, func: FuncRef, depth: u32) -> u8 {
        if let Some(known) = self.known.borrow().get(&(func, depth)) {
            return *known;
        }
        let module = self.constants.program.module(func.module);
        let function = module.ir.function(func.func);
        let inner = SourceReader {
            code: &FunctionCode::new(function, &[]),
            constants: Constants {
                module: func.module,
                scope: function.scope,
                class: class_of(func, function),
                ..self.constants
            },
            ..*self
        };
        let said = inner.locals(depth);
        let said = said.into_iter().fold(0, |all, told| all | told);
        self.known.borrow_mut().insert((func, depth), said);
        said
    }

    /// The bits of the name and the definitions of each local.
    fn locals(&self, depth: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.code.function.body.locals.len());
        for (at, decl) in (0u32..).zip(&self.code.function.body.locals) {
            let local = LocalId(at);
            let mut told = decl.name.as_deref().map_or(0, |name| self.name(name));
            for (rvalue, _) in self.code.definitions(local) {
                told |= self.rvalue(local, rvalue, depth);
            }
            out.push(told);
        }
        out
    }
}
