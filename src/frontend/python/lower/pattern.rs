//! `match`.

use rustpython_parser::ast::{self, Expr, Pattern};

use crate::frontend::python::lower::assign::unpack_position;
use crate::frontend::python::lower::expr::Dest;
use crate::frontend::python::lower::function::FunctionLowerer;
use crate::frontend::python::lower::names::Storage;
use crate::frontend::python::static_expr::literal;
use crate::frontend::python::{parse, walk};
use crate::ir::{BlockId, BranchRole, CmpOp, LocalId, Name, Operand, Rvalue};
use crate::source::Span;

/// The builtins whose single positional pattern matches the subject itself.
const SELF_MATCHING: [&str; 11] = [
    "bool",
    "bytearray",
    "bytes",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "set",
    "str",
    "tuple",
];

/// Captures of a pattern, which are bound when the whole pattern has matched.
type Captures = Vec<(Name, Operand, Span)>;

impl FunctionLowerer<'_, '_> {
    pub(super) fn match_stmt(&mut self, s: &ast::StmtMatch) {
        let span = parse::span(&*s.subject);
        let subject = self.expr(&s.subject, Dest::Temp);
        let subject = if self.rebinds_subject(s) {
            self.keep(subject, span)
        } else {
            subject
        };
        let after = self.body.block();
        for case in &s.cases {
            let next = self.body.block();
            let mut captures = Captures::new();
            self.pattern(&case.pattern, &subject, next, &mut captures);
            for (name, value, span) in captures {
                self.store(&name, value, span);
            }
            if let Some(guard) = &case.guard {
                let body = self.body.block();
                self.cond(guard, body, next, BranchRole::Guard);
                self.body.at(body);
            }
            self.inner_suite(&case.body);
            self.body.goto(after);
            self.body.at(next);
        }
        self.body.goto(after);
        self.body.at(after);
    }

    /// Whether a capture or a guard rebinds the matched variable.
    fn rebinds_subject(&self, s: &ast::StmtMatch) -> bool {
        let Expr::Name(name) = &*s.subject else {
            return !s.subject.is_constant_expr();
        };
        s.cases.iter().any(|case| {
            let mut found = false;
            walk::for_each_capture(&case.pattern, &mut |n| {
                found |= n.as_str() == name.id.as_str();
            });
            found
                || case
                    .guard
                    .as_ref()
                    .is_some_and(|g| walk::binds(g, &name.id))
        })
    }

    /// Tests a pattern: continues if it matches, and goes to `fail` if not.
    fn pattern(
        &mut self,
        pattern: &Pattern,
        subject: &Operand,
        fail: BlockId,
        captures: &mut Captures,
    ) {
        let span = parse::span(pattern);
        match pattern {
            Pattern::MatchValue(p) => {
                let value = self.expr(&p.value, Dest::Temp);
                let test = Rvalue::Compare(CmpOp::Eq, subject.clone(), value);
                self.test(test, fail, span);
            }
            Pattern::MatchSingleton(p) => {
                let value = literal(&p.value).map_or(Operand::NONE, Operand::Const);
                let test = Rvalue::Compare(CmpOp::Is, subject.clone(), value);
                self.test(test, fail, span);
            }
            Pattern::MatchSequence(p) => self.sequence(p, subject, fail, captures),
            Pattern::MatchMapping(p) => self.mapping(p, subject, fail, captures),
            Pattern::MatchClass(p) => self.class(p, subject, fail, captures),
            Pattern::MatchStar(p) => capture(p.name.as_ref(), subject, span, captures),
            Pattern::MatchAs(p) => {
                if let Some(inner) = &p.pattern {
                    self.pattern(inner, subject, fail, captures);
                }
                capture(p.name.as_ref(), subject, span, captures);
            }
            Pattern::MatchOr(p) => self.alternatives(p, subject, fail, captures),
        }
    }

    fn test(&mut self, test: Rvalue, fail: BlockId, span: Span) {
        let value = self.body.temp();
        self.body.assign(value, test, span);
        let next = self.body.block();
        let value = Operand::Local(value);
        self.branch(value, next, fail, BranchRole::Pattern, span);
        self.body.at(next);
    }

