//! Options and results: their methods, and results that are discarded.

use syn::{Expr, ExprMethodCall};

use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::lower::idiom::is_self;
use crate::frontend::rust::parse;
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{BlockId, BranchRole, Data, Literal, Operand, Rvalue};
use crate::source::Span;

impl FunctionLowerer<'_> {
    /// A method of options and results; `None` for any other.
    pub(super) fn variant_method(
        &mut self,
        name: &str,
        x: &ExprMethodCall,
        span: Span,
    ) -> Option<Operand> {
        match (name, x.args.len()) {
            ("is_ok" | "is_err", 0) => {
                let value = self.outcome(&x.receiver);
                let tag = if name == "is_ok" { SUCCESS } else { FAILURE };
                Some(self.is_variant(value, tag, span))
            }
            ("is_some" | "is_none", 0) => {
                let value = self.outcome(&x.receiver);
                let tag = if name == "is_some" { SUCCESS } else { FAILURE };
                Some(self.is_presence(value, tag, span))
            }
            ("ok", 0) => {
                let value = self.outcome(&x.receiver);
                let value = self.keep(value, span);
                let at = parse::of(&x.method);
                self.dropped(value.clone(), Span::new(at.start, span.end));
                Some(value)
            }
            ("unwrap", 0) | ("expect", 1) => {
                let (value, bad, after) = self.split(&x.receiver, span);
                self.body.at(bad);
                self.panic(span);
                self.body.at(after);
                Some(self.payload(value, SUCCESS, "0", span))
            }
            ("unwrap_err", 0) | ("expect_err", 1) => {
                let (value, bad, good) = self.split(&x.receiver, span);
                self.body.at(good);
                self.panic(span);
                self.body.at(bad);
                Some(self.payload(value, FAILURE, "0", span))
            }
            // A context is added to the error, which stays an error.
            ("context" | "with_context" | "wrap_err" | "wrap_err_with" | "ok_or", 1) => {
                Some(self.expr(&x.receiver))
            }
            _ => self
                .payload_or_default(name, x, span)
                .or_else(|| self.converted_variant(name, x, span)),
        }
    }

    /// A method that turns either variant into a plain value, such as `unwrap_or`.
    fn payload_or_default(
        &mut self,
        name: &str,
        x: &ExprMethodCall,
        span: Span,
    ) -> Option<Operand> {
        let args: Vec<&Expr> = x.args.iter().collect();
        Some(match (name, args.as_slice()) {
            ("unwrap_or", [default]) => {
                self.either(x, span, Self::same, |this, _| this.expr(default))
            }
            ("unwrap_or_default", []) => self.either(x, span, Self::same, |this, error| {
                this.data(Data::Emptied(error), span)
            }),
            ("unwrap_or_else", [f]) => self.either(x, span, Self::same, |this, error| {
                this.apply(f, vec![error], span)
            }),
            ("is_some_and" | "is_ok_and" | "is_none_or", [f]) => {
                let otherwise = Operand::Const(Literal::Bool(name == "is_none_or"));
                self.either(
                    x,
                    span,
                    |this, v| this.apply(f, vec![v], span),
                    |_, _| otherwise,
                )
            }
            ("map_or", [default, f]) => {
                let default = self.expr(default);
                self.either(
                    x,
                    span,
                    |this, v| this.apply(f, vec![v], span),
                    |_, _| default,
                )
            }
            ("map_or_else", [default, f]) => self.either(
                x,
                span,
                |this, v| this.apply(f, vec![v], span),
                |this, error| this.apply(default, vec![error], span),
            ),
            _ => return None,
        })
    }

    /// A method that turns an option or result into another one, such as `and_then`.
    fn converted_variant(&mut self, name: &str, x: &ExprMethodCall, span: Span) -> Option<Operand> {
        let args: Vec<&Expr> = x.args.iter().collect();
        Some(match (name, args.as_slice()) {
            ("map_err" | "inspect_err", [f]) => {
                let inspects = name == "inspect_err";
                self.either(
                    x,
                    span,
                    |this, v| this.variant(SUCCESS, vec![v], span),
                    |this, error| {
                        let new = this.apply(f, vec![error.clone()], span);
                        let payload = if inspects { error } else { new };
                        this.variant(FAILURE, vec![payload], span)
                    },
                )
            }
            ("ok_or_else", [f]) => self.either(
                x,
                span,
                |this, v| this.variant(SUCCESS, vec![v], span),
                |this, _| {
                    let error = this.apply(f, Vec::new(), span);
                    this.variant(FAILURE, vec![error], span)
                },
            ),
            ("or_else", [f]) => self.either(
                x,
                span,
                |this, v| this.variant(SUCCESS, vec![v], span),
                |this, error| this.apply(f, vec![error], span),
            ),
            ("and_then", [f]) => self.either(
                x,
                span,
                |this, v| this.apply(f, vec![v], span),
                |this, error| this.variant(FAILURE, vec![error], span),
            ),
            ("err", []) => self.either(
                x,
                span,
                |this, _| this.variant(FAILURE, Vec::new(), span),
                |this, error| this.variant(SUCCESS, vec![error], span),
            ),
            _ => return None,
        })
    }

    fn same(_: &mut Self, value: Operand) -> Operand {
        value
    }

    /// Evaluates the receiver and tests whether it is a success. Returns the value, the block for a
    /// failure and the block for a success.
    fn split(&mut self, receiver: &Expr, span: Span) -> (Operand, BlockId, BlockId) {
        let value = self.outcome(receiver);
        let value = self.keep(value, span);
        let (good, bad) = (self.body.block(), self.body.block());
        let test = self.is_success(value.clone(), span);
        self.branch(test, good, bad, BranchRole::Try, parse::expr(receiver));
        (value, bad, good)
    }

    /// Discards a result. Whether it is a failure is a branch all the same.
    pub(super) fn dropped(&mut self, value: Operand, span: Span) {
        let after = self.body.block();
        let test = self.is_success(value, span);
        let (good, bad) = (self.body.block(), self.body.block());
        self.branch(test, good, bad, BranchRole::Dropped, span);
        for block in [good, bad] {
            self.body.at(block);
            self.body.goto(after);
        }
        self.body.at(after);
    }

    /// Evaluates an expression whose value is discarded by `let _`, `_ =` or `drop`.
    pub(super) fn discard(&mut self, e: &Expr, span: Span) {
        let value = self.expr(e);
        if may_be_result(e) {
            let value = self.keep(value, span);
            self.dropped(value, span);
        }
    }

    /// The value of an expression that is known to be an option or a result.
    pub(super) fn outcome(&mut self, e: &Expr) -> Operand {
        let x = match e {
            Expr::Paren(x) => return self.outcome(&x.expr),
            Expr::MethodCall(x) if !is_self(&x.receiver) => x,
            _ => return self.expr(e),
        };
        let span = parse::expr(e);
        match (x.method.to_string().as_str(), x.args.first()) {
            ("map", Some(f)) => self.either(
                x,
                span,
                |this, v| {
                    let made = this.apply(f, vec![v], span);
                    this.variant(SUCCESS, vec![made], span)
                },
                |this, error| this.variant(FAILURE, vec![error], span),
            ),
            ("filter", Some(f)) => self.either(
                x,
                span,
                |this, v| {
                    let kept = this.body.temp();
                    let blocks = [(); 3].map(|()| this.body.block());
                    let [yes, no, after] = blocks;
                    let test = this.apply(f, vec![v.clone()], span);
                    this.branch(test, yes, no, BranchRole::ShortCircuit, parse::expr(f));
                    for (block, payload) in [(yes, Some(v)), (no, None)] {
                        this.body.at(block);
                        let tag = if payload.is_some() { SUCCESS } else { FAILURE };
                        let made = this.variant(tag, payload.into_iter().collect(), span);
                        this.body.assign(kept, Rvalue::Use(made), span);
                        this.body.goto(after);
                    }
                    this.body.at(after);
                    Operand::Local(kept)
                },
                |this, _| this.variant(FAILURE, Vec::new(), span),
            ),
            ("flatten", None) => self.either(x, span, Self::same, |this, error| {
                this.variant(FAILURE, vec![error], span)
            }),
            _ => self.expr(e),
        }
    }

    /// A value that is made from the payload, by `success` or by `failure`.
    fn either(
        &mut self,
        x: &ExprMethodCall,
        span: Span,
        success: impl FnOnce(&mut Self, Operand) -> Operand,
        failure: impl FnOnce(&mut Self, Operand) -> Operand,
    ) -> Operand {
        let (value, bad, good) = self.split(&x.receiver, span);
        let result = self.body.temp();
        let after = self.body.block();
        self.body.at(good);
        let payload = self.payload(value.clone(), SUCCESS, "0", span);
        let made = success(self, payload);
        self.body.assign(result, Rvalue::Use(made), span);
        self.body.goto(after);
        self.body.at(bad);
        let error = self.payload(value, FAILURE, "0", span);
        let made = failure(self, error);
        self.body.assign(result, Rvalue::Use(made), span);
        self.body.goto(after);
        self.body.at(after);
        Operand::Local(result)
    }
}

/// Methods of collections that return the previous content, which is not a failure.
const COLLECTION_METHODS: &[&str] = &[
    "insert",
    "replace",
    "remove",
    "take",
    "push",
    "pop",
    "extend",
    "append",
    "swap_remove",
    "swap",
];

/// Whether the discarded value of an expression may be a failure.
fn may_be_result(e: &Expr) -> bool {
    match e {
        Expr::Paren(x) => may_be_result(&x.expr),
        Expr::MethodCall(x) => !COLLECTION_METHODS.contains(&x.method.to_string().as_str()),
        Expr::Call(_)
        | Expr::Await(_)
        | Expr::Path(_)
        | Expr::Field(_)
        | Expr::Macro(_)
        | Expr::Block(_)
        | Expr::If(_)
        | Expr::Match(_) => true,
        _ => false,
    }
}
