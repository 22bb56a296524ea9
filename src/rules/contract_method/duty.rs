//! Who has to keep a contract, and who is at fault if inherited code does not.

use std::collections::BTreeSet;

use crate::diagnostics::Location;
use crate::engine::witness::{EventKind, PathEvent};
use crate::ir::{Callee, FunctionShape, LocalId, Operand, Overrides, Rvalue, StatementKind};
use crate::program::{ClassRef, Def, FuncRef, MemberDef, MroEntry, Program};
use crate::rules::contract_method::uses_result;
use crate::settings::{Contract, Demand, Place, Who};
use crate::source::Span;

/// A contract to check, and who has to keep it.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// The name of the method that is looked at.
    pub method: &'a str,
    /// For an inferred contract, the classes that have to keep it, and why.
    pub inferred: Option<Grounds<'a>>,
    /// What runs after the method, if the code that calls it was found.
    pub caller: Option<Caller<'a>>,
}

/// The code that runs after a contract method.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// The method that calls it, as `Class.method`.
    pub name: &'a str,
    /// Where it reads the place of the contract.
    pub read: Location,
}

/// The grounds of an inferred contract.
#[derive(Clone, Copy)]
pub struct Grounds<'a> {
    /// The class whose method depends on the contract.
    pub class: ClassRef,
    /// The classes that have to keep it.
    pub under: &'a BTreeSet<ClassRef>,
    /// The evidence in words.
    pub note: &'a str,
}

/// Whether `class`, which has the method from `owner`, must keep the contract.
pub(super) fn must_keep(
    program: &Program<'_>,
    class: ClassRef,
    owner: ClassRef,
    task: Task<'_>,
) -> bool {
    match task.inferred {
        None => has_duty(program, class, owner, task),
        Some(grounds) => grounds.under.contains(&class) && !is_protocol(program, class),
    }
}

/// Whether the method is the default (`pass`) of a hook in the class that depends on it.
pub(super) fn is_default(
    program: &Program<'_>,
    owner: ClassRef,
    func: FuncRef,
    task: Task<'_>,
) -> bool {
    let Some(grounds) = task.inferred else {
        return false;
    };
    let module = program.module(func.module);
    module.ir.function(func.func).shape == FunctionShape::Pass
        && program
            .mro(grounds.class)
            .entries
            .contains(&MroEntry::Class(owner))
}

/// Whether a class is a protocol: it names `Protocol` among its own bases. What inherits from a protocol
/// implements it ([PEP 544](https://peps.python.org/pep-0544/)).
fn is_protocol(program: &Program<'_>, class: ClassRef) -> bool {
    let module = program.module(class.module);
    let class_ir = module.ir.class(class.class);
    class_ir.bases.iter().any(|base| {
        let def = program.resolve_expr(class.module, class_ir.parent, base);
        matches!(def, Def::External(path) if path.ends_with("Protocol"))
    })
}

/// Whether `class`, which has the method from `owner`, must keep the contract.
fn has_duty(program: &Program<'_>, class: ClassRef, owner: ClassRef, task: Task<'_>) -> bool {
    let mro = program.mro(class);
    let possible = |demand: &Demand| match demand {
        Demand::Store(place) => !place
            .attribute()
            .is_some_and(|attribute| program.lacks_field(class, attribute)),
        Demand::Return(_) | Demand::Call(_) => true,
    };
    if is_protocol(program, class) || !task.contract.demands.iter().any(possible) {
        return false;
    }
    if let Who::Methods {
        bases: Some(bases), ..
    } = &task.contract.who
    {
        return bases.iter().any(|b| {
            b == "*"
                || mro.entries.iter().any(|e| match e {
                    MroEntry::Class(c) => {
                        let m = program.module(c.module);
                        m.ir.class(c.class).name == b.as_str()
                    }
                    MroEntry::External(p) => p == b || p.rsplit('.').next() == Some(b),
                    MroEntry::Unknown => false,
                })
        });
    }
    match overrides(program, owner, task.method) {
        Overrides::Always => return true,
        Overrides::WhenInherited => return class != owner,
        Overrides::Never => return owns(program, class, task),
        Overrides::ByName => {}
    }
    let after = mro
        .entries
        .iter()
        .skip_while(|e| **e != MroEntry::Class(owner))
        .skip(1);
    for e in after {
        match e {
            MroEntry::Class(c) => {
                if program.own_member(*c, task.method).is_some() {
                    return true;
                }
            }
            MroEntry::External(p) if crate::program::is_transparent_base(p) => {}
            MroEntry::External(_) | MroEntry::Unknown => return true,
        }
    }
    owns(program, class, task)
}

