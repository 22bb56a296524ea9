//! Constants: the values of names and expressions that can be read without executing code.

use crate::engine::values::value::{Term, Value, literal_truth};
use crate::engine::{Engine, FnContext};
use crate::ir::{BinOp, Binding, Literal, Name, Nature, ScopeIdx, StaticExpr, StaticExprKind};
use crate::program::{ClassRef, Def, Lookup, MemberDef, ModuleId, Program};

impl Engine<'_> {
    pub(in crate::engine) fn class_attribute(
        &mut self,
        c: ClassRef,
        field: &Name,
    ) -> Option<Value> {
        if field == "__name__" {
            let m = self.program.module(c.module);
            let name = m.ir.class(c.class).name.clone();
            return Some(self.terms.str(&name));
        }
        let Lookup::Found(owner, defs) = self.member(c, field, None) else {
            return None;
        };
        match defs.as_slice() {
            [MemberDef::Func(f)] => Some(self.terms.make(Term::Func(*f))),
            [MemberDef::Def(def)] => {
                if self.is_enumeration(owner) && !field.starts_with('_') {
                    return Some(self.terms.make(Term::Member(owner, field.clone())));
                }
                self.class_constant(c, owner, field, def)
            }
            [MemberDef::Unknown] if self.is_enumeration(owner) => {
                Some(self.terms.make(Term::Member(owner, field.clone())))
            }
            _ => None,
        }
    }

    /// The constant value of an attribute that `owner` defines, for `c` and its instances. `None`
    /// if the class body gives only the initial value. Falsy values, annotated attributes and
    /// collections are usually there for other code to set or fill. Any other value configures the
    /// class, unless the program stores to the attribute.
    pub(in crate::engine) fn class_constant(
        &mut self,
        c: ClassRef,
        owner: ClassRef,
        field: &Name,
        def: &Def,
    ) -> Option<Value> {
        let v = self.def_value(def, owner.module, field, 0);
        if matches!(self.terms.term(v), Term::Global(..)) {
            return None;
        }
        // Nobody can set what a type defines.
        if self.is_record(owner) || !is_default(self.program, owner, field) {
            return Some(v);
        }
        let promise = is_promised(self.program, owner, field);
        let falsy = match self.terms.term(v) {
            Term::Lit(l) => !literal_truth(l),
            Term::Tuple(items) => items.is_empty(),
            _ => false,
        };
        let is_open = promise == Some(false) || promise.is_none() && falsy;
        (!is_open && !self.may_store(c, field, is_mutable(def))).then_some(v)
    }

    /// The value of a name, given its definition.
    pub(crate) fn def_value(
        &mut self,
        def: &Def,
        module: ModuleId,
        name: &str,
        depth: u32,
    ) -> Value {
        match def {
            Def::Func(f) => self.terms.make(Term::Func(*f)),
            Def::Class(c) => self.terms.make(Term::Class(*c)),
            Def::Module(m) => self.terms.make(Term::Module(*m)),
            Def::External(p) => self.terms.make(Term::External(p.clone())),
            Def::Value(m, scope, expr) => match self.static_value(*m, *scope, expr, depth) {
                Some(v) => v,
                None => self.terms.make(Term::Global(*m, name.into())),
            },
            Def::Unknown | Def::Namespace(..) => self.terms.make(Term::Global(module, name.into())),
        }
    }

    /// The value of a path in the scope of the function.
    pub(in crate::engine) fn path_value(&mut self, cx: &FnContext, path: &[Name]) -> Value {
        let (module, scope) = (cx.func.module, cx.function().scope);
        if let [owner @ .., last] = path
            && !owner.is_empty()
        {
            // A class may inherit the member, and a member of an enumeration is a value.
            if let Def::Class(c) = self.program.resolve_path(module, scope, owner) {
                if let Some(v) = self.class_attribute(c, last) {
                    return v;
                }
                if let Lookup::Found(..) = self.member(c, last, None) {
                    let class = self.terms.make(Term::Class(c));
                    return self.terms.make(Term::Field(class, last.clone()));
                }
            }
        }
        let expr = StaticExpr {
            kind: StaticExprKind::Path(path.to_vec()),
            span: crate::source::Span::default(),
        };
        match self.static_value(module, scope, &expr, 0) {
            Some(v) => v,
            None => self.terms.make(Term::Global(module, path.join(".").into())),
        }
    }

    /// The value of a constant expression.
    pub(crate) fn static_value(
        &mut self,
        m: ModuleId,
        scope: ScopeIdx,
        e: &StaticExpr,
        depth: u32,
    ) -> Option<Value> {
        const MAX_CONSTANT_DEPTH: u32 = 12;
        if depth > MAX_CONSTANT_DEPTH {
            return None;
        }
        match &e.kind {
            StaticExprKind::Literal(l) => Some(self.terms.lit(l.clone())),
            StaticExprKind::Path(p) => {
                let def = self.program.resolve_path(m, scope, p);
                match (&def, p.as_slice()) {
                    (Def::Unknown, [.., _, last]) => {
                        // `Color.RED`
                        if let Def::Class(c) =
                            self.program.resolve_path(m, scope, &p[..p.len() - 1])
                            && self.program.is_enum(c)
                        {
                            return Some(self.terms.make(Term::Member(c, last.clone())));
                        }
                        None
                    }
                    (Def::Unknown, _) => None,
                    (Def::Value(vm, vs, expr), _) => {
                        if let [.., _, last] = p.as_slice()
                            && let Def::Class(c) =
                                self.program.resolve_path(m, scope, &p[..p.len() - 1])
                            && self.program.is_enum(c)
                        {
                            return Some(self.terms.make(Term::Member(c, last.clone())));
                        }
                        let (vm, vs, expr) = (*vm, *vs, expr.clone());
                        self.static_value(vm, vs, &expr, depth + 1)
                    }
                    _ => Some(self.def_value(&def, m, "", depth + 1)),
                }
            }
            // A collection that starts empty is there to be filled.
            StaticExprKind::List(items) | StaticExprKind::Set(items) if items.is_empty() => None,
            StaticExprKind::Tuple(items)
            | StaticExprKind::List(items)
            | StaticExprKind::Set(items) => {
                let vs: Option<Vec<Value>> = items
                    .iter()
                    .map(|i| self.static_value(m, scope, i, depth + 1))
                    .collect();
                Some(self.terms.make(Term::Tuple(vs?.into())))
            }
            StaticExprKind::Binary(op, a, b) => {
                let a = self.static_value(m, scope, a, depth + 1)?;
                let b = self.static_value(m, scope, b, depth + 1)?;
                self.fold(*op, a, b)
            }
            StaticExprKind::Format(parts) => {
                let mut out = String::new();
                for p in parts {
                    let v = self.static_value(m, scope, p, depth + 1)?;
                    out.push_str(&literal_text(self.terms.literal(v)?)?);
                }
                Some(self.terms.str(&out))
            }
            StaticExprKind::Call(callee, args, _) => match &callee.kind {
                // `frozenset({...})`, `tuple([...])`
                StaticExprKind::Path(p)
                    if args.len() == 1
                        && matches!(p.as_slice(), [n] if matches!(n.as_str(), "frozenset" | "set" | "tuple" | "list")) =>
                {
                    self.static_value(m, scope, &args[0], depth + 1)
                }
                _ => None,
            },
            StaticExprKind::Lambda(f) => {
                Some(self.terms.make(Term::Func(crate::program::FuncRef {
                    module: m,
                    func: *f,
                })))
            }
            _ => None,
        }
    }

    /// Whether a name of a module is defined by a display that has items, and its capitals say that nobody
    /// takes them out.
    pub(in crate::engine) fn is_filled_constant(&self, module: ModuleId, name: &str) -> bool {
        is_in_capitals(name)
            && match self.program.resolve_global(module, name) {
                Def::Value(_, _, expr) => match &expr.kind {
                    StaticExprKind::List(items)
                    | StaticExprKind::Tuple(items)
                    | StaticExprKind::Set(items) => !items.is_empty(),
                    StaticExprKind::Dict(items) => !items.is_empty(),
                    _ => false,
                },
                _ => false,
            }
    }

    pub(in crate::engine) fn fold(&mut self, op: BinOp, a: Value, b: Value) -> Option<Value> {
        let folded = match (op, self.terms.literal(a)?, self.terms.literal(b)?) {
            (BinOp::Add, Literal::Str(x), Literal::Str(y)) => {
                Literal::Str(format!("{x}{y}").into())
            }
            (BinOp::Add, Literal::Int(x), Literal::Int(y)) => Literal::Int(x.checked_add(*y)?),
            (BinOp::Sub, Literal::Int(x), Literal::Int(y)) => Literal::Int(x.checked_sub(*y)?),
            (BinOp::Mul, Literal::Int(x), Literal::Int(y)) => Literal::Int(x.checked_mul(*y)?),
            (BinOp::FloorDiv, Literal::Int(x), Literal::Int(y)) if *y > 0 => {
                Literal::Int(x.div_euclid(*y))
            }
            (BinOp::Mod, Literal::Int(x), Literal::Int(y)) if *y > 0 => {
                Literal::Int(x.rem_euclid(*y))
            }
            (BinOp::Pow, Literal::Int(x), Literal::Int(y)) => {
                Literal::Int(x.checked_pow(u32::try_from(*y).ok()?)?)
            }
            _ => return None,
        };
        Some(self.terms.lit(folded))
    }
}

