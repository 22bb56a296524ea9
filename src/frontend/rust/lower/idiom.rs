//! Idioms of the standard library that have a meaning of their own: locks, conversions, options
//! and results.

use syn::{Expr, ExprMethodCall};

use crate::frontend::rust::lower::assign::Target;
use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::parse;
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{BinOp, BlockId, BranchRole, Callee, CmpOp, Data, Literal, Name, Operand, Rvalue};
use crate::source::Span;

/// What a lock guards: `x.lock().unwrap()`, `x.write()?`, `x.borrow_mut()`.
pub(super) fn locked(e: &Expr) -> Option<&Expr> {
    match e {
        Expr::Paren(x) => locked(&x.expr),
        Expr::Await(x) => locked(&x.base),
        // A call that only looks like a lock may fail.
        Expr::Try(x) => locked(&x.expr).filter(|_| !reads_or_writes(&x.expr)),
        Expr::MethodCall(x) => match (x.method.to_string().as_str(), x.args.len()) {
            ("unwrap", 0)
            | ("expect" | "unwrap_or_else" | "map_err" | "context" | "with_context", 1) => {
                locked(&x.receiver)
            }
            ("lock" | "read" | "write" | "borrow" | "borrow_mut", 0) => {
                (!is_self(&x.receiver)).then_some(&*x.receiver)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether what is locked, if it is, is so by a method that other things have as well.
fn reads_or_writes(e: &Expr) -> bool {
    match e {
        Expr::Paren(x) => reads_or_writes(&x.expr),
        Expr::Await(x) => reads_or_writes(&x.base),
        Expr::MethodCall(x) => {
            x.method == "read" || x.method == "write" || reads_or_writes(&x.receiver)
        }
        _ => false,
    }
}

impl FunctionLowerer<'_> {
    /// Methods that need no call; `None` when this is none of them.
    pub(super) fn idiom(&mut self, x: &ExprMethodCall, span: Span) -> Option<Operand> {
        let name = x.method.to_string();
        if is_self(&x.receiver) && !matches!(name.as_str(), "clone" | "borrow_mut" | "borrow") {
            return None;
        }
        match (name.as_str(), x.args.len()) {
            ("unwrap", 0) | ("expect" | "unwrap_or_else", 1) if locked(&x.receiver).is_some() => {
                let guarded = locked(&x.receiver)?;
                return Some(self.expr(guarded));
            }
            ("lock" | "read" | "write", 0) => {
                let guarded = self.expr(&x.receiver);
                return Some(self.variant(SUCCESS, vec![guarded], span));
            }
            _ => {}
        }
        match (name.as_str(), x.args.len()) {
            (
                "as_str" | "as_ref" | "as_mut" | "as_deref" | "as_deref_mut" | "as_slice"
                | "as_mut_slice" | "borrow" | "borrow_mut" | "deref" | "deref_mut" | "by_ref"
                | "to_string" | "to_owned" | "into" | "into_owned" | "as_bytes" | "as_path"
                | "into_boxed_str" | "into_string" | "fuse",
                0,
            ) => Some(self.expr(&x.receiver)),
            ("clone" | "cloned" | "copied" | "to_vec", 0) => {
                let value = self.expr(&x.receiver);
                Some(self.data(Data::Copy(value), span))
            }
            ("len", 0) => {
                let value = self.expr(&x.receiver);
                Some(self.data(Data::Len(value), span))
            }
            ("is_empty", 0) => {
                let value = self.expr(&x.receiver);
                let len = self.data(Data::Len(value), span);
                let zero = Operand::Const(Literal::Int(0));
                Some(self.emit(Rvalue::Compare(CmpOp::Eq, len, zero), span))
            }
            ("take", 0) => {
                let target = self.target(&x.receiver);
                let old = self.load_target(&target, span);
                if matches!(target, Target::Field(..) | Target::Var(_)) {
                    let nothing = self.variant(FAILURE, Vec::new(), span);
                    self.store_target(target, nothing, span);
                }
                Some(old)
            }
            ("replace", 1) if matches!(&*x.receiver, Expr::Field(_)) => {
                let target = self.target(&x.receiver);
                let old = self.load_target(&target, span);
                let new = self.expr(&x.args[0]);
                let new = self.variant(SUCCESS, vec![new], span);
                self.store_target(target, new, span);
                Some(old)
            }
            ("push_str", 1) => {
                let target = self.target(&x.receiver);
                if matches!(target, Target::Behind(_) | Target::Nothing) {
                    return None;
                }
                let old = self.load_target(&target, span);
                let more = self.expr(&x.args[0]);
                let new = self.emit(Rvalue::Binary(BinOp::Add, old, more), span);
                self.store_target(target, new, span);
                Some(Operand::NONE)
            }
            ("eq_ignore_ascii_case", 1) => {
                let [left, right] = [&*x.receiver, &x.args[0]].map(|side| {
                    let value = self.expr(side);
                    let call = Rvalue::Call {
                        callee: Callee::Method {
                            receiver: value,
                            name: Name::new("to_lowercase"),
                            name_span: parse::of(&x.method),
                        },
                        args: Vec::new(),
                    };
                    self.emit(call, span)
                });
                Some(self.emit(Rvalue::Compare(CmpOp::Eq, left, right), span))
            }
            _ => self
                .consumed(&name, x, span)
                .or_else(|| self.outcome_method(&name, x, span)),
        }
    }

    /// Methods of options and results.
    fn outcome_method(&mut self, name: &str, x: &ExprMethodCall, span: Span) -> Option<Operand> {
        let argument = |i: usize| x.args.iter().nth(i);
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
            ("unwrap_or", 1) => {
                let default = argument(0)?;
                Some(self.either(x, span, Self::same, |this, _| this.expr(default)))
            }
            ("unwrap_or_default", 0) => Some(self.either(x, span, Self::same, |this, error| {
                this.data(Data::Emptied(error), span)
            })),
            ("unwrap_or_else", 1) => {
                let f = argument(0)?;
                Some(self.either(x, span, Self::same, |this, error| {
                    this.apply(f, vec![error], span)
                }))
            }
            ("map_err" | "inspect_err", 1) => {
                let f = argument(0)?;
                let inspects = name == "inspect_err";
                Some(self.either(
                    x,
                    span,
                    |this, v| this.variant(SUCCESS, vec![v], span),
                    |this, error| {
                        let new = this.apply(f, vec![error.clone()], span);
                        let payload = if inspects { error } else { new };
                        this.variant(FAILURE, vec![payload], span)
                    },
                ))
            }
            ("ok_or_else", 1) => {
                let f = argument(0)?;
                Some(self.either(
                    x,
                    span,
                    |this, v| this.variant(SUCCESS, vec![v], span),
                    |this, _| {
                        let error = this.apply(f, Vec::new(), span);
                        this.variant(FAILURE, vec![error], span)
                    },
                ))
            }
            ("or_else", 1) => {
                let f = argument(0)?;
                Some(self.either(
                    x,
                    span,
                    |this, v| this.variant(SUCCESS, vec![v], span),
                    |this, error| this.apply(f, vec![error], span),
                ))
            }
            ("and_then", 1) => {
                let f = argument(0)?;
                Some(self.either(
                    x,
                    span,
                    |this, v| this.apply(f, vec![v], span),
                    |this, error| this.variant(FAILURE, vec![error], span),
                ))
            }
            ("err", 0) => Some(self.either(
                x,
                span,
                |this, _| this.variant(FAILURE, Vec::new(), span),
                |this, error| this.variant(SUCCESS, vec![error], span),
            )),
            ("is_some_and" | "is_ok_and", 1) => {
                let f = argument(0)?;
                let no = Operand::Const(Literal::Bool(false));
                Some(self.either(x, span, |this, v| this.apply(f, vec![v], span), |_, _| no))
            }
            ("is_none_or", 1) => {
                let f = argument(0)?;
                let yes = Operand::Const(Literal::Bool(true));
                Some(self.either(x, span, |this, v| this.apply(f, vec![v], span), |_, _| yes))
            }
            ("map_or", 2) => {
                let (default, f) = (argument(0)?, argument(1)?);
                let default = self.expr(default);
                Some(self.either(
                    x,
                    span,
                    |this, v| this.apply(f, vec![v], span),
                    |_, _| default,
                ))
            }
            ("map_or_else", 2) => {
                let (default, f) = (argument(0)?, argument(1)?);
                Some(self.either(
                    x,
                    span,
                    |this, v| this.apply(f, vec![v], span),
                    |this, error| this.apply(default, vec![error], span),
                ))
            }
            // What is said about an error does not make it less of one.
            ("context" | "with_context" | "wrap_err" | "wrap_err_with" | "ok_or", 1) => {
                Some(self.expr(&x.receiver))
            }
            _ => None,
        }
    }

    fn same(_: &mut Self, value: Operand) -> Operand {
        value
    }

    /// Evaluates the receiver and tests whether it is a success: the value, the block where it
    /// is none and the one where it is.
    fn split(&mut self, receiver: &Expr, span: Span) -> (Operand, BlockId, BlockId) {
        let value = self.outcome(receiver);
        let value = self.keep(value, span);
        let (good, bad) = (self.body.block(), self.body.block());
        let test = self.is_success(value.clone(), span);
        self.branch(test, good, bad, BranchRole::Try, parse::expr(receiver));
        (value, bad, good)
    }

    /// A result is not looked at any more: whether it is a failure is a branch all the same.
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

    /// Evaluates what is given to `let _`, `_ =` or `drop`.
    pub(super) fn discard(&mut self, e: &Expr, span: Span) {
        let value = self.expr(e);
        if may_be_result(e) {
            let value = self.keep(value, span);
            self.dropped(value, span);
        }
    }

    /// The value of an expression of which it is known that it is an option or a result.
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

    /// One value for a success, made of its payload, and one for a failure.
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

    /// Calls what an expression names or makes: a closure, a function, a constructor.
    pub(super) fn apply(&mut self, f: &Expr, args: Vec<Operand>, span: Span) -> Operand {
        match f {
            Expr::Closure(c) => {
                let args = args.into_iter().take(c.inputs.len()).collect();
                let function = self.closure_value(c, parse::expr(f));
                self.call_value(function, args, span)
            }
            Expr::Path(p) => self.call_path(p, args, span),
            Expr::Paren(p) => self.apply(&p.expr, args, span),
            _ => {
                let function = self.expr(f);
                self.call_value(function, args, span)
            }
        }
    }
}

/// Whether the expression is just `self`.
pub(super) fn is_self(e: &Expr) -> bool {
    match e {
        Expr::Path(p) => p.path.is_ident("self"),
        Expr::Reference(r) => is_self(&r.expr),
        Expr::Paren(p) => is_self(&p.expr),
        _ => false,
    }
}

/// The name of a place that `mem::take` and its kin take from: what is behind `&mut`.
pub(super) fn borrowed(e: &Expr) -> Option<&Expr> {
    match e {
        Expr::Reference(r) if r.mutability.is_some() => Some(&r.expr),
        Expr::Paren(p) => borrowed(&p.expr),
        _ => None,
    }
}

/// Functions that never return.
pub(super) fn diverges(path: &[Name]) -> bool {
    match path {
        [.., owner, name] => {
            owner == "process" && (name == "exit" || name == "abort")
                || owner == "hint" && name == "unreachable_unchecked"
                || owner == "panic" && (name == "resume_unwind" || name == "panic_any")
        }
        _ => false,
    }
}

/// Methods of collections that tell what was there before: nothing of that is a failure.
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

/// Whether the value of an expression, which is thrown away, may say that something failed.
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
