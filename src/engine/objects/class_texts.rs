//! Texts by which heirs configure a base: `table = "orders"` in a class body.
//!
//! Most code passes such a text on without examining it, and behaves alike for every text. So the
//! attribute stays a term of its own, and the engine asks for the text only where something depends
//! on it. A result for which the text was not needed is valid for all heirs.

use std::rc::Rc;

use crate::engine::Engine;
use crate::engine::objects::ask::Question;
use crate::engine::values::constants::literal_text;
use crate::engine::values::fact::{Interval, Kind};
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value, literal_truth};
use crate::ir::{Literal, Name, StaticExprKind};
use crate::program::{ClassRef, Def, Lookup, MemberDef, Program};

/// A named test of a text.
#[derive(Clone, Copy, Debug)]
pub struct Saying {
    /// The name. Sayings with the same name are the same.
    pub name: &'static str,
    /// Whether a text passes.
    pub test: fn(&str) -> bool,
}

/// The name of the pure function that concatenates texts.
pub(in crate::engine) const FORMAT: &str = "format";

impl PartialEq for Saying {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Saying {}

impl std::hash::Hash for Saying {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        self.name.hash(hasher);
    }
}

/// The text that a class gives to an attribute, if no code stores to the attribute.
pub(in crate::engine) fn class_text(
    program: &Program<'_>,
    class: ClassRef,
    field: &str,
) -> Option<Name> {
    let Lookup::Found(owner, defs) = program.lookup(class, field, None) else {
        return None;
    };
    let [MemberDef::Def(Def::Value(_, _, expr))] = defs.as_slice() else {
        return None;
    };
    let StaticExprKind::Literal(literal @ Literal::Str(text)) = &expr.kind else {
        return None;
    };
    let fixed = literal_truth(literal)
        && !crate::engine::values::constants::is_field(program, owner, field)
        && !program.is_enum(owner)
        && !program.may_store(class, field, false);
    fixed.then(|| text.clone())
}

impl Engine<'_> {
    /// `object.field` if the class gives it a text.
    pub(in crate::engine) fn class_text_of(
        &mut self,
        state: &State,
        object: Value,
        field: &Name,
    ) -> Option<Value> {
        let class = state.fact(object)?.class?;
        // Most attributes are not such texts, so look before recording a question.
        class_text(self.program, class, field)?;
        self.says(class, Question::HasText(field.clone()));
        let v = self.terms.make(Term::Field(object, field.clone()));
        self.class_texts.insert(v, (class, field.clone()));
        Some(v)
    }

    /// Whether a value is a text given by a class.
    pub(crate) fn is_class_text(&self, v: Value) -> bool {
        self.class_texts.contains_key(&v)
    }

    /// The text of a value that is given by a class.
    pub(crate) fn class_text(&self, v: Value) -> Option<Name> {
        let (class, field) = self.class_texts.get(&v)?;
        // The result depends on the text from here on, so record the question.
        self.member(*class, field, None);
        class_text(self.program, *class, field)
    }

    /// The literal that a value is, directly or through its class.
    pub(crate) fn known_literal(&self, v: Value) -> Option<Literal> {
        match self.terms.literal(v) {
            Some(literal) => Some(literal.clone()),
            None => self.class_text(v).map(Literal::Str),
        }
    }

    /// The value itself, or the literal that its class gives.
    pub(in crate::engine) fn spelled_out(&mut self, v: Value) -> Value {
        match self.class_text(v) {
            Some(text) => self.terms.str(&text),
            None => v,
        }
    }

    /// A concatenation of known texts, some of which are given by a class. It stays a term of its
    /// parts until the text matters.
    pub(in crate::engine) fn format_of_class_texts(
        &mut self,
        state: &mut State,
        parts: &[Value],
    ) -> Option<Value> {
        let known = |v: &Value| self.terms.literal(*v).is_some() || self.is_class_text(*v);
        if !parts.iter().any(|v| self.is_class_text(*v)) || !parts.iter().all(known) {
            return None;
        }
        let v = self.terms.make(Term::Pure(FORMAT.into(), parts.into()));
        let text = Self::sized(Kind::Str, Interval::at_least(1));
        state.facts.insert(v, Rc::new(text));
        Some(v)
    }

    /// The literal that results from concatenating known texts.
    pub(in crate::engine) fn formatted(&self, parts: &[Value]) -> Option<Literal> {
        let texts = parts.iter().map(|v| literal_text(&self.known_literal(*v)?));
        let text: Option<String> = texts.collect();
        Some(Literal::Str(text?.into()))
    }

    /// The text that a value is or begins with, unless it is given by a class and passes the test.
    #[must_use]
    pub fn text_unless(&self, state: &State, v: Value, saying: Saying) -> Option<Name> {
        if let Some((class, field)) = self.class_texts.get(&v)
            && self.says(*class, Question::Says(field.clone(), saying))
        {
            return None;
        }
        match self.class_text(v) {
            Some(text) => Some(text),
            None => self.known_text(state, v),
        }
    }
}
