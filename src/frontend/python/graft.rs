//! Fills the placeholders that `compat` put into the text: replaces each in the syntax tree by the
//! tree of what it stands for, which is parsed where it is, so that its offsets are true.

use std::ops::Range;

use rustc_hash::FxHashMap;
use rustpython_parser::Parse;
use rustpython_parser::ast::fold::{self, Fold};
use rustpython_parser::ast::text_size::{TextRange, TextSize};
use rustpython_parser::ast::{self, Expr, Ranged};

use crate::frontend::SyntaxError;
use crate::frontend::python::compat::{self, Graft};
use crate::frontend::python::parse::syntax_error;
use crate::frontend::python::scan::{Field, Part};

/// Fills the placeholders in statements whose text starts at `base` in the file.
pub(super) fn suite(
    text: &str,
    base: u32,
    suite: ast::Suite,
    grafts: Vec<(usize, Graft)>,
) -> Result<ast::Suite, SyntaxError> {
    if grafts.is_empty() {
        return Ok(suite);
    }
    let mut grafter = Grafter::new(text, base, grafts);
    grafter.defaults()?;
    suite.into_iter().map(|stmt| grafter.fold(stmt)).collect()
}

struct Grafter<'a> {
    text: &'a str,
    /// The offset of `text` in the file.
    base: u32,
    /// By the offset of the placeholder in the file.
    grafts: FxHashMap<u32, Graft>,
}

impl<'a> Grafter<'a> {
    fn new(text: &'a str, base: u32, grafts: Vec<(usize, Graft)>) -> Self {
        let absolute = |at| base.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
        let grafts = grafts.into_iter();
        Self {
            text,
            base,
            grafts: grafts.map(|(at, graft)| (absolute(at), graft)).collect(),
        }
    }

