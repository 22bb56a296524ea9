//! Changes to source files.

mod add_ignore;
mod bytes;
mod choose;
mod repair;
mod replace;

pub use add_ignore::{Added, add_ignores, ignore_comments};
pub use repair::{Changed, Repaired, Task, repair};
pub use replace::replace_file;

#[cfg(test)]
mod tests;
