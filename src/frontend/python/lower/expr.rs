//! Expressions in value position.

use rustpython_parser::ast::{self, BoolOp, ConversionFlag, Expr, UnaryOp};

use crate::frontend::python::lower::function::FunctionLowerer;
use crate::frontend::python::static_expr::{bin_op, cmp_op, folded};
use crate::frontend::python::{parse, walk};
use crate::ir::{
    BlockId, BranchRole, CmpOp, DictItem, Element, Literal, LocalId, LocalKind, Operand, Rvalue,
    TerminatorKind,
};
use crate::source::Span;

/// Where the value of an expression goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dest {
    /// In any operand.
    Temp,
    /// In this local, which is assigned only after everything else is evaluated.
    Local(LocalId),
    /// The value is unused. The returned operand has no meaning.
    Discard,
}

impl FunctionLowerer<'_, '_> {
    pub(super) fn dest_local(&mut self, dest: Dest) -> LocalId {
        match dest {
            Dest::Local(local) => local,
            Dest::Temp | Dest::Discard => self.body.temp(),
        }
    }

    /// Moves an evaluated value to its destination.
    pub(super) fn settle(&mut self, value: Operand, dest: Dest, span: Span) -> Operand {
        match dest {
            Dest::Local(local) => {
                if value != Operand::Local(local) {
                    self.body.assign(local, Rvalue::Use(value), span);
                }
                Operand::Local(local)
            }
            Dest::Temp | Dest::Discard => value,
        }
    }

    /// Computes an rvalue: with a statement, or with a terminator if it may raise here.
    pub(super) fn emit(&mut self, rvalue: Rvalue, dest: Dest, span: Span) -> Operand {
        if !self.may_raise(&rvalue) {
            let local = self.dest_local(dest);
            self.body.assign(local, rvalue, span);
            return Operand::Local(local);
        }
        let dest = (dest != Dest::Discard).then(|| self.dest_local(dest));
        let normal = self.body.block();
        let unwind = self.unwind();
        let kind = TerminatorKind::Eval {
            dest,
            rvalue,
            normal,
            unwind,
        };
        self.body.end(kind, span);
        self.body.at(normal);
        dest.map_or(Operand::NONE, Operand::Local)
    }

    fn may_raise(&self, rvalue: &Rvalue) -> bool {
        match rvalue {
            Rvalue::Call { .. }
            | Rvalue::Await(_)
            | Rvalue::Import(_)
            | Rvalue::Enter { .. }
            | Rvalue::Exit { .. }
            | Rvalue::GetItem(..) => true,
            Rvalue::GetField(_, name) => {
                self.catches().attribute || self.module.symbols.properties().contains(name)
            }
            Rvalue::Neg(_) | Rvalue::Binary(..) | Rvalue::InPlace(..) => self.catches().operator,
            Rvalue::Compare(op, ..) => {
                !matches!(op, CmpOp::Eq | CmpOp::NotEq | CmpOp::Is | CmpOp::IsNot)
                    && self.catches().comparison
            }
            _ => false,
        }
    }

    /// A copy of the operand that later code cannot change.
    pub(super) fn keep(&mut self, value: Operand, span: Span) -> Operand {
        match &value {
            Operand::Local(local)
                if matches!(self.body.kind(*local), LocalKind::Var | LocalKind::Param) =>
            {
                let copy = self.body.temp();
                self.body.assign(copy, Rvalue::Use(value), span);
                Operand::Local(copy)
            }
            _ => value,
        }
    }

    /// Copies the value of `expr` if evaluating one of the `later` expressions rebinds it.
    pub(super) fn keep_before(&mut self, value: Operand, expr: &Expr, later: &[&Expr]) -> Operand {
        let name = match expr {
            Expr::Name(name) => name.id.as_str(),
            Expr::NamedExpr(named) => walk::named_target(named).unwrap_or_default(),
            _ => return value,
        };
        if self.module.symbols.is_named(self.function, name)
            && later.iter().any(|e| walk::binds(e, name))
        {
            return self.keep(value, parse::span(expr));
        }
        value
    }

    /// Evaluates expressions from left to right.
    pub(super) fn operands(&mut self, exprs: &[&Expr]) -> Vec<Operand> {
        let mut values = Vec::with_capacity(exprs.len());
        for (index, expr) in exprs.iter().enumerate() {
            let value = self.expr(expr, Dest::Temp);
            values.push(self.keep_before(value, expr, &exprs[index + 1..]));
        }
        values
    }

