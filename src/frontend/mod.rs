//! Front ends: each turns the text of a file into an [`ir::Module`]. Only a front end names the
//! parser of its language, and it owns everything that is peculiar to the language; no later step
//! knows which language it reads.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::ir::{self, Name};
use crate::source::Language;

mod builder;
pub mod edit;
pub mod layout;
pub mod python;
pub mod rust;
pub mod sketch;

/// Lowers a file. `text` is decoded and has no byte order mark; all spans in the result are byte
/// offsets into it.
///
/// # Errors
/// When the text cannot be parsed or is nested too deeply.
pub fn lower_module(language: Language, text: &str) -> Result<ir::Module, SyntaxError> {
    match language {
        Language::Python => python::lower_module(text),
        Language::Rust => rust::lower_module(text),
    }
}

/// Names of attributes that a text stores to.
#[derive(Clone, Default, Debug)]
pub struct AttributeStores {
    /// Through the receiver of a method (`self`).
    pub own: FxHashSet<Name>,
    /// Through any other object, whose class may be any.
    pub others: FxHashSet<Name>,
    /// Attributes of the receiver whose content is changed.
    pub own_contents: FxHashSet<Name>,
    /// The same for attributes of other objects.
    pub others_contents: FxHashSet<Name>,
    /// Whether attributes of the receiver are stored to under names known only at run time.
    pub own_any: bool,
    /// The same for attributes of other objects.
    pub others_any: bool,
}

/// The attributes that a text stores to, found without parsing it. There are none in a language
/// where no code can change what a class defines.
#[must_use]
pub fn attribute_stores(language: Language, text: &str) -> AttributeStores {
    match language {
        Language::Python => python::stores(text),
        Language::Rust => AttributeStores::default(),
    }
}

/// A lowered module, which may be incomplete.
#[derive(Debug)]
pub struct Lowered {
    /// What could be parsed. A definition that could not is bound to an unknown value.
    pub module: ir::Module,
    /// The syntax errors, in the order of the text: one for each statement or class member.
    pub broken: Vec<SyntaxError>,
}

/// Lowers what can be parsed of a file. In Python, a syntax error in one statement or class member
/// does not affect the others; a Rust file is parsed as a whole.
///
/// # Errors
/// When nothing can be parsed.
pub fn lower_intact(language: Language, text: &str) -> Result<Lowered, SyntaxError> {
    match language {
        Language::Python => python::lower_intact(text),
        Language::Rust => rust::lower_module(text).map(|module| Lowered {
            module,
            broken: Vec::new(),
        }),
    }
}

/// Like [`lower_intact`], but if the language allows it, function bodies are left out and lowered
/// on first use. Syntax errors in a body are reported then.
///
/// # Errors
/// When nothing can be parsed.
pub fn lower_lazily(language: Language, text: &Arc<str>) -> Result<Lowered, SyntaxError> {
    match language {
        Language::Python => python::lower_lazily(text),
        Language::Rust => lower_intact(language, text),
    }
}

/// An index or offset as `u32`. Larger texts are refused earlier.
fn index(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The stack size that a thread needs to lower any text that passes the depth guards, even in
/// unoptimised builds. Parsers, syntax trees and lowering recurse, and a stack overflow cannot be
/// caught, so callers run front ends on threads of this size.
pub const STACK_SIZE: usize = 256 * 1024 * 1024;

/// Why a file could not be lowered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// What is wrong, without the position.
    pub message: String,
    /// Byte offset into the decoded text.
    pub offset: u32,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.message, self.offset)
    }
}

impl std::error::Error for SyntaxError {}
