//! Expressions in value position.

use syn::{Expr, Lit, Member, RangeLimits, UnOp};

use crate::frontend::index;
use crate::frontend::rust::lower::function::{
    Closure, FunctionLowerer, captured_in_block, captured_in_expr,
};
use crate::frontend::rust::{parse, types};
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{
    BinOp, BranchRole, CmpOp, Data, Element, Literal, LocalId, LocalKind, Name, Operand, Rvalue,
    TerminatorKind,
};
use crate::source::Span;

impl FunctionLowerer<'_> {
    /// Computes an rvalue: by a terminator when it may panic, else by a statement.
    pub(super) fn emit(&mut self, rvalue: Rvalue, span: Span) -> Operand {
        let dest = self.body.temp();
        self.emit_to(dest, rvalue, span);
        Operand::Local(dest)
    }

    pub(super) fn emit_to(&mut self, dest: LocalId, rvalue: Rvalue, span: Span) {
        if !matches!(
            rvalue,
            Rvalue::Call { .. } | Rvalue::Await(_) | Rvalue::GetItem(..)
        ) {
            self.body.assign(dest, rvalue, span);
            return;
        }
        let normal = self.body.block();
        let kind = TerminatorKind::Eval {
            dest: Some(dest),
            rvalue,
            normal,
            unwind: None,
        };
        self.body.end(kind, span);
        self.body.at(normal);
    }

    pub(super) fn data(&mut self, data: Data, span: Span) -> Operand {
        self.emit(Rvalue::Data(data), span)
    }

    /// A value that nothing is known of.
    pub(super) fn opaque(&mut self, from: Vec<Operand>, span: Span) -> Operand {
        self.emit(Rvalue::Opaque(from), span)
    }

    /// A copy of the operand that a later assignment to a variable does not change.
    pub(super) fn keep(&mut self, value: Operand, span: Span) -> Operand {
        match &value {
            Operand::Local(local)
                if matches!(self.body.kind(*local), LocalKind::Var | LocalKind::Param) =>
            {
                self.emit(Rvalue::Use(value), span)
            }
            _ => value,
        }
    }

    pub(super) fn variant(&mut self, tag: &str, payload: Vec<Operand>, span: Span) -> Operand {
        let fields = payload.into_iter().enumerate();
        let fields = fields
            .map(|(i, v)| (Name::from(i.to_string()), v))
            .collect();
        let tag = Name::new(tag);
        self.data(Data::Variant { tag, fields }, span)
    }

    /// Whether the value is a success: `Ok(_)` or `Some(_)`.
    pub(super) fn is_success(&mut self, object: Operand, span: Span) -> Operand {
        self.is_variant(object, SUCCESS, span)
    }

    pub(super) fn is_variant(&mut self, object: Operand, tag: &str, span: Span) -> Operand {
        self.asks(object, tag, false, span)
    }

    /// Whether the value is `Some(_)`, or `None`: there or not.
    pub(super) fn is_presence(&mut self, object: Operand, tag: &str, span: Span) -> Operand {
        self.asks(object, tag, true, span)
    }

    fn asks(&mut self, object: Operand, tag: &str, presence: bool, span: Span) -> Operand {
        let of = if tag == SUCCESS || tag == FAILURE {
            vec![Name::new(SUCCESS), Name::new(FAILURE)]
        } else {
            Vec::new()
        };
        let tag = Name::new(tag);
        self.data(
            Data::IsVariant {
                object,
                tag,
                of,
                presence,
            },
            span,
        )
    }

    pub(super) fn payload(
        &mut self,
        object: Operand,
        tag: &str,
        field: &str,
        span: Span,
    ) -> Operand {
        let (tag, field) = (Name::new(tag), Name::new(field));
        self.data(Data::Payload { object, tag, field }, span)
    }

    /// Evaluates expressions from left to right.
    pub(super) fn operands<'e>(&mut self, exprs: impl Iterator<Item = &'e Expr>) -> Vec<Operand> {
        exprs.map(|e| self.expr(e)).collect()
    }

    /// Evaluates an expression whose value nobody looks at.
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
            Expr::Unary(x) => {
                let value = self.expr(&x.expr);
                match x.op {
                    UnOp::Not(_) => self.emit(Rvalue::Not(value), span),
                    UnOp::Neg(_) => match value {
                        Operand::Const(Literal::Int(i)) => {
                            Operand::Const(Literal::Int(i.wrapping_neg()))
                        }
                        value => self.emit(Rvalue::Neg(value), span),
                    },
                    _ => value,
                }
            }
            Expr::Binary(x) => self.binary(e, x, span),
            Expr::Assign(x) => {
                self.assign(&x.left, &x.right, span);
                Operand::NONE
            }
            Expr::Field(x) => {
                let object = self.expr(&x.base);
                let field = member(&x.member);
                self.emit(Rvalue::GetField(object, field), span)
            }
            Expr::Index(x) => {
                let object = self.expr(&x.expr);
                let object = self.keep(object, span);
                if let Expr::Range(range) = &*x.index {
                    let bounds = [&range.start, &range.end].map(|bound| match bound {
                        Some(bound) => self.expr(bound),
                        None => Operand::NONE,
                    });
                    let whole = bounds.iter().all(|b| *b == Operand::NONE);
                    if whole {
                        return object;
                    }
                    let [start, end] = bounds;
                    return self.opaque(vec![object, start, end], span);
                }
                let key = self.expr(&x.index);
                self.emit(Rvalue::GetItem(object, key), span)
            }
            Expr::Tuple(x) => {
                if x.elems.is_empty() {
                    return Operand::NONE;
                }
                let elements = self.elements(x.elems.iter());
                self.emit(Rvalue::Tuple(elements), span)
            }
            Expr::Array(x) => {
                let elements = self.elements(x.elems.iter());
                self.data(Data::Array(elements), span)
            }
            Expr::Repeat(x) => {
                let value = self.expr(&x.expr);
                let len = self.expr(&x.len);
                self.opaque(vec![value, len], span)
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
            Expr::While(x) => {
                self.while_loop(x);
                Operand::NONE
            }
            Expr::ForLoop(x) => {
                self.for_loop(x);
                Operand::NONE
            }
            Expr::Return(x) => {
                let value = match &x.expr {
                    Some(value) => self.expr(value),
                    None => Operand::NONE,
                };
                self.return_value(value, span);
                Operand::NONE
            }
            Expr::Break(x) => {
                self.break_out(x, span);
                Operand::NONE
            }
            Expr::Continue(x) => {
                self.continue_loop(x, span);
                Operand::NONE
            }
            // Where a test is wanted as a value: `let a = b && let …` and the like.
            Expr::Let(_) => self.test_value(e, span),
            Expr::Yield(x) => {
                let value = match &x.expr {
                    Some(value) => vec![self.expr(value)],
                    None => Vec::new(),
                };
                self.opaque(value, span)
            }
            _ => self.opaque(Vec::new(), span),
        }
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

    /// A name: a variable, or something of the program.
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

    fn binary(&mut self, e: &Expr, x: &syn::ExprBinary, span: Span) -> Operand {
        use syn::BinOp as Op;
        if matches!(x.op, Op::And(_) | Op::Or(_)) {
            return self.logical(e, x, span);
        }
        if let Some(op) = in_place(&x.op) {
            self.assign_op(&x.left, op, &x.right, span);
            return Operand::NONE;
        }
        if matches!(x.op, Op::Eq(_) | Op::Ne(_))
            && let Some(equal) = self.equals_variant(&x.left, &x.right, span)
        {
            return match x.op {
                Op::Eq(_) => equal,
                _ => self.emit(Rvalue::Not(equal), span),
            };
        }
        let left = self.expr(&x.left);
        let left = self.keep(left, span);
        let right = self.expr(&x.right);
        let compare = match x.op {
            Op::Eq(_) => Some(CmpOp::Eq),
            Op::Ne(_) => Some(CmpOp::NotEq),
            Op::Lt(_) => Some(CmpOp::Lt),
            Op::Le(_) => Some(CmpOp::LtE),
            Op::Gt(_) => Some(CmpOp::Gt),
            Op::Ge(_) => Some(CmpOp::GtE),
            _ => None,
        };
        if let Some(op) = compare {
            return self.emit(Rvalue::Compare(op, left, right), span);
        }
        match arithmetic(&x.op) {
            Some(op) => self.emit(Rvalue::Binary(op, left, right), span),
            None => self.opaque(vec![left, right], span),
        }
    }

    /// `a == None`, `a == Some(b)`: a test of the variant, then of its payload.
    fn equals_variant(&mut self, left: &Expr, right: &Expr, span: Span) -> Option<Operand> {
        let (value, made) = match (outcome(left), outcome(right)) {
            (None, Some(made)) => (left, made),
            (Some(made), None) => (right, made),
            _ => return None,
        };
        let value = self.expr(value);
        let value = self.keep(value, span);
        let (tag, presence, payload) = made;
        let is = self.asks(value.clone(), tag, presence, span);
        let Some(wanted) = payload else {
            return Some(is);
        };
        let result = self.body.temp();
        let (then, otherwise, after) = (self.body.block(), self.body.block(), self.body.block());
        self.branch(is, then, otherwise, BranchRole::ShortCircuit, span);
        self.body.at(then);
        let wanted = self.expr(wanted);
        let payload = self.payload(value, tag, "0", span);
        let equal = Rvalue::Compare(CmpOp::Eq, payload, wanted);
        self.emit_to(result, equal, span);
        self.body.goto(after);
        self.body.at(otherwise);
        let no = Rvalue::Use(Operand::Const(Literal::Bool(false)));
        self.body.assign(result, no, span);
        self.body.goto(after);
        self.body.at(after);
        Some(Operand::Local(result))
    }

    /// `&&`, `||` as values.
    fn logical(&mut self, e: &Expr, x: &syn::ExprBinary, span: Span) -> Operand {
        if contains_let(&x.left) || contains_let(&x.right) {
            return self.test_value(e, span);
        }
        let result = self.body.temp();
        let (next, short, after) = (self.body.block(), self.body.block(), self.body.block());
        let left = self.expr(&x.left);
        let (then, otherwise) = match x.op {
            syn::BinOp::And(_) => (next, short),
            _ => (short, next),
        };
        let left_span = parse::expr(&x.left);
        let role = BranchRole::ShortCircuit;
        self.branch(left.clone(), then, otherwise, role, left_span);
        self.body.at(short);
        self.body.assign(result, Rvalue::Use(left), left_span);
        self.body.goto(after);
        self.body.at(next);
        let right = self.expr(&x.right);
        self.body.assign(result, Rvalue::Use(right), span);
        self.body.goto(after);
        self.body.at(after);
        Operand::Local(result)
    }

    /// A test as a value.
    fn test_value(&mut self, e: &Expr, span: Span) -> Operand {
        let result = self.body.temp();
        let (yes, no, after) = (self.body.block(), self.body.block(), self.body.block());
        self.vars.push();
        self.cond(e, yes, no, BranchRole::If);
        self.vars.pop();
        for (block, value) in [(yes, true), (no, false)] {
            self.body.at(block);
            let value = Rvalue::Use(Operand::Const(Literal::Bool(value)));
            self.body.assign(result, value, span);
            self.body.goto(after);
        }
        self.body.at(after);
        Operand::Local(result)
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

    /// A closure closed over the variables it uses.
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
        // An asynchronous lock: what it guards.
        if let Some(guarded) = super::idiom::locked(base) {
            return self.expr(guarded);
        }
        let value = self.expr(base);
        self.emit(Rvalue::Await(value), span)
    }

    /// Returns from the function.
    pub(super) fn return_value(&mut self, value: Operand, span: Span) {
        let implicit = false;
        self.body
            .end(TerminatorKind::Return { value, implicit }, span);
    }

    /// Leaves by a panic.
    pub(super) fn panic(&mut self, span: Span) {
        let exc = self.opaque(Vec::new(), span);
        let unwind = None;
        self.body.end(TerminatorKind::Raise { exc, unwind }, span);
    }
}

