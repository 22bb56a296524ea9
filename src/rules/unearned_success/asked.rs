//! Whether anybody in the program asks for failures that a method counts in its object.

use std::collections::BTreeSet;

use super::code::Code;
use super::inside::{Inside, Names, Place, reads_of};
use super::tallies::Tally;
use crate::ir::{
    Callee, Data, FuncIdx, Function, LocalId, Name, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::program::{ClassRef, Def, FuncRef, MroEntry};
use crate::rules::failed_write::flow::{logs, rvalues};
use crate::rules::failed_write::that_mention;

/// In how many other files a name is looked for. One that more files mention is too common to tell.
const MAX_FILES: usize = 24;

/// How many copies lead at most from a variable to the object that was made.
const MAX_COPIES: u32 = 3;

impl Place<'_> {
    /// Whether anybody but the function itself may ask for what a call counts. Who has the object is known only
    /// if the function made it and its methods keep it for themselves; of any other object, all who ask for
    /// something of that name may mean it.
    pub(super) fn others_ask(self, code: &Code<'_>, tally: &Tally, inside: &Inside) -> bool {
        let names = &inside.names;
        if let Some(result) = &inside.result {
            // What is no attribute of an object goes only where the value itself goes.
            return !names.is_empty() && self.owners_ask(result.class, names);
        }
        let owned = |name| match names.get(name) {
            Some(Some(class)) => self.owns(*class, name),
            _ => true,
        };
        if !tally.spot.path.last().is_some_and(owned) {
            return true;
        }
        let own = (tally.spot.path.len() == 1)
            .then(|| self.class_made(code, tally.spot.root))
            .flatten();
        self.owners_ask(own, names)
    }

    /// Whether somebody asks for attributes of an object: its methods, if nobody else gets it, and otherwise all
    /// who ask for something of these names.
    fn owners_ask(self, made: Option<ClassRef>, names: &Names) -> bool {
        match made {
            Some(class) if !self.gives_itself_away(class) => self
                .any_method(class, &|func, function| {
                    Place { func, ..self }.asks(function, names)
                }),
            _ => self.anybody_asks(names),
        }
    }

    /// The class of an object that the function makes.
    pub(super) fn class_made(self, code: &Code<'_>, object: LocalId) -> Option<ClassRef> {
        let mut made = code.only[object.index()]?;
        for _ in 0..MAX_COPIES {
            made = match made {
                Rvalue::Use(Operand::Local(of))
                | Rvalue::Enter {
                    manager: Operand::Local(of),
                    ..
                } => code.only[of.index()]?,
                _ => break,
            };
        }
        let path = match made {
            Rvalue::Data(Data::Record { class, .. }) => class,
            Rvalue::Call {
                callee: Callee::Value(Operand::Local(callee)),
                ..
            } => match code.only[callee.index()]? {
                Rvalue::Global(name) => std::slice::from_ref(name),
                Rvalue::Path(path) => path,
                _ => return None,
            },
            _ => return None,
        };
        match self
            .program
            .resolve_path(self.func.module, code.function.scope, path)
        {
            Def::Class(class) if self.program.fully_resolved(class) => Some(class),
            _ => None,
        }
    }

    /// Whether an attribute is that of a class and of its known bases, and not of a base outside of the program,
    /// which may ask for it.
    fn owns(self, class: ClassRef, name: &Name) -> bool {
        let sets = |_: FuncRef, function: &Function| {
            let mut statements = function.body.blocks.iter().flat_map(|b| &b.statements);
            statements.any(|statement| match &statement.kind {
                StatementKind::SetField {
                    object: Operand::Local(LocalId(0)),
                    field,
                    value,
                } => field == name && !is_sum(function, value),
                _ => false,
            })
        };
        let program = self.program;
        program.fully_resolved(class)
            || program.declared(class, name).is_some()
            || program.own_member(class, name).is_some()
            || self.any_method(class, &sets)
    }

    /// Whether a method of a class, or of one of its bases, may give its receiver to somebody.
    fn gives_itself_away(self, class: ClassRef) -> bool {
        self.any_method(class, &|_, function| gives_receiver_away(function))
    }

    /// Whether something holds for a method of a class or of its bases, or for a function in one.
    fn any_method(self, class: ClassRef, holds: &dyn Fn(FuncRef, &Function) -> bool) -> bool {
        let mro = self.program.mro(class);
        mro.entries.iter().any(|entry| {
            let MroEntry::Class(of) = entry else {
                return false;
            };
            let module = self.program.module(of.module);
            let mut open: Vec<FuncIdx> = module
                .ir
                .functions_of(of.class)
                .map(|(idx, _)| idx)
                .collect();
            while let Some(func) = open.pop() {
                let at = FuncRef {
                    module: of.module,
                    func,
                };
                if holds(at, module.ir.function(func)) {
                    return true;
                }
                // The methods of classes inside are theirs.
                let inside = module.ir.functions_in(func);
                let inside = inside.filter(|(_, inner)| inner.class.is_none());
                open.extend(inside.map(|(idx, _)| idx));
            }
            false
        })
    }

    /// Whether a function of the program, other than this one, asks for something of these names.
    fn anybody_asks(self, names: &Names) -> bool {
        let own = self.func.module;
        let mut modules = BTreeSet::from([own]);
        for name in names.keys() {
            let (others, more) = self.program.modules_that_mention(name, own, MAX_FILES);
            if more {
                return true;
            }
            modules.extend(others);
        }
        modules.into_iter().any(|id| {
            let module = self.program.module(id);
            let naming = names.keys().flat_map(|name| that_mention(&module, name));
            let mut others = naming.filter(|(func, _)| *func != self.func);
            others.any(|(func, function)| Place { func, ..self }.asks(function, names))
        })
    }

    /// Whether the function asks for something of these names.
    fn asks(self, function: &Function, names: &Names) -> bool {
        let may_have = |object: &Operand, name: &Name| {
            let Some(Some(owner)) = names.get(name) else {
                return true;
            };
            self.class_of(object)
                .is_none_or(|class| self.are_akin(class, *owner))
        };
        let values = reads_of(function, names, &may_have);
        if values.is_empty() {
            return false;
        }
        Code::new(function).asks_anywhere(values.into_iter().collect(), names)
    }

    /// Whether one of two classes may be above the other, or stands for any that has the same members.
    fn are_akin(self, one: ClassRef, other: ClassRef) -> bool {
        let may_be_below = |class: ClassRef, other: ClassRef| {
            let mro = self.program.mro(class);
            mro.entries.iter().any(|entry| match entry {
                MroEntry::Class(above) => *above == other,
                MroEntry::External(path) => path.ends_with("Protocol"),
                MroEntry::Unknown => true,
            })
        };
        may_be_below(one, other) || may_be_below(other, one)
    }
}

