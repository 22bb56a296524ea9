//! The Python front end: lowers source up to Python 3.14 to the intermediate representation.
//!
//! The steps are: `guard` refuses what the parser must not see, `compat` rewrites what the parser
//! does not know to text of equal length, `parse` calls the parser, `graft` fills in what no older
//! syntax can express, `scope` decides which variable each name refers to, and `lower` builds the
//! control-flow graphs. If a module cannot be parsed, `outline` splits it and `partial` reads the
//! intact pieces. `sparse` leaves function bodies out and reads each on first use. `scan` finds the
//! ends of strings and comments, and `layout` the comments and statements of a text.

mod agreement;
mod compat;
mod graft;
mod guard;
mod layout;
mod lower;
mod methods;
mod outline;
mod parse;
mod partial;
mod scan;
mod scope;
mod sketch;
mod sparse;
mod static_expr;
mod stores;
mod walk;

#[cfg(test)]
mod outline_tests;
#[cfg(test)]
mod syntax_tests;
#[cfg(test)]
mod tests;

pub(super) use sketch::sketch;
pub(super) use stores::stores;

use std::sync::Arc;

use rustpython_parser::ast;

use crate::frontend::{Lowered, SyntaxError};
use crate::ir;

#[doc(hidden)]
pub use agreement::outline_agrees;
pub(super) use layout::layout;

/// The syntax tree of a Python module.
pub struct Syntax<'t> {
    text: &'t str,
    suite: ast::Suite,
}

impl<'t> Syntax<'t> {
    /// Parses a module. `text` is decoded and has no byte order mark.
    ///
    /// Call this on a thread with a stack of [`STACK_SIZE`](crate::frontend::STACK_SIZE).
    ///
    /// # Errors
    /// When the text is not valid Python, or exceeds the limits of the depth guard.
    pub fn parse(text: &'t str) -> Result<Self, SyntaxError> {
        guard::check(text)?;
        let suite = parse::suite(text)?;
        Ok(Self { text, suite })
    }

    /// Resolves names and builds the control-flow graphs.
    #[must_use]
    pub fn lower(&self) -> ir::Module {
        let symbols = scope::SymbolTable::build(&self.suite);
        lower::module(self.text, &self.suite, &symbols)
    }
}

/// Lowers a Python module. All spans in the result are byte offsets into `text`.
///
/// # Errors
/// Those of [`Syntax::parse`].
pub fn lower_module(text: &str) -> Result<ir::Module, SyntaxError> {
    Ok(Syntax::parse(text)?.lower())
}

/// Lowers what is intact of a Python module: a syntax error in one statement or class member does
/// not affect the others. Otherwise like [`lower_module`].
///
/// # Errors
/// When no part of the text can be parsed.
pub fn lower_intact(text: &str) -> Result<Lowered, SyntaxError> {
    let error = match lower_module(text) {
        Ok(module) => {
            let broken = Vec::new();
            return Ok(Lowered { module, broken });
        }
        Err(error) => error,
    };
    let Some((intact, broken)) = partial::intact(text) else {
        return Err(error);
    };
    // If the whole is broken or too deep although its pieces are not, there are no intact parts.
    let Ok(syntax) = Syntax::parse(&intact) else {
        return Err(error);
    };
    let module = Syntax { text, ..syntax }.lower();
    Ok(Lowered { module, broken })
}

/// Like [`lower_intact`], but function bodies are lowered on first use where possible.
///
/// # Errors
/// When no part of the text can be parsed.
pub fn lower_lazily(text: &Arc<str>) -> Result<Lowered, SyntaxError> {
    match sparse::module(text) {
        Some(module) => Ok(Lowered {
            module,
            broken: Vec::new(),
        }),
        None => lower_intact(text),
    }
}
