//! What lives in the memory of the process and dies with it: buffers, what writes into them, and
//! databases without a file. Who writes there stores nothing yet.
//!
//! The code is read without following a path: everything that a value may be has to be of that sort.

use std::cell::{Cell, OnceCell, RefCell};

use rustc_hash::{FxHashMap, FxHashSet};

use super::code::{called, calls};
use crate::ir::{
    Arg, ArgKind, BlockId, Callee, Data, Function, Literal, LocalId, LocalKind, Name, Operand,
    Rvalue, ScopeIdx, StaticExpr, StaticExprKind,
};
use crate::program::{ClassRef, Def, FuncRef, LoadedModule, ModuleId, Program};
use crate::rules::tables;

/// How many values, fields and variables of modules in a row are looked through.
const MAX_HOPS: u32 = 12;

/// How many values are looked at for the calls of one function. What comes after that is elsewhere.
const MAX_LOOKS: u32 = 8192;

/// Words of code that puts elsewhere what a database holds.
const EXPORTING: &[&str] = &[
    "COPY", "copy", "EXPORT", "export", "INTO", "into", "backup", "iterdump",
];

/// What code makes that lives in memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    /// A collection of Rust. What is taken out of it may be anything.
    Collection,
    /// A buffer, a writer into one, or a database; what it gives is a part of it.
    Whole,
}

/// What is known of a value; `None` while that is being found out.
type Answer = Option<Result<Sort, Elsewhere>>;

/// A value that is, or may be, something outside of the memory.
#[derive(Clone, Copy)]
struct Elsewhere;

/// The calls of a function that, if they write, write only to what lives in memory, by the blocks that
/// end with them.
pub(in crate::rules) fn calls_into_memory(
    program: &Program<'_>,
    func: FuncRef,
) -> FxHashSet<BlockId> {
    let module = program.module(func.module);
    let frame = Frame::new(&module, func);
    let reader = Reader {
        program,
        looks: Cell::default(),
        fields: RefCell::default(),
        exported: OnceCell::new(),
        another: OnceCell::new(),
    };
    let into_memory = calls(frame.function).filter(|(_, callee, args)| {
        let on = match callee {
            Callee::Method { receiver, .. } => reader.lives(&frame, receiver),
            Callee::Value(_) => None,
        };
        (on.is_some() || reader.is_given_buffer(&frame, callee, args))
            && !reader.comes_out(&frame, args)
    });
    into_memory.map(|(at, ..)| at).collect()
}

/// A function, with all that is assigned to its locals.
struct Frame<'m> {
    module: &'m LoadedModule,
    func: FuncRef,
    function: &'m Function,
    values: Vec<Vec<&'m Rvalue>>,
}

impl<'m> Frame<'m> {
    fn new(module: &'m LoadedModule, func: FuncRef) -> Self {
        let function = module.ir.function(func.func);
        Self {
            module,
            func,
            function,
            values: function.body.all_values(),
        }
    }

    fn values_of(&self, operand: &Operand) -> &[&'m Rvalue] {
        match operand {
            Operand::Local(local) => &self.values[local.index()],
            Operand::Const(_) => &[],
        }
    }

    /// The names by which code calls something, the last one last.
    fn path(&self, callee: &Callee) -> Vec<Name> {
        let (mut at, mut out) = match callee {
            Callee::Method { receiver, name, .. } => (receiver, vec![name.clone()]),
            Callee::Value(value) => (value, Vec::new()),
        };
        for _ in 0..MAX_HOPS {
            match self.values_of(at) {
                [Rvalue::GetField(from, name)] => {
                    out.insert(0, name.clone());
                    at = from;
                }
                [Rvalue::Global(name)] => {
                    out.insert(0, name.clone());
                    break;
                }
                [Rvalue::Path(path)] => {
                    out.splice(0..0, path.iter().cloned());
                    break;
                }
                [Rvalue::Use(from)] => at = from,
                _ => break,
            }
        }
        out
    }

