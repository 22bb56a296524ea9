//! One line per finding: `path:line:column: severity[rule/kind] message`.

use std::io::{self, Write};

use super::harmless::harmless_start;
use super::{Report, harmless};

/// Writes the lines.
pub fn write<W: Write + ?Sized>(report: &Report<'_>, out: &mut W) -> io::Result<()> {
    for reported in &report.settled.reported {
        let finding = &reported.finding;
        let location = finding.primary.location;
        let file = report.sources.get(location.file);
        let at = file.position(location.span.start);
        writeln!(
            out,
            "{}:{}:{}: {}[{}] {}",
            harmless_start(&harmless(&file.display)),
            at.line,
            at.column,
            finding.severity,
            finding.code(),
            harmless(&finding.message)
        )?;
    }
    Ok(())
}
