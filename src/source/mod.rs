//! Source files: bytes, text, positions.

mod span;

pub use span::Span;

/// A file known to the run's `SourceMap`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FileId(pub u32);