/// Whether a class binds a name to a value, and not to a function, a class or an import.
fn is_default(program: &Program<'_>, owner: ClassRef, field: &str) -> bool {
    let m = program.module(owner.module);
    let scope = m.ir.scope(m.ir.class(owner.class).scope);
    scope.bindings.get(field).is_none_or(|sites| {
        sites
            .iter()
            .any(|site| matches!(site.binding, Binding::Value(_)))
    })
}

/// Whether a class says by annotation or by a name in capitals that an attribute keeps its value.
/// `Some(false)` if the annotation makes it a field; `None` if the class says neither.
fn is_promised(program: &Program<'_>, owner: ClassRef, field: &str) -> Option<bool> {
    let m = program.module(owner.module);
    let scope = m.ir.scope(m.ir.class(owner.class).scope);
    let sites = scope.bindings.get(field);
    let declared = sites
        .into_iter()
        .flatten()
        .find_map(|site| match &site.binding {
            Binding::Declared(annotation) => Some(annotation.is_promise()),
            _ => None,
        });
    if is_in_capitals(field) {
        return Some(true);
    }
    declared
}

/// Whether an attribute of a class is a field that other code sets.
pub(in crate::engine) fn is_field(program: &Program<'_>, owner: ClassRef, field: &str) -> bool {
    let m = program.module(owner.module);
    m.ir.class(owner.class).nature != Nature::Open
        || !is_default(program, owner, field)
        || is_promised(program, owner, field) == Some(false)
}

fn is_in_capitals(name: &str) -> bool {
    name.chars().any(char::is_uppercase) && !name.chars().any(char::is_lowercase)
}

/// Whether a definition is a mutable collection.
fn is_mutable(def: &Def) -> bool {
    let Def::Value(_, _, expr) = def else {
        return false;
    };
    match &expr.kind {
        StaticExprKind::List(_) | StaticExprKind::Set(_) | StaticExprKind::Dict(_) => true,
        StaticExprKind::Call(callee, ..) => {
            matches!(&callee.kind, StaticExprKind::Path(p)
                if matches!(p.as_slice(), [n] if n == "list" || n == "set"))
        }
        _ => false,
    }
}

/// `str()` of a literal, if the text is the same in every version of Python.
pub(crate) fn literal_text(l: &Literal) -> Option<String> {
    Some(match l {
        Literal::Str(s) => s.to_string(),
        Literal::Int(i) => i.to_string(),
        Literal::Bool(b) => if *b { "True" } else { "False" }.to_string(),
        Literal::None => "None".to_string(),
        _ => return None,
    })
}
