//! What the engine asks about the class of an object.
//!
//! A result about a function is valid for every receiver whose class gives the same answers to the
//! questions that were asked on the way, whatever else it defines. So each question is recorded
//! with its answer (a verifying trace: Mokhov, Mitchell and Peyton Jones, "Build systems à la
//! carte", ICFP 2018). A result is reused for another class if asking again gives the same answers
//! ([`Answers::hold_for`]).

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::engine::Engine;
use crate::engine::objects::class_texts::{Saying, class_text};
use crate::engine::values::value::{Term, Value};
use crate::ir::{Name, Nature, StaticExpr};
use crate::program::exceptions::{below_class, below_external};
use crate::program::{ClassRef, Def, FuncRef, Lookup, MemberDef, ModuleId, MroEntry, Program};
use crate::source::Span;

/// A question about a class.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Question {
    /// What a member is; with a class, the search starts after that class in the MRO.
    Member(Name, Option<ClassRef>),
    /// How it declares a field.
    Declared(Name),
    /// Whether code in the files of the class and its bases stores to a field.
    Stores(Name),
    /// Whether the class gives a text to a field.
    HasText(Name),
    /// Whether that text passes a test.
    Says(Name, Saying),
    /// Whether any code may store to a field, or (if true) change its contents.
    MayStore(Name, bool),
    /// Whether all its bases are known.
    Resolved,
    /// What its instances consist of.
    Nature,
    /// Whether it is an enumeration.
    Enumeration,
    /// Whether it is an exception.
    Exception,
    /// Whether it derives from a class of the program.
    Below(ClassRef),
    /// Whether it derives from a class from outside the program.
    BelowExternal(Name),
    /// Which class it is, because the class itself is used as a value.
    Identity,
}

/// The answer to a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Yes, no, or not known.
    Truth(Option<bool>),
    /// What the instances consist of.
    Nature(Nature),
    /// A member that this class defines.
    Found(ClassRef, SmallVec<[Definition; 1]>),
    /// An unknown class may define the member.
    Unknown,
    /// No class defines or declares it.
    Missing,
    /// The class itself.
    Itself(ClassRef),
}

/// What a name is bound to, in comparable form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Definition {
    /// A function.
    Func(FuncRef),
    /// A class.
    Class(ClassRef),
    /// A module.
    Module(ModuleId),
    /// Something from outside the program.
    External(Name),
    /// The expression at this place.
    Value(ModuleId, Span),
    /// Anything else.
    Unknown,
}

/// Questions about one class, with their answers.
#[derive(Clone, Default, Debug)]
pub struct Answers(FxHashMap<Question, Answer>);

/// Questions about classes, with their answers.
pub type Asked = FxHashMap<ClassRef, Answers>;

impl Answers {
    /// Whether another class gives the same answers to all questions.
    #[must_use]
    pub fn hold_for(&self, program: &Program<'_>, class: ClassRef) -> bool {
        let mut all = self.0.iter();
        all.all(|(question, answer)| ask(program, class, question) == *answer)
    }

    /// Records a question and its answer.
    fn note(&mut self, question: Question, answer: Answer) {
        self.0.entry(question).or_insert(answer);
    }

    /// Adds other questions and their answers.
    pub fn extend(&mut self, others: &Answers) {
        for (question, answer) in &others.0 {
            self.note(question.clone(), answer.clone());
        }
    }
}

/// Answers a question about a class.
fn ask(program: &Program<'_>, class: ClassRef, question: &Question) -> Answer {
    match question {
        Question::Member(name, after) => found(&program.lookup(class, name, *after)),
        Question::Declared(name) => declared(program.declared(class, name).as_ref()),
        Question::Stores(name) => Answer::Truth(Some(stores(program, class, name))),
        Question::HasText(name) => Answer::Truth(Some(class_text(program, class, name).is_some())),
        Question::Says(name, saying) => {
            let text = class_text(program, class, name);
            Answer::Truth(text.map(|text| (saying.test)(&text)))
        }
        Question::MayStore(name, contents) => {
            Answer::Truth(Some(program.may_store(class, name, *contents)))
        }
        Question::Resolved => Answer::Truth(Some(program.fully_resolved(class))),
        Question::Nature => Answer::Nature(nature(program, class)),
        Question::Enumeration => Answer::Truth(Some(program.is_enum(class))),
        Question::Exception => Answer::Truth(program.is_exception(class)),
        Question::Below(other) => Answer::Truth(below_class(program, class, *other)),
        Question::BelowExternal(path) => Answer::Truth(below_external(program, class, path)),
        Question::Identity => Answer::Itself(class),
    }
}

fn found(lookup: &Lookup) -> Answer {
    match lookup {
        Lookup::Found(owner, defs) => Answer::Found(*owner, defs.iter().map(definition).collect()),
        Lookup::Unknown => Answer::Unknown,
        Lookup::Missing => Answer::Missing,
    }
}

