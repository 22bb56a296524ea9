//! The fix: the position moves after the write. What is stored twice if the process stops in between was lost before,
//! but that is for somebody to decide.

use crate::diagnostics::{Edit, Fix, Location, Safety};
use crate::frontend::edit::move_behind;
use crate::source::{SourceFile, Span};

/// Moves a position behind the write of its rows, if both are statements of one block.
pub(super) fn after_write(file: &SourceFile, position: Span, write: Span) -> Option<Fix> {
    let moved = move_behind(file, position, write)?;
    let edit = |span: Span, text: String| Edit {
        location: Location {
            file: file.id,
            span,
        },
        text,
    };
    Some(Fix {
        message: "move the position after the write".to_owned(),
        safety: Safety::Unsafe,
        edits: vec![
            edit(moved.lines, String::new()),
            edit(Span::new(moved.to, moved.to), moved.text),
        ],
    })
}
