//! What constants stand for in the code of one function.

use super::FunctionCode;
use crate::ir::{Literal, LocalId, Name, Operand, Rvalue, ScopeIdx, StaticExpr, StaticExprKind};
use crate::program::{ClassRef, Def, Lookup, MemberDef, ModuleId, Program};

/// Definitions nested deeper than this may stand for any text.
pub const MAX_DEPTH: u32 = 8;

/// The scope in which a function looks constants up.
#[derive(Clone, Copy)]
pub struct Constants<'p> {
    /// The program.
    pub program: &'p Program<'p>,
    /// The module of the function.
    pub module: ModuleId,
    /// The scope of the function.
    pub scope: ScopeIdx,
    /// The class of the function.
    pub class: Option<ClassRef>,
}

impl Constants<'_> {
    /// What a dotted path means in the scope.
    pub fn resolve(&self, path: &[Name]) -> Def {
        self.program.resolve_path(self.module, self.scope, path)
    }

    /// Whether one of the texts that a dotted path stands for satisfies `test`.
    pub fn path(&self, path: &[Name], test: &dyn Fn(&str) -> bool) -> bool {
        if let [owner @ .., last] = path
            && !owner.is_empty()
            && let Def::Class(class) = self.resolve(owner)
            && self.member(class, last, test)
        {
            return true;
        }
        self.def(&self.resolve(path), test, 0)
    }

    /// The same for an attribute of a class, which may be inherited.
    pub fn member(&self, class: ClassRef, name: &str, test: &dyn Fn(&str) -> bool) -> bool {
        let Lookup::Found(_, defs) = self.program.lookup(class, name, None) else {
            return false;
        };
        defs.iter()
            .any(|def| matches!(def, MemberDef::Def(def) if self.def(def, test, 0)))
    }

    fn def(&self, def: &Def, test: &dyn Fn(&str) -> bool, depth: u32) -> bool {
        match def {
            Def::Value(module, scope, expr) => self.expr((*module, *scope), expr, test, depth),
            _ => false,
        }
    }

    /// `at` are the module and the scope of the expression.
    fn expr(
        &self,
        at: (ModuleId, ScopeIdx),
        expr: &StaticExpr,
        test: &dyn Fn(&str) -> bool,
        depth: u32,
    ) -> bool {
        if depth > MAX_DEPTH {
            return true;
        }
        let go = |e: &StaticExpr| self.expr(at, e, test, depth + 1);
        match &expr.kind {
            StaticExprKind::Literal(Literal::Str(text)) => test(text),
            StaticExprKind::Literal(_) | StaticExprKind::Lambda(_) | StaticExprKind::Opaque => {
                false
            }
            StaticExprKind::Path(path) => {
                path.last().is_some_and(|name| test(name)) || {
                    let def = self.program.resolve_path(at.0, at.1, path);
                    self.def(&def, test, depth + 1)
                }
            }
            StaticExprKind::Call(callee, args, keywords) => {
                go(callee) || args.iter().any(go) || keywords.iter().any(|(_, e)| go(e))
            }
            StaticExprKind::Subscript(a, b) | StaticExprKind::Binary(_, a, b) => go(a) || go(b),
            StaticExprKind::Format(items)
            | StaticExprKind::List(items)
            | StaticExprKind::Tuple(items)
            | StaticExprKind::Set(items) => items.iter().any(go),
            StaticExprKind::Dict(items) => items.iter().any(|(k, v)| go(k) || go(v)),
        }
    }
}

/// Whether a name may be that of a constant.
pub fn is_constant(name: &str) -> bool {
    name.chars().all(|c| !c.is_lowercase())
}

/// The same for an attribute: `matrix.T` is no constant.
pub fn is_constant_attribute(name: &str) -> bool {
    name.len() > 1 && is_constant(name)
}

impl FunctionCode<'_> {
    /// Whether an rvalue, a global name or an attribute, may stand for a text that satisfies
    /// `test`. If it is an attribute of an unknown object, it may.
    pub fn stands_for(
        &self,
        r: &Rvalue,
        constants: Constants<'_>,
        test: &dyn Fn(&str) -> bool,
    ) -> bool {
        let mut path = Vec::new();
        let mut at = r;
        loop {
            match at {
                Rvalue::Global(name) => {
                    path.push(name.clone());
                    path.reverse();
                    return constants.path(&path, test);
                }
                Rvalue::GetField(Operand::Local(l), name) if path.len() < MAX_DEPTH as usize => {
                    path.push(name.clone());
                    let receiver = *l == LocalId(0) && constants.class.is_some();
                    if let Some(stored) = self.cell_values(*l) {
                        let mut stored = stored.into_iter();
                        return stored.any(|o| self.cell_stands_for(o, constants, test));
                    }
                    match self.definitions(*l) {
                        [] if receiver && path.len() == 1 => {
                            let class = constants.class;
                            return class.is_some_and(|c| constants.member(c, name, test));
                        }
                        [(r, _)] => at = r,
                        _ => return true,
                    }
                }
                Rvalue::Use(Operand::Local(l)) => match self.definitions(*l) {
                    [(r, _)] => at = r,
                    _ => return true,
                },
                _ => return true,
            }
        }
    }

    /// The same for a value that is stored in a cell.
    fn cell_stands_for(
        &self,
        stored: &Operand,
        constants: Constants<'_>,
        test: &dyn Fn(&str) -> bool,
    ) -> bool {
        match stored {
            Operand::Const(Literal::Str(text)) => test(text),
            Operand::Const(_) => false,
            Operand::Local(l) => self.definitions(*l).iter().any(|(r, _)| match r {
                Rvalue::Global(name) => constants.path(std::slice::from_ref(name), test),
                Rvalue::Format(_) | Rvalue::Binary(..) => true,
                _ => false,
            }),
        }
    }
}
