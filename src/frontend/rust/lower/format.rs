//! Formatted strings: `format!`, `concat!`.

use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, Lit, Macro, Token};

use crate::frontend::rust::lower::expr::literal;
use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::types;
use crate::ir::{Literal, Name, Operand, Rvalue};
use crate::source::Span;

/// A piece of a format string.
enum Piece {
    Text(String),
    /// `{}`, `{0}`, `{name}`; `plain` if it has no format specification.
    Hole {
        argument: String,
        plain: bool,
    },
}

impl FunctionLowerer<'_> {
    /// `format!("…", …)`
    pub(super) fn formatted(&mut self, mac: &Macro, span: Span) -> Operand {
        let parsed = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(mac.tokens.clone());
        let Ok(args) = parsed else {
            let given = self.mentioned(mac.tokens.clone());
            return self.opaque(given, span);
        };
        let mut args = args.into_iter();
        let text = match args.next() {
            Some(Expr::Lit(lit)) => match lit.lit {
                Lit::Str(text) => text.value(),
                _ => String::new(),
            },
            _ => {
                let rest: Vec<Expr> = args.collect();
                let values = self.operands(rest.iter());
                return self.opaque(values, span);
            }
        };
        let mut values: Vec<(Option<Name>, Operand)> = Vec::new();
        for arg in args {
            match arg {
                Expr::Assign(assign) => {
                    let name = match &*assign.left {
                        Expr::Path(p) => p.path.get_ident().map(types::plain).map(Name::from),
                        _ => None,
                    };
                    let value = self.expr(&assign.right);
                    values.push((name, value));
                }
                arg => {
                    let value = self.expr(&arg);
                    values.push((None, value));
                }
            }
        }
        let mut next = 0;
        let mut pieces = Vec::new();
        for piece in split(&text) {
            pieces.push(match piece {
                Piece::Text(text) => Operand::Const(Literal::Str(text.into())),
                Piece::Hole { argument, plain } => {
                    let value = if argument.is_empty() {
                        next += 1;
                        values.get(next - 1).map(|(_, value)| value.clone())
                    } else if let Ok(at) = argument.parse::<usize>() {
                        values.get(at).map(|(_, value)| value.clone())
                    } else {
                        let named = values
                            .iter()
                            .find(|(name, _)| name.as_deref() == Some(argument.as_str()))
                            .map(|(_, value)| value.clone());
                        match named {
                            Some(value) => Some(value),
                            None => match self.load(&argument, span) {
                                Some(value) => Some(value),
                                None => {
                                    let path = vec![Name::new(&argument)];
                                    Some(self.emit(Rvalue::Path(path), span))
                                }
                            },
                        }
                    };
                    match value {
                        Some(value) if plain => value,
                        Some(value) => self.opaque(vec![value], span),
                        None => self.opaque(Vec::new(), span),
                    }
                }
            });
        }
        self.emit(Rvalue::Format(pieces), span)
    }
}

/// Splits a format string.
fn split(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if chars.peek() == Some(&c) => {
                chars.next();
                plain.push(c);
            }
            '{' => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                let inner: String = chars.by_ref().take_while(|c| *c != '}').collect();
                let (argument, spec) = match inner.split_once(':') {
                    Some((argument, spec)) => (argument, spec),
                    None => (inner.as_str(), ""),
                };
                pieces.push(Piece::Hole {
                    argument: argument.trim().to_owned(),
                    plain: spec.trim().is_empty(),
                });
            }
            c => plain.push(c),
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

/// The text of `concat!(…)` of literals.
pub(super) fn concatenated(mac: &Macro) -> Option<String> {
    let args = Punctuated::<Lit, Token![,]>::parse_terminated
        .parse2(mac.tokens.clone())
        .ok()?;
    args.iter()
        .map(|lit| match literal(lit)? {
            Literal::Str(text) => Some(text.to_string()),
            Literal::Int(int) => Some(int.to_string()),
            Literal::Bool(b) => Some(b.to_string()),
            _ => None,
        })
        .collect()
}
