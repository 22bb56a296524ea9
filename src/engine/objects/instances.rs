//! Which class a value is an instance of: `isinstance`, handlers, enumerations.

use crate::engine::Engine;
use crate::engine::objects::class_texts::FORMAT;
use crate::engine::values::assume::set_truth;
use crate::engine::values::fact::{Kind, Lits};
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::ir::{Binding, Literal, StaticExprKind};

impl Engine<'_> {
    /// The name of the enumeration member that a literal stands for, if it does.
    #[must_use]
    pub fn member_name(&self, literal: &Literal) -> Option<String> {
        let Literal::Bytes(tag) = literal else {
            return None;
        };
        let text = std::str::from_utf8(tag).ok()?;
        let (place, name) = text.rsplit_once('.')?;
        place.contains(':').then(|| name.to_owned())
    }

    /// The literal that stands for a value in comparisons: its own, or that of an enumeration
    /// member.
    pub(crate) fn comparable(&self, v: Value) -> Option<Literal> {
        match self.terms.term(v) {
            Term::Lit(l) => Some(l.clone()),
            Term::Field(..) => self.class_text(v).map(Literal::Str),
            Term::Pure(n, parts) if n == FORMAT => self.formatted(parts),
            Term::Member(c, name) => {
                let m = self.program.module(c.module);
                let class = m.ir.class(c.class);
                let mixed = self.program.mro(*c).entries.iter().any(|e| {
                    matches!(e, crate::program::MroEntry::External(p)
                        if matches!(p.as_str(), "str" | "int" | "enum.StrEnum" | "enum.IntEnum"))
                });
                if mixed
                    && let Some(site) =
                        m.ir.scope(class.scope)
                            .bindings
                            .get(name)
                            .and_then(|b| b.last())
                {
                    match &site.binding {
                        Binding::Value(e) => match &e.kind {
                            StaticExprKind::Literal(l) => return Some(l.clone()),
                            // `auto()` of a StrEnum is the lower-cased name.
                            StaticExprKind::Call(..) => {
                                return Some(Literal::Str(name.to_lowercase().into()));
                            }
                            _ => {}
                        },
                        _ => return None,
                    }
                }
                Some(Literal::Bytes(
                    format!("{}:{}.{name}", c.module.0, c.class.0).into_bytes(),
                ))
            }
            _ => None,
        }
    }

    /// Whether any member of the value's enumeration is still possible.
    pub(in crate::engine) fn domain_left(&mut self, state: &State, v: Value) -> bool {
        let Some(fact) = state.fact(v) else {
            return true;
        };
        let (Some(c), Lits::NotIn(out)) = (fact.domain, &fact.lits) else {
            return true;
        };
        if out.is_empty() {
            return true;
        }
        let out = out.clone();
        let m = self.program.module(c.module);
        let class = m.ir.class(c.class);
        let mut any = false;
        for (name, sites) in &m.ir.scope(class.scope).bindings {
            if name.starts_with('_')
                || !sites.iter().any(|s| matches!(s.binding, Binding::Value(_)))
            {
                continue;
            }
            any = true;
            let member = self.terms.make(Term::Member(c, name.clone()));
            match self.comparable(member) {
                Some(l) if out.contains(&l) => {}
                _ => return true,
            }
        }
        !any
    }

    pub(in crate::engine) fn assume_instance(
        &mut self,
        state: &mut State,
        term: Value,
        x: Value,
        class: Value,
        want: bool,
    ) -> bool {
        let classes: Vec<Value> = match self.terms.term(class) {
            Term::Tuple(items) => items.to_vec(),
            _ => vec![class],
        };
        let mut open = Vec::new();
        for c in &classes {
            match self.is_instance(state, x, *c) {
                Some(true) => return want,
                Some(false) => {}
                None => open.push(*c),
            }
        }
        if open.is_empty() {
            return !want;
        }
        if want {
            if let [one] = open.as_slice() {
                let one = *one;
                let kind = match self.terms.term(one) {
                    Term::External(p) => kind_of_type(p),
                    _ => Kind::Unknown,
                };
                return state.refine(x, |f| {
                    if kind != Kind::Unknown {
                        if f.kind != Kind::Unknown && f.kind != kind {
                            return false;
                        }
                        f.kind = kind;
                    } else if !f.is.contains(&one) {
                        f.is.push(one);
                        f.is.sort_unstable();
                    }
                    if f.none == Some(true) {
                        return false;
                    }
                    f.none = Some(false);
                    true
                });
            }
            return state.refine(term, |f| set_truth(f, true));
        }
        state.refine(x, |f| {
            for c in &open {
                if !f.is_not.contains(c) {
                    f.is_not.push(*c);
                }
            }
            f.is_not.sort_unstable();
            true
        }) && state.refine(term, |f| set_truth(f, false))
    }

    /// Whether the value is an instance of the class; `None` if that is not known.
    pub(crate) fn is_instance(&mut self, state: &State, x: Value, class: Value) -> Option<bool> {
        if let Term::External(p) = self.terms.term(class) {
            if p == "object" {
                return Some(true);
            }
            let kind = state.kind(&self.terms, x);
            let asked = kind_of_type(p);
            if asked != Kind::Unknown && kind != Kind::Unknown {
                return Some(
                    kind == asked
                        || kind == Kind::DefaultDict && asked == Kind::Dict
                        || kind == Kind::Bool && asked == Kind::Int,
                );
            }
            if self.terms.literal(x) == Some(&Literal::None) {
                return Some(p == "NoneType" || p == "types.NoneType");
            }
        }
        let fact = state.fact(x)?.clone();
        if let Some(c) = fact.class {
            return self.class_below(c, class);
        }
        if fact.none == Some(true) {
            return Some(false);
        }
        for n in &fact.is_not {
            if self.subclass(class, *n) == Some(true) {
                return Some(false);
            }
        }
        // Code that does not know an exception class cannot raise it. An unknown call in the file
        // that defines the class leads to such code.
        if let (Term::Symbol(site, _), Term::Class(c)) =
            (self.terms.term(x), self.terms.term(class))
            && !fact.exact
            && !site.is_join()
            && site.func.module == c.module
            && fact
                .is
                .iter()
                .all(|p| matches!(self.terms.term(*p), Term::External(_)))
        {
            return Some(false);
        }
        let mut decided = None;
        for p in &fact.is {
            match self.subclass(*p, class) {
                Some(true) => return Some(true),
                Some(false) if fact.exact || self.are_apart(*p, class) => decided = Some(false),
                Some(false) | None => {}
            }
        }
        if decided.is_none() && fact.kind == Kind::Exception {
            return self.told_by_handler(state, x, class);
        }
        decided
    }

    /// Whether no exception is an instance of both classes. Two builtin ones, neither of which
    /// derives from the other, are assumed to have no common instances.
    fn are_apart(&self, a: Value, b: Value) -> bool {
        let builtin = |class: Value| {
            matches!(self.terms.term(class), Term::External(path)
                if crate::program::exceptions::is_builtin_exception(path))
        };
        builtin(a)
            && builtin(b)
            && self.subclass(a, b) == Some(false)
            && self.subclass(b, a) == Some(false)
    }

    /// What follows from a handler of several classes, `except (KeyError, OSError)`, that caught
    /// the exception: it is an instance of `class` if all of them derive from it, and is not if all
    /// are apart from it.
    fn told_by_handler(&self, state: &State, exception: Value, class: Value) -> Option<bool> {
        state.facts.iter().find_map(|(test, known)| {
            let Term::Instance(of, classes) = *self.terms.term(*test) else {
                return None;
            };
            let Term::Tuple(classes) = self.terms.term(classes) else {
                return None;
            };
            if of != exception || known.truth != Some(true) {
                None
            } else if classes
                .iter()
                .all(|c| self.subclass(*c, class) == Some(true))
            {
                Some(true)
            } else if classes.iter().all(|c| self.are_apart(*c, class)) {
                Some(false)
            } else {
                None
            }
        })
    }

    /// Whether the value is certainly an object that is neither None nor of a kind that can be
    /// false.
    pub(in crate::engine) fn always_object(&self, v: Value) -> bool {
        match self.terms.term(v) {
            Term::Func(_)
            | Term::Closure(..)
            | Term::Class(_)
            | Term::Module(_)
            | Term::Bound(..)
            | Term::Tuple(_)
            | Term::Range(..)
            | Term::Len(_)
            | Term::Pending(..)
            | Term::Member(..) => true,
            Term::External(p) => exceptions_or_type(p),
            _ => self.terms.is_boolean(v),
        }
    }
}

/// The kind of the instances of a builtin type.
pub(crate) fn kind_of_type(path: &str) -> Kind {
    match path {
        "bool" => Kind::Bool,
        "int" => Kind::Int,
        "str" => Kind::Str,
        "list" | "typing.List" | "List" => Kind::List,
        "tuple" => Kind::Tuple,
        "dict" | "typing.Dict" | "Dict" => Kind::Dict,
        "set" | "frozenset" => Kind::Set,
        "builtins.map" => Kind::Map,
        "builtins.sized" | "builtins.buffer" => Kind::Sized,
        "builtins.int" | "builtins.nat" => Kind::Int,
        "builtins.bool" => Kind::Bool,
        _ => Kind::Unknown,
    }
}

pub(in crate::engine) fn exceptions_or_type(path: &str) -> bool {
    crate::program::exceptions::is_builtin_exception(path) || kind_of_type(path) != Kind::Unknown
}
