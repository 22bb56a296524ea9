//! The Python front end: source up to Python 3.14 to the intermediate representation.
//!
//! One way through: `guard` refuses what would exhaust the stack, `compat` rewrites what the
//! parser does not know to text of equal length, `parse` calls the parser, `graft` puts back what
//! no older syntax can say, `scope` decides which variable each name means, and `lower` builds the
//! control-flow graphs. `scan` knows where strings and comments end.

mod compat;
mod graft;
mod guard;
mod lower;
mod parse;
mod scan;
mod scope;
mod static_expr;
mod walk;

#[cfg(test)]
mod syntax_tests;
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
    let suite = parse::suite(text)?;
    let symbols = scope::SymbolTable::build(&suite);
    Ok(lower::module(text, &suite, &symbols))
}
