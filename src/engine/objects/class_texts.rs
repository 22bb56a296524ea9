//! Texts by which heirs configure a base: `table = "orders"` in a class body.
//!
//! Most code hands such a text on without looking at it, and behaves alike whatever it says. So the
//! attribute stays a term of its own, and the text is asked for where something depends on it. A
//! result in which nobody asked holds for all heirs.

use std::rc::Rc;

use crate::engine::Engine;
use crate::engine::objects::ask::Question;
use crate::engine::values::constants::literal_text;
use crate::engine::values::fact::{Interval, Kind};
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value, literal_truth};
use crate::ir::{Literal, Name, StaticExprKind};
use crate::program::{ClassRef, Def, Lookup, MemberDef, Program};

/// Something that texts are asked, by its name.
#[derive(Clone, Copy, Debug)]
pub struct Saying {
    /// The name: of two sayings with one name both are the same.
    pub name: &'static str,
    /// Whether a text says it.
    pub test: fn(&str) -> bool,
}

/// The name of the pure function that puts texts together.
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

/// The text that a class gives an attribute which nobody stores to.
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
    /// `object.field` where the class says that it is a text.
    pub(in crate::engine) fn class_text_of(
        &mut self,
        state: &State,
        object: Value,
        field: &Name,
    ) -> Option<Value> {
        let class = state.fact(object)?.class?;
        // Most attributes are none: that is looked at before it is asked.
        class_text(self.program, class, field)?;
        self.says(class, Question::HasText(field.clone()));
        let v = self.terms.make(Term::Field(object, field.clone()));
        self.class_texts.insert(v, (class, field.clone()));
        Some(v)
    }

    /// Whether a value is a text that a class says, and nobody has asked for.
    pub(crate) fn is_class_text(&self, v: Value) -> bool {
        self.class_texts.contains_key(&v)
    }

    /// The text of a value that a class says.
    pub(crate) fn class_text(&self, v: Value) -> Option<Name> {
        let (class, field) = self.class_texts.get(&v)?;
        // Which text it is makes a difference now.
        self.member(*class, field, None);
        class_text(self.program, *class, field)
    }

    /// The literal that a value is, by itself or because its class says so.
    pub(crate) fn known_literal(&self, v: Value) -> Option<Literal> {
        match self.terms.literal(v) {
            Some(literal) => Some(literal.clone()),
            None => self.class_text(v).map(Literal::Str),
        }
    }

    /// The value itself, or the literal that its class says it is.
    pub(in crate::engine) fn spelled_out(&mut self, v: Value) -> Value {
        match self.class_text(v) {
            Some(text) => self.terms.str(&text),
            None => v,
        }
    }

    /// A text that is put together of known ones, some of which a class says: it stays what it is made
    /// of until somebody asks.
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

    /// The literal that a text put together of known ones is.
    pub(in crate::engine) fn formatted(&self, parts: &[Value]) -> Option<Literal> {
        let texts = parts.iter().map(|v| literal_text(&self.known_literal(*v)?));
        let text: Option<String> = texts.collect();
        Some(Literal::Str(text?.into()))
    }

    /// The text that a value is or begins with, unless it is one of a class that says this.
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
