//! Expressions that are kept as trees: bases, decorators, annotations, defaults, values of modules
//! and classes.

use rustpython_parser::ast::{self, Constant, ConversionFlag, Expr, UnaryOp};

use crate::frontend::python::lower::{Lowerer, Site};
use crate::frontend::python::parse;
use crate::ir::{BinOp, CmpOp, Literal, Name, StaticExpr, StaticExprKind};
use crate::source::Span;

/// Longer quoted annotations are not parsed, in bytes.
const MAX_QUOTED: usize = 300;

/// The literal; `None` if the IR has no such literal.
pub(super) fn literal(constant: &Constant) -> Option<Literal> {
    Some(match constant {
        Constant::None => Literal::None,
        Constant::Bool(value) => Literal::Bool(*value),
        Constant::Str(text) => Literal::Str(Name::new(text)),
        Constant::Bytes(bytes) => Literal::Bytes(bytes.clone()),
        Constant::Int(value) => Literal::Int(i64::try_from(value).ok()?),
        Constant::Float(value) => Literal::Float(value.to_bits()),
        Constant::Ellipsis => Literal::Ellipsis,
        Constant::Tuple(_) | Constant::Complex { .. } => return None,
    })
}

/// A literal, or the negative of a numeric one.
pub(super) fn folded(expr: &Expr) -> Option<Literal> {
    match expr {
        Expr::Constant(e) => literal(&e.value),
        Expr::UnaryOp(e) if matches!(e.op, UnaryOp::USub | UnaryOp::UAdd) => {
            let Expr::Constant(operand) = &*e.operand else {
                return None;
            };
            match (literal(&operand.value)?, e.op) {
                (number @ (Literal::Int(_) | Literal::Float(_)), UnaryOp::UAdd) => Some(number),
                (Literal::Int(value), _) => Some(Literal::Int(-value)),
                (Literal::Float(bits), _) => {
                    Some(Literal::Float((-f64::from_bits(bits)).to_bits()))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The binary operator.
pub(super) fn bin_op(op: ast::Operator) -> BinOp {
    use ast::Operator;
    match op {
        Operator::Add => BinOp::Add,
        Operator::Sub => BinOp::Sub,
        Operator::Mult => BinOp::Mul,
        Operator::MatMult => BinOp::MatMul,
        Operator::Div => BinOp::Div,
        Operator::Mod => BinOp::Mod,
        Operator::Pow => BinOp::Pow,
        Operator::LShift => BinOp::Shl,
        Operator::RShift => BinOp::Shr,
        Operator::BitOr => BinOp::BitOr,
        Operator::BitXor => BinOp::BitXor,
        Operator::BitAnd => BinOp::BitAnd,
        Operator::FloorDiv => BinOp::FloorDiv,
    }
}

/// The comparison operator.
pub(super) fn cmp_op(op: ast::CmpOp) -> CmpOp {
    match op {
        ast::CmpOp::Eq => CmpOp::Eq,
        ast::CmpOp::NotEq => CmpOp::NotEq,
        ast::CmpOp::Lt => CmpOp::Lt,
        ast::CmpOp::LtE => CmpOp::LtE,
        ast::CmpOp::Gt => CmpOp::Gt,
        ast::CmpOp::GtE => CmpOp::GtE,
        ast::CmpOp::Is => CmpOp::Is,
        ast::CmpOp::IsNot => CmpOp::IsNot,
        ast::CmpOp::In => CmpOp::In,
        ast::CmpOp::NotIn => CmpOp::NotIn,
    }
}

/// The names of a dotted path.
pub(super) fn path(expr: &Expr) -> Option<Vec<Name>> {
    let mut names = Vec::new();
    let mut current = expr;
    loop {
        match current {
            Expr::Attribute(e) => {
                names.push(Name::new(e.attr.as_str()));
                current = &e.value;
            }
            Expr::Name(e) => {
                names.push(Name::new(e.id.as_str()));
                names.reverse();
                names.shrink_to_fit();
                return Some(names);
            }
            _ => return None,
        }
    }
}

/// Converts expressions to [`StaticExpr`]s, and lowers the lambdas in them.
pub(super) struct StaticLowering<'l, 'a> {
    lowerer: &'l mut Lowerer<'a>,
    site: &'l Site,
    /// Whether strings are quoted annotations.
    annotation: bool,
    /// The span for everything inside a quoted annotation.
    fixed: Option<Span>,
}

impl<'l, 'a> StaticLowering<'l, 'a> {
    /// A conversion of values.
    pub(super) fn values(lowerer: &'l mut Lowerer<'a>, site: &'l Site) -> Self {
        Self {
            lowerer,
            site,
            annotation: false,
            fixed: None,
        }
    }

    /// A conversion of annotations.
    pub(super) fn annotations(lowerer: &'l mut Lowerer<'a>, site: &'l Site) -> Self {
        Self {
            annotation: true,
            ..Self::values(lowerer, site)
        }
    }

    /// Converts one expression.
    pub(super) fn convert(&mut self, expr: &Expr) -> StaticExpr {
        let span = self.fixed.unwrap_or_else(|| parse::span(expr));
        let kind = self.kind(expr, span).unwrap_or(StaticExprKind::Opaque);
        StaticExpr { kind, span }
    }

    fn all(&mut self, exprs: &[Expr]) -> Option<Vec<StaticExpr>> {
        exprs
            .iter()
            .map(|e| (!e.is_starred_expr()).then(|| self.convert(e)))
            .collect()
    }

    fn kind(&mut self, expr: &Expr, span: Span) -> Option<StaticExprKind> {
        if let Some(literal) = folded(expr) {
            return match literal {
                Literal::Str(text) if self.annotation => self.quoted(&text, span),
                literal => Some(StaticExprKind::Literal(literal)),
            };
        }
        Some(match expr {
            Expr::Name(_) | Expr::Attribute(_) => StaticExprKind::Path(path(expr)?),
            Expr::Call(e) => {
                let callee = Box::new(self.convert(&e.func));
                let args = e.args.iter().map(|a| self.convert(a)).collect();
                let keywords = e.keywords.iter().map(|k| self.keyword(k)).collect();
                StaticExprKind::Call(callee, args, keywords)
            }
            Expr::Subscript(e) => {
                let base = self.convert(&e.value);
                let literal = matches!(&base.kind, StaticExprKind::Path(path)
                    if path.last().is_some_and(|n| n == "Literal" || n == "Annotated"));
                let outer = self.annotation;
                self.annotation = outer && !literal;
                let index = self.convert(&e.slice);
                self.annotation = outer;
                StaticExprKind::Subscript(Box::new(base), Box::new(index))
            }
            Expr::BinOp(e) => StaticExprKind::Binary(
                bin_op(e.op),
                Box::new(self.convert(&e.left)),
                Box::new(self.convert(&e.right)),
            ),
            Expr::JoinedStr(e) => StaticExprKind::Format(
                e.values
                    .iter()
                    .map(|value| match value {
                        Expr::FormattedValue(field)
                            if field.format_spec.is_none()
                                && matches!(
                                    field.conversion,
                                    ConversionFlag::None | ConversionFlag::Str
                                ) =>
                        {
                            self.convert(&field.value)
                        }
                        other => self.convert(other),
                    })
                    .collect(),
            ),
            Expr::List(e) => StaticExprKind::List(self.all(&e.elts)?),
            Expr::Tuple(e) => StaticExprKind::Tuple(self.all(&e.elts)?),
            Expr::Set(e) => StaticExprKind::Set(self.all(&e.elts)?),
            Expr::Dict(e) => {
                let keys: Option<Vec<&Expr>> = e.keys.iter().map(Option::as_ref).collect();
                StaticExprKind::Dict(
                    keys?
                        .into_iter()
                        .zip(&e.values)
                        .map(|(key, value)| (self.convert(key), self.convert(value)))
                        .collect(),
                )
            }
            Expr::Lambda(e) if self.fixed.is_none() => {
                StaticExprKind::Lambda(self.lowerer.lambda(e, self.site))
            }
            _ => return None,
        })
    }

    /// A keyword argument; `**value` gets the name `**`.
    pub(super) fn keyword(&mut self, keyword: &ast::Keyword) -> (Name, StaticExpr) {
        let name = keyword.arg.as_ref().map_or("**", |name| name.as_str());
        (Name::new(name), self.convert(&keyword.value))
    }

    fn quoted(&mut self, text: &str, span: Span) -> Option<StaticExprKind> {
        if text.len() > MAX_QUOTED || self.fixed.is_some() {
            return None;
        }
        let expr = parse::expression(text.trim())?;
        self.fixed = Some(span);
        let kind = self.kind(&expr, span);
        self.fixed = None;
        kind
    }
}