/// Whether a value is made of another one and what is added to it.
fn is_sum(function: &Function, value: &Operand) -> bool {
    let Operand::Local(local) = value else {
        return false;
    };
    matches!(
        function.body.only_value(*local),
        Some(Rvalue::InPlace(..) | Rvalue::Binary(..))
    )
}

/// Whether a method may give its receiver to somebody else: it does more with it than use its members.
fn gives_receiver_away(method: &Function) -> bool {
    if method.class.is_none() || !method.is_bound() {
        return false;
    }
    let is = |operand: &Operand| *operand == Operand::Local(LocalId(0));
    let by_value = rvalues(method).any(|(_, rvalue)| match rvalue {
        Rvalue::GetField(..) | Rvalue::GetItem(..) | Rvalue::Super { .. } => false,
        Rvalue::Call { callee, args } => {
            !logs(method, callee) && args.iter().any(|arg| is(&arg.value))
        }
        _ => {
            let mut uses = false;
            rvalue.for_each_operand(|operand| uses |= is(operand));
            uses
        }
    });
    let enters = matches!(method.name.as_str(), "__enter__" | "__aenter__");
    by_value
        || method.body.blocks.iter().any(|block| {
            let mut statements = block.statements.iter();
            statements.any(|statement| match &statement.kind {
                StatementKind::SetField { value, .. }
                | StatementKind::SetItem { value, .. }
                | StatementKind::SetGlobal { value, .. }
                | StatementKind::Overwrite { value, .. } => is(value),
                _ => false,
            }) || match &block.terminator.kind {
                TerminatorKind::Return { value, .. } => is(value) && !enters,
                TerminatorKind::Yield { value, .. } => is(value),
                _ => false,
            }
        })
}
