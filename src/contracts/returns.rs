//! What the definitions of a hook return: evidence of what their authors take the contract to be, not
//! a verdict.

use crate::contracts::numbers::{is_number, returned};
use crate::contracts::results::{expects_none, is_none};
use crate::contracts::stores::{Sets, Stores};
use crate::contracts::view::{Entry, View};
use crate::ir::{
    Arg, ArgKind, Callee, DictItem, Function, FunctionShape, Literal, LocalId, Name, Operand,
    Overrides, Rvalue, StatementKind, StaticExpr, StaticExprKind,
};
use crate::program::{ClassRef, Def, FuncRef, Lookup};
use crate::settings::Step;

/// Calls nested deeper than this are unclear.
const MAX_DEPTH: u32 = 3;
/// Chains of copies longer than this are unclear.
const MAX_HOPS: u32 = 4;

/// What a definition says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Says {
    /// It returns such a value, or not.
    Returns(Returned),
    /// None is an answer, or the call does not run it.
    Objects,
    /// Nothing: it never returns.
    Nothing,
}

/// What a definition returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Returned {
    /// How it comes to return such a value.
    pub sets: Sets,
    /// On some path it surely returns none.
    pub lacks: bool,
    /// It is known to be a number.
    pub number: bool,
}

impl Returned {
    const UNCLEAR: Self = Self {
        sets: Sets::Unclear,
        lacks: false,
        number: false,
    };
}

/// What is asked.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub class: ClassRef,
    pub steps: &'a [Step],
    pub awaited: bool,
}

/// Whether the header of a definition speaks against a contract about what it returns: the language
/// enforces one anyway, or the annotation says that there may be nothing.
pub(super) fn objects(function: &Function) -> bool {
    function.overrides != Overrides::ByName || expects_none(function.returns.as_deref())
}

/// What a definition says.
pub(super) fn says(stores: &Stores<'_>, func: FuncRef, asked: Asked<'_>) -> Says {
    let module = stores.program.module(func.module);
    let function = module.ir.function(func.func);
    let nothing = function.returns.as_deref().is_some_and(is_none);
    if function.is_generator || function.is_async != asked.awaited || objects(function) && !nothing
    {
        return Says::Objects;
    }
    let marked = |decorator: &StaticExpr| {
        matches!(&decorator.kind, StaticExprKind::Path(path)
            if path.last().is_some_and(|name| matches!(name.as_str(), "abstractmethod" | "override" | "final")))
    };
    if !function.decorators.iter().all(marked) {
        return Says::Returns(Returned::UNCLEAR);
    }
    let Some(mut found) = outcome(stores, func, asked, 0) else {
        return Says::Nothing;
    };
    let declared = function.returns.as_deref().is_some_and(|expr| {
        matches!(&expr.kind, StaticExprKind::Path(path)
            if path.last().is_some_and(|name| name == "int" || name == "float"))
    });
    found.number |= declared;
    Says::Returns(found)
}

/// What one exit returns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// None, or a value that lacks the part.
    Lacks,
    /// It depends.
    Either,
    Unclear,
    Has,
}

/// How a function returns what is asked; `None` if it never returns.
fn outcome(stores: &Stores<'_>, func: FuncRef, asked: Asked<'_>, depth: u32) -> Option<Returned> {
    let module = stores.program.module(func.module);
    let function = module.ir.function(func.func);
    if function.body.content().broken.is_some() {
        return Some(Returned::UNCLEAR);
    }
    let view = stores.view(&module, func, (asked.class, Entry::method()));
    let finder = Finder {
        stores,
        view: &view,
        asked,
        depth,
    };
    let exits = returned(&function.body);
    let values: Vec<Value> = exits.iter().map(|value| finder.value(value, 0)).collect();
    let last = *values.last()?;
    let number = exits
        .iter()
        .any(|value| asked.steps.is_empty() && is_number(stores, &view, value));
    let literal =
        |value: &&Operand| matches!(value, Operand::Const(literal) if *literal != Literal::None);
    let has = values.iter().filter(|value| **value == Value::Has).count();
    let sets = if last == Value::Has || has > 1 && exits.iter().any(literal) {
        Sets::Deliberately
    } else if has > 0 || values.contains(&Value::Either) {
        Sets::Somewhere
    } else if values.contains(&Value::Unclear) {
        Sets::Unclear
    } else {
        Sets::Never
    };
    let lacks = values.contains(&Value::Lacks) || values.contains(&Value::Either);
    Some(Returned {
        sets,
        lacks,
        number,
    })
}

