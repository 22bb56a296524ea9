//! The table of findings, and the path and the fix of each.

use super::escape::{code, crop, fence, html_message};
use super::{MAX_CHARS, MAX_CODE, Sheet, at, in_message, line_at, source};
use crate::diagnostics::{Finding, Fix, Safety, Severity};
use crate::outcome::Reported;
use crate::report::Report;

/// The maximum number of lines of a patch.
const MAX_LINES: usize = 60;
/// The maximum length of a line of a patch, in characters.
const MAX_LINE: usize = 200;

/// Writes the table. Returns how many rows were left out.
pub(super) fn table(report: &Report<'_>, found: &[(usize, &Reported)], sheet: &mut Sheet) -> usize {
    if found.is_empty() {
        return 0;
    }
    sheet.add(
        "\n|  | severity | finding | where |\n|--:|---|---|---|\n",
        100,
    );
    let mut left_out = 0;
    for (number, reported) in found {
        let finding = &reported.finding;
        let row = format!(
            "| {number} | {} | {}<br>{} | {}<br>{} |\n",
            severity(finding),
            in_message(&finding.message),
            code(&finding.code()),
            at(report, &finding.primary.location),
            code(&crop(&finding.symbol, MAX_CODE)),
        );
        left_out += usize::from(!sheet.add(&row, 45));
    }
    left_out
}

fn severity(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Error => "**error**",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// Writes the path and the fix of each finding. Returns how many findings were left out.
pub(super) fn paths(report: &Report<'_>, found: &[(usize, &Reported)], sheet: &mut Sheet) -> usize {
    if found.is_empty() {
        return 0;
    }
    sheet.add("\n#### Paths and fixes\n\n", 100);
    let mut left_out = 0;
    for (number, reported) in found {
        let details = details(report, *number, &reported.finding);
        left_out += usize::from(!sheet.add(&details, 75));
    }
    left_out
}

fn details(report: &Report<'_>, number: usize, finding: &Finding) -> String {
    let primary = &finding.primary;
    let mut out = format!(
        "<details><summary>{number}. {}: {}</summary>\n\n{}\n\n",
        finding.severity,
        html_message(&crop(&finding.message, MAX_CHARS)),
        at(report, &primary.location)
    );
    let steps = match finding.steps.as_slice() {
        [] => std::slice::from_ref(primary),
        steps => steps,
    };
    for (step, number) in steps.iter().zip(1..) {
        let line = line_at(report, &step.location, &primary.location);
        let shown = code(&source(report, &step.location));
        let message = in_message(&step.message);
        // The message of a test quotes what is tested.
        let shown = match message.contains(&shown) {
            true => String::new(),
            false => format!(", {shown}"),
        };
        out.push_str(&format!("{number}. {line}{shown}: {message}\n"));
    }
    for note in &finding.notes {
        out.push_str(&format!("\n**Note:** {}\n", in_message(note)));
    }
    if !finding.help.is_empty() {
        out.push_str(&format!("\n**Help:** {}\n", in_message(&finding.help)));
    }
    if let Some(fix) = &finding.fix {
        out.push_str(&patch(report, fix));
    }
    out.push_str("\n</details>\n\n");
    out
}

fn patch(report: &Report<'_>, fix: &Fix) -> String {
    let safety = match fix.safety {
        Safety::Safe => "it cannot make anything worse",
        Safety::Unsafe => "it changes what the program does",
    };
    let mut out = format!("\n**Fix** ({safety}): {}\n", in_message(&fix.message));
    for hunk in report.hunks(fix) {
        let mut lines: Vec<String> = hunk.lines.iter().map(|line| crop(line, MAX_LINE)).collect();
        if lines.len() > MAX_LINES {
            lines.truncate(MAX_LINES);
            lines.push(" …".to_owned());
        }
        let lines = lines.join("\n");
        let fence = fence(&lines);
        let at = at(report, &hunk.location);
        out.push_str(&format!("\n{at}\n\n{fence}diff\n{lines}\n{fence}\n"));
    }
    out
}
