//! Exceptional control flow: the stack of contexts that an exception, `return`, `break` or
//! `continue` leaves on its way out, and the statements that push them.

use rustpython_parser::ast::{self, Expr, Stmt};

use crate::frontend::python::lower::expr::Dest;
use crate::frontend::python::lower::function::FunctionLowerer;
use crate::frontend::python::parse;
use crate::ir::{
    BlockId, BranchRole, Handler, Literal, LocalId, LocalKind, Name, Operand, Rvalue,
    StatementKind, TerminatorKind, Unwind,
};
use crate::source::Span;

/// The contexts that control can be inside.
pub(super) enum Context {
    /// The body of a `try` with handlers.
    Handlers { unwind: Unwind, catches: Catches },
    /// Everything that is protected by a `finally`.
    Finally(Finally),
    /// The body of a `with`.
    With {
        manager: Operand,
        is_async: bool,
        span: Span,
        unwind: Unwind,
        catches: Catches,
    },
    /// The body of a loop.
    Loop {
        id: u32,
        break_to: BlockId,
        continue_to: BlockId,
    },
    /// The body of a handler.
    Handler { exc: LocalId, name: Option<Name> },
}

/// A `finally` block. It is lowered once; an integer tells its end how to continue.
pub(super) struct Finally {
    entry: BlockId,
    /// Where exceptions enter it.
    unwind: Unwind,
    completion: LocalId,
    /// Keeps the value of a pending `return`.
    value: Option<LocalId>,
    /// The jumps that pass through it; the i-th has the completion `FIRST_EXIT + i`.
    exits: Vec<Jump>,
}

const FALL_THROUGH: i64 = 0;
const RAISE: i64 = 1;
const FIRST_EXIT: i64 = 2;

/// A way out of a context other than an exception.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Jump {
    /// `return`. One for each statement, so that each keeps its span.
    Return(Span),
    /// `break` out of the loop with this id.
    Break(u32),
    /// `continue` of the loop with this id.
    Continue(u32),
}

/// Which exceptions, among those that most code cannot raise, a context handles.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Catches {
    /// Exceptions of missing attributes.
    pub(super) attribute: bool,
    /// Exceptions of arithmetic.
    pub(super) operator: bool,
    /// Exceptions of comparing values without an order.
    pub(super) comparison: bool,
}

impl Catches {
    /// The exceptions among these that the expression names.
    fn named_by(expr: &Expr) -> Self {
        let name = match expr {
            Expr::Tuple(e) => {
                let all = e.elts.iter().map(Self::named_by);
                return all.fold(Self::default(), Self::or);
            }
            Expr::Name(e) => e.id.as_str(),
            Expr::Attribute(e) => e.attr.as_str(),
            _ => "",
        };
        Self {
            attribute: name == "AttributeError",
            operator: matches!(
                name,
                "TypeError"
                    | "ValueError"
                    | "ZeroDivisionError"
                    | "OverflowError"
                    | "ArithmeticError"
            ),
            comparison: name == "TypeError",
        }
    }

    /// The exceptions that a context manager of the form `suppress(…)` suppresses.
    fn suppressed_by(manager: &Expr) -> Self {
        match manager {
            Expr::Call(call) => {
                let name = match &*call.func {
                    Expr::Name(e) => e.id.as_str(),
                    Expr::Attribute(e) => e.attr.as_str(),
                    _ => "",
                };
                if name != "suppress" {
                    return Self::default();
                }
                let all = call.args.iter().map(Self::named_by);
                all.fold(Self::default(), Self::or)
            }
            _ => Self::default(),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            attribute: self.attribute || other.attribute,
            operator: self.operator || other.operator,
            comparison: self.comparison || other.comparison,
        }
    }
}

impl FunctionLowerer<'_, '_> {
    /// Where an exception that is raised here goes.
    pub(super) fn unwind(&self) -> Option<Unwind> {
        self.contexts
            .iter()
            .rev()
            .find_map(|context| match context {
                Context::Handlers { unwind, .. } | Context::With { unwind, .. } => Some(*unwind),
                Context::Finally(finally) => Some(finally.unwind),
                Context::Loop { .. } | Context::Handler { .. } => None,
            })
    }

    /// The rare exceptions that some context of this function handles.
    pub(super) fn catches(&self) -> Catches {
        let all = self.contexts.iter().map(|context| match context {
            Context::Handlers { catches, .. } | Context::With { catches, .. } => *catches,
            _ => Catches::default(),
        });
        all.fold(Catches::default(), Catches::or)
    }

    /// The exception that a bare `raise` raises again.
    pub(super) fn handled(&self) -> Option<LocalId> {
        self.contexts
            .iter()
            .rev()
            .find_map(|context| match context {
                Context::Handler { exc, .. } => Some(*exc),
                _ => None,
            })
    }