    /// Whether a buffer is made with what it holds: `BytesIO(data)`.
    fn has_content(&self, operand: &Operand, hops: u32) -> bool {
        let mut values = self.values_of(operand).iter();
        values.any(|value| match value {
            Rvalue::Call { callee, args } => {
                tables::makes_buffer(&self.path(callee)) && !args.is_empty()
            }
            Rvalue::Use(from) => hops < MAX_HOPS && self.has_content(from, hops + 1),
            _ => false,
        })
    }

    /// The texts that a call is given, also those that a variable holds, or begins with.
    fn statements<'a>(&'a self, args: &'a [Arg]) -> Vec<&'a Name> {
        let mut out = Vec::new();
        for arg in args {
            match &arg.value {
                Operand::Const(Literal::Str(text)) => out.push(text),
                Operand::Const(_) => {}
                local => out.extend(self.values_of(local).iter().filter_map(|v| first_text(v))),
            }
        }
        out
    }
}

/// The text that a value is, or begins with.
fn first_text(value: &Rvalue) -> Option<&Name> {
    match value {
        Rvalue::Use(Operand::Const(Literal::Str(text))) => Some(text),
        Rvalue::Format(parts) => parts.iter().find_map(|part| match part {
            Operand::Const(Literal::Str(text)) => Some(text),
            _ => None,
        }),
        Rvalue::Call { args, .. } => args.iter().find_map(text_of),
        _ => None,
    }
}

/// The literal text of an argument.
fn text_of(arg: &Arg) -> Option<&Name> {
    match &arg.value {
        Operand::Const(Literal::Str(text)) if arg.kind != ArgKind::Star => Some(text),
        _ => None,
    }
}

struct Reader<'a, 's> {
    program: &'a Program<'s>,
    /// How many values were looked at.
    looks: Cell<u32>,
    /// What fields hold, as far as it was asked. What is still being found out is elsewhere.
    fields: RefCell<FxHashMap<(ClassRef, Name), Answer>>,
    /// Whether the code around the calls puts elsewhere what a database holds, and whether it makes another
    /// database the one that statements are about.
    exported: OnceCell<bool>,
    another: OnceCell<bool>,
}

impl Reader<'_, '_> {
    /// What sort of thing in memory a value is.
    fn lives(&self, frame: &Frame<'_>, operand: &Operand) -> Option<Sort> {
        let answer = self.operand(frame, operand, &mut FxHashSet::default(), 0);
        answer.and_then(Result::ok)
    }

    /// Whether a call writes into a buffer that it is given. What has content is what is written.
    fn is_given_buffer(&self, frame: &Frame<'_>, callee: &Callee, args: &[Arg]) -> bool {
        let name = frame.path(callee).pop().unwrap_or_default();
        tables::writes_into_argument(&name)
            && args.iter().any(|arg| {
                self.lives(frame, &arg.value) == Some(Sort::Whole)
                    && !frame.has_content(&arg.value, 0)
            })
    }

    fn operand(
        &self,
        frame: &Frame<'_>,
        operand: &Operand,
        seen: &mut FxHashSet<LocalId>,
        hops: u32,
    ) -> Answer {
        let local = match operand {
            Operand::Local(local) => *local,
            Operand::Const(Literal::None) => return None,
            Operand::Const(_) => return Some(Err(Elsewhere)),
        };
        self.looks.set(self.looks.get() + 1);
        if hops > MAX_HOPS || self.looks.get() > MAX_LOOKS {
            return Some(Err(Elsewhere));
        }
        if !seen.insert(local) {
            return None;
        }
        let values = &frame.values[local.index()];
        let bound = match frame.function.body.locals[local.index()].kind {
            LocalKind::Var | LocalKind::Temp => !values.is_empty(),
            _ => false,
        };
        if !bound {
            return Some(Err(Elsewhere));
        }
        common(
            values
                .iter()
                .map(|value| self.rvalue(frame, value, seen, hops + 1)),
        )
    }

