//! What names, annotations and expressions outside of functions mean.

use super::{Finder, Frame, Held, MAX_HOPS, common};
use crate::ir::{BinOp, Literal, LocalId, Name, ParamKind, ScopeIdx, StaticExpr, StaticExprKind};
use crate::presets::Of;
use crate::program::{ClassRef, Def, ModuleId};

impl Finder<'_, '_> {
    pub(super) fn param(&self, frame: &Frame<'_>, local: LocalId, hops: u32) -> Option<Held> {
        let param = frame.function.params.get(local.index())?;
        if matches!(param.kind, ParamKind::Star | ParamKind::DoubleStar) {
            return None;
        }
        let class = frame.function.class.map(|class| ClassRef {
            module: frame.func.module,
            class,
        });
        if let Some(annotation) = &param.annotation {
            return self.annotated(frame.header(), annotation, hops);
        }
        if local.index() == 0
            && frame.function.is_bound()
            && let Some(class) = class
        {
            return Some(Held::Object(class));
        }
        let none = param.default.as_ref().map(|default| &default.kind);
        matches!(none, Some(StaticExprKind::Literal(Literal::None))).then_some(Held::Nothing)
    }

    /// An object of the class that an annotation names.
    pub(super) fn annotated(
        &self,
        at: (ModuleId, ScopeIdx),
        annotation: &StaticExpr,
        hops: u32,
    ) -> Option<Held> {
        let hops = hops + 1;
        if hops > MAX_HOPS {
            return None;
        }
        match &annotation.kind {
            StaticExprKind::Literal(Literal::None) => Some(Held::Nothing),
            StaticExprKind::Literal(Literal::Str(text)) => {
                let words = text
                    .split('|')
                    .map(str::trim)
                    .filter(|word| *word != "None");
                let [path] = words.collect::<Vec<_>>()[..] else {
                    return None;
                };
                let path: Vec<Name> = path.split('.').map(Name::new).collect();
                self.object_of(at, &path, hops)
            }
            StaticExprKind::Binary(BinOp::BitOr, one, other) => {
                let both = [one, other].into_iter();
                common(both.map(|side| self.annotated(at, side, hops)))
            }
            StaticExprKind::Subscript(base, inner) => {
                let StaticExprKind::Path(path) = &base.kind else {
                    return None;
                };
                match path.last()?.as_str() {
                    "Optional" => self.annotated(at, inner, hops),
                    "Annotated" => match &inner.kind {
                        StaticExprKind::Tuple(parts) => self.annotated(at, parts.first()?, hops),
                        _ => None,
                    },
                    "Union" => match &inner.kind {
                        StaticExprKind::Tuple(parts) => {
                            common(parts.iter().map(|part| self.annotated(at, part, hops)))
                        }
                        _ => None,
                    },
                    _ => self.annotated(at, base, hops),
                }
            }
            // A handle of Rust.
            StaticExprKind::Call(_, inner, _) => self.annotated(at, inner.first()?, hops),
            StaticExprKind::Path(path) => self.object_of(at, path, hops),
            _ => None,
        }
    }

    /// An object of the class at a path.
    pub(super) fn object_of(
        &self,
        (module, scope): (ModuleId, ScopeIdx),
        path: &[Name],
        hops: u32,
    ) -> Option<Held> {
        let class = self.program.resolve_path(module, scope, path);
        self.made_by(self.def(class, hops)?, None, hops)
    }

    pub(super) fn def(&self, def: Def, hops: u32) -> Option<Held> {
        match def {
            Def::Func(func) => Some(Held::Func(func)),
            Def::Class(class) => Some(Held::Class(class)),
            Def::Module(module) => Some(Held::Module(module, ScopeIdx::MODULE)),
            Def::Namespace(module, scope) => Some(Held::Module(module, scope)),
            Def::External(path) => Some(Held::Outside(Of::definition(&path))),
            Def::Value(module, scope, expr) => self.expr((module, scope), &expr, hops),
            Def::Unknown => None,
        }
    }

    pub(super) fn expr(
        &self,
        at: (ModuleId, ScopeIdx),
        expr: &StaticExpr,
        hops: u32,
    ) -> Option<Held> {
        let hops = hops + 1;
        if hops > MAX_HOPS {
            return None;
        }
        match &expr.kind {
            StaticExprKind::Literal(Literal::None) => Some(Held::Nothing),
            StaticExprKind::Path(path) => {
                let (first, rest) = path.split_first()?;
                let def = self
                    .program
                    .resolve_path(at.0, at.1, std::slice::from_ref(first));
                let first = self.def(def, hops)?;
                rest.iter()
                    .try_fold(first, |held, name| self.member(held, name, hops))
            }
            StaticExprKind::Call(callee, args, _) => {
                let given = args.first().and_then(|arg| match &arg.kind {
                    StaticExprKind::Literal(Literal::Str(text)) => Some(text.as_str()),
                    _ => None,
                });
                match &callee.kind {
                    StaticExprKind::Path(path) if path.len() > 1 => {
                        let (name, before) = path.split_last()?;
                        let of = StaticExpr {
                            kind: StaticExprKind::Path(before.to_vec()),
                            span: callee.span,
                        };
                        let of = self.expr(at, &of, hops)?;
                        self.method_result(of, (name, given), hops)
                    }
                    _ => {
                        let callee = self.expr(at, callee, hops)?;
                        self.made_by(callee, given, hops)
                    }
                }
            }
            _ => None,
        }
    }
}