    fn alternatives(
        &mut self,
        p: &ast::PatternMatchOr,
        subject: &Operand,
        fail: BlockId,
        captures: &mut Captures,
    ) {
        let matched = self.body.block();
        // All alternatives capture the same names; CPython's compiler refuses others, but its
        // parser does not.
        let mut shared: Vec<(Name, LocalId)> = Vec::new();
        for alternative in &p.patterns {
            walk::for_each_capture(alternative, &mut |name| {
                if !shared.iter().any(|(known, _)| known == name.as_str()) {
                    shared.push((Name::new(name.as_str()), self.body.temp()));
                }
            });
        }
        let span = parse::span(p);
        let last = p.patterns.len().saturating_sub(1);
        for (index, alternative) in p.patterns.iter().enumerate() {
            let next = if index == last {
                fail
            } else {
                self.body.block()
            };
            let mut own = Captures::new();
            self.pattern(alternative, subject, next, &mut own);
            for (name, local) in &shared {
                let value = own.iter().find(|(n, ..)| n == name);
                let value = value.map_or(Operand::NONE, |(_, value, _)| value.clone());
                self.body.assign(*local, Rvalue::Use(value), span);
            }
            self.body.goto(matched);
            if index != last {
                self.body.at(next);
            }
        }
        self.body.at(matched);
        let shared = shared.into_iter();
        captures.extend(shared.map(|(name, local)| (name, Operand::Local(local), span)));
    }

    fn sequence(
        &mut self,
        p: &ast::PatternMatchSequence,
        subject: &Operand,
        fail: BlockId,
        captures: &mut Captures,
    ) {
        let star = p.patterns.iter().position(Pattern::is_match_star);
        let len = p.patterns.len();
        let test = Rvalue::MatchSequence {
            object: subject.clone(),
            len: super::index(len - usize::from(star.is_some())),
            or_more: star.is_some(),
        };
        self.test(test, fail, parse::span(p));
        for (position, element) in p.patterns.iter().enumerate() {
            if is_wildcard(element) {
                continue;
            }
            let (index, rest_before_end) = unpack_position(position, len, star);
            let value = Rvalue::Unpack {
                object: subject.clone(),
                index,
                rest_before_end,
            };
            let value = self.part(value, parse::span(element));
            self.pattern(element, &value, fail, captures);
        }
    }

    fn mapping(
        &mut self,
        p: &ast::PatternMatchMapping,
        subject: &Operand,
        fail: BlockId,
        captures: &mut Captures,
    ) {
        let span = parse::span(p);
        self.test(Rvalue::MatchMapping(subject.clone()), fail, span);
        for (key_expr, element) in p.keys.iter().zip(&p.patterns) {
            let span = parse::span(key_expr).to(parse::span(element));
            let key = self.expr(key_expr, Dest::Temp);
            let present = Rvalue::Compare(CmpOp::In, key.clone(), subject.clone());
            self.test(present, fail, span);
            if is_wildcard(element) {
                continue;
            }
            // The key exists, so this cannot raise.
            let value = self.part(Rvalue::GetItem(subject.clone(), key), span);
            self.pattern(element, &value, fail, captures);
        }
        if p.rest.is_some() {
            let rest = self.part(Rvalue::Opaque(vec![subject.clone()]), span);
            capture(p.rest.as_ref(), &rest, span, captures);
        }
    }

    fn class(
        &mut self,
        p: &ast::PatternMatchClass,
        subject: &Operand,
        fail: BlockId,
        captures: &mut Captures,
    ) {
        let span = parse::span(p);
        let class = self.expr(&p.cls, Dest::Temp);
        let itself = match &*p.cls {
            Expr::Name(name) => {
                SELF_MATCHING.contains(&name.id.as_str())
                    && self.storage_of(&name.id) == Storage::Global
                    && p.patterns.len() == 1
            }
            _ => false,
        };
        self.test(Rvalue::MatchClass(subject.clone(), class), fail, span);
        for element in &p.patterns {
            if is_wildcard(element) {
                continue;
            }
            let value = if itself {
                subject.clone()
            } else {
                let part = Rvalue::Opaque(vec![subject.clone()]);
                self.part(part, parse::span(element))
            };
            self.pattern(element, &value, fail, captures);
        }
        for (attribute, element) in p.kwd_attrs.iter().zip(&p.kwd_patterns) {
            if is_wildcard(element) {
                continue;
            }
            let field = Name::new(attribute.as_str());
            let part = Rvalue::GetField(subject.clone(), field);
            let value = self.part(part, parse::span(element));
            self.pattern(element, &value, fail, captures);
        }
    }

    fn part(&mut self, rvalue: Rvalue, span: Span) -> Operand {
        let value = self.body.temp();
        self.body.assign(value, rvalue, span);
        Operand::Local(value)
    }
}

fn capture(name: Option<&ast::Identifier>, value: &Operand, span: Span, captures: &mut Captures) {
    if let Some(name) = name {
        captures.push((Name::new(name.as_str()), value.clone(), span));
    }
}

/// Whether the pattern matches anything and captures nothing.
fn is_wildcard(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::MatchAs(p) => p.pattern.is_none() && p.name.is_none(),
        Pattern::MatchStar(p) => p.name.is_none(),
        _ => false,
    }
}