/// The value of a literal, if it is one that the representation has.
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

/// The tag of an option or result that an expression makes, whether it is an option, and its
/// payload.
fn outcome(e: &Expr) -> Option<(&'static str, bool, Option<&Expr>)> {
    match e {
        Expr::Paren(x) => outcome(&x.expr),
        Expr::Reference(x) => outcome(&x.expr),
        Expr::Path(x) if x.path.is_ident("None") => Some((FAILURE, true, None)),
        Expr::Call(x) => match (&*x.func, x.args.len()) {
            (Expr::Path(f), 1) if f.path.is_ident("Some") => Some((SUCCESS, true, x.args.first())),
            (Expr::Path(f), 1) if f.path.is_ident("Ok") => Some((SUCCESS, false, x.args.first())),
            (Expr::Path(f), 1) if f.path.is_ident("Err") => Some((FAILURE, false, x.args.first())),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a test declares variables.
pub(super) fn contains_let(e: &Expr) -> bool {
    match e {
        Expr::Let(_) => true,
        Expr::Binary(x) if matches!(x.op, syn::BinOp::And(_) | syn::BinOp::Or(_)) => {
            contains_let(&x.left) || contains_let(&x.right)
        }
        Expr::Paren(x) => contains_let(&x.expr),
        _ => false,
    }
}

fn arithmetic(op: &syn::BinOp) -> Option<BinOp> {
    use syn::BinOp as Op;
    Some(match op {
        Op::Add(_) | Op::AddAssign(_) => BinOp::Add,
        Op::Sub(_) | Op::SubAssign(_) => BinOp::Sub,
        Op::Mul(_) | Op::MulAssign(_) => BinOp::Mul,
        Op::Div(_) | Op::DivAssign(_) => BinOp::FloorDiv,
        Op::Rem(_) | Op::RemAssign(_) => BinOp::Mod,
        Op::BitXor(_) | Op::BitXorAssign(_) => BinOp::BitXor,
        Op::BitAnd(_) | Op::BitAndAssign(_) => BinOp::BitAnd,
        Op::BitOr(_) | Op::BitOrAssign(_) => BinOp::BitOr,
        Op::Shl(_) | Op::ShlAssign(_) => BinOp::Shl,
        Op::Shr(_) | Op::ShrAssign(_) => BinOp::Shr,
        _ => return None,
    })
}

fn in_place(op: &syn::BinOp) -> Option<BinOp> {
    use syn::BinOp as Op;
    match op {
        Op::AddAssign(_)
        | Op::SubAssign(_)
        | Op::MulAssign(_)
        | Op::DivAssign(_)
        | Op::RemAssign(_)
        | Op::BitXorAssign(_)
        | Op::BitAndAssign(_)
        | Op::BitOrAssign(_)
        | Op::ShlAssign(_)
        | Op::ShrAssign(_) => arithmetic(op),
        _ => None,
    }
}
