//! Iteration: what a `for` loop or a consumer of an iterator iterates over. Adapters with closures
//! become part of the loop, so that the closures run inside it.

use syn::{Expr, ExprMethodCall};

use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::parse;
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{BlockId, BranchRole, Data, Element, Literal, LocalId, Operand, Rvalue};
use crate::source::Span;

/// What is iterated over, and how each item is transformed.
pub(super) struct Iteration<'e> {
    /// The collection.
    pub(super) source: &'e Expr,
    /// The steps, in the order in which they apply to an item.
    steps: Vec<Step<'e>>,
}

/// What an adapter does to an item.
#[derive(Clone, Copy)]
enum Step<'e> {
    /// It becomes a pair of a number and the item.
    Numbered,
    /// It becomes something unknown.
    Unknown,
    /// It becomes the result of the function.
    Made(&'e Expr),
    /// It is kept if the function returns true, and skipped otherwise.
    Kept(&'e Expr),
    /// It becomes the payload of the function's result if that is a success, and is skipped
    /// otherwise.
    Chosen(&'e Expr),
}

impl Step<'_> {
    /// Whether it runs code of the program.
    fn runs(&self) -> bool {
        matches!(self, Self::Made(_) | Self::Kept(_) | Self::Chosen(_))
    }
}

/// Separates the adapters whose effect on each item is known from the collection.
pub(super) fn iteration(e: &Expr) -> Iteration<'_> {
    let mut steps = Vec::new();
    let mut source = e;
    loop {
        source = match source {
            Expr::Paren(x) => &x.expr,
            Expr::Reference(x) => &x.expr,
            Expr::MethodCall(x) => match (x.method.to_string().as_str(), x.args.first()) {
                (
                    "iter" | "iter_mut" | "into_iter" | "drain" | "cloned" | "copied" | "by_ref"
                    | "rev" | "into_par_iter" | "par_iter",
                    _,
                ) => &x.receiver,
                ("enumerate", None) => {
                    steps.push(Step::Numbered);
                    &x.receiver
                }
                ("chunks" | "chunks_mut", Some(_)) => {
                    steps.push(Step::Unknown);
                    &x.receiver
                }
                ("map", Some(f)) if is_iterator(&x.receiver) => {
                    steps.push(Step::Made(f));
                    &x.receiver
                }
                ("filter", Some(f)) if is_iterator(&x.receiver) => {
                    steps.push(Step::Kept(f));
                    &x.receiver
                }
                ("filter_map", Some(f)) if is_iterator(&x.receiver) => {
                    steps.push(Step::Chosen(f));
                    &x.receiver
                }
                _ => break,
            },
            _ => break,
        };
    }
    steps.reverse();
    Iteration { source, steps }
}

/// Whether an expression is written as an iterator, because `Option` also has `map` and `filter`.
fn is_iterator(e: &Expr) -> bool {
    match e {
        Expr::Paren(x) => is_iterator(&x.expr),
        Expr::Range(_) => true,
        Expr::MethodCall(x) => {
            matches!(
                x.method.to_string().as_str(),
                "iter"
                    | "iter_mut"
                    | "into_iter"
                    | "drain"
                    | "par_iter"
                    | "into_par_iter"
                    | "keys"
                    | "values"
                    | "values_mut"
                    | "chars"
                    | "bytes"
                    | "lines"
                    | "split_whitespace"
                    | "windows"
                    | "chunks"
                    | "enumerate"
            ) || is_iterator(&x.receiver)
        }
        _ => false,
    }
}

