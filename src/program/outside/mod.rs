//! Which calls are made on modules, classes and objects of libraries, which run functions of the program, and
//! of which class a value is, read off the code: no path is followed for that.
//!
//! What a name was bound to decides: an import, an object that was made of a class, an annotation, a
//! field of the class, what a function of the program returns. A name that is bound to several things
//! is not known.

mod demanded;
mod fields;
mod names;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::ir::{
    ArgKind, BlockId, Body, Callee, Function, Literal, LocalId, LocalKind, Name, Operand, Rvalue,
    ScopeIdx, StatementKind, TerminatorKind,
};
use crate::presets::{Of, Presets};
use crate::program::{
    ClassRef, Def, FuncRef, LoadedModule, Lookup, MemberDef, ModuleId, MroEntry, Program,
    is_transparent_base,
};

/// How many values, fields and functions in a row are looked through.
const MAX_HOPS: u32 = 16;

/// How many values are looked at for the calls of one function. What comes after that is not known.
const MAX_LOOKS: u32 = 8192;

/// A call on something outside the program: what it is made on, and the name of what is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutsideCall {
    /// What it is made on.
    pub of: Of,
    /// The name.
    pub name: Name,
}

/// The calls in a function that are made on something of a library, by the block that ends with them.
pub type OutsideCalls = FxHashMap<BlockId, OutsideCall>;

/// What the calls of a function are made on, as far as the code shows it.
#[derive(Debug, Default)]
pub(in crate::program) struct Calls {
    outside: Arc<OutsideCalls>,
    inside: FxHashMap<BlockId, FuncRef>,
    /// Calls of a method that the class of the object only demands.
    demanded: FxHashMap<BlockId, (ClassRef, Name)>,
}

/// What a value is.
#[derive(Clone, PartialEq, Debug)]
enum Held {
    /// A module, class, function or object of a library.
    Outside(Of),
    /// A class of the program.
    Class(ClassRef),
    /// An object of a class of the program.
    Object(ClassRef),
    /// An object of a class of the program, as its `super()` sees it.
    Super(ClassRef),
    /// A function of the program.
    Func(FuncRef),
    /// A module or namespace of the program.
    Module(ModuleId, ScopeIdx),
    /// `None`, which says nothing about the other values of a name.
    Nothing,
}

/// The answer that several bindings of one name give together.
fn common(all: impl Iterator<Item = Option<Held>>) -> Option<Held> {
    let mut out = None;
    for one in all {
        match (one?, &out) {
            (Held::Nothing, _) => {}
            (one, None) => out = Some(one),
            (one, Some(known)) if one == *known => {}
            _ => return None,
        }
    }
    Some(out.unwrap_or(Held::Nothing))
}

impl Program<'_> {
    /// The calls of a function that are made on something of a library.
    #[must_use]
    pub fn calls_outside(&self, presets: &Arc<Presets>, func: FuncRef) -> Arc<OutsideCalls> {
        self.calls_of(presets, func).outside.clone()
    }

    /// The function of the program that the call at the end of a block runs: one that a name means, or a method
    /// of an object whose class the code shows.
    #[must_use]
    pub fn call_inside(
        &self,
        presets: &Arc<Presets>,
        (func, block): (FuncRef, BlockId),
    ) -> Option<FuncRef> {
        let calls = self.calls_of(presets, func);
        calls.inside.get(&block).copied()
    }

    /// The class of the program of whose objects a value of a function is one, if the code shows it.
    #[must_use]
    pub fn class_of_value(
        &self,
        presets: &Arc<Presets>,
        func: FuncRef,
        value: &Operand,
    ) -> Option<ClassRef> {
        let module = self.module(func.module);
        let frame = Frame::new(&module, func);
        match Finder::new(self, presets).operand(&frame, value, 0)? {
            Held::Object(class) | Held::Super(class) => Some(class),
            _ => None,
        }
    }

    fn calls_of(&self, presets: &Arc<Presets>, func: FuncRef) -> Arc<Calls> {
        let key = (Arc::as_ptr(presets) as usize, func);
        self.calls.get(key, || {
            let module = self.module(func.module);
            Arc::new(Finder::new(self, presets).calls(&module, func))
        })
    }
}

/// What a call runs.
enum Called {
    Outside(OutsideCall),
    Inside(FuncRef),
    /// A method that a class only demands of those below it, with the declaration if that is a function.
    Demanded(ClassRef, Name, Option<FuncRef>),
}

