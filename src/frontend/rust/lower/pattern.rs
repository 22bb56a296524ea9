//! Patterns: tests of their refutable parts, and the variables that they bind.

use syn::{Expr, Pat, RangeLimits};

use crate::frontend::index;
use crate::frontend::rust::lower::expr::{literal, member};
use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::lower::vars;
use crate::frontend::rust::{parse, types};
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{BlockId, BranchRole, CmpOp, Data, Element, Literal, Name, Operand, Rvalue};
use crate::source::Span;

impl FunctionLowerer<'_> {
    /// Declares the variables of a pattern, and goes to `fail` unless the subject matches.
    pub(super) fn match_pattern(&mut self, pat: &Pat, subject: &Operand, fail: BlockId) {
        self.declare_all(pat);
        self.test(pat, subject, Some(fail));
    }

    /// The value that a pattern is tested on. The pattern may show that it is an option or a
    /// result.
    pub(super) fn matched(&mut self, pat: &Pat, e: &Expr) -> Operand {
        if asks_outcome(pat) {
            self.outcome(e)
        } else {
            self.expr(e)
        }
    }

    /// Declares and binds the variables of an irrefutable pattern.
    pub(super) fn bind_pattern(&mut self, pat: &Pat, subject: &Operand) {
        self.declare_all(pat);
        self.test(pat, subject, None);
    }

    /// Declares the variables of a pattern, each once.
    pub(super) fn declare_all(&mut self, pat: &Pat) {
        let mut names: Vec<(Name, bool)> = Vec::new();
        for_each_binding(pat, &mut |name, mutable| {
            if !names.iter().any(|(known, _)| *known == name) {
                names.push((name, mutable));
            }
        });
        for (name, mutable) in names {
            self.declare(&name, mutable);
        }
    }

    /// Goes to `fail` if `holds` is false. Without `fail`, it is taken to be true.
    fn require(&mut self, holds: Operand, fail: Option<BlockId>, span: Span) {
        let Some(fail) = fail else { return };
        let next = self.body.block();
        self.branch(holds, next, fail, BranchRole::Pattern, span);
        self.body.at(next);
    }

    /// Tests the refutable parts of a pattern, going to `fail` if one does not match, and binds its
    /// variables. Without `fail`, everything is taken to match.
    fn test(&mut self, pat: &Pat, subject: &Operand, fail: Option<BlockId>) {
        let span = parse::of(pat);
        match pat {
            Pat::Ident(p) => self.test_ident(p, subject, fail, span),
            Pat::Path(p) => {
                let path = types::path(&p.path);
                self.test_path(&path, subject, fail, span);
            }
            Pat::Lit(p) => {
                let value = match literal(&p.lit) {
                    Some(literal) => Operand::Const(literal),
                    None => self.opaque(Vec::new(), span),
                };
                if fail.is_some() {
                    let equal = Rvalue::Compare(CmpOp::Eq, subject.clone(), value);
                    let holds = self.emit(equal, span);
                    self.require(holds, fail, span);
                }
            }
            Pat::TupleStruct(p) => self.test_tuple_struct(p, subject, fail, span),
            Pat::Struct(p) => self.test_struct(p, subject, fail, span),
            Pat::Tuple(p) => {
                let (before, after) = split_at_rest(p.elems.iter());
                self.test_elements(&before, &after, subject, fail);
            }
            Pat::Slice(p) => self.test_slice(p, subject, fail, span),
            Pat::Range(p) => self.test_range(p, subject, fail, span),
            Pat::Or(p) => self.test_or(p, subject, fail),
            Pat::Reference(p) => self.test(&p.pat, subject, fail),
            Pat::Paren(p) => self.test(&p.pat, subject, fail),
            Pat::Type(p) => self.test(&p.pat, subject, fail),
            Pat::Wild(_) | Pat::Rest(_) => {}
            _ => {
                if fail.is_some() {
                    let holds = self.opaque(vec![subject.clone()], span);
                    self.require(holds, fail, span);
                }
            }
        }
    }

    fn test_ident(
        &mut self,
        p: &syn::PatIdent,
        subject: &Operand,
        fail: Option<BlockId>,
        span: Span,
    ) {
        let name = types::plain(&p.ident);
        if is_variant_name(p) {
            return self.test_path(&[Name::new(&name)], subject, fail, span);
        }
        if let Some((_, sub)) = &p.subpat {
            self.test(sub, subject, fail);
        }
        self.store(&name, subject.clone(), span);
    }

    fn test_tuple_struct(
        &mut self,
        p: &syn::PatTupleStruct,
        subject: &Operand,
        fail: Option<BlockId>,
        span: Span,
    ) {
        let path = types::path(&p.path);
        let tag = tag_of(&path);
        if fail.is_some() {
            let presence = path.last().is_some_and(|name| name == "Some");
            let holds = if presence {
                self.is_presence(subject.clone(), &tag, span)
            } else {
                self.is_variant(subject.clone(), &tag, span)
            };
            self.require(holds, fail, span);
        }
        let (before, after) = split_at_rest(p.elems.iter());
        for (i, sub) in before.into_iter().enumerate() {
            if binds_or_tests(sub) {
                let field = i.to_string();
                let value = self.payload(subject.clone(), &tag, &field, parse::of(sub));
                self.test(sub, &value, fail);
            }
        }
        // The number of fields is not known here, so neither are the positions after `..`.
        for sub in after {
            let value = self.opaque(vec![subject.clone()], parse::of(sub));
            self.test(sub, &value, fail);
        }
    }

    fn test_struct(
        &mut self,
        p: &syn::PatStruct,
        subject: &Operand,
        fail: Option<BlockId>,
        span: Span,
    ) {
        let path = types::path(&p.path);
        let tag = tag_of(&path);
        let is_variant = path.len() > 1;
        if fail.is_some() && is_variant {
            let holds = self.is_variant(subject.clone(), &tag, span);
            self.require(holds, fail, span);
        }
        for field in &p.fields {
            let name = member(&field.member);
            let at = parse::of(&field.pat);
            let value = if is_variant {
                self.payload(subject.clone(), &tag, &name, at)
            } else {
                self.emit(Rvalue::GetField(subject.clone(), name), at)
            };
            self.test(&field.pat, &value, fail);
        }
    }

    fn test_slice(
        &mut self,
        p: &syn::PatSlice,
        subject: &Operand,
        fail: Option<BlockId>,
        span: Span,
    ) {
        let rest = p.elems.iter().position(is_rest);
        let len = p.elems.len() - usize::from(rest.is_some());
        if fail.is_some() {
            let size = self.data(Data::Len(subject.clone()), span);
            let wanted = i64::try_from(len).unwrap_or(i64::MAX);
            let wanted = Operand::Const(Literal::Int(wanted));
            let op = if rest.is_some() {
                CmpOp::GtE
            } else {
                CmpOp::Eq
            };
            let holds = self.emit(Rvalue::Compare(op, size, wanted), span);
            self.require(holds, fail, span);
        }
        let (before, after) = split_at_rest(p.elems.iter());
        self.test_elements(&before, &after, subject, fail);
        if let Some(Pat::Ident(bound)) = rest.and_then(|at| p.elems.iter().nth(at)) {
            let some = self.opaque(vec![subject.clone()], span);
            let name = types::plain(&bound.ident);
            self.store(&name, some, span);
        }
    }

    fn test_elements(
        &mut self,
        before: &[&Pat],
        after: &[&Pat],
        subject: &Operand,
        fail: Option<BlockId>,
    ) {
        let from_start = before.iter().enumerate().map(|(i, sub)| (small(i), sub));
        let from_end = after
            .iter()
            .enumerate()
            .map(|(i, sub)| (-small(after.len() - i), sub));
        let all: Vec<(i32, &&Pat)> = from_start.chain(from_end).collect();
        for (at, sub) in all {
            if binds_or_tests(sub) {
                let part = Rvalue::Unpack {
                    object: subject.clone(),
                    index: at,
                    rest_before_end: None,
                };
                let value = self.emit(part, parse::of(sub));
                self.test(sub, &value, fail);
            }
        }
    }

    /// A path: a constant, or a variant without payload.
    fn test_path(&mut self, path: &[Name], subject: &Operand, fail: Option<BlockId>, span: Span) {
        if fail.is_none() {
            return;
        }
        let holds = if path.last().is_some_and(|name| name == "None") {
            self.is_presence(subject.clone(), FAILURE, span)
        } else {
            let value = self.emit(Rvalue::Path(path.to_vec()), span);
            self.emit(Rvalue::Compare(CmpOp::Eq, subject.clone(), value), span)
        };
        self.require(holds, fail, span);
    }

    fn test_range(
        &mut self,
        p: &syn::PatRange,
        subject: &Operand,
        fail: Option<BlockId>,
        span: Span,
    ) {
        if fail.is_none() {
            return;
        }
        if let Some(start) = &p.start {
            let start = self.expr(start);
            let test = Rvalue::Compare(CmpOp::GtE, subject.clone(), start);
            let holds = self.emit(test, span);
            self.require(holds, fail, span);
        }
        if let Some(end) = &p.end {
            let end = self.expr(end);
            let op = match p.limits {
                RangeLimits::HalfOpen(_) => CmpOp::Lt,
                RangeLimits::Closed(_) => CmpOp::LtE,
            };
            let holds = self.emit(Rvalue::Compare(op, subject.clone(), end), span);
            self.require(holds, fail, span);
        }
    }

    fn test_or(&mut self, p: &syn::PatOr, subject: &Operand, fail: Option<BlockId>) {
        let Some(fail) = fail else {
            if let Some(first) = p.cases.first() {
                self.test(first, subject, None);
            }
            return;
        };
        // Several constants are one test, so that its answer covers all of them.
        if let Some(paths) = p.cases.iter().map(constant).collect::<Option<Vec<_>>>() {
            let span = parse::of(p);
            let mut elements = Vec::with_capacity(paths.len());
            for constant in paths {
                let value = match constant {
                    Constant::Path(path) => self.emit(Rvalue::Path(path), span),
                    Constant::Literal(literal) => Operand::Const(literal),
                };
                elements.push(Element {
                    value,
                    starred: false,
                });
            }
            let all = self.emit(Rvalue::Tuple(elements), span);
            let among = Rvalue::Compare(CmpOp::In, subject.clone(), all);
            let holds = self.emit(among, span);
            return self.require(holds, Some(fail), span);
        }
        let matched = self.body.block();
        let last = p.cases.len().saturating_sub(1);
        for (i, case) in p.cases.iter().enumerate() {
            let next = if i == last { fail } else { self.body.block() };
            self.test(case, subject, Some(next));
            self.body.goto(matched);
            if i != last {
                self.body.at(next);
            }
        }
        self.body.at(matched);
    }
}

