//! Expressions in value position.

use syn::{Expr, Lit, Member, RangeLimits, UnOp};

use crate::frontend::index;
use crate::frontend::rust::lower::function::{
    Closure, FunctionLowerer, captured_in_block, captured_in_expr,
};
use crate::frontend::rust::{parse, types};
use crate::ir::data::FAILURE;
use crate::ir::{BinOp, Data, Element, Literal, Name, Operand, Rvalue};
use crate::source::Span;

impl FunctionLowerer<'_> {
    /// Evaluates expressions from left to right.
    pub(super) fn operands<'e>(&mut self, exprs: impl Iterator<Item = &'e Expr>) -> Vec<Operand> {
        exprs.map(|e| self.expr(e)).collect()
    }

    /// Evaluates an expression whose value is unused.
    pub(super) fn effect(&mut self, e: &Expr) {
        match e {
            Expr::Path(_) | Expr::Lit(_) => {}
            _ => {
                self.expr(e);
            }
        }
    }

    /// Evaluates an expression.
    pub(super) fn expr(&mut self, e: &Expr) -> Operand {
        let span = parse::expr(e);
        match e {
            Expr::Paren(x) => self.expr(&x.expr),
            Expr::Group(x) => self.expr(&x.expr),
            Expr::Reference(x) => self.expr(&x.expr),
            Expr::RawAddr(x) => self.expr(&x.expr),
            Expr::Cast(x) => self.expr(&x.expr),
            Expr::Lit(x) => match literal(&x.lit) {
                Some(literal) => Operand::Const(literal),
                None => self.opaque(Vec::new(), span),
            },
            Expr::Path(x) => self.path(x, span),
            Expr::Unary(x) => self.unary(x, span),
            Expr::Binary(x) => self.binary(e, x, span),
            Expr::Field(x) => {
                let object = self.expr(&x.base);
                let field = member(&x.member);
                self.emit(Rvalue::GetField(object, field), span)
            }
            Expr::Index(x) => self.indexed(x, span),
            Expr::Tuple(x) if x.elems.is_empty() => Operand::NONE,
            Expr::Tuple(x) => {
                let elements = self.elements(x.elems.iter());
                self.emit(Rvalue::Tuple(elements), span)
            }
            Expr::Array(x) => {
                let elements = self.elements(x.elems.iter());
                self.data(Data::Array(elements), span)
            }
            Expr::Repeat(x) => {
                let given = self.operands([&*x.expr, &*x.len].into_iter());
                self.opaque(given, span)
            }
            Expr::Struct(x) => self.record(x, span),
            Expr::Range(x) => self.range(x, span),
            Expr::Call(x) => self.call(x, span),
            Expr::MethodCall(x) => self.method_call(x, span),
            Expr::Macro(x) => self.macro_value(&x.mac, span),
            Expr::Closure(x) => self.closure_value(x, span),
            Expr::Async(x) => self.async_block(x, span),
            Expr::Await(x) => self.awaited(&x.base, span),
            Expr::Try(x) => self.question(&x.expr, span),
            Expr::Block(x) => self.block_value(x),
            Expr::Unsafe(x) => self.block(&x.block),
            Expr::Const(x) => self.block(&x.block),
            Expr::TryBlock(x) => {
                let value = self.block(&x.block);
                self.opaque(vec![value], span)
            }
            Expr::If(x) => self.if_value(x),
            Expr::Match(x) => self.match_value(x),
            Expr::Loop(x) => self.loop_value(x),
            // A test as a value: `let a = b && let …` and the like.
            Expr::Let(_) => self.test_value(e, span),
            Expr::Yield(x) => {
                let given = self.operands(x.expr.as_deref().into_iter());
                self.opaque(given, span)
            }
            _ => self.unit_or_unknown(e, span),
        }
    }

    /// An expression that is evaluated for its effect and whose value is `()` or `!`; any other
    /// has an unknown value.
    fn unit_or_unknown(&mut self, e: &Expr, span: Span) -> Operand {
        match e {
            Expr::Assign(x) => self.assign(&x.left, &x.right, span),
            Expr::While(x) => self.while_loop(x),
            Expr::ForLoop(x) => self.for_loop(x),
            Expr::Return(x) => {
                let value = match &x.expr {
                    Some(value) => self.expr(value),
                    None => Operand::NONE,
                };
                self.return_value(value, span);
            }
            Expr::Break(x) => self.break_out(x, span),
            Expr::Continue(x) => self.continue_loop(x, span),
            _ => return self.opaque(Vec::new(), span),
        }
        Operand::NONE
    }

    fn unary(&mut self, x: &syn::ExprUnary, span: Span) -> Operand {
        let value = self.expr(&x.expr);
        match (&x.op, value) {
            (UnOp::Not(_), value) => self.emit(Rvalue::Not(value), span),
            (UnOp::Neg(_), Operand::Const(Literal::Int(i))) => {
                Operand::Const(Literal::Int(i.wrapping_neg()))
            }
            (UnOp::Neg(_), value) => self.emit(Rvalue::Neg(value), span),
            (_, value) => value,
        }
    }

    /// `a[i]`, `a[i..j]`; `a[..]` is `a`.
    fn indexed(&mut self, x: &syn::ExprIndex, span: Span) -> Operand {
        let object = self.expr(&x.expr);
        let object = self.keep(object, span);
        if let Expr::Range(range) = &*x.index {
            let [start, end] = [&range.start, &range.end].map(|bound| match bound {
                Some(bound) => self.expr(bound),
                None => Operand::NONE,
            });
            if start == Operand::NONE && end == Operand::NONE {
                return object;
            }
            return self.opaque(vec![object, start, end], span);
        }
        let key = self.expr(&x.index);
        self.emit(Rvalue::GetItem(object, key), span)
    }

    pub(super) fn elements<'e>(&mut self, exprs: impl Iterator<Item = &'e Expr>) -> Vec<Element> {
        self.operands(exprs)
            .into_iter()
            .map(|value| Element {
                value,
                starred: false,
            })
            .collect()
    }

    /// A name: of a variable, or of a definition.
    fn path(&mut self, x: &syn::ExprPath, span: Span) -> Operand {
        if x.qself.is_none()
            && let Some(name) = x.path.get_ident()
        {
            let name = types::plain(name);
            if let Some(value) = self.load(&name, span) {
                return value;
            }
            if name == "None" {
                return self.variant(FAILURE, Vec::new(), span);
            }
        }
        let mut path = types::path(&x.path);
        if let (Some(qself), Some(last)) = (&x.qself, path.last().cloned()) {
            path = match types::self_path(&qself.ty) {
                Some(owner) => types::path(owner),
                None => return self.opaque(Vec::new(), span),
            };
            path.push(last);
        }
        if let [.., owner, name] = path.as_slice()
            && owner == "Option"
            && name == "None"
        {
            return self.variant(FAILURE, Vec::new(), span);
        }
        self.emit(Rvalue::Path(path), span)
    }

    fn record(&mut self, x: &syn::ExprStruct, span: Span) -> Operand {
        let mut fields = Vec::with_capacity(x.fields.len());
        for field in &x.fields {
            let value = self.expr(&field.expr);
            let value = self.keep(value, span);
            fields.push((member(&field.member), value));
        }
        let base = x.rest.as_ref().map(|rest| self.expr(rest));
        let class = types::path(&x.path);
        // `Event::Loaded { rows }` is a variant, `Stats { rows }` a record.
        if let [.., owner, tag] = class.as_slice()
            && base.is_none()
            && owner.starts_with(|c: char| c.is_uppercase())
        {
            let tag = tag.clone();
            return self.data(Data::Variant { tag, fields }, span);
        }
        self.data(
            Data::Record {
                class,
                fields,
                base,
            },
            span,
        )
    }

    fn range(&mut self, x: &syn::ExprRange, span: Span) -> Operand {
        let start = match &x.start {
            Some(start) => self.expr(start),
            None => Operand::Const(Literal::Int(0)),
        };
        let Some(end) = &x.end else {
            return self.opaque(vec![start], span);
        };
        let start = self.keep(start, span);
        let end = self.expr(end);
        let end = match (&x.limits, end) {
            (RangeLimits::HalfOpen(_), end) => end,
            (RangeLimits::Closed(_), Operand::Const(Literal::Int(i))) => {
                Operand::Const(Literal::Int(i.saturating_add(1)))
            }
            (RangeLimits::Closed(_), end) => {
                let one = Operand::Const(Literal::Int(1));
                self.emit(Rvalue::Binary(BinOp::Add, end, one), span)
            }
        };
        self.data(Data::Range(start, end), span)
    }

    /// A closure over the variables that it uses.
    pub(super) fn closure_value(&mut self, x: &syn::ExprClosure, span: Span) -> Operand {
        let closure = Closure {
            span,
            is_async: x.asyncness.is_some(),
            inputs: x.inputs.iter().collect(),
            outer: self.vars.visible(),
            captured: captured_in_expr(&x.body),
        };
        let site = self.site.clone();
        let function = self
            .module
            .closure(closure, &site, |this| this.tail(&x.body));
        self.emit(Rvalue::Closure(function), span)
    }

    /// `async { … }`: a call that has not run yet.
    fn async_block(&mut self, x: &syn::ExprAsync, span: Span) -> Operand {
        let closure = Closure {
            span,
            is_async: true,
            inputs: Vec::new(),
            outer: self.vars.visible(),
            captured: captured_in_block(&x.block, None),
        };
        let site = self.site.clone();
        let function = self.module.closure(closure, &site, |this| {
            this.tail_block(&x.block);
        });
        let closure = self.emit(Rvalue::Closure(function), span);
        self.call_value(closure, Vec::new(), span)
    }

    fn awaited(&mut self, base: &Expr, span: Span) -> Operand {
        // Awaiting an asynchronous lock yields what it guards.
        if let Some(guarded) = super::idiom::locked(base) {
            return self.expr(guarded);
        }
        let value = self.expr(base);
        self.emit(Rvalue::Await(value), span)
    }
}

/// The value of a literal, if the IR has it.
pub(super) fn literal(lit: &Lit) -> Option<Literal> {
    Some(match lit {
        Lit::Str(text) => Literal::Str(text.value().into()),
        Lit::ByteStr(bytes) => Literal::Bytes(bytes.value()),
        Lit::Byte(byte) => Literal::Int(i64::from(byte.value())),
        Lit::Char(c) => Literal::Str(c.value().to_string().into()),
        Lit::Int(int) => Literal::Int(int.base10_parse().ok()?),
        Lit::Float(float) => Literal::Float(float.base10_parse::<f64>().ok()?.to_bits()),
        Lit::Bool(b) => Literal::Bool(b.value),
        _ => return None,
    })
}

/// The name of a field.
pub(super) fn member(member: &Member) -> Name {
    match member {
        Member::Named(name) => Name::from(types::plain(name)),
        Member::Unnamed(position) => Name::from(index(position.index as usize).to_string()),
    }
}