    /// The innermost loop.
    pub(super) fn current_loop(&self) -> Option<u32> {
        self.contexts
            .iter()
            .rev()
            .find_map(|context| match context {
                Context::Loop { id, .. } => Some(*id),
                _ => None,
            })
    }

    fn new_unwind(&mut self) -> Unwind {
        Unwind {
            target: self.body.block(),
            exc: self.body.local(None, LocalKind::Exception),
        }
    }

    /// Lowers the body of a loop.
    pub(super) fn loop_body(&mut self, break_to: BlockId, continue_to: BlockId, body: &[Stmt]) {
        let id = self.loops;
        self.loops += 1;
        self.contexts.push(Context::Loop {
            id,
            break_to,
            continue_to,
        });
        self.inner_suite(body);
        self.contexts.pop();
        self.body.goto(continue_to);
    }

    /// Leaves the contexts from the innermost outwards, until one takes over. `span` is the
    /// statement that leaves.
    pub(super) fn leave(&mut self, exit: Jump, value: Operand, span: Span) {
        let mut depth = self.contexts.len();
        while depth > 0 {
            depth -= 1;
            match &mut self.contexts[depth] {
                Context::Handlers { .. } => {}
                Context::Handler { name, .. } => {
                    // When a function returns, its variables are gone anyway.
                    if let (Some(name), false) = (name.clone(), matches!(exit, Jump::Return(_))) {
                        self.unbind(&name, span);
                    }
                }
                Context::Loop {
                    id,
                    break_to,
                    continue_to,
                } => match exit {
                    Jump::Break(target) if target == *id => {
                        let target = *break_to;
                        self.body.goto(target);
                        return;
                    }
                    Jump::Continue(target) if target == *id => {
                        let target = *continue_to;
                        self.body.goto(target);
                        return;
                    }
                    _ => {}
                },
                Context::With {
                    manager,
                    is_async,
                    span,
                    ..
                } => {
                    let (manager, is_async, span) = (manager.clone(), *is_async, *span);
                    let inner = self.contexts.split_off(depth);
                    self.exit_manager(manager, Operand::NONE, is_async, None, span);
                    self.contexts.extend(inner);
                }
                Context::Finally(_) => {
                    self.leave_by_finally(depth, exit, value, span);
                    return;
                }
            }
        }
        match exit {
            Jump::Return(span) => {
                let implicit = false;
                self.body
                    .end(TerminatorKind::Return { value, implicit }, span);
            }
            Jump::Break(_) | Jump::Continue(_) => self.body.end(TerminatorKind::Unreachable, span),
        }
    }

    fn leave_by_finally(&mut self, depth: usize, exit: Jump, value: Operand, span: Span) {
        let Context::Finally(finally) = &mut self.contexts[depth] else {
            return;
        };
        if matches!(exit, Jump::Return(_)) {
            let body = &mut self.body;
            let keep = *finally.value.get_or_insert_with(|| body.temp());
            self.body.assign(keep, Rvalue::Use(value), span);
        }
        let index = match finally.exits.iter().position(|known| *known == exit) {
            Some(index) => index,
            None => {
                finally.exits.push(exit);
                finally.exits.len() - 1
            }
        };
        let code = i64::try_from(index).map_or(i64::MAX, |index| FIRST_EXIT + index);
        let (completion, entry) = (finally.completion, finally.entry);
        self.complete(completion, code, entry, Span::new(span.end, span.end));
    }

    /// Enters a `finally` with this completion.
    fn complete(&mut self, completion: LocalId, code: i64, entry: BlockId, span: Span) {
        let code = Operand::Const(Literal::Int(code));
        self.body.assign(completion, Rvalue::Use(code), span);
        self.body.goto(entry);
    }

    fn raise_again(&mut self, exc: LocalId, span: Span) {
        let unwind = self.unwind();
        let exc = Operand::Local(exc);
        self.body.end(TerminatorKind::Raise { exc, unwind }, span);
    }

