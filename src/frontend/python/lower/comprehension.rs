//! Lowers comprehensions as loops in place, and generator expressions as functions.

use rustpython_parser::ast::{self, Expr};

use crate::frontend::python::lower::expr::Dest;
use crate::frontend::python::lower::function::{FunctionLowerer, Head};
use crate::frontend::python::scope::SymId;
use crate::frontend::python::{parse, walk};
use crate::ir::{
    Arg, ArgKind, BlockId, BranchRole, Callee, FunctionShape, LocalId, Name, Operand, Param,
    ParamKind, Rvalue, StatementKind,
};
use crate::source::Span;

/// What a comprehension does in each iteration.
#[derive(Clone, Copy)]
enum Item<'e> {
    /// Calls this method of the collection with the element, or with several.
    Add(&'static str, &'e Expr),
    /// Stores a key and a value.
    Pair(&'e Expr, &'e Expr),
    /// Yields the element, or all elements of a starred one.
    Yield(&'e Expr),
}

/// What is in the star of an element (PEP 798). Two stars are a star in a star.
fn starred(elt: &Expr) -> Option<&Expr> {
    match elt {
        Expr::Starred(e) => Some(&e.value),
        _ => None,
    }
}

fn list_item(elt: &Expr) -> Item<'_> {
    match starred(elt) {
        None => Item::Add("append", elt),
        Some(elements) => Item::Add("extend", elements),
    }
}

impl FunctionLowerer<'_, '_> {
    /// A comprehension or a generator expression.
    pub(super) fn comprehension(&mut self, expr: &Expr, dest: Dest) -> Operand {
        let span = parse::span(expr);
        let symbols = self.module.symbols;
        let value = match expr {
            Expr::ListComp(e) => {
                let item = list_item(&e.elt);
                let empty = Rvalue::List(Vec::new());
                self.collect(&e.generators, symbols.of(e), empty, item, span)
            }
            Expr::SetComp(e) => {
                let (item, empty) = match starred(&e.elt) {
                    None => (Item::Add("add", &e.elt), Rvalue::Set(Vec::new())),
                    Some(elements) => match starred(elements) {
                        None => (Item::Add("update", elements), Rvalue::Set(Vec::new())),
                        Some(dict) => (Item::Add("update", dict), Rvalue::Dict(Vec::new())),
                    },
                };
                self.collect(&e.generators, symbols.of(e), empty, item, span)
            }
            Expr::DictComp(e) => {
                let item = Item::Pair(&e.key, &e.value);
                let empty = Rvalue::Dict(Vec::new());
                self.collect(&e.generators, symbols.of(e), empty, item, span)
            }
            Expr::GeneratorExp(e) => return self.generator(e, dest),
            _ => return Operand::NONE,
        };
        self.settle(value, dest, span)
    }

    /// A generator expression that its consumer exhausts at once, lowered as a list.
    pub(super) fn eager_list(&mut self, e: &ast::ExprGeneratorExp) -> Operand {
        let item = list_item(&e.elt);
        let empty = Rvalue::List(Vec::new());
        let sym = self.module.symbols.of(e);
        self.collect(&e.generators, sym, empty, item, parse::span(e))
    }

    fn collect(
        &mut self,
        generators: &[ast::Comprehension],
        sym: SymId,
        empty: Rvalue,
        item: Item<'_>,
        span: Span,
    ) -> Operand {
        // The first iterable is evaluated outside the comprehension, before anything else.
        let Some(first) = generators.first() else {
            return Operand::NONE;
        };
        let iterable = self.expr(&first.iter, Dest::Temp);
        let result = self.body.temp();
        self.body.assign(result, empty, span);
        let outer = std::mem::replace(&mut self.sym, sym);
        self.rounds(generators, Some(iterable), result, item);
        self.sym = outer;
        Operand::Local(result)
    }

    /// The nested loops. `iterable` belongs to the first generator.
    fn rounds(
        &mut self,
        generators: &[ast::Comprehension],
        iterable: Option<Operand>,
        result: LocalId,
        item: Item<'_>,
    ) {
        let mut iterable = iterable;
        let mut loops: Vec<(BlockId, BlockId)> = Vec::with_capacity(generators.len());
        for generator in generators {
            let span = parse::span(&generator.iter);
            let object = match iterable.take() {
                Some(object) => object,
                None => self.expr(&generator.iter, Dest::Temp),
            };
            let iter = self.iterate(object, generator.is_async, span);
            let (head, exhausted) = self.for_each(iter, &generator.target, span);
            for test in &generator.ifs {
                let next = self.body.block();
                self.cond(test, next, head, BranchRole::If);
                self.body.at(next);
            }
            loops.push((head, exhausted));
        }
        self.item(result, item);
        for (head, exhausted) in loops.into_iter().rev() {
            self.body.goto(head);
            self.body.at(exhausted);
        }
    }

    fn item(&mut self, result: LocalId, item: Item<'_>) {
        match item {
            Item::Add(method, elt) => {
                let span = parse::span(elt);
                let value = self.expr(elt, Dest::Temp);
                let callee = Callee::Method {
                    receiver: Operand::Local(result),
                    name: Name::new(method),
                    name_span: span,
                };
                let args = vec![Arg {
                    kind: ArgKind::Positional,
                    value,
                }];
                self.emit(Rvalue::Call { callee, args }, Dest::Discard, span);
            }
            Item::Pair(key_expr, value_expr) => {
                let span = parse::span(key_expr).to(parse::span(value_expr));
                let mut values = self.operands(&[key_expr, value_expr]).into_iter();
                let kind = StatementKind::SetItem {
                    object: Operand::Local(result),
                    key: values.next().unwrap_or(Operand::NONE),
                    value: values.next().unwrap_or(Operand::NONE),
                };
                self.body.push(kind, span);
            }
            Item::Yield(Expr::Starred(e)) => self.yield_all(&e.value, parse::span(e)),
            Item::Yield(elt) => {
                let value = self.expr(elt, Dest::Temp);
                self.suspend(value, Dest::Discard, parse::span(elt));
            }
        }
    }

    /// A generator expression: a nested function that is called with the first iterable.
    fn generator(&mut self, e: &ast::ExprGeneratorExp, dest: Dest) -> Operand {
        let span = parse::span(e);
        let Some(first) = e.generators.first() else {
            return Operand::NONE;
        };
        let iterable = self.expr(&first.iter, Dest::Temp);
        let head = Head {
            name: Name::new("<genexpr>"),
            span,
            name_span: span,
            sym: self.module.symbols.of(e),
            params: vec![Param {
                name: Name::new(".0"),
                kind: ParamKind::Positional,
                default: None,
                annotation: None,
            }],
            returns: None,
            decorators: Vec::new(),
            is_async: walk::is_async_generator(&e.elt, &e.generators),
            shape: FunctionShape::Code,
        };
        let function = self.module.function(head, &self.site, |inner| {
            let iterable = Operand::Local(LocalId(0));
            let unused = inner.body.temp();
            inner.rounds(&e.generators, Some(iterable), unused, Item::Yield(&e.elt));
            inner.fall_off(Span::new(span.end, span.end));
        });
        let closure = self.emit(Rvalue::Closure(function), Dest::Temp, span);
        let args = vec![Arg {
            kind: ArgKind::Positional,
            value: iterable,
        }];
        let callee = Callee::Value(closure);
        self.emit(Rvalue::Call { callee, args }, dest, span)
    }
}