impl FunctionLowerer<'_> {
    /// The item of an iteration. If it is skipped, control goes to `next_round`.
    pub(super) fn item(
        &mut self,
        iteration: &Iteration<'_>,
        item: LocalId,
        next_round: BlockId,
        span: Span,
    ) -> Operand {
        let mut value = Operand::Local(item);
        for step in &iteration.steps {
            value = match step {
                Step::Numbered => {
                    let number = self.opaque(Vec::new(), span);
                    let pair = [number, value].map(|value| Element {
                        value,
                        starred: false,
                    });
                    self.emit(Rvalue::Tuple(pair.to_vec()), span)
                }
                Step::Unknown => self.opaque(vec![value], span),
                Step::Made(f) => self.apply(f, vec![value], parse::expr(f)),
                Step::Kept(f) => {
                    let at = parse::expr(f);
                    let test = self.apply(f, vec![value.clone()], at);
                    let keep = self.body.block();
                    self.branch(test, keep, next_round, BranchRole::ShortCircuit, at);
                    self.body.at(keep);
                    value
                }
                Step::Chosen(f) => {
                    let at = parse::expr(f);
                    let made = self.apply(f, vec![value], at);
                    let made = self.keep(made, at);
                    let keep = self.body.block();
                    let test = self.is_success(made.clone(), at);
                    self.branch(test, keep, next_round, BranchRole::ShortCircuit, at);
                    self.body.at(keep);
                    self.payload(made, SUCCESS, "0", at)
                }
            };
        }
        value
    }

    /// Methods that run an iterator until a function stops it; `None` for any other.
    pub(super) fn consumed(
        &mut self,
        name: &str,
        x: &ExprMethodCall,
        span: Span,
    ) -> Option<Operand> {
        if (name, x.args.len()) == ("collect", 0) {
            return self.collected(x, span);
        }
        let f = x.args.first().filter(|_| x.args.len() == 1)?;
        // Strings have methods of the same name, with a pattern that may be a variable.
        let is_function = match f {
            Expr::Closure(_) => true,
            Expr::Path(_) => is_iterator(&x.receiver),
            _ => false,
        };
        if !is_function {
            return None;
        }
        match name {
            "for_each" if matches!(f, Expr::Closure(_)) => {
                let iteration = iteration(&x.receiver);
                let source = self.expr(iteration.source);
                let function = self.expr(f);
                let (head, after, item) = self.for_each(source, span);
                let item = self.item(&iteration, item, head, span);
                self.call_value(function, vec![item], span);
                self.body.goto(head);
                self.body.at(after);
                Some(Operand::NONE)
            }
            "any" | "all" => {
                let sought = name == "any";
                let found =
                    |_: &mut Self, _: Operand, _: Operand| Operand::Const(Literal::Bool(sought));
                let other = Operand::Const(Literal::Bool(!sought));
                Some(self.first(x, sought, span, found, |_| other))
            }
            "find" | "position" | "find_map" => {
                let position = name == "position";
                let maps = name == "find_map";
                let found = |this: &mut Self, item: Operand, made: Operand| {
                    let payload = match (position, maps) {
                        (true, _) => this.opaque(Vec::new(), span),
                        (_, true) => this.payload(made, SUCCESS, "0", span),
                        _ => item,
                    };
                    this.variant(SUCCESS, vec![payload], span)
                };
                let none = |this: &mut Self| this.variant(FAILURE, Vec::new(), span);
                Some(self.first(x, true, span, found, none))
            }
            _ => None,
        }
    }

    /// A collection of the items as closures transform and filter them.
    fn collected(&mut self, x: &ExprMethodCall, span: Span) -> Option<Operand> {
        let iteration = iteration(&x.receiver);
        if !iteration.steps.iter().any(Step::runs) {
            return None;
        }
        let source = self.expr(iteration.source);
        let into = self.opaque(Vec::new(), span);
        let (head, after, item) = self.for_each(source, span);
        let item = self.item(&iteration, item, head, span);
        let gathered = into.clone();
        self.data(
            Data::Gather {
                into: gathered,
                item,
            },
            span,
        );
        self.body.goto(head);
        self.body.at(after);
        Some(into)
    }

    /// Iterates until the argument, a function, returns `sought` (or, for `find_map`, a success).
    fn first(
        &mut self,
        x: &ExprMethodCall,
        sought: bool,
        span: Span,
        found: impl FnOnce(&mut Self, Operand, Operand) -> Operand,
        none: impl FnOnce(&mut Self) -> Operand,
    ) -> Operand {
        let iteration = iteration(&x.receiver);
        let source = self.expr(iteration.source);
        let result = self.body.temp();
        let (head, exhausted, item) = self.for_each(source, span);
        let item = self.item(&iteration, item, head, span);
        let item = self.keep(item, span);
        let f = &x.args[0];
        let at = parse::expr(f);
        let made = self.apply(f, vec![item.clone()], at);
        let made = self.keep(made, at);
        let (hit, after) = (self.body.block(), self.body.block());
        let test = if x.method == "find_map" {
            self.is_success(made.clone(), at)
        } else {
            made.clone()
        };
        let (then, otherwise) = if sought { (hit, head) } else { (head, hit) };
        self.branch(test, then, otherwise, BranchRole::ShortCircuit, at);
        self.body.at(hit);
        let value = found(self, item, made);
        self.body.assign(result, Rvalue::Use(value), span);
        self.body.goto(after);
        self.body.at(exhausted);
        let value = none(self);
        self.body.assign(result, Rvalue::Use(value), span);
        self.body.goto(after);
        self.body.at(after);
        Operand::Local(result)
    }
}