    fn offset(&self, at: usize) -> u32 {
        self.base
            .saturating_add(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Parses the defaults of type parameters only to check them: the tree has no place for them.
    fn defaults(&mut self) -> Result<(), SyntaxError> {
        let mut ranges = Vec::new();
        self.grafts.retain(|_, graft| match graft {
            Graft::Default(range) => {
                ranges.push(range.clone());
                false
            }
            _ => true,
        });
        // If there are several errors, the first one is reported.
        ranges.sort_unstable_by_key(|range| range.start);
        for mut range in ranges {
            let text = self.slice(range.clone());
            let blank = text.len() - text.trim_start().len();
            // The default of a `TypeVarTuple` may be starred.
            if text[blank..].starts_with('*') {
                range.start += blank + 1;
            }
            self.expression(range)?;
        }
        Ok(())
    }

    fn take(&mut self, expr: &Expr) -> Option<Graft> {
        self.grafts.remove(&expr.range().start().to_u32())
    }

    fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// The expression in `range`, parsed as if it were in brackets.
    fn expression(&self, range: Range<usize>) -> Result<Expr, SyntaxError> {
        let inner = self.slice(range.clone());
        // There is always something before a placeholder, so there is an offset for the bracket.
        let base = self.offset(range.start).saturating_sub(1);
        let wrapped = format!("({inner})");
        let rewritten = compat::rewrite(&wrapped);
        let mut expr = Expr::parse_starts_at(&rewritten.text, "", TextSize::from(base))
            .map_err(|error| syntax_error(&error, self.offset(range.end)))?;
        if let Expr::Tuple(tuple) = &mut expr
            && tuple.range.start().to_u32() == base
        {
            // The text does not contain the brackets.
            let blank = inner.len() - inner.trim_start().len();
            let start = range.start + blank;
            let end = start + inner.trim().len();
            if tuple.elts.is_empty() {
                return Err(SyntaxError {
                    message: "empty expression in a replacement field".to_owned(),
                    offset: base,
                });
            }
            tuple.range = TextRange::new(self.offset(start).into(), self.offset(end).into());
        }
        Grafter::new(&wrapped, base, rewritten.grafts).fold(expr)
    }

    /// The values that a replacement field contributes to its string, which spans `range`.
    fn field(&self, field: &Field, range: TextRange) -> Result<Vec<Expr>, SyntaxError> {
        let mut values = Vec::new();
        if let Some(end) = field.debug {
            values.push(constant(self.slice(field.open + 1..end), range));
        }
        let conversion = match field.conversion {
            None if field.debug.is_some() && field.spec.is_none() => ast::ConversionFlag::Repr,
            None => ast::ConversionFlag::None,
            Some(b's') => ast::ConversionFlag::Str,
            Some(b'r') => ast::ConversionFlag::Repr,
            Some(b'a') => ast::ConversionFlag::Ascii,
            Some(_) => {
                return Err(SyntaxError {
                    message: "unknown conversion in a replacement field".to_owned(),
                    offset: self.offset(field.expr.end),
                });
            }
        };
        let format_spec = match &field.spec {
            None => None,
            Some(parts) => {
                let mut values = Vec::new();
                for part in parts {
                    match part {
                        Part::Text(text) => values.push(constant(self.slice(text.clone()), range)),
                        Part::Field(inner) => values.extend(self.field(inner, range)?),
                    }
                }
                let spec = ast::ExprJoinedStr { values, range };
                Some(Box::new(Expr::JoinedStr(spec)))
            }
        };
        values.push(Expr::FormattedValue(ast::ExprFormattedValue {
            value: Box::new(self.expression(field.expr.clone())?),
            conversion,
            format_spec,
            range,
        }));
        Ok(values)
    }

    fn joined(&mut self, node: ast::ExprJoinedStr) -> Result<Expr, SyntaxError> {
        let mut values = Vec::with_capacity(node.values.len());
        for value in node.values {
            let graft = match &value {
                Expr::FormattedValue(formatted) => self.take(&formatted.value),
                _ => None,
            };
            match graft {
                Some(Graft::Field(field)) => values.extend(self.field(&field, value.range())?),
                _ => values.push(self.fold(value)?),
            }
        }
        Ok(Expr::JoinedStr(ast::ExprJoinedStr { values, ..node }))
    }
}

fn constant(text: &str, range: TextRange) -> Expr {
    Expr::Constant(ast::ExprConstant {
        value: ast::Constant::Str(text.to_owned()),
        kind: None,
        range,
    })
}

fn starred(value: Expr, start: u32, end: u32) -> Expr {
    Expr::Starred(ast::ExprStarred {
        value: Box::new(value),
        ctx: ast::ExprContext::Load,
        range: TextRange::new(start.into(), end.into()),
    })
}

impl Fold<TextRange> for Grafter<'_> {
    type TargetU = TextRange;
    type Error = SyntaxError;
    type UserContext = ();

    fn will_map_user(&mut self, _: &TextRange) {}

    fn map_user(&mut self, user: TextRange, (): ()) -> Result<TextRange, SyntaxError> {
        Ok(user)
    }

    fn fold_expr(&mut self, node: Expr) -> Result<Expr, SyntaxError> {
        match node {
            Expr::JoinedStr(node) => self.joined(node),
            Expr::Name(mut name) => {
                match self.grafts.remove(&name.range.start().to_u32()) {
                    Some(Graft::Expression(range)) => return self.expression(range),
                    Some(Graft::Name(range)) => {
                        name.id = ast::Identifier::new(self.slice(range));
                    }
                    Some(Graft::Star { value, double }) => {
                        let end = self.offset(value.end);
                        let expr = self.expression(value)?;
                        let inner = name.range.start().to_u32() + u32::from(double);
                        let expr = starred(expr, inner, end);
                        return Ok(match double {
                            true => starred(expr, inner - 1, end),
                            false => expr,
                        });
                    }
                    Some(Graft::Field(_) | Graft::Default(_)) | None => {}
                }
                Ok(Expr::Name(name))
            }
            node => fold::fold_expr(self, node),
        }
    }
}
