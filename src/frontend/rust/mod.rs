//! The Rust front end: Rust source to the intermediate representation.
//!
//! One way through: `guard` refuses what would exhaust the stack, `parse` calls the parser and
//! translates its positions, and `lower` builds modules and control-flow graphs. `types` says what
//! is known of a value by its type, `attrs` what attributes switch off.
//! `layout` tells comments, which the parser drops, and statements to those who look at the text.
//!
//! A struct or enum with all its `impl` blocks is a class, a trait is a base class whose default
//! methods are inherited, `Option` is a `Result` whose error says nothing, and a panic is an
//! exception that nobody catches.

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

/// Lowers one Rust file. `text` is decoded and has no byte order mark; all spans of the result
/// are byte offsets into it.
///
/// Run it on a thread with a stack of [`STACK_SIZE`](crate::frontend::STACK_SIZE).
///
/// # Errors
///
/// When the text is not Rust, or is nested deeper than the limits of the depth guard.
pub fn lower_module(text: &str) -> Result<ir::Module, SyntaxError> {
    let lowered = parse::tokens(text).and_then(|tokens| {
        guard::check(&tokens)?;
        let file = parse::file(text, tokens)?;
        Ok(lower::module(&file))
    });
    // Positions are kept by the parser for each thread, with the text that they are of.
    parse::forget_positions();
    lowered
}
