//! Whether a class changes what an inherited method does: whether it adds a member that the
//! method can ask its receiver for, itself or in functions to which it hands the receiver.
//!
//! An inherited method is simulated again only for the classes that change it. For all others, the
//! verdict on the class that defines it holds. Every doubt counts as a change.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::ir::validate::{for_each_terminator_use, for_each_use};
use crate::ir::{
    Arg, ArgKind, Callee, FuncIdx, Function, Literal, LocalId, Name, Operand, ParamKind, Rvalue,
    ScopeIdx, StatementKind, StaticExprKind, TerminatorKind,
};
use crate::program::{
    ClassRef, Def, FuncRef, LoadedModule, MemberDef, MroEntry, Program, is_transparent_base,
};

/// Members that decide what other attributes are.
const HOOKS: &[&str] = &["__getattr__", "__getattribute__", "__setattr__"];

/// The receiver goes to unknown code: what it is asked for is not known.
struct Escapes;

/// Whether `class` adds a member that an inherited method of `owner` can use.
pub(super) fn brings_helpers(
    program: &Program<'_>,
    class: ClassRef,
    owner: ClassRef,
    methods: &[FuncRef],
) -> bool {
    let mro = program.mro(class);
    let known = program.mro(owner);
    let mut brought = Vec::new();
    for entry in mro.entries.iter().filter(|e| !known.entries.contains(e)) {
        match entry {
            MroEntry::Class(c) => brought.push(*c),
            MroEntry::External(path) if is_transparent_base(path) => {}
            MroEntry::External(_) | MroEntry::Unknown => return true,
        }
    }
    let brings = |name: &str| {
        let mut brought = brought.iter();
        brought.any(|c| program.own_member(*c, name).is_some())
    };
    if HOOKS.iter().any(|name| brings(name)) {
        return true;
    }
    let mut seen: HashSet<Recipient> = HashSet::new();
    let mut work: Vec<Recipient> = methods
        .iter()
        .map(|f| Recipient::parameter(*f, 0))
        .collect();
    let mut asked: BTreeSet<Name> = BTreeSet::new();
    while let Some(recipient) = work.pop() {
        if !seen.insert(recipient.clone()) {
            continue;
        }
        let module = program.module(recipient.func.module);
        let mut scan = Scan::new(program, &module, &recipient);
        if scan.run().is_err() {
            return true;
        }
        work.append(&mut scan.handed_on);
        for name in scan.asked {
            if brings(&name) {
                return true;
            }
            if !asked.insert(name.clone()) {
                continue;
            }
            // All definitions rather than the first: `super()` asks for the others.
            let classes = mro.entries.iter().filter_map(|e| match e {
                MroEntry::Class(c) => Some(*c),
                MroEntry::External(_) | MroEntry::Unknown => None,
            });
            for def in classes.flat_map(|c| program.own_member(c, &name).unwrap_or_default()) {
                if let MemberDef::Func(f) | MemberDef::Def(Def::Func(f)) = def {
                    work.push(Recipient::parameter(f, 0));
                }
            }
        }
    }
    false
}

/// A function that gets the receiver: in a parameter, or in variables of the enclosing function.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Recipient {
    func: FuncRef,
    parameter: Option<LocalId>,
    captured: BTreeSet<Name>,
}

impl Recipient {
    fn parameter(func: FuncRef, index: u32) -> Self {
        Recipient {
            func,
            parameter: Some(LocalId(index)),
            captured: BTreeSet::new(),
        }
    }
}

/// What one function does with the receiver.
struct Scan<'a> {
    program: &'a Program<'a>,
    recipient: &'a Recipient,
    function: &'a Function,
    /// Locals that may hold the receiver, or `super()` of it.
    receivers: HashSet<LocalId>,
    /// Variables in the cells of the function that hold it.
    captured: BTreeSet<Name>,
    /// Locals that hold the value of a global name.
    globals: BTreeMap<LocalId, Name>,
    asked: BTreeSet<Name>,
    handed_on: Vec<Recipient>,
}