/// Finds out what values are.
struct Finder<'a, 's> {
    program: &'a Program<'s>,
    presets: &'a Presets,
    /// How many values were looked at.
    looks: Cell<u32>,
    /// What fields hold, and what functions return, as far as it was asked. What is still being looked for is
    /// not known: it would depend on itself.
    fields: RefCell<FxHashMap<(ClassRef, Name), Option<Held>>>,
    results: RefCell<FxHashMap<FuncRef, Option<Held>>>,
}

/// A function, with what was found out about its locals.
struct Frame<'m> {
    module: &'m LoadedModule,
    func: FuncRef,
    function: &'m Function,
    body: &'m Body,
    /// All that is assigned to each local.
    values: Vec<Vec<&'m Rvalue>>,
    /// Declared classes of locals.
    declared: FxHashMap<LocalId, &'m [Name]>,
}

impl<'m> Frame<'m> {
    fn new(module: &'m LoadedModule, func: FuncRef) -> Self {
        let function = module.ir.function(func.func);
        let body: &Body = &function.body;
        let statements = body.blocks.iter().flat_map(|block| &block.statements);
        let declared = statements.filter_map(|s| match &s.kind {
            StatementKind::Declare(local, path) => Some((*local, path.as_slice())),
            _ => None,
        });
        Self {
            module,
            func,
            function,
            body,
            values: body.all_values(),
            declared: declared.collect(),
        }
    }

    /// Where the header of the function is evaluated.
    fn header(&self) -> (ModuleId, ScopeIdx) {
        let scope = self.module.ir.scope(self.function.scope).parent;
        (self.func.module, scope.unwrap_or(ScopeIdx::MODULE))
    }
}

impl<'a, 's> Finder<'a, 's> {
    fn new(program: &'a Program<'s>, presets: &'a Presets) -> Self {
        Self {
            program,
            presets,
            looks: Cell::new(0),
            fields: RefCell::default(),
            results: RefCell::default(),
        }
    }
}

impl Finder<'_, '_> {
    fn calls(&self, module: &LoadedModule, func: FuncRef) -> Calls {
        let frame = Frame::new(module, func);
        let mut outside = OutsideCalls::default();
        let mut inside = FxHashMap::default();
        let mut demanded = FxHashMap::default();
        for (at, block) in (0u32..).zip(&frame.body.blocks) {
            let TerminatorKind::Eval {
                rvalue: Rvalue::Call { callee, .. },
                ..
            } = &block.terminator.kind
            else {
                continue;
            };
            match self.call(&frame, callee) {
                Some(Called::Outside(call)) => {
                    outside.insert(BlockId(at), call);
                }
                Some(Called::Inside(func)) => {
                    inside.insert(BlockId(at), func);
                }
                Some(Called::Demanded(class, name, declared)) => {
                    inside.extend(declared.map(|func| (BlockId(at), func)));
                    demanded.insert(BlockId(at), (class, name));
                }
                None => {}
            }
        }
        Calls {
            outside: Arc::new(outside),
            inside,
            demanded,
        }
    }

    fn call(&self, frame: &Frame<'_>, callee: &Callee) -> Option<Called> {
        let (of, name) = match callee {
            Callee::Method { receiver, name, .. } => {
                let held = self.operand(frame, receiver, 0)?;
                match self.receiver(&held, name) {
                    Some(of) => (of, name.clone()),
                    None => return self.own_method(held, name),
                }
            }
            Callee::Value(callee) => match self.operand(frame, callee, 0)? {
                Held::Outside(of) => {
                    let (of, name) = of.split()?;
                    (of, name.into())
                }
                Held::Func(func) => return Some(Called::Inside(func)),
                _ => return None,
            },
        };
        Some(Called::Outside(OutsideCall { of, name }))
    }

    /// What a call of a method runs that is not one of a library.
    fn own_method(&self, held: Held, name: &Name) -> Option<Called> {
        let class = match held {
            Held::Object(class) => Some(class),
            _ => None,
        };
        let found = self.method(held, name);
        match (found.filter(|func| self.program.has_code(*func)), class) {
            (None, Some(class)) => Some(Called::Demanded(class, name.clone(), found)),
            (func, _) => func.map(Called::Inside),
        }
    }

