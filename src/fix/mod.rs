//! Changes to source files.

mod add_ignore;
mod replace;

pub use add_ignore::{Added, add_ignores};
pub use replace::replace_file;
