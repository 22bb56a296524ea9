//! What is known of a file before it is parsed: enough to tell whether it can matter, and which
//! of its functions can.

use crate::frontend::python;
use crate::ir::Name;
use crate::source::Language;

/// What stands around a word.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Role {
    /// A bracket follows: it is called, or defined with parameters.
    pub called: bool,
    /// A dot stands in front: it is an attribute.
    pub attribute: bool,
    /// A single `=` follows: it names what is given, and stands for nothing itself.
    pub given: bool,
}

/// Looks at a function word by word, and says whether it can matter.
///
/// A glance may say that a function matters that does not; the reverse would lose findings.
pub trait Glance {
    /// An identifier or keyword outside of texts.
    fn word(&mut self, word: &str, role: Role);
    /// What is between the quotes of a text. The words of a formatted one come as words, too.
    fn text(&mut self, text: &str);
    /// Whether the function can matter. The next word belongs to another one.
    fn matters(&mut self) -> bool;
}

/// The header of a class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassHead {
    /// Its name.
    pub name: Name,
    /// The words in its list of bases.
    pub bases: Vec<Name>,
}

/// A module that is imported: the number of leading dots, and the first name of its path.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Imported {
    /// Leading dots.
    pub level: u32,
    /// The first name after them; empty for `from . import x`.
    pub first: Name,
}

/// What a file is made of. Each list may hold more than there is, and never less.
#[derive(Clone, Default, Debug)]
pub struct Sketch {
    /// The classes, wherever they are defined.
    pub classes: Vec<ClassHead>,
    /// Names that stand for others: `from a import Other as Name`, `Name = a.Other`.
    pub aliases: Vec<(Name, Name)>,
    /// The modules that it imports.
    pub imports: Vec<Imported>,
    /// The names of its functions and methods.
    pub functions: Vec<Name>,
    /// The methods that a method calls on its receiver which also looks something up in what the
    /// receiver has.
    pub hooks: Vec<Name>,
    /// The functions that can matter according to the glance: where each starts, in order.
    pub matters: Vec<u32>,
}

/// Sketches a file. `None` where that is not possible: everything in the file may matter.
pub fn sketch(language: Language, text: &str, glance: Option<&mut dyn Glance>) -> Option<Sketch> {
    match language {
        Language::Python => Some(python::sketch(text, glance)),
        Language::Rust => None,
    }
}