    /// `try` in all its forms; `group` for `except*`.
    pub(super) fn try_stmt(&mut self, parts: &TryParts<'_>) {
        if parts.finalbody.is_empty() {
            self.try_except(parts);
            return;
        }
        let unwind = self.new_unwind();
        let finally = Finally {
            entry: self.body.block(),
            unwind,
            completion: self.body.local(None, LocalKind::Completion),
            value: None,
            exits: Vec::new(),
        };
        self.contexts.push(Context::Finally(finally));
        self.try_except(parts);
        let Some(Context::Finally(finally)) = self.contexts.pop() else {
            return;
        };
        let Finally {
            entry,
            completion,
            value,
            exits,
            ..
        } = finally;

        let start = parts.finalbody.first().map_or(0, |s| parse::span(s).start);
        let start = Span::new(start, start);
        self.complete(completion, FALL_THROUGH, entry, start);
        self.body.at(unwind.target);
        self.complete(completion, RAISE, entry, start);

        self.body.at(entry);
        self.suite(parts.finalbody);
        let end = parts.finalbody.last().map_or(0, |s| parse::span(s).end);
        let end = Span::new(end, end);
        let after = self.body.block();
        let raise = self.body.block();
        let mut cases = vec![
            (Literal::Int(FALL_THROUGH), after),
            (Literal::Int(RAISE), raise),
        ];
        let mut blocks = Vec::with_capacity(exits.len());
        for (code, _) in (FIRST_EXIT..).zip(&exits) {
            let block = self.body.block();
            cases.push((Literal::Int(code), block));
            blocks.push(block);
        }
        let on = completion;
        self.body.end(TerminatorKind::Switch { on, cases }, end);

        self.body.at(raise);
        self.raise_again(unwind.exc, end);
        for (exit, block) in exits.into_iter().zip(blocks) {
            self.body.at(block);
            let value = value.map_or(Operand::NONE, Operand::Local);
            self.leave(exit, value, end);
        }
        self.body.at(after);
    }

    fn try_except(&mut self, parts: &TryParts<'_>) {
        if parts.handlers.is_empty() {
            self.inner_suite(parts.body);
            self.inner_suite(parts.orelse);
            return;
        }
        let unwind = self.new_unwind();
        let handlers = parts.handlers.iter();
        let catches = handlers
            .filter_map(|ast::ExceptHandler::ExceptHandler(h)| h.type_.as_deref())
            .map(Catches::named_by)
            .fold(Catches::default(), Catches::or);
        let after = self.body.block();
        self.contexts.push(Context::Handlers { unwind, catches });
        self.inner_suite(parts.body);
        self.contexts.pop();
        self.inner_suite(parts.orelse);
        self.body.goto(after);

        self.body.at(unwind.target);
        for ast::ExceptHandler::ExceptHandler(handler) in parts.handlers {
            self.handler(handler, unwind.exc, parts.group, after);
        }
        let end = parts.handlers.last().map_or(0, |h| parse::span(h).end);
        self.raise_again(unwind.exc, Span::new(end, end));
        self.body.at(after);
    }

    /// Tests whether the handler catches the exception, and lowers its body. Continues where it
    /// does not.
    fn handler(
        &mut self,
        handler: &ast::ExceptHandlerExceptHandler,
        exc: LocalId,
        group: bool,
        after: BlockId,
    ) {
        let span = self.handler_header(handler);
        let caught = self.body.block();
        let next = self.body.block();
        let types = match handler.type_.as_deref() {
            None => Vec::new(),
            Some(Expr::Tuple(tuple)) if !tuple.elts.iter().any(Expr::is_starred_expr) => {
                let elts: Vec<&Expr> = tuple.elts.iter().collect();
                self.operands(&elts)
            }
            Some(expr) => vec![self.expr(expr, Dest::Temp)],
        };
        // A bare `except` is tested as well, although it catches everything: the test carries the
        // span of the handler.
        let test = self.body.temp();
        let rvalue = Rvalue::Caught {
            exc: Operand::Local(exc),
            types,
            group,
        };
        self.body.assign(test, rvalue, span);
        let test = Operand::Local(test);
        self.branch(test, caught, next, BranchRole::Handler, span);
        if let (Some(first), Some(last)) = (handler.body.first(), handler.body.last()) {
            let leaves = matches!(
                last,
                Stmt::Return(_) | Stmt::Continue(_) | Stmt::Break(_) | Stmt::Pass(_)
            );
            let last = parse::span(last);
            self.body.handlers.push(Handler {
                header: span,
                body: parse::span(first).to(last),
                last,
                leaves,
            });
        }
        self.body.at(caught);
        let name = handler.name.as_ref().map(|name| Name::new(name.as_str()));
        if let Some(name) = &name {
            self.store(name, Operand::Local(exc), span);
        }
        self.contexts.push(Context::Handler {
            exc,
            name: name.clone(),
        });
        self.inner_suite(&handler.body);
        self.contexts.pop();
        if let Some(name) = &name {
            let end = parse::span(handler).end;
            self.unbind(name, Span::new(end, end));
        }
        self.body.goto(after);
        self.body.at(next);
    }