    fn pair(&mut self, left: &Expr, right: &Expr) -> (Operand, Operand) {
        let value = self.expr(left, Dest::Temp);
        let first = self.keep_before(value, left, &[right]);
        let second = self.expr(right, Dest::Temp);
        (first, second)
    }

    fn elements(&mut self, elts: &[Expr]) -> Vec<Element> {
        let exprs: Vec<&Expr> = elts.iter().map(unstarred).collect();
        let values = self.operands(&exprs).into_iter();
        values
            .zip(elts)
            .map(|(value, elt)| Element {
                value,
                starred: elt.is_starred_expr(),
            })
            .collect()
    }

    /// Evaluates an expression.
    pub(super) fn expr(&mut self, expr: &Expr, dest: Dest) -> Operand {
        let span = parse::span(expr);
        if let Some(literal) = folded(expr) {
            return self.settle(Operand::Const(literal), dest, span);
        }
        match expr {
            Expr::Name(_) if dest == Dest::Discard => Operand::NONE,
            Expr::Name(e) => self.load(&e.id, dest, span),
            Expr::Constant(_) => self.emit(Rvalue::Opaque(Vec::new()), dest, span),
            Expr::BoolOp(e) => self.bool_op(e, dest),
            Expr::NamedExpr(e) => self.named_expr(e, dest),
            Expr::BinOp(e) => {
                let (left, right) = self.pair(&e.left, &e.right);
                self.emit(Rvalue::Binary(bin_op(e.op), left, right), dest, span)
            }
            Expr::UnaryOp(e) => {
                let value = self.expr(&e.operand, Dest::Temp);
                let rvalue = match e.op {
                    UnaryOp::Not => Rvalue::Not(value),
                    UnaryOp::USub => Rvalue::Neg(value),
                    UnaryOp::UAdd | UnaryOp::Invert => Rvalue::Opaque(vec![value]),
                };
                self.emit(rvalue, dest, span)
            }
            Expr::Lambda(e) => {
                self.defaults(&e.args);
                let function = self.module.lambda(e, &self.site);
                self.emit(Rvalue::Closure(function), dest, span)
            }
            Expr::IfExp(e) => self.if_exp(e, dest),
            Expr::Dict(e) => self.dict(e, dest),
            Expr::Set(e) => {
                let elements = self.elements(&e.elts);
                self.emit(Rvalue::Set(elements), dest, span)
            }
            Expr::List(e) => {
                let elements = self.elements(&e.elts);
                self.emit(Rvalue::List(elements), dest, span)
            }
            Expr::Tuple(e) => {
                let elements = self.elements(&e.elts);
                self.emit(Rvalue::Tuple(elements), dest, span)
            }
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::GeneratorExp(_) => {
                self.comprehension(expr, dest)
            }
            Expr::Await(e) => {
                let value = self.expr(&e.value, Dest::Temp);
                self.emit(Rvalue::Await(value), dest, span)
            }
            Expr::Yield(e) => {
                let value = match &e.value {
                    Some(value) => self.expr(value, Dest::Temp),
                    None => Operand::NONE,
                };
                self.suspend(value, dest, span)
            }
            Expr::YieldFrom(e) => self.yield_from(e, dest),
            Expr::Compare(e) => self.compare(e, dest),
            Expr::Call(e) => self.call(e, dest),
            Expr::FormattedValue(_) | Expr::JoinedStr(_) => {
                let mut pieces = Vec::new();
                self.format_pieces(expr, &mut pieces);
                self.emit(Rvalue::Format(pieces), dest, span)
            }
            Expr::Attribute(e) => {
                let object = self.expr(&e.value, Dest::Temp);
                let field = crate::ir::Name::new(e.attr.as_str());
                self.emit(Rvalue::GetField(object, field), dest, span)
            }
            Expr::Subscript(e) => self.subscript(e, dest),
            Expr::Starred(e) => self.expr(&e.value, dest),
            Expr::Slice(e) => {
                let bounds = self.bounds(e).to_vec();
                self.emit(Rvalue::Opaque(bounds), dest, span)
            }
        }
    }

    fn format_pieces(&mut self, expr: &Expr, pieces: &mut Vec<Operand>) {
        match expr {
            Expr::JoinedStr(e) => {
                for value in &e.values {
                    self.format_pieces(value, pieces);
                }
            }
            Expr::FormattedValue(e) => {
                let value = self.expr(&e.value, Dest::Temp);
                let plain = matches!(e.conversion, ConversionFlag::None | ConversionFlag::Str);
                if plain && e.format_spec.is_none() {
                    pieces.push(value);
                    return;
                }
                // It is not the text of the value, but made from it.
                let mut parts = vec![value];
                if let Some(spec) = &e.format_spec {
                    self.format_pieces(spec, &mut parts);
                }
                let span = parse::span(&*e.value);
                pieces.push(self.emit(Rvalue::Opaque(parts), Dest::Temp, span));
            }
            other => {
                let piece = self.expr(other, Dest::Temp);
                if piece != Operand::Const(Literal::Str(crate::ir::Name::default())) {
                    pieces.push(piece);
                }
            }
        }
    }