    /// The method of the program that a call on a value runs.
    fn method(&self, held: Held, name: &Name) -> Option<FuncRef> {
        match held {
            Held::Object(class) => self.program.method(class, name, None),
            Held::Super(class) => self.program.method(class, name, Some(class)),
            held => match self.member(held, name, 0)? {
                Held::Func(func) => Some(func),
                _ => None,
            },
        }
    }

    /// What a method is called on, if it is one of a library.
    fn receiver(&self, held: &Held, method: &str) -> Option<Of> {
        let (class, after) = match held {
            Held::Outside(of) => return Some(of.clone()),
            Held::Object(class) => (*class, None),
            Held::Super(class) => (*class, Some(*class)),
            _ => return None,
        };
        match self.program.lookup(class, method, after) {
            Lookup::Found(..) => None,
            Lookup::Missing | Lookup::Unknown => self.above(class),
        }
    }

    /// An object of the classes from outside that a class inherits from.
    fn above(&self, class: ClassRef) -> Option<Of> {
        let mro = self.program.mro(class);
        let outside = mro.entries.iter().filter_map(|entry| match entry {
            MroEntry::External(path) if is_transparent_base(path) => None,
            MroEntry::External(path) => Some(path.to_string()),
            _ => None,
        });
        let outside: Vec<String> = outside.collect();
        let complete = !mro.entries.contains(&MroEntry::Unknown);
        (!outside.is_empty()).then(|| Of::heir(outside, complete))
    }

    fn operand(&self, frame: &Frame<'_>, operand: &Operand, hops: u32) -> Option<Held> {
        match operand {
            Operand::Const(Literal::None) => Some(Held::Nothing),
            Operand::Const(_) => None,
            Operand::Local(local) => self.local(frame, *local, hops + 1),
        }
    }

    fn local(&self, frame: &Frame<'_>, local: LocalId, hops: u32) -> Option<Held> {
        self.looks.set(self.looks.get() + 1);
        if hops > MAX_HOPS || self.looks.get() > MAX_LOOKS {
            return None;
        }
        if let Some(path) = frame.declared.get(&local) {
            return self.object_of((frame.func.module, frame.function.scope), path, hops);
        }
        let assigned = &frame.values[local.index()];
        match frame.body.locals[local.index()].kind {
            LocalKind::Param => {
                let own = std::iter::once_with(|| self.param(frame, local, hops));
                let more = assigned
                    .iter()
                    .map(|rvalue| self.rvalue(frame, rvalue, hops));
                // What is given is what is assigned if nothing was given: `client or Client()`.
                common(own.chain(more))
            }
            LocalKind::Var | LocalKind::Temp if !assigned.is_empty() => {
                let values = assigned
                    .iter()
                    .map(|rvalue| self.rvalue(frame, rvalue, hops));
                common(values)
            }
            _ => None,
        }
    }

    fn rvalue(&self, frame: &Frame<'_>, rvalue: &Rvalue, hops: u32) -> Option<Held> {
        let program = self.program;
        match rvalue {
            Rvalue::Use(operand) | Rvalue::Await(operand) => self.operand(frame, operand, hops),
            Rvalue::Global(name) => self.def(program.resolve_global(frame.func.module, name), hops),
            Rvalue::Path(path) => {
                let scope = frame.function.scope;
                self.def(program.resolve_path(frame.func.module, scope, path), hops)
            }
            Rvalue::GetField(object, name) => match object {
                Operand::Local(cells)
                    if frame.body.locals[cells.index()].kind == LocalKind::OuterCells =>
                {
                    self.captured(frame, name, hops)
                }
                _ => self.member(self.operand(frame, object, hops)?, name, hops),
            },
            Rvalue::Enter { manager, .. } => match self.operand(frame, manager, hops)? {
                Held::Outside(of) => Some(Held::Outside(of.entered(self.presets))),
                Held::Object(class) => self.entered(class, hops),
                held => Some(held),
            },
            Rvalue::Super {
                lexical: Some(class),
                ..
            } => {
                let module = frame.func.module;
                let class = *class;
                Some(Held::Super(ClassRef { module, class }))
            }
            Rvalue::Call { callee, args } => {
                let given = args.first().and_then(|arg| match (&arg.kind, &arg.value) {
                    (ArgKind::Positional, Operand::Const(Literal::Str(text))) => {
                        Some(text.as_str())
                    }
                    _ => None,
                });
                match callee {
                    Callee::Method { receiver, name, .. } => {
                        let of = self.operand(frame, receiver, hops)?;
                        self.method_result(of, (name, given), hops)
                    }
                    Callee::Value(callee) => {
                        let callee = self.operand(frame, callee, hops)?;
                        self.made_by(callee, given, hops)
                    }
                }
            }
            _ => None,
        }
    }