    fn rvalue(
        &self,
        frame: &Frame<'_>,
        rvalue: &Rvalue,
        seen: &mut FxHashSet<LocalId>,
        hops: u32,
    ) -> Answer {
        match rvalue {
            Rvalue::Use(of)
            | Rvalue::Await(of)
            | Rvalue::Enter { manager: of, .. }
            | Rvalue::Data(
                Data::Copy(of) | Data::Payload { object: of, .. } | Data::Lent { object: of, .. },
            ) => self.operand(frame, of, seen, hops),
            Rvalue::Data(Data::Array(_)) => Some(Ok(Sort::Collection)),
            Rvalue::Global(name) => {
                let def = self.program.resolve_global(frame.func.module, name);
                self.global(def)
            }
            Rvalue::GetField(Operand::Local(LocalId(0)), name) => self.field(frame, name, hops),
            Rvalue::Call { callee, args } => self.made(frame, (callee, args), seen, hops),
            _ => Some(Err(Elsewhere)),
        }
    }

    /// What a call makes.
    fn made(
        &self,
        frame: &Frame<'_>,
        (callee, args): (&Callee, &[Arg]),
        seen: &mut FxHashSet<LocalId>,
        hops: u32,
    ) -> Answer {
        let path = frame.path(callee);
        let Some(name) = path.last() else {
            return Some(Err(Elsewhere));
        };
        if tables::makes_buffer(&path)
            || tables::opens_in_memory(name)
            || args
                .iter()
                .filter_map(text_of)
                .any(|text| tables::names_memory(text))
            || args.is_empty()
                && self.opens_memory_unasked((frame.func.module, frame.function.scope), &path)
        {
            return Some(Ok(Sort::Whole));
        }
        if tables::makes_collection(&path) {
            return Some(Ok(Sort::Collection));
        }
        let owner = path.iter().rev().nth(1);
        if tables::makes_writer(name) || owner.is_some_and(|owner| tables::makes_writer(owner)) {
            // A writer of Rust is given first what it writes into, one of Python is given a buffer.
            let mut sinks = args.iter().enumerate().filter_map(|(at, arg)| {
                let known = self.operand(frame, &arg.value, &mut seen.clone(), hops);
                let sort = known.and_then(Result::ok)?;
                (sort == Sort::Whole || at == 0).then_some(())
            });
            if sinks.next().is_some() {
                return Some(Ok(Sort::Whole));
            }
        }
        // A cursor, a transaction, the result of a builder.
        match callee {
            Callee::Method { receiver, .. } => match self.operand(frame, receiver, seen, hops) {
                Some(Ok(Sort::Collection)) => Some(Err(Elsewhere)),
                known => known,
            },
            Callee::Value(_) => Some(Err(Elsewhere)),
        }
    }

    /// Whether a call by this path, in this scope, opens a database in memory if nothing else is asked for.
    fn opens_memory_unasked(&self, (module, scope): (ModuleId, ScopeIdx), path: &[Name]) -> bool {
        match self.program.resolve_path(module, scope, path) {
            Def::External(path) => tables::opens_memory_unasked(&path),
            _ => false,
        }
    }

    /// What a variable of a module holds, if that is written where it is bound.
    fn global(&self, def: Def) -> Answer {
        let Def::Value(module, scope, expr) = def else {
            return Some(Err(Elsewhere));
        };
        let StaticExprKind::Call(callee, args, named) = &expr.kind else {
            return Some(Err(Elsewhere));
        };
        let StaticExprKind::Path(path) = &callee.kind else {
            return Some(Err(Elsewhere));
        };
        let named = named.iter().map(|(_, value)| value);
        let given: Vec<&StaticExpr> = args.iter().chain(named).collect();
        let names_memory = |expr: &&StaticExpr| {
            let text = match &expr.kind {
                StaticExprKind::Literal(Literal::Str(text)) => text,
                _ => return false,
            };
            tables::names_memory(text)
        };
        let unasked = || given.is_empty() && self.opens_memory_unasked((module, scope), path);
        let lives = tables::makes_buffer(path) || given.iter().any(names_memory) || unasked();
        Some(if lives {
            Ok(Sort::Whole)
        } else {
            Err(Elsewhere)
        })
    }