    fn named_expr(&mut self, e: &ast::ExprNamedExpr, dest: Dest) -> Operand {
        let span = parse::span(e);
        let Some(name) = walk::named_target(e) else {
            return self.expr(&e.value, dest);
        };
        let place = self.variable_dest(name);
        let value = self.expr(&e.value, place);
        if place == Dest::Temp {
            self.store(name, value.clone(), span);
        }
        self.settle(value, dest, span)
    }

    fn dict(&mut self, e: &ast::ExprDict, dest: Dest) -> Operand {
        let mut exprs = Vec::with_capacity(e.values.len() * 2);
        for (key, value) in e.keys.iter().zip(&e.values) {
            exprs.extend(key);
            exprs.push(value);
        }
        let mut values = self.operands(&exprs).into_iter();
        let mut items = Vec::with_capacity(e.values.len());
        for key in &e.keys {
            let first = values.next().unwrap_or(Operand::NONE);
            items.push(match key {
                Some(_) => DictItem::Pair(first, values.next().unwrap_or(Operand::NONE)),
                None => DictItem::Spread(first),
            });
        }
        self.emit(Rvalue::Dict(items), dest, parse::span(e))
    }

    fn subscript(&mut self, e: &ast::ExprSubscript, dest: Dest) -> Operand {
        let span = parse::span(e);
        if let Expr::Slice(slice) = &*e.slice {
            let object = self.expr(&e.value, Dest::Temp);
            let object = self.keep_before(object, &e.value, &[&e.slice]);
            let bounds = Box::new(self.bounds(slice));
            return self.emit(Rvalue::Slice { object, bounds }, dest, span);
        }
        let (object, key) = self.pair(&e.value, &e.slice);
        self.emit(Rvalue::GetItem(object, key), dest, span)
    }

    /// The bounds and the step of a slice.
    pub(super) fn bounds(&mut self, e: &ast::ExprSlice) -> [Operand; 3] {
        let parts = [&e.lower, &e.upper, &e.step];
        let given: Vec<&Expr> = parts.iter().filter_map(|part| part.as_deref()).collect();
        let mut values = self.operands(&given).into_iter();
        parts.map(|part| match part {
            Some(_) => values.next().unwrap_or(Operand::NONE),
            None => Operand::NONE,
        })
    }

    /// Suspends the generator.
    pub(super) fn suspend(&mut self, value: Operand, dest: Dest, span: Span) -> Operand {
        let dest = (dest != Dest::Discard).then(|| self.dest_local(dest));
        let normal = self.body.block();
        let unwind = self.unwind();
        let kind = TerminatorKind::Yield {
            value,
            dest,
            normal,
            unwind,
        };
        self.body.end(kind, span);
        self.body.at(normal);
        dest.map_or(Operand::NONE, Operand::Local)
    }

    fn yield_from(&mut self, e: &ast::ExprYieldFrom, dest: Dest) -> Operand {
        let span = parse::span(e);
        self.yield_all(&e.value, span);
        if dest == Dest::Discard {
            return Operand::NONE;
        }
        self.emit(Rvalue::Opaque(Vec::new()), dest, span)
    }

    /// Yields every element of an expression.
    pub(super) fn yield_all(&mut self, elements: &Expr, span: Span) {
        let object = self.expr(elements, Dest::Temp);
        let iter = self.iterate(object, false, span);
        let item = self.body.temp();
        let (head, after) = self.for_next(iter, item, span);
        self.suspend(Operand::Local(item), Dest::Discard, span);
        self.body.goto(head);
        self.body.at(after);
    }

    /// An iterator over the object.
    pub(super) fn iterate(&mut self, object: Operand, is_async: bool, span: Span) -> LocalId {
        let iter = self.body.temp();
        self.body
            .assign(iter, Rvalue::Iter { object, is_async }, span);
        iter
    }

    /// The head of a loop over an iterator. Continues in its body. Returns the head and the block
    /// for when the iterator is exhausted.
    pub(super) fn for_next(
        &mut self,
        iter: LocalId,
        dest: LocalId,
        span: Span,
    ) -> (BlockId, BlockId) {
        let head = self.body.loop_head();
        let body = self.body.block();
        let exhausted = self.body.block();
        let unwind = self.unwind();
        self.body.goto(head);
        self.body.at(head);
        let kind = TerminatorKind::ForNext {
            iter,
            dest,
            body,
            exhausted,
            unwind,
        };
        self.body.end(kind, span);
        self.body.at(body);
        (head, exhausted)
    }