    /// The span from `except` to the last token before the colon.
    fn handler_header(&self, handler: &ast::ExceptHandlerExceptHandler) -> Span {
        let start = parse::span(handler).start;
        let from = handler
            .type_
            .as_ref()
            .map_or(start, |expr| parse::span(&**expr).end);
        let mut end = from;
        let mut comment = false;
        let rest = self.module.text.get(from as usize..).unwrap_or("");
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'\n' | b'\r' => comment = false,
                _ if comment => {}
                b'#' => comment = true,
                b':' => break,
                b' ' | b'\t' | b'\\' | b'\x0c' => {}
                _ => end = from + super::index(at) + 1,
            }
        }
        Span::new(start, end)
    }

    /// `with`: its items nest from left to right.
    pub(super) fn with_stmt(&mut self, items: &[ast::WithItem], body: &[Stmt], is_async: bool) {
        for item in items {
            self.enter_item(item, is_async);
        }
        self.inner_suite(body);
        for _ in items {
            self.exit_item();
        }
    }

    fn enter_item(&mut self, item: &ast::WithItem, is_async: bool) {
        let mut span = parse::span(&item.context_expr);
        if let Some(target) = &item.optional_vars {
            span = span.to(parse::span(&**target));
        }
        let catches = Catches::suppressed_by(&item.context_expr);
        let manager = self.expr(&item.context_expr, Dest::Temp);
        let manager = self.keep(manager, span);
        let target = item.optional_vars.as_deref();
        let entered = match target {
            Some(target) => self.target_dest(target),
            None => Dest::Discard,
        };
        let enter = Rvalue::Enter {
            manager: manager.clone(),
            is_async,
        };
        let value = self.emit(enter, entered, span);
        let unwind = self.new_unwind();
        self.contexts.push(Context::With {
            manager,
            is_async,
            span,
            unwind,
            catches,
        });
        if let (Some(target), Dest::Temp) = (target, entered) {
            self.assign_target(target, value);
        }
    }

    /// Ends the innermost `with` item: for normal completion, and for an exception.
    fn exit_item(&mut self) {
        let Some(Context::With {
            manager,
            is_async,
            span,
            unwind,
            ..
        }) = self.contexts.pop()
        else {
            return;
        };
        let after = self.body.block();
        self.exit_manager(manager.clone(), Operand::NONE, is_async, None, span);
        self.body.goto(after);

        self.body.at(unwind.target);
        let swallowed = self.body.temp();
        let exc = Operand::Local(unwind.exc);
        self.exit_manager(manager, exc, is_async, Some(swallowed), span);
        let again = self.body.block();
        let test = Operand::Local(swallowed);
        self.branch(test, after, again, BranchRole::Swallow, span);
        self.body.at(again);
        self.raise_again(unwind.exc, Span::new(span.end, span.end));
        self.body.at(after);
    }

    fn exit_manager(
        &mut self,
        manager: Operand,
        exc: Operand,
        is_async: bool,
        dest: Option<LocalId>,
        span: Span,
    ) {
        let exit = Rvalue::Exit {
            manager,
            exc,
            is_async,
        };
        self.emit(exit, dest.map_or(Dest::Discard, Dest::Local), span);
    }

    /// `raise`
    pub(super) fn raise_stmt(&mut self, s: &ast::StmtRaise) {
        let span = parse::span(s);
        let exc = match (&s.exc, &s.cause) {
            (Some(exc), Some(cause)) => self.operands(&[&**exc, &**cause]).swap_remove(0),
            (Some(exc), None) => self.expr(exc, Dest::Temp),
            _ => match self.handled() {
                Some(exc) => Operand::Local(exc),
                None => self.emit(Rvalue::Opaque(Vec::new()), Dest::Temp, span),
            },
        };
        let unwind = self.unwind();
        self.body.end(TerminatorKind::Raise { exc, unwind }, span);
    }

    /// Unbinds a variable.
    pub(super) fn unbind(&mut self, name: &str, span: Span) {
        use crate::frontend::python::lower::names::Storage;
        match self.storage_of(name) {
            Storage::Local(local) => self.body.push(StatementKind::Unbind(local), span),
            Storage::Cell { hops, field } => {
                let object = Operand::Local(self.cells_at(hops, span));
                self.body
                    .push(StatementKind::DelField { object, field }, span);
            }
            Storage::Global => {
                let value = self.emit(Rvalue::Opaque(Vec::new()), Dest::Temp, span);
                let name = Name::new(name);
                self.body
                    .push(StatementKind::SetGlobal { name, value }, span);
            }
        }
    }
}

/// The parts of a `try` statement.
pub(super) struct TryParts<'a> {
    pub(super) body: &'a [Stmt],
    pub(super) handlers: &'a [ast::ExceptHandler],
    pub(super) orelse: &'a [Stmt],
    pub(super) finalbody: &'a [Stmt],
    pub(super) group: bool,
}
