//! Blocks, branches, loops, and the ways out of them.

use syn::{Block, Expr, Item, Local, Stmt};

use crate::frontend::rust::attrs::Cfg;
use crate::frontend::rust::lower::function::{Frame, FunctionLowerer};
use crate::frontend::rust::lower::{idiom, iterate, vars};
use crate::frontend::rust::{parse, types};
use crate::ir::data::SUCCESS;
use crate::ir::{
    BlockId, BranchRole, LocalId, Name, Operand, Rvalue, StatementKind, StaticExprKind,
    TerminatorKind,
};
use crate::source::Span;

/// What happens to the value of a branch.
#[derive(Clone, Copy)]
enum Sink {
    /// It is returned.
    Return,
    /// It is assigned to this local, and control goes to this block.
    Join(LocalId, BlockId),
}

impl FunctionLowerer<'_> {
    /// The definitions in a block are visible in all of it.
    pub(super) fn block_items(&mut self, stmts: &[Stmt]) {
        let items: Vec<&Item> = stmts
            .iter()
            .filter_map(|stmt| match stmt {
                Stmt::Item(item) => Some(item),
                _ => None,
            })
            .collect();
        if !items.is_empty() {
            let site = self.site.clone();
            self.module.items(items.into_iter(), &site);
        }
    }

    /// The value of a block.
    pub(super) fn block(&mut self, block: &Block) -> Operand {
        self.block_items(&block.stmts);
        self.vars.push();
        let mut value = Operand::NONE;
        for (i, stmt) in block.stmts.iter().enumerate() {
            match stmt {
                Stmt::Expr(e, None) if i + 1 == block.stmts.len() => value = self.expr(e),
                // A macro in braces at the end has a value as well.
                Stmt::Macro(m) if i + 1 == block.stmts.len() && m.semi_token.is_none() => {
                    value = self.macro_value(&m.mac, parse::of(&m.mac));
                }
                stmt => self.stmt(stmt),
            }
        }
        self.vars.pop();
        value
    }

    /// A block at the end of the function. Its value is returned.
    pub(super) fn tail_block(&mut self, block: &Block) {
        self.block_items(&block.stmts);
        self.vars.push();
        let mut ended = false;
        for (i, stmt) in block.stmts.iter().enumerate() {
            let last = i + 1 == block.stmts.len();
            match stmt {
                Stmt::Expr(e, None) if last => {
                    self.tail(e);
                    ended = true;
                }
                Stmt::Macro(m) if last && m.semi_token.is_none() => {
                    let span = parse::of(&m.mac);
                    let value = self.macro_value(&m.mac, span);
                    if !self.unit {
                        self.return_value(value, span);
                        ended = true;
                    }
                }
                stmt => self.stmt(stmt),
            }
        }
        self.vars.pop();
        if !ended {
            let end = parse::span(block.brace_token.span.close());
            self.fall_off(end);
        }
    }

    /// An expression at the end of the function. Each of its branches is a separate exit.
    pub(super) fn tail(&mut self, e: &Expr) {
        match e {
            Expr::Block(x) if x.label.is_none() => self.tail_block(&x.block),
            Expr::Unsafe(x) => self.tail_block(&x.block),
            Expr::Paren(x) => self.tail(&x.expr),
            Expr::If(x) => self.if_expr(x, Sink::Return),
            Expr::Match(x) => self.match_expr(x, Sink::Return),
            _ => {
                let value = self.expr(e);
                let span = parse::expr(e);
                if self.unit && !matches!(e, Expr::Call(_) | Expr::MethodCall(_) | Expr::Await(_)) {
                    self.fall_off(Span::new(span.end, span.end));
                } else {
                    self.return_value(value, span);
                }
            }
        }
    }

    fn finish_branch(&mut self, e: &Expr, sink: Sink) {
        match sink {
            Sink::Return => self.tail(e),
            Sink::Join(result, after) => {
                let value = self.expr(e);
                self.body.assign(result, Rvalue::Use(value), parse::expr(e));
                self.body.goto(after);
            }
        }
    }

    fn finish_block(&mut self, block: &Block, sink: Sink) {
        match sink {
            Sink::Return => self.tail_block(block),
            Sink::Join(result, after) => {
                let value = self.block(block);
                let end = parse::span(block.brace_token.span.close());
                self.body.assign(result, Rvalue::Use(value), end);
                self.body.goto(after);
            }
        }
    }

    pub(super) fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Local(local) => {
                let cfg = Cfg::of(&local.attrs);
                if cfg != Cfg::Never {
                    self.let_stmt(local);
                }
            }
            Stmt::Item(_) => {}
            Stmt::Expr(e, _) => {
                let cfg = Cfg::of(attributes(e));
                self.under(&cfg, parse::expr(e), |this| this.effect(e));
            }
            Stmt::Macro(m) => {
                let cfg = Cfg::of(&m.attrs);
                let span = parse::of(&m.mac);
                self.under(&cfg, span, |this| {
                    this.macro_value(&m.mac, span);
                });
            }
        }
    }

    fn let_stmt(&mut self, local: &Local) {
        let span = parse::of(&local.pat);
        let Some(init) = &local.init else {
            // It is declared here and assigned later.
            if let Some((name, _)) = vars::simple(&local.pat) {
                self.declare(&name, true);
            } else {
                self.declare_all(&local.pat);
            }
            return;
        };
        if let Some((_, diverge)) = &init.diverge {
            let value = self.matched(&local.pat, &init.expr);
            let value = self.keep(value, span);
            let fail = self.body.block();
            let go_on = self.body.block();
            // The variables are not visible in the `else` block.
            self.vars.push();
            self.match_pattern(&local.pat, &value, fail);
            self.body.goto(go_on);
            let declared = self.vars.take();
            self.body.at(fail);
            self.effect(diverge);
            self.body
                .end(TerminatorKind::Unreachable, parse::expr(diverge));
            self.body.at(go_on);
            self.vars.add(declared);
            return;
        }
        if is_wild(&local.pat) {
            let start = parse::span(local.let_token.span).start;
            return self.discard(&init.expr, Span::new(start, span.end));
        }
        let value = self.expr(&init.expr);
        if let (syn::Pat::Type(typed), Some((name, mutable))) =
            (&local.pat, vars::simple(&local.pat))
        {
            let var = self.declare(&name, mutable);
            self.store_var(&var, value, span);
            if let (Some(at), Some(ty)) = (var.local, types::annotation(&typed.ty))
                && let StaticExprKind::Path(path) = ty.kind
            {
                self.body.push(StatementKind::Declare(at, path), ty.span);
            }
            return;
        }
        self.bind_pattern(&local.pat, &value);
    }

    pub(super) fn block_value(&mut self, x: &syn::ExprBlock) -> Operand {
        let Some(label) = &x.label else {
            return self.block(&x.block);
        };
        let after = self.body.block();
        let result = self.body.temp();
        self.frames.push(Frame {
            label: Some(label_name(&label.name)),
            is_loop: false,
            break_to: after,
            continue_to: after,
            result: Some(result),
        });
        self.finish_block(&x.block, Sink::Join(result, after));
        self.frames.pop();
        self.body.at(after);
        Operand::Local(result)
    }

    pub(super) fn if_value(&mut self, x: &syn::ExprIf) -> Operand {
        let (result, after) = (self.body.temp(), self.body.block());
        self.if_expr(x, Sink::Join(result, after));
        self.body.at(after);
        Operand::Local(result)
    }

    fn if_expr(&mut self, x: &syn::ExprIf, sink: Sink) {
        let (then, otherwise) = (self.body.block(), self.body.block());
        self.vars.push();
        self.cond(&x.cond, then, otherwise, BranchRole::If);
        self.body.at(then);
        self.finish_block(&x.then_branch, sink);
        self.vars.pop();
        self.body.at(otherwise);
        match &x.else_branch {
            Some((_, e)) => match &**e {
                Expr::If(next) => self.if_expr(next, sink),
                Expr::Block(b) if b.label.is_none() => self.finish_block(&b.block, sink),
                e => self.finish_branch(e, sink),
            },
            None => {
                let end = parse::span(x.then_branch.brace_token.span.close());
                match sink {
                    Sink::Return => self.fall_off(end),
                    Sink::Join(result, after) => {
                        self.body.assign(result, Rvalue::Use(Operand::NONE), end);
                        self.body.goto(after);
                    }
                }
            }
        }
    }

    pub(super) fn match_value(&mut self, x: &syn::ExprMatch) -> Operand {
        let (result, after) = (self.body.temp(), self.body.block());
        self.match_expr(x, Sink::Join(result, after));
        self.body.at(after);
        Operand::Local(result)
    }

    /// The compiler has checked that some arm matches, so the last one does if no other does.
    fn match_expr(&mut self, x: &syn::ExprMatch, sink: Sink) {
        let subject = match x.arms.first() {
            Some(arm) => self.matched(&arm.pat, &x.expr),
            None => self.expr(&x.expr),
        };
        let subject = self.keep(subject, parse::expr(&x.expr));
        for arm in &x.arms {
            let cfg = Cfg::of(&arm.attrs);
            if cfg == Cfg::Never {
                continue;
            }
            let next = self.body.block();
            let span = parse::of(&arm.pat);
            if cfg != Cfg::Always {
                let holds = self.configured(&cfg, span);
                let there = self.body.block();
                self.branch(holds, there, next, BranchRole::Configured, span);
                self.body.at(there);
            }
            self.vars.push();
            self.match_pattern(&arm.pat, &subject, next);
            if let Some((_, guard)) = &arm.guard {
                let body = self.body.block();
                self.cond(guard, body, next, BranchRole::Guard);
                self.body.at(body);
            }
            self.finish_branch(&arm.body, sink);
            self.vars.pop();
            self.body.at(next);
        }
        self.body
            .end(TerminatorKind::Unreachable, parse::expr(&x.expr));
    }

    pub(super) fn loop_value(&mut self, x: &syn::ExprLoop) -> Operand {
        let head = self.body.loop_head();
        let after = self.body.block();
        let result = self.body.temp();
        self.body.goto(head);
        self.body.at(head);
        self.looped(x.label.as_ref(), after, head, Some(result), |this| {
            this.block(&x.body);
        });
        self.body.goto(head);
        self.body.at(after);
        Operand::Local(result)
    }

    pub(super) fn while_loop(&mut self, x: &syn::ExprWhile) {
        let head = self.body.loop_head();
        let (then, after) = (self.body.block(), self.body.block());
        self.body.goto(head);
        self.body.at(head);
        self.vars.push();
        self.cond(&x.cond, then, after, BranchRole::While);
        self.body.at(then);
        self.looped(x.label.as_ref(), after, head, None, |this| {
            this.block(&x.body);
        });
        self.vars.pop();
        self.body.goto(head);
        self.body.at(after);
    }

    pub(super) fn for_loop(&mut self, x: &syn::ExprForLoop) {
        let span = parse::expr(&x.expr);
        let iteration = iterate::iteration(&x.expr);
        let source = self.expr(iteration.source);
        let (head, after, item) = self.for_each(source, span);
        self.vars.push();
        let item = self.item(&iteration, item, head, span);
        self.bind_pattern(&x.pat, &item);
        self.looped(x.label.as_ref(), after, head, None, |this| {
            this.block(&x.body);
        });
        self.vars.pop();
        self.body.goto(head);
        self.body.at(after);
    }

    /// The head of a loop over a collection. Continues in its body. Returns the head, the block
    /// after the loop, and the item.
    pub(super) fn for_each(&mut self, source: Operand, span: Span) -> (BlockId, BlockId, LocalId) {
        let iter = self.body.temp();
        let item = self.body.temp();
        let is_async = false;
        let object = source;
        self.body
            .assign(iter, Rvalue::Iter { object, is_async }, span);
        let head = self.body.loop_head();
        let (body, after) = (self.body.block(), self.body.block());
        self.body.goto(head);
        self.body.at(head);
        let kind = TerminatorKind::ForNext {
            iter,
            dest: item,
            body,
            exhausted: after,
            unwind: None,
        };
        self.body.end(kind, span);
        self.body.at(body);
        (head, after, item)
    }

    fn looped(
        &mut self,
        label: Option<&syn::Label>,
        break_to: BlockId,
        continue_to: BlockId,
        result: Option<LocalId>,
        lower: impl FnOnce(&mut Self),
    ) {
        self.frames.push(Frame {
            label: label.map(|l| label_name(&l.name)),
            is_loop: true,
            break_to,
            continue_to,
            result,
        });
        lower(self);
        self.frames.pop();
    }

    fn frame(&self, label: Option<&syn::Lifetime>) -> Option<&Frame> {
        self.frames.iter().rev().find(|frame| match label {
            Some(label) => frame.label.as_ref() == Some(&label_name(label)),
            None => frame.is_loop,
        })
    }

    pub(super) fn break_out(&mut self, x: &syn::ExprBreak, span: Span) {
        let value = match &x.expr {
            Some(value) => self.expr(value),
            None => Operand::NONE,
        };
        let Some(frame) = self.frame(x.label.as_ref()) else {
            return self.body.end(TerminatorKind::Unreachable, span);
        };
        let (target, result) = (frame.break_to, frame.result);
        if let Some(result) = result {
            self.body.assign(result, Rvalue::Use(value), span);
        }
        self.body.goto(target);
    }

    pub(super) fn continue_loop(&mut self, x: &syn::ExprContinue, span: Span) {
        match self.frame(x.label.as_ref()).map(|frame| frame.continue_to) {
            Some(target) => {
                self.body.push(StatementKind::Skip, span);
                self.body.goto(target);
            }
            None => self.body.end(TerminatorKind::Unreachable, span),
        }
    }

    /// `e?`: the payload of a success. Anything else is returned.
    pub(super) fn question(&mut self, e: &Expr, span: Span) -> Operand {
        // A poisoned or unavailable lock is not a path that data takes.
        if let Some(guarded) = idiom::locked(e) {
            return self.expr(guarded);
        }
        let value = self.outcome(e);
        let value = self.keep(value, span);
        let (good, bad) = (self.body.block(), self.body.block());
        let test = self.is_success(value.clone(), span);
        self.branch(test, good, bad, BranchRole::Try, span);
        self.body.at(bad);
        let failed = self.opaque(vec![value.clone()], span);
        let failed = self.variant(crate::ir::data::FAILURE, vec![failed], span);
        self.return_value(failed, span);
        self.body.at(good);
        self.payload(value, SUCCESS, "0", span)
    }
}