/// Whether the class, or one that it inherits from, depends on the contract itself.
fn owns(program: &Program<'_>, class: ClassRef, task: Task<'_>) -> bool {
    let mro = program.mro(class);
    mro.entries
        .iter()
        .any(|e| matches!(e, MroEntry::Class(c) if calls_and_reads(program, *c, task)))
}

/// Whose declaration the definition of the method fulfils.
fn overrides(program: &Program<'_>, owner: ClassRef, method: &str) -> Overrides {
    let found = program.own_member(owner, method);
    let functions = found.iter().flatten().filter_map(|def| match def {
        MemberDef::Func(f) => Some(program.module(f.module).ir.function(f.func).overrides),
        _ => None,
    });
    functions.last().unwrap_or_default()
}

/// Whether a method of the class calls the contract method on its receiver, and uses the result if
/// the contract asks for one, reads the place, or prepares it by storing the attribute: such a class
/// owns the contract.
fn calls_and_reads(program: &Program<'_>, class: ClassRef, task: Task<'_>) -> bool {
    let m = program.module(class.module);
    let (method, contract) = (task.method, task.contract);
    let attributes: Vec<&str> = contract.places().filter_map(Place::attribute).collect();
    let is_place = |name: &str| attributes.contains(&name);
    m.ir.functions_of(class.class).any(|(_, f)| {
        if f.name == method || !f.body.may_mention(method) {
            return false;
        }
        if contract.asks_for_a_result() && uses_result(f, method) {
            return true;
        }
        if !attributes.iter().any(|name| f.body.may_mention(name)) {
            return false;
        }
        let mut calls = false;
        let receiver = Operand::Local(LocalId(0));
        let mut statements = f.body.blocks.iter().flat_map(|block| &block.statements);
        let mut reads = statements.any(|s| match &s.kind {
            StatementKind::SetField { object, field, .. } => *object == receiver && is_place(field),
            _ => false,
        });
        f.body.for_each_rvalue(|_, _, rvalue| match rvalue {
            Rvalue::GetField(object, name) => {
                reads |= *object == receiver && is_place(name);
            }
            Rvalue::Call {
                callee:
                    Callee::Method {
                        receiver: on, name, ..
                    },
                ..
            } => calls |= *on == receiver && name == method,
            _ => {}
        });
        calls && reads
    })
}

/// Whether the last thing that led to the exit is a test, rather than a helper.
pub(in crate::rules) fn decided_last(events: &[PathEvent]) -> bool {
    let of =
        |wanted: fn(&EventKind) -> bool| events.iter().rposition(|e| e.matters && wanted(&e.what));
    let decided = of(|what| matches!(what, EventKind::Decision(..)));
    let left = events
        .iter()
        .rposition(|e| matches!(e.what, EventKind::Left));
    decided > left
}

/// The helper of the class that an inherited method entered last on the path, and where the path
/// left it.
pub(in crate::rules) fn own_helper(
    program: &Program<'_>,
    class: Option<ClassRef>,
    func: FuncRef,
    events: &[PathEvent],
) -> Option<(FuncRef, Span)> {
    let class = class?;
    let module = program.module(func.module);
    let owner = module.ir.function(func.func).class;
    if func.module == class.module && owner == Some(class.class) || owner.is_none() {
        return None;
    }
    let entered = events.iter().rev().find_map(|e| match e.what {
        EventKind::Entered(f) => Some(f),
        _ => None,
    })?;
    let m = program.module(entered.module);
    let helper = m.ir.function(entered.func);
    if entered.module != class.module || helper.class != Some(class.class) {
        return None;
    }
    let left = events.iter().rev().find(|e| e.what == EventKind::Left)?;
    Some((entered, left.span))
}