    /// What `with` binds for an object of the program: what its `__enter__` returns.
    fn entered(&self, class: ClassRef, hops: u32) -> Option<Held> {
        let mut enters = ["__enter__", "__aenter__"].into_iter();
        let own = enters.find_map(|name| match self.program.lookup(class, name, None) {
            Lookup::Found(_, found) => Some(found),
            Lookup::Missing | Lookup::Unknown => None,
        });
        match own.as_deref() {
            Some([MemberDef::Func(func)]) => self.returned(*func, hops),
            Some(_) => None,
            None => Some(Held::Object(class)),
        }
    }

    /// A member of a module, class or object.
    fn member(&self, held: Held, name: &str, hops: u32) -> Option<Held> {
        let def = match &held {
            Held::Outside(of) => return Some(Held::Outside(of.member(self.presets, name)?)),
            Held::Object(class) => return self.field(*class, name, hops),
            Held::Class(class) => Def::Class(*class),
            Held::Module(module, ScopeIdx::MODULE) => Def::Module(*module),
            Held::Module(module, scope) => Def::Namespace(*module, *scope),
            Held::Func(_) | Held::Super(..) | Held::Nothing => return None,
        };
        self.def(self.program.attribute_of(&def, name), hops)
    }

    /// What a function of the program returns, or yields.
    fn returned(&self, func: FuncRef, hops: u32) -> Option<Held> {
        if let Some(known) = self.results.borrow().get(&func) {
            return known.clone();
        }
        self.results.borrow_mut().insert(func, None);
        let found = self.returned_by(func, hops + 1);
        self.results.borrow_mut().insert(func, found.clone());
        found
    }

    fn returned_by(&self, func: FuncRef, hops: u32) -> Option<Held> {
        if hops > MAX_HOPS {
            return None;
        }
        let module = self.program.module(func.module);
        let frame = Frame::new(&module, func);
        if let Some(annotation) = &frame.function.returns
            && !frame.function.is_generator
        {
            let declared = self.annotated(frame.header(), annotation, hops);
            if declared.is_some() {
                return declared;
            }
        }
        let values = frame.body.blocks.iter().filter_map(|block| {
            match (&block.terminator.kind, frame.function.is_generator) {
                (TerminatorKind::Return { value, .. }, false)
                | (TerminatorKind::Yield { value, .. }, true) => Some(value),
                _ => None,
            }
        });
        common(values.map(|value| self.operand(&frame, value, hops)))
    }

    /// What a call of a method gives.
    fn method_result(
        &self,
        held: Held,
        (name, given): (&Name, Option<&str>),
        hops: u32,
    ) -> Option<Held> {
        let (class, after) = match held {
            Held::Outside(of) => {
                let of = of.call_method(self.presets, name, given)?;
                return Some(Held::Outside(of));
            }
            Held::Object(class) => (class, None),
            Held::Super(class) => (class, Some(class)),
            held => {
                let member = self.member(held, name, hops)?;
                return self.made_by(member, given, hops);
            }
        };
        match self.program.lookup(class, name, after) {
            Lookup::Found(_, found) => match found.as_slice() {
                [MemberDef::Func(func)] => self.returned(*func, hops),
                _ => None,
            },
            Lookup::Missing | Lookup::Unknown => {
                let of = self.above(class)?.call_method(self.presets, name, given)?;
                Some(Held::Outside(of))
            }
        }
    }

    /// What a call of a value gives.
    fn made_by(&self, callee: Held, given: Option<&str>, hops: u32) -> Option<Held> {
        match callee {
            Held::Outside(of) => Some(Held::Outside(of.call(self.presets, given)?)),
            Held::Class(class) => Some(Held::Object(class)),
            Held::Func(func) => self.returned(func, hops),
            Held::Object(_) | Held::Super(..) | Held::Module(..) | Held::Nothing => None,
        }
    }
}