    fn if_exp(&mut self, e: &ast::ExprIfExp, dest: Dest) -> Operand {
        let then = self.body.block();
        let otherwise = self.body.block();
        let after = self.body.block();
        self.cond(&e.test, then, otherwise, BranchRole::If);
        let result = self.join_dest(dest);
        self.body.at(then);
        self.expr(&e.body, result);
        self.body.goto(after);
        self.body.at(otherwise);
        let value = self.expr(&e.orelse, result);
        self.body.goto(after);
        self.body.at(after);
        value
    }

    /// A destination that several paths can share.
    pub(super) fn join_dest(&mut self, dest: Dest) -> Dest {
        match dest {
            Dest::Temp => Dest::Local(self.body.temp()),
            other => other,
        }
    }

    /// `and`, `or`: the value is the last operand that was evaluated.
    fn bool_op(&mut self, e: &ast::ExprBoolOp, dest: Dest) -> Operand {
        let Some((last, init)) = e.values.split_last() else {
            return Operand::NONE;
        };
        let after = self.body.block();
        let result = self.join_dest(dest);
        for value in init {
            let next = self.body.block();
            if dest == Dest::Discard {
                match e.op {
                    BoolOp::And => self.cond(value, next, after, BranchRole::ShortCircuit),
                    BoolOp::Or => self.cond(value, after, next, BranchRole::ShortCircuit),
                }
            } else {
                let short = self.body.block();
                let span = parse::span(value);
                let operand = self.expr(value, Dest::Temp);
                let (then, otherwise) = match e.op {
                    BoolOp::And => (next, short),
                    BoolOp::Or => (short, next),
                };
                let role = BranchRole::ShortCircuit;
                self.branch(operand.clone(), then, otherwise, role, span);
                self.body.at(short);
                self.settle(operand, result, span);
                self.body.goto(after);
            }
            self.body.at(next);
        }
        let value = self.expr(last, result);
        self.body.goto(after);
        self.body.at(after);
        value
    }

    /// A comparison. The middle operands of a chain are evaluated once.
    fn compare(&mut self, e: &ast::ExprCompare, dest: Dest) -> Operand {
        if let ([op], [right]) = (e.ops.as_slice(), e.comparators.as_slice()) {
            let (left, right) = self.pair(&e.left, right);
            return self.emit(
                Rvalue::Compare(cmp_op(*op), left, right),
                dest,
                parse::span(e),
            );
        }
        let after = self.body.block();
        let result = self.join_dest(dest);
        let value = self.compare_chain(e, |this, link, last, span| {
            if last {
                return this.settle(link, result, span);
            }
            let next = this.body.block();
            let short = this.body.block();
            let role = BranchRole::ShortCircuit;
            this.branch(link.clone(), next, short, role, span);
            this.body.at(short);
            this.settle(link.clone(), result, span);
            this.body.goto(after);
            this.body.at(next);
            link
        });
        self.body.goto(after);
        self.body.at(after);
        value
    }

    /// Evaluates the links of a chained comparison in turn, and passes each to `link`.
    pub(super) fn compare_chain(
        &mut self,
        e: &ast::ExprCompare,
        mut link: impl FnMut(&mut Self, Operand, bool, Span) -> Operand,
    ) -> Operand {
        let mut left_expr = &*e.left;
        let value = self.expr(left_expr, Dest::Temp);
        let later: Vec<&Expr> = e.comparators.iter().collect();
        let mut left = self.keep_before(value, left_expr, &later);
        let mut result = Operand::NONE;
        for (index, (op, right_expr)) in e.ops.iter().zip(&e.comparators).enumerate() {
            let value = self.expr(right_expr, Dest::Temp);
            let right = self.keep_before(value, right_expr, &later[index + 1..]);
            let span = parse::span(left_expr).to(parse::span(right_expr));
            let rvalue = Rvalue::Compare(cmp_op(*op), left, right.clone());
            let value = self.emit(rvalue, Dest::Temp, span);
            result = link(self, value, index + 1 == e.ops.len(), span);
            left = right;
            left_expr = right_expr;
        }
        result
    }
}

/// The expression after a star.
pub(super) fn unstarred(expr: &Expr) -> &Expr {
    match expr {
        Expr::Starred(starred) => &starred.value,
        other => other,
    }
}
