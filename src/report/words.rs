//! A finding as plain text, for formats that have room for nothing else.

use super::{Report, harmless};
use crate::diagnostics::Finding;

impl Report<'_> {
    /// The message, the numbered path, the notes and the help, each on a line. No line can act on a
    /// terminal or contain a line break.
    pub(super) fn in_words(&self, finding: &Finding) -> String {
        let mut lines = vec![finding.message.clone()];
        lines.extend(self.path_in_words(finding));
        lines.extend(finding.notes.iter().map(|note| format!("note: {note}")));
        if let Some(fix) = &finding.fix {
            lines.push(format!("fix ({}): {}", fix.safety.name(), fix.message));
        }
        if !finding.help.is_empty() {
            lines.push(format!("help: {}", finding.help));
        }
        let lines: Vec<_> = lines.iter().map(|line| harmless(line)).collect();
        lines.join("\n")
    }

    /// The steps of the path, each on a line.
    pub(super) fn path_in_words(&self, finding: &Finding) -> Vec<String> {
        let steps = finding.steps.iter().enumerate();
        steps
            .map(|(at, step)| {
                let line = self.region(&step.location).line;
                let place = match step.location.file == finding.primary.location.file {
                    true => format!("line {line}"),
                    false => format!("{}:{line}", self.sources.get(step.location.file).display),
                };
                format!("{}. {place}: {}", at + 1, step.message)
            })
            .collect()
    }
}
