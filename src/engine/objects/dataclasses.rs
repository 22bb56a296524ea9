//! Instances of data classes: what the `__init__` that nobody wrote stores.

use crate::engine::Engine;
use crate::engine::calls::args::Args;
use crate::engine::values::fact::{Interval, Kind};
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Value};
use crate::ir::{Binding, BindingSite, Name, StaticExpr, StaticExprKind};
use crate::order::Order as _;
use crate::program::{ClassRef, Def, Lookup, MroEntry, Program};

/// The parts of a call's site at which the fields of a new instance are made.
const FIRST_FIELD: u32 = 300;

/// A field of a data class, in the order of the parameters of its `__init__`.
struct Field {
    name: Name,
    default: Initial,
}

/// What a field is without an argument.
enum Initial {
    /// This expression in the body of the class.
    Value(ClassRef, StaticExpr),
    /// A new and empty collection.
    Empty(Kind),
    Unknown,
}

impl Engine<'_> {
    /// Stores what the generated `__init__` of a data class stores. Where that is not known, nothing
    /// is: the fields can be anything.
    pub(in crate::engine) fn fill_fields(
        &mut self,
        state: &mut State,
        class: ClassRef,
        object: Value,
        args: &Args,
        site: Site,
    ) {
        let has_more = !matches!(self.member(class, "__post_init__", None), Lookup::Missing);
        if has_more || !args.is_plain() {
            return;
        }
        let Some(fields) = fields(self.program, class) else {
            return;
        };
        for ((position, field), part) in fields.iter().enumerate().zip(FIRST_FIELD..) {
            let value = args.get(position, &field.name).or_else(|| {
                let site = Site { part, ..site };
                match &field.default {
                    Initial::Value(owner, expr) => {
                        let module = self.program.module(owner.module);
                        let scope = module.ir.class(owner.class).scope;
                        self.static_value(owner.module, scope, expr, 0)
                    }
                    Initial::Empty(Kind::List) => Some(self.list_of(state, &[], site)),
                    Initial::Empty(kind) => {
                        let mut fact = Self::sized(*kind, Interval::point(0));
                        fact.closed = true;
                        Some(self.fresh_with(state, site, fact))
                    }
                    Initial::Unknown => None,
                }
            });
            if let Some(value) = value {
                self.set_field(state, object, &field.name, value);
            }
        }
    }
}

/// The fields of a class that is a data class or inherits the `__init__` of one; `None` if it is
/// not, or if something about its `__init__` is not known.
fn fields(program: &Program<'_>, class: ClassRef) -> Option<Vec<Field>> {
    let classes = |class| {
        let entries = program.mro(class).entries.clone();
        entries.into_iter().filter_map(|entry| match entry {
            MroEntry::Class(c) => Some(c),
            MroEntry::External(_) | MroEntry::Unknown => None,
        })
    };
    let owner = classes(class).find(|c| is_data_class(program, *c))?;
    if !program.fully_resolved(class) {
        return None;
    }
    let mut fields: Vec<Field> = Vec::new();
    let mut family: Vec<ClassRef> = classes(owner).collect();
    family.reverse();
    for c in family.into_iter().filter(|c| is_data_class(program, *c)) {
        let module = program.module(c.module);
        let bindings = &module.ir.scope(module.ir.class(c.class).scope).bindings;
        let mut declared: Vec<(&Name, &[BindingSite], u32)> = bindings
            .iter()
            .filter_map(|(name, sites)| {
                let at = sites.iter().find(|site| is_field(site))?;
                Some((name, sites.as_slice(), at.span.start))
            })
            .collect();
        declared.order_by_key(|(.., at)| *at);
        for (name, sites, _) in declared {
            let default = initial(c, sites)?;
            match fields.iter_mut().find(|field| field.name == *name) {
                Some(field) => field.default = default,
                None => fields.push(Field {
                    name: name.clone(),
                    default,
                }),
            }
        }
    }
    Some(fields)
}

fn is_data_class(program: &Program<'_>, class: ClassRef) -> bool {
    let module = program.module(class.module);
    let class_ir = module.ir.class(class.class);
    class_ir.decorators.iter().any(|decorator| {
        let (callee, changed) = match &decorator.kind {
            StaticExprKind::Call(callee, _, keywords) => {
                let changes = |n: &Name| n == "init" || n == "kw_only";
                (&**callee, keywords.iter().any(|(n, _)| changes(n)))
            }
            _ => (decorator, false),
        };
        let def = program.resolve_expr(class.module, class_ir.parent, callee);
        !changed && matches!(def, Def::External(path) if path == "dataclasses.dataclass")
    })
}

/// Whether a binding declares a field: an annotation, but not that of a class variable.
fn is_field(site: &BindingSite) -> bool {
    matches!(&site.binding, Binding::Declared(annotation) if !says(annotation, "ClassVar"))
}

/// Whether an annotation is this name, with or without a type.
fn says(annotation: &StaticExpr, name: &str) -> bool {
    match &annotation.kind {
        StaticExprKind::Path(path) => path.last().is_some_and(|last| last == name),
        StaticExprKind::Subscript(base, _) => says(base, name),
        _ => false,
    }
}

/// What a field is without an argument; `None` if it is no simple parameter.
fn initial(class: ClassRef, sites: &[BindingSite]) -> Option<Initial> {
    let mut default = Initial::Unknown;
    for site in sites {
        match &site.binding {
            _ if site.conditional => return None,
            Binding::Declared(annotation) => {
                if ["InitVar", "KW_ONLY"].iter().any(|n| says(annotation, n)) {
                    return None;
                }
            }
            Binding::Value(expr) => default = of_value(class, expr)?,
            _ => return None,
        }
    }
    Some(default)
}

fn of_value(class: ClassRef, expr: &StaticExpr) -> Option<Initial> {
    let StaticExprKind::Call(callee, _, keywords) = &expr.kind else {
        return Some(Initial::Value(class, expr.clone()));
    };
    if !says(callee, "field") {
        return Some(Initial::Unknown);
    }
    let mut default = Initial::Unknown;
    for (name, value) in keywords {
        match name.as_str() {
            "init" | "kw_only" => return None,
            "default" => default = Initial::Value(class, value.clone()),
            "default_factory" if says(value, "list") => default = Initial::Empty(Kind::List),
            "default_factory" if says(value, "dict") => default = Initial::Empty(Kind::Dict),
            _ => {}
        }
    }
    Some(default)
}
