//! Source files: bytes, text, positions.
//!
//! This module decodes files, converts offsets to lines and columns, and keeps every file of a run
//! once.

mod derived;
mod foreign;
mod language;
mod line_index;
mod map;
mod observe;
mod purpose;
mod span;
pub mod table;
mod text;
pub mod trace;

pub use derived::Derived;
pub use foreign::Foreign;
pub use language::{Language, Unreadable};
pub use line_index::{LineColumn, LineIndex};
pub(crate) use map::describe_io;
pub use map::{DEFAULT_FILE_BYTES, Disk, FileId, MAX_FILE_BYTES, ReadError, SourceFile, SourceMap};
pub use observe::{At, Observations, digest};
pub use purpose::is_of_tests;
pub use span::Span;
pub use text::{DecodeError, decode};