struct Finder<'a, 'p, 'm> {
    stores: &'a Stores<'p>,
    view: &'a View<'p, 'm>,
    asked: Asked<'a>,
    depth: u32,
}

impl Finder<'_, '_, '_> {
    fn value(&self, operand: &Operand, hops: u32) -> Value {
        let local = match operand {
            Operand::Const(Literal::None) => return Value::Lacks,
            Operand::Const(_) if self.asked.steps.is_empty() => return Value::Has,
            Operand::Const(_) => return Value::Lacks,
            Operand::Local(local) => *local,
        };
        if hops > MAX_HOPS {
            return Value::Unclear;
        }
        let values = self.view.values_of(local);
        let each = values
            .iter()
            .map(|rvalue| self.made_by(local, rvalue, hops));
        let each: Vec<Value> = each.collect();
        match each.as_slice() {
            [] => Value::Unclear,
            [first, rest @ ..] if rest.iter().all(|value| value == first) => *first,
            all if all.contains(&Value::Unclear) => Value::Unclear,
            _ => Value::Either,
        }
    }

    fn made_by(&self, local: LocalId, rvalue: &Rvalue, hops: u32) -> Value {
        match rvalue {
            Rvalue::Use(from) | Rvalue::Await(from) => self.value(from, hops + 1),
            Rvalue::Call { callee, args } => self.called(local, callee, args),
            _ if self.asked.steps.is_empty() => Value::Has,
            Rvalue::Dict(items) => self.displayed(local, items),
            Rvalue::Global(_) | Rvalue::GetField(..) | Rvalue::GetItem(..) => Value::Unclear,
            _ => self.filled_in(local, Value::Lacks),
        }
    }

    fn key(&self) -> Option<&str> {
        match self.asked.steps {
            [Step::Key(key)] => Some(key),
            _ => None,
        }
    }

    fn field(&self) -> Option<&str> {
        match self.asked.steps {
            [Step::Field(name)] => Some(name),
            _ => None,
        }
    }

    fn displayed(&self, local: LocalId, items: &[DictItem]) -> Value {
        let Some(wanted) = self.key() else {
            return Value::Lacks;
        };
        let mut otherwise = Value::Lacks;
        for item in items {
            match item {
                DictItem::Pair(key, _) => match self.view.text(key) {
                    Some(key) if key == wanted => return Value::Has,
                    Some(_) => {}
                    None => otherwise = Value::Unclear,
                },
                DictItem::Spread(_) => otherwise = Value::Unclear,
            }
        }
        self.filled_in(local, otherwise)
    }

    /// Whether the part of a local is stored, whatever made it; what holds if it is not.
    fn filled_in(&self, local: LocalId, otherwise: Value) -> Value {
        let is_it = |object: &Operand| {
            *object == Operand::Local(local)
                || matches!(self.view.source(object), Some(Rvalue::Use(Operand::Local(from))) if *from == local)
                || matches!((object, self.copied_from(local)), (Operand::Local(to), Some(from)) if *to == from)
        };
        let mut out = otherwise;
        let blocks = self.view.function.body.blocks.iter();
        for statement in blocks.flat_map(|block| &block.statements) {
            match &statement.kind {
                StatementKind::SetItem { object, key, .. } if is_it(object) => {
                    match (self.view.text(key), self.key()) {
                        (Some(key), Some(wanted)) if key == wanted => return Value::Has,
                        (None, Some(_)) => out = Value::Unclear,
                        _ => {}
                    }
                }
                StatementKind::SetField { object, field, .. }
                    if is_it(object) && self.field() == Some(field.as_str()) =>
                {
                    return Value::Has;
                }
                _ => {}
            }
        }
        let mut given = false;
        self.view.function.body.for_each_rvalue(|_, _, rvalue| {
            if let Rvalue::Call { callee, args } = rvalue {
                let on = matches!(callee, Callee::Method { receiver, .. } if is_it(receiver));
                given |= on || args.iter().any(|arg| is_it(&arg.value));
            }
        });
        // Whoever gets it may fill it in.
        if given { Value::Unclear } else { out }
    }

    fn copied_from(&self, local: LocalId) -> Option<LocalId> {
        match self.view.source(&Operand::Local(local)) {
            Some(Rvalue::Use(Operand::Local(from))) => Some(*from),
            _ => None,
        }
    }

    fn called(&self, local: LocalId, callee: &Callee, args: &[Arg]) -> Value {
        let given = |name: &str| {
            args.iter()
                .any(|arg| matches!(&arg.kind, ArgKind::Keyword(keyword) if keyword == name))
        };
        let unknown = if self.asked.steps.is_empty() {
            Value::Has
        } else {
            self.filled_in(local, Value::Unclear)
        };
        match callee {
            Callee::Method { receiver, name, .. } => {
                let parent = matches!(self.view.source(receiver), Some(Rvalue::Super { .. }));
                if parent || self.view.is_receiver(receiver) {
                    return self.own(name, parent);
                }
                match self.view.named(receiver) {
                    Some(def) => self.defined(
                        &self.stores.program.attribute_of(&def, name),
                        &given,
                        unknown,
                    ),
                    None => unknown,
                }
            }
            Callee::Value(value) => match self.view.named(value) {
                Some(Def::External(name)) if name == "dict" => match self.key() {
                    Some(key) if given(key) => Value::Has,
                    _ => unknown,
                },
                Some(def) => self.defined(&def, &given, unknown),
                None => unknown,
            },
        }
    }

    /// What a call of a definition returns.
    fn defined(&self, def: &Def, given: &dyn Fn(&str) -> bool, unknown: Value) -> Value {
        match (def, self.field()) {
            (Def::Func(func), _) => self.function(*func),
            (Def::Class(class), Some(field)) => {
                let has = matches!(
                    self.stores.program.lookup(*class, field, None),
                    Lookup::Found(..)
                );
                let declared = self.stores.program.declared(*class, field).is_some();
                let stored = || {
                    let module = self.stores.program.module(class.module);
                    module.stores(field)
                };
                if given(field) || has || declared || stored() {
                    Value::Has
                } else {
                    unknown
                }
            }
            (Def::External(_), Some(field)) if given(field) => Value::Has,
            _ => unknown,
        }
    }

    /// What a method of the receiver returns.
    fn own(&self, name: &Name, parent: bool) -> Value {
        let owner = self.view.function.class.map(|class| ClassRef {
            module: self.view.module.id,
            class,
        });
        let after = parent.then_some(owner).flatten();
        let method = self.stores.program.method(self.asked.class, name, after);
        method.map_or(Value::Unclear, |func| self.function(func))
    }

    fn function(&self, func: FuncRef) -> Value {
        let module = self.stores.program.module(func.module);
        let function = module.ir.function(func.func);
        if self.depth >= MAX_DEPTH
            || function.shape != FunctionShape::Code
            || function.is_generator
            || !function.decorators.is_empty()
        {
            return Value::Unclear;
        }
        match outcome(self.stores, func, self.asked, self.depth + 1) {
            None => Value::Unclear,
            Some(found) => match found.sets {
                Sets::Never => Value::Lacks,
                Sets::Unclear => Value::Unclear,
                Sets::Somewhere | Sets::Deliberately if found.lacks => Value::Either,
                Sets::Somewhere | Sets::Deliberately => Value::Has,
            },
        }
    }
}
