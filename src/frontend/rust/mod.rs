//! The Rust front end: lowers Rust source to the intermediate representation.
//!
//! The steps are: `guard` refuses what would exhaust the stack, `parse` calls the parser and
//! converts its positions, and `lower` builds modules and control-flow graphs. `types` reads what
//! types say about values, and `attrs` what attributes switch off. `layout` finds comments, which
//! the parser drops, and statements.
//!
//! A struct or enum with all its `impl` blocks is a class. A trait is a base class whose default
//! methods are inherited. `Option` is a `Result` whose error carries no data. A panic is an
//! exception that nothing catches.

mod attrs;
mod guard;
mod layout;
mod lower;
mod parse;
mod types;

#[cfg(test)]
mod tests;

use crate::frontend::SyntaxError;
use crate::ir;

pub(super) use layout::layout;

/// Lowers a Rust file. `text` is decoded and has no byte order mark; all spans in the result are
/// byte offsets into it.
///
/// Call this on a thread with a stack of [`STACK_SIZE`](crate::frontend::STACK_SIZE).
///
/// # Errors
/// When the text is not valid Rust, or exceeds the limits of the depth guard.
pub fn lower_module(text: &str) -> Result<ir::Module, SyntaxError> {
    let lowered = parse::tokens(text).and_then(|tokens| {
        guard::check(&tokens)?;
        let file = parse::file(text, tokens)?;
        Ok(lower::module(&file))
    });
    // The parser keeps positions per thread, together with the text that they refer to.
    parse::forget_positions();
    lowered
}