/// A pattern that matches exactly one value.
pub(super) enum Constant {
    /// A named constant.
    Path(Vec<Name>),
    /// A literal.
    Literal(Literal),
}

/// The value that a pattern matches, if it is exactly one and not `None`.
pub(super) fn constant(pat: &Pat) -> Option<Constant> {
    let path = match pat {
        Pat::Paren(p) => return constant(&p.pat),
        Pat::Lit(p) => return literal(&p.lit).map(Constant::Literal),
        Pat::Path(p) if p.qself.is_none() => types::path(&p.path),
        Pat::Ident(p) if is_variant_name(p) => vec![Name::from(types::plain(&p.ident))],
        _ => return None,
    };
    (path.last()? != "None").then_some(Constant::Path(path))
}

/// The tag that a path stands for. `Some` is a success like `Ok`.
pub(super) fn tag_of(path: &[Name]) -> Name {
    match path.last().map(Name::as_str) {
        Some("Some") => Name::new(SUCCESS),
        Some(name) => Name::new(name),
        None => Name::default(),
    }
}

/// Calls `f` for every variable that a pattern binds, with whether it is mutable.
pub(super) fn for_each_binding(pat: &Pat, f: &mut impl FnMut(Name, bool)) {
    match pat {
        Pat::Ident(p) => {
            if !is_variant_name(p) {
                let mutable = p.mutability.is_some() && p.by_ref.is_none();
                f(Name::from(types::plain(&p.ident)), mutable);
            }
            if let Some((_, sub)) = &p.subpat {
                for_each_binding(sub, f);
            }
        }
        Pat::TupleStruct(p) => p.elems.iter().for_each(|sub| for_each_binding(sub, f)),
        Pat::Struct(p) => p
            .fields
            .iter()
            .for_each(|field| for_each_binding(&field.pat, f)),
        Pat::Tuple(p) => p.elems.iter().for_each(|sub| for_each_binding(sub, f)),
        Pat::Slice(p) => p.elems.iter().for_each(|sub| for_each_binding(sub, f)),
        Pat::Or(p) => p.cases.iter().for_each(|sub| for_each_binding(sub, f)),
        Pat::Reference(p) => for_each_binding(&p.pat, f),
        Pat::Paren(p) => for_each_binding(&p.pat, f),
        Pat::Type(p) => for_each_binding(&p.pat, f),
        _ => {}
    }
}