fn label_name(label: &syn::Lifetime) -> Name {
    Name::from(label.ident.to_string())
}

/// Whether a pattern is just `_`, perhaps with a type.
fn is_wild(pat: &syn::Pat) -> bool {
    match pat {
        syn::Pat::Wild(_) => true,
        syn::Pat::Type(p) => is_wild(&p.pat),
        syn::Pat::Paren(p) => is_wild(&p.pat),
        _ => false,
    }
}

fn attributes(e: &Expr) -> &[syn::Attribute] {
    match e {
        Expr::Assign(x) => &x.attrs,
        Expr::Await(x) => &x.attrs,
        Expr::Binary(x) => &x.attrs,
        Expr::Block(x) => &x.attrs,
        Expr::Call(x) => &x.attrs,
        Expr::ForLoop(x) => &x.attrs,
        Expr::If(x) => &x.attrs,
        Expr::Loop(x) => &x.attrs,
        Expr::Macro(x) => &x.attrs,
        Expr::Match(x) => &x.attrs,
        Expr::MethodCall(x) => &x.attrs,
        Expr::Return(x) => &x.attrs,
        Expr::Try(x) => &x.attrs,
        Expr::Unsafe(x) => &x.attrs,
        Expr::While(x) => &x.attrs,
        _ => &[],
    }
}
