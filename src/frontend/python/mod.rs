//! The Python front end: Python 3.11 source to the intermediate representation.
//!
//! One way through: `guard` refuses what would exhaust the stack, `compat` rewrites what the
//! parser does not know to text of equal length, `parse` calls the parser, `scope` decides
//! which variable each name means, and `lower` builds the control-flow graphs.

mod compat;
mod guard;
mod lower;
mod parse;
mod scope;
mod static_expr;
mod walk;

#[cfg(test)]
mod tests;

use crate::frontend::SyntaxError;
use crate::ir;

/// Lowers one Python module. `text` is decoded and has no byte order mark; all spans of the
/// result are byte offsets into it.
///
/// Run it on a thread with a stack of [`STACK_SIZE`](crate::frontend::STACK_SIZE).
///
/// # Errors
///
/// When the text is not Python, or is nested deeper than the limits of the depth guard.
pub fn lower_module(text: &str) -> Result<ir::Module, SyntaxError> {
    guard::check(text)?;
    let rewritten = compat::rewrite(text);
    let suite = parse::suite(&rewritten)?;
    let symbols = scope::SymbolTable::build(&suite);
    Ok(lower::module(text, &suite, &symbols))
}