fn declared(found: Option<&(ClassRef, StaticExpr)>) -> Answer {
    match found {
        Some((owner, e)) => {
            let at = Definition::Value(owner.module, e.span);
            Answer::Found(*owner, std::iter::once(at).collect())
        }
        None => Answer::Missing,
    }
}

fn definition(member: &MemberDef) -> Definition {
    match member {
        MemberDef::Func(f) | MemberDef::Def(Def::Func(f)) => Definition::Func(*f),
        MemberDef::Def(Def::Class(c)) => Definition::Class(*c),
        MemberDef::Def(Def::Module(m)) => Definition::Module(*m),
        MemberDef::Def(Def::External(path)) => Definition::External(path.clone()),
        MemberDef::Def(Def::Value(m, _, e)) => Definition::Value(*m, e.span),
        MemberDef::Def(Def::Unknown | Def::Namespace(..)) | MemberDef::Unknown => {
            Definition::Unknown
        }
    }
}

fn stores(program: &Program<'_>, class: ClassRef, name: &str) -> bool {
    program
        .mro(class)
        .entries
        .iter()
        .any(|entry| matches!(entry, MroEntry::Class(c) if program.module(c.module).stores(name)))
}

fn nature(program: &Program<'_>, class: ClassRef) -> Nature {
    program.module(class.module).ir.class(class.class).nature
}

impl Engine<'_> {
    fn note_asked(&self, class: ClassRef, question: Question, answer: Answer) {
        let mut asked = self.asked.borrow_mut();
        asked.entry(class).or_default().note(question, answer);
    }

    /// What has been asked about a class so far.
    #[must_use]
    pub fn answers_about(&self, class: ClassRef) -> Answers {
        self.asked.borrow().get(&class).cloned().unwrap_or_default()
    }

    /// Looks up a member along the MRO of a class.
    pub(crate) fn member(&self, class: ClassRef, name: &str, after: Option<ClassRef>) -> Lookup {
        let answer = self.program.lookup(class, name, after);
        self.note_asked(class, Question::Member(name.into(), after), found(&answer));
        answer
    }

    /// How a field is declared, and by which class of the MRO.
    pub(crate) fn declaration(
        &self,
        class: ClassRef,
        name: &str,
    ) -> Option<(ClassRef, StaticExpr)> {
        let answer = self.program.declared(class, name);
        self.note_asked(
            class,
            Question::Declared(name.into()),
            declared(answer.as_ref()),
        );
        answer
    }

    fn ask_truth(&self, class: ClassRef, question: Question) -> Option<bool> {
        let Answer::Truth(truth) = ask(self.program, class, &question) else {
            return None;
        };
        self.note_asked(class, question, Answer::Truth(truth));
        truth
    }

    /// Asks a yes-or-no question; "not known" counts as no.
    pub(in crate::engine) fn says(&self, class: ClassRef, question: Question) -> bool {
        self.ask_truth(class, question) == Some(true)
    }

    /// Whether code in the files of a class and its bases stores to a field.
    pub(crate) fn family_stores(&self, class: ClassRef, name: &Name) -> bool {
        self.says(class, Question::Stores(name.clone()))
    }

    /// Whether any code may store to a field of the instances of a class or, with `contents`,
    /// change what it holds.
    pub(crate) fn may_store(&self, class: ClassRef, name: &Name, contents: bool) -> bool {
        self.says(class, Question::MayStore(name.clone(), contents))
    }

    /// Whether all bases of a class are known.
    pub(crate) fn is_resolved(&self, class: ClassRef) -> bool {
        self.says(class, Question::Resolved)
    }

    /// Whether a class is an enumeration.
    pub(crate) fn is_enumeration(&self, class: ClassRef) -> bool {
        self.says(class, Question::Enumeration)
    }

    /// Whether a class is an exception; `None` if that is not known.
    pub(crate) fn is_exception_class(&self, class: ClassRef) -> Option<bool> {
        self.ask_truth(class, Question::Exception)
    }

    /// What the instances of a class consist of.
    pub(crate) fn nature(&self, class: ClassRef) -> Nature {
        let answer = nature(self.program, class);
        self.note_asked(class, Question::Nature, Answer::Nature(answer));
        answer
    }

    /// Whether the class of an object derives from another; `None` if that is not known.
    pub(crate) fn class_below(&self, class: ClassRef, other: Value) -> Option<bool> {
        match self.terms.term(other) {
            Term::Class(other) => self.ask_truth(class, Question::Below(*other)),
            Term::External(path) => self.ask_truth(class, Question::BelowExternal(path.clone())),
            _ => None,
        }
    }

    /// The class of an object as a value.
    pub(crate) fn class_itself(&mut self, class: ClassRef) -> Value {
        self.note_asked(class, Question::Identity, Answer::Itself(class));
        self.terms.make(Term::Class(class))
    }
}
