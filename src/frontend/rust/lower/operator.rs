//! Binary operators, and tests as values.

use syn::Expr;

use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::parse;
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{BinOp, BlockId, BranchRole, CmpOp, Literal, Operand, Rvalue};
use crate::source::Span;

impl FunctionLowerer<'_> {
    pub(super) fn binary(&mut self, e: &Expr, x: &syn::ExprBinary, span: Span) -> Operand {
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
    pub(super) fn test_value(&mut self, e: &Expr, span: Span) -> Operand {
        self.truth_of(span, |lowerer, yes, no| {
            lowerer.cond(e, yes, no, BranchRole::If)
        })
    }

    /// What a branch decides, as a value: `branch` goes to the first block if it is true, and to
    /// the second if not.
    pub(super) fn truth_of(
        &mut self,
        span: Span,
        branch: impl FnOnce(&mut Self, BlockId, BlockId),
    ) -> Operand {
        let result = self.body.temp();
        let (yes, no, after) = (self.body.block(), self.body.block(), self.body.block());
        self.vars.push();
        branch(self, yes, no);
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
}

/// If the expression makes an option or a result: its tag, whether it is an option, and its
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
