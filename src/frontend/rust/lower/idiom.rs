//! Idioms of the standard library that have a meaning of their own: locks, conversions, changes in
//! place.

use syn::{Expr, ExprMethodCall};

use crate::frontend::rust::lower::assign::Target;
use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::parse;
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{BinOp, Callee, CmpOp, Data, Literal, Name, Operand, Rvalue};
use crate::source::Span;

/// The value that a lock guards: `x.lock().unwrap()`, `x.write()?`, `x.borrow_mut()`.
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

/// Whether the lock is taken by `read` or `write`, which types other than locks have as well.
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
    /// The value of a method call that has a meaning of its own; `None` for any other.
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
            ("take", 0) => Some(self.take_value(x, span)),
            ("get_or_insert_with" | "get_or_insert", 1) => self.get_or_insert(x, span),
            ("replace", 1) if matches!(&*x.receiver, Expr::Field(_)) => {
                Some(self.replace_value(x, span))
            }
            ("push_str", 1) => self.push_str(x, span),
            ("eq_ignore_ascii_case", 1) => Some(self.equal_ignoring_case(x, span)),
            _ => self
                .consumed(&name, x, span)
                .or_else(|| self.variant_method(&name, x, span)),
        }
    }

    /// `option.take()`
    fn take_value(&mut self, x: &ExprMethodCall, span: Span) -> Operand {
        let target = self.target(&x.receiver);
        let old = self.load_target(&target, span);
        if matches!(target, Target::Field(..) | Target::Var(_)) {
            let nothing = self.variant(FAILURE, Vec::new(), span);
            self.store_target(target, nothing, span);
        }
        old
    }

    /// `option.get_or_insert(new)`: returns the payload, which is the old value or the new one.
    fn get_or_insert(&mut self, x: &ExprMethodCall, span: Span) -> Option<Operand> {
        let target = self.target(&x.receiver);
        if matches!(target, Target::Behind(_) | Target::Nothing) {
            return None;
        }
        let old = self.load_target(&target, span);
        let new = self.expr(&x.args[0]);
        let payload = self.opaque(vec![old, new], span);
        let there = self.variant(SUCCESS, vec![payload.clone()], span);
        self.store_target(target, there, span);
        Some(payload)
    }

    /// `option.replace(new)`
    fn replace_value(&mut self, x: &ExprMethodCall, span: Span) -> Operand {
        let target = self.target(&x.receiver);
        let old = self.load_target(&target, span);
        let new = self.expr(&x.args[0]);
        let new = self.variant(SUCCESS, vec![new], span);
        self.store_target(target, new, span);
        old
    }

    /// `text.push_str(more)`
    fn push_str(&mut self, x: &ExprMethodCall, span: Span) -> Option<Operand> {
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

    /// `a.eq_ignore_ascii_case(b)` compares both in lower case.
    fn equal_ignoring_case(&mut self, x: &ExprMethodCall, span: Span) -> Operand {
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
        self.emit(Rvalue::Compare(CmpOp::Eq, left, right), span)
    }

    /// Calls the function that an expression names or creates: a closure, a function, a
    /// constructor.
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

/// The place that `mem::take` and the like take from: the operand of `&mut`.
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
