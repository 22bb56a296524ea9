//! Coloured parts of the lists that a terminal shows.

use std::io;

use termcolor::{ColorSpec, WriteColor};

use super::harmless;
use super::harmless::harmless_start;
use crate::diagnostics::Location;
use crate::outcome::at;
use crate::source::SourceMap;

/// Writes a text in a style.
pub(super) fn styled(out: &mut dyn WriteColor, spec: &ColorSpec, text: &str) -> io::Result<()> {
    out.set_color(spec)?;
    write!(out, "{}", harmless(text))?;
    out.reset()
}

/// Ends a line with a place, dimmed.
pub(super) fn end_with_place(
    out: &mut dyn WriteColor,
    place: Location,
    sources: &SourceMap,
) -> io::Result<()> {
    let place = at(place, sources);
    let place = harmless(&place);
    styled(
        out,
        ColorSpec::new().set_dimmed(true),
        &harmless_start(&place),
    )?;
    writeln!(out)
}