impl<'a> Scan<'a> {
    fn new(program: &'a Program<'a>, module: &'a LoadedModule, recipient: &'a Recipient) -> Self {
        Scan {
            program,
            recipient,
            function: module.ir.function(recipient.func.func),
            receivers: recipient.parameter.into_iter().collect(),
            captured: BTreeSet::new(),
            globals: BTreeMap::new(),
            asked: BTreeSet::new(),
            handed_on: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<(), Escapes> {
        if self.is_wrapped() {
            return Err(Escapes);
        }
        // Until nothing is added: there are copies of copies.
        loop {
            let before = self.receivers.len() + self.captured.len() + self.globals.len();
            let function = self.function;
            for block in &function.body.blocks {
                for statement in &block.statements {
                    self.statement(&statement.kind)?;
                }
                self.terminator(&block.terminator.kind)?;
            }
            if before == self.receivers.len() + self.captured.len() + self.globals.len() {
                return Ok(());
            }
        }
    }

    /// Whether a decorator of the program gets the receiver first.
    fn is_wrapped(&self) -> bool {
        self.function.decorators.iter().any(|d| {
            let named = match &d.kind {
                StaticExprKind::Call(callee, ..) => callee,
                _ => d,
            };
            let id = self.recipient.func.module;
            !matches!(
                self.program.resolve_expr(id, ScopeIdx::MODULE, named),
                Def::External(_)
            )
        })
    }

    fn holds(&self, operand: &Operand) -> bool {
        matches!(operand, Operand::Local(l) if self.receivers.contains(l))
    }

    fn statement(&mut self, kind: &StatementKind) -> Result<(), Escapes> {
        match kind {
            StatementKind::Assign(dest, rvalue) => return self.rvalue(Some(*dest), rvalue),
            StatementKind::SetField {
                object,
                field,
                value,
            } => {
                if self.holds(object) && !self.holds(value) {
                    self.ask(field)?;
                    return Ok(());
                }
                let cells = self.function.cells().map(Operand::Local);
                if self.holds(value) && cells.as_ref() == Some(object) {
                    self.captured.insert(field.clone());
                    return Ok(());
                }
            }
            StatementKind::DelField { object, field } if self.holds(object) => {
                return self.ask(field);
            }
            _ => {}
        }
        let mut escapes = false;
        for_each_use(kind, &mut |l| escapes |= self.receivers.contains(&l));
        if escapes { Err(Escapes) } else { Ok(()) }
    }

    fn terminator(&mut self, kind: &TerminatorKind) -> Result<(), Escapes> {
        if let TerminatorKind::Eval { dest, rvalue, .. } = kind {
            return self.rvalue(*dest, rvalue);
        }
        let mut escapes = false;
        for_each_terminator_use(kind, &mut |l| escapes |= self.receivers.contains(&l));
        if escapes { Err(Escapes) } else { Ok(()) }
    }

    fn rvalue(&mut self, dest: Option<LocalId>, rvalue: &Rvalue) -> Result<(), Escapes> {
        match rvalue {
            Rvalue::Use(from)
            | Rvalue::Super {
                receiver: from,
                start: None,
                ..
            } if self.holds(from) => self.receivers.extend(dest),
            Rvalue::Global(name) => {
                self.globals.extend(dest.map(|d| (d, name.clone())));
            }
            Rvalue::GetField(object, name) if self.holds(object) => self.ask(name)?,
            Rvalue::GetField(Operand::Local(object), name) => {
                let from = Some(*object);
                let held = from == self.function.cells() && self.captured.contains(name)
                    || from == self.function.outer_cells && self.recipient.captured.contains(name);
                if held {
                    self.receivers.extend(dest);
                } else if name == "^" && !self.recipient.captured.is_empty() {
                    return Err(Escapes);
                }
            }
            Rvalue::Closure(f) => self.closure(*f)?,
            Rvalue::Call { callee, args } => self.call(callee, args)?,
            _ => {
                let mut escapes = false;
                rvalue.for_each_operand(|o| escapes |= self.holds(o));
                if escapes {
                    return Err(Escapes);
                }
            }
        }
        Ok(())
    }

    fn closure(&mut self, func: FuncIdx) -> Result<(), Escapes> {
        // The closures of a closure reach its outer cells indirectly.
        if !self.recipient.captured.is_empty() {
            return Err(Escapes);
        }
        if !self.captured.is_empty() {
            self.handed_on.push(Recipient {
                func: FuncRef {
                    module: self.recipient.func.module,
                    func,
                },
                parameter: None,
                captured: self.captured.clone(),
            });
        }
        Ok(())
    }

    fn call(&mut self, callee: &Callee, args: &[Arg]) -> Result<(), Escapes> {
        let given = args.iter().any(|a| self.holds(&a.value));
        let global = |operand: &Operand| match operand {
            Operand::Local(l) => self.globals.get(l).cloned(),
            Operand::Const(_) => None,
        };
        let path = match callee {
            Callee::Method { receiver, name, .. } if self.holds(receiver) => {
                self.ask(name)?;
                None
            }
            Callee::Value(f) if self.holds(f) => return Err(Escapes),
            Callee::Method { receiver, name, .. } => {
                global(receiver).map(|module| vec![module, name.clone()])
            }
            Callee::Value(f) => global(f).map(|name| vec![name]),
        };
        if !given {
            return Ok(());
        }
        let path = path.ok_or(Escapes)?;
        let id = self.recipient.func.module;
        match self.program.resolve_path(id, ScopeIdx::MODULE, &path) {
            Def::Func(f) => {
                let module = self.program.module(f.module);
                let params = &module.ir.function(f.func).params;
                for (i, arg) in args.iter().enumerate() {
                    // After a `*args`, the parameter is not known.
                    let at = match &arg.kind {
                        ArgKind::Positional => Some(i),
                        ArgKind::Keyword(name) => params.iter().position(|p| p.name == *name),
                        ArgKind::Star | ArgKind::DoubleStar => return Err(Escapes),
                    };
                    if self.holds(&arg.value) {
                        let at = at.filter(|at| {
                            let param = params.get(*at);
                            param.is_some_and(|p| {
                                !matches!(p.kind, ParamKind::Star | ParamKind::DoubleStar)
                            })
                        });
                        let at = at.and_then(|at| u32::try_from(at).ok()).ok_or(Escapes)?;
                        self.handed_on.push(Recipient::parameter(f, at));
                    }
                }
                Ok(())
            }
            Def::External(path) if matches!(path.as_str(), "getattr" | "hasattr" | "setattr") => {
                match args.get(1).map(|a| &a.value) {
                    Some(Operand::Const(Literal::Str(name))) => {
                        let once = args.iter().filter(|a| self.holds(&a.value)).count() == 1;
                        if once { self.ask(name) } else { Err(Escapes) }
                    }
                    _ => Err(Escapes),
                }
            }
            _ => Err(Escapes),
        }
    }

    fn ask(&mut self, name: &Name) -> Result<(), Escapes> {
        if name == "__class__" || name == "__dict__" {
            return Err(Escapes);
        }
        self.asked.insert(name.clone());
        Ok(())
    }
}
