//! Front ends: each turns the text of one file into an [`ir::Module`]. A front
//! end is the only place that names its language's parser, and owns all that is peculiar to the
//! language; nothing after it knows which language it reads.

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

/// Lowers one file. `text` is decoded and has no byte order mark; all spans of the result are
/// byte offsets into it.
///
/// # Errors
/// When the text is not of the language, or is nested too deeply.
pub fn lower_module(language: Language, text: &str) -> Result<ir::Module, SyntaxError> {
    match language {
        Language::Python => python::lower_module(text),
        Language::Rust => rust::lower_module(text),
    }
}

/// Names of attributes that a text stores to.
#[derive(Clone, Default, Debug)]
pub struct AttributeStores {
    /// Through the receiver of a method.
    pub own: FxHashSet<Name>,
    /// Through anything else: the object may be of any class.
    pub others: FxHashSet<Name>,
    /// Attributes of the receiver that hold a collection which is changed.
    pub own_contents: FxHashSet<Name>,
    /// The same for attributes of anything else.
    pub others_contents: FxHashSet<Name>,
    /// Attributes of the receiver are stored to under names that only execution tells.
    pub own_any: bool,
    /// The same for attributes of anything else.
    pub others_any: bool,
}

/// The attributes that a text stores to, found without parsing it. Where a language lets nobody
/// store to what a class defines, there are none.
#[must_use]
pub fn attribute_stores(language: Language, text: &str) -> AttributeStores {
    match language {
        Language::Python => python::stores(text),
        Language::Rust => AttributeStores::default(),
    }
}

/// A module that was read, wholly or in part.
#[derive(Debug)]
pub struct Lowered {
    /// What is intact. A definition that is not is bound to an unknown value.
    pub module: ir::Module,
    /// What is broken, in the order of the text: one error for each statement or class member.
    pub broken: Vec<SyntaxError>,
}

/// Lowers what is intact of a file. In Python, a syntax error in one statement, or in one member
/// of a class, does not keep the others from being read; Rust is read as a whole.
///
/// # Errors
/// When nothing of the text is intact.
pub fn lower_intact(language: Language, text: &str) -> Result<Lowered, SyntaxError> {
    match language {
        Language::Python => python::lower_intact(text),
        Language::Rust => rust::lower_module(text).map(|module| Lowered {
            module,
            broken: Vec::new(),
        }),
    }
}

/// Like [`lower_intact`], but where the language allows it, function bodies are left out, and
/// lowered when somebody looks at them. What is broken in one is told then.
///
/// # Errors
/// When nothing of the text is intact.
pub fn lower_lazily(language: Language, text: &Arc<str>) -> Result<Lowered, SyntaxError> {
    match language {
        Language::Python => python::lower_lazily(text),
        Language::Rust => lower_intact(language, text),
    }
}

/// An index or offset as the representation stores it. Texts beyond 4 GiB are refused earlier.
fn index(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The stack that a thread needs to lower any text that the depth guards let through, unoptimised
/// builds included. Parsers, syntax trees and lowering recurse, and a stack overflow cannot be
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