fn asks_outcome(pat: &Pat) -> bool {
    match pat {
        Pat::Paren(p) => asks_outcome(&p.pat),
        Pat::TupleStruct(p) => ["Some", "Ok", "Err"].iter().any(|v| p.path.is_ident(v)),
        Pat::Ident(p) => p.ident == "None" && p.subpat.is_none(),
        Pat::Or(p) => p.cases.iter().any(asks_outcome),
        _ => false,
    }
}

fn is_variant_name(p: &syn::PatIdent) -> bool {
    p.by_ref.is_none()
        && p.mutability.is_none()
        && p.subpat.is_none()
        && vars::is_constant(&p.ident.to_string())
}

fn binds_or_tests(pat: &Pat) -> bool {
    !matches!(pat, Pat::Wild(_) | Pat::Rest(_))
}

fn is_rest(pat: &Pat) -> bool {
    match pat {
        Pat::Rest(_) => true,
        Pat::Ident(p) => p.subpat.as_ref().is_some_and(|(_, sub)| is_rest(sub)),
        _ => false,
    }
}

/// The elements before and after `..`.
fn split_at_rest<'p>(elems: impl Iterator<Item = &'p Pat>) -> (Vec<&'p Pat>, Vec<&'p Pat>) {
    let all: Vec<&Pat> = elems.collect();
    match all.iter().position(|pat| is_rest(pat)) {
        Some(at) => (all[..at].to_vec(), all[at + 1..].to_vec()),
        None => (all, Vec::new()),
    }
}

fn small(value: usize) -> i32 {
    i32::try_from(index(value)).unwrap_or(i32::MAX)
}