    /// What a field of the object holds whose method the function is.
    fn field(&self, frame: &Frame<'_>, name: &str, hops: u32) -> Answer {
        let class = frame.function.class.filter(|_| frame.function.is_bound());
        let Some(class) = class else {
            return Some(Err(Elsewhere));
        };
        let class = ClassRef {
            module: frame.func.module,
            class,
        };
        let key = (class, Name::new(name));
        if let Some(known) = self.fields.borrow().get(&key) {
            return *known;
        }
        let unknown = Some(Err(Elsewhere));
        self.fields.borrow_mut().insert(key.clone(), unknown);
        let stored = self.program.stored_to_field(class, name);
        let known = stored.into_iter().map(|(func, value)| {
            let module = self.program.module(func.module);
            let frame = Frame::new(&module, func);
            self.operand(&frame, &value, &mut FxHashSet::default(), hops + 1)
        });
        let found = common(known).or(unknown);
        self.fields.borrow_mut().insert(key, found);
        found
    }

    /// Whether what a call writes comes out of the memory again: its statement puts it elsewhere, or it
    /// is given rows and the code around it puts elsewhere what the database holds.
    fn comes_out(&self, frame: &Frame<'_>, args: &[Arg]) -> bool {
        let statements = frame.statements(args);
        let changes = |text: &&&Name| tables::changes_rows(std::slice::from_ref(**text)).is_some();
        let mut unqualified = statements.iter().filter(changes).peekable();
        let is_given_rows = args.len() > 1 || !args.is_empty() && statements.is_empty();
        statements.iter().any(|text| tables::leaves_database(text))
            || unqualified.peek().is_some() && *self.another.get_or_init(|| uses_another(frame))
            || is_given_rows && *self.exported.get_or_init(|| is_exported(frame))
    }
}

/// Whether the function, or a method of its class, puts elsewhere what a database holds.
fn is_exported(frame: &Frame<'_>) -> bool {
    let exports = |frame: &Frame<'_>| {
        calls(frame.function).any(|(_, callee, args)| {
            tables::exports_database(&called(frame.function, callee).name)
                || frame
                    .statements(args)
                    .iter()
                    .any(|text| tables::leaves_database(text))
        })
    };
    let of_class = |class| {
        let mut methods = frame.module.ir.functions_of(class);
        methods.any(|(func, function)| {
            let mut words = EXPORTING.iter();
            let func = FuncRef { func, ..frame.func };
            words.any(|word| function.body.may_mention(word))
                && exports(&Frame::new(frame.module, func))
        })
    };
    exports(frame) || frame.function.class.is_some_and(of_class)
}

/// Whether a function of the module makes another database the one that statements are about.
fn uses_another(frame: &Frame<'_>) -> bool {
    let mut functions = frame.module.ir.mentioning("USE");
    functions.any(|(func, function)| {
        let func = FuncRef { func, ..frame.func };
        let frame = Frame::new(frame.module, func);
        calls(function).any(|(_, _, args)| {
            let mut texts = frame.statements(args).into_iter();
            texts.any(|text| text.trim_start().starts_with("USE "))
        })
    })
}

/// The answer that several values of one variable give together.
fn common(all: impl Iterator<Item = Answer>) -> Answer {
    let mut out: Answer = None;
    for one in all.flatten() {
        out = match (one, out) {
            (Err(_), _) => return Some(one),
            (Ok(sort), Some(Ok(known))) => Some(Ok(sort.min(known))),
            (Ok(_), _) => Some(one),
        };
    }
    out
}
