//! Markdown for reviewers: a table of findings, the path and the fix of each, what could not be
//! analysed, and a checklist of the exits of every processor.
//!
//! A page never exceeds the limit of its platform. If necessary, whole entries are left out, the
//! least severe ones first, and the last line says how many.

mod checklist;
mod escape;
mod findings;

use std::io::{self, Write};

use super::summary::{headline, remarks};
use super::{Report, plural};
use crate::diagnostics::{FileFailure, Location, Undone};
use crate::order::Order as _;
use crate::outcome::Reported;
use escape::{code, crop, message, text};

/// Lets a review bot find the comment that it wrote before.
const MARKER: &str = "<!-- tallylint -->\n";
/// Bytes reserved for the last line.
const RESERVE: usize = 400;
/// Longer texts are cropped, in characters.
const MAX_CHARS: usize = 300;
/// Longer code is cropped, in characters.
const MAX_CODE: usize = 100;
/// The maximum number of failures that are listed.
const MAX_FAILURES: usize = 50;

/// Where a page is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Page {
    /// A comment on a pull request.
    Comment,
    /// The summary of a job.
    Summary,
}

impl Page {
    /// The size limit of a page, in bytes. Comments are limited in characters, and a text has no
    /// more characters than bytes.
    fn limit(self) -> usize {
        match self {
            Page::Comment => 65_536,
            Page::Summary => 1024 * 1024,
        }
    }
}

/// A text with a size limit.
struct Sheet {
    text: String,
    limit: usize,
}

impl Sheet {
    /// Adds a piece if the text then fills at most `percent` of the limit; otherwise nothing.
    fn add(&mut self, piece: &str, percent: usize) -> bool {
        let fits = self.text.len() + piece.len() <= self.limit / 100 * percent;
        if fits {
            self.text.push_str(piece);
        }
        fits
    }
}

/// Writes a page.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<W: Write + ?Sized>(report: &Report<'_>, page: Page, out: &mut W) -> io::Result<()> {
    let mut sheet = Sheet {
        text: String::new(),
        limit: page.limit() - RESERVE,
    };
    if page == Page::Comment {
        sheet.text.push_str(MARKER);
    }
    head(report, &mut sheet);
    let mut found: Vec<&Reported> = report.settled.reported.iter().collect();
    found.order_by_key(|reported| std::cmp::Reverse(reported.finding.severity));
    let found: Vec<(usize, &Reported)> = (1..).zip(found).collect();
    let rows = findings::table(report, &found, &mut sheet);
    let paths = findings::paths(report, &found, &mut sheet);
    let processors = checklist::write(report, &mut sheet);
    let left_out: Vec<String> = [
        (rows, "finding"),
        (paths, "path"),
        (processors, "processor"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, noun)| plural(count, noun))
    .collect();
    if !left_out.is_empty() {
        sheet.text.push_str(&format!(
            "\n> [!NOTE]\n> Left out, because a page is limited to {} bytes: {}.\n",
            page.limit(),
            left_out.join(", ")
        ));
    }
    out.write_all(sheet.text.as_bytes())
}

fn head(report: &Report<'_>, sheet: &mut Sheet) {
    let title = format!("### tallylint: {}\n", text(&lower(&headline(report))));
    sheet.add(&title, 100);
    if report.bug.is_some() || !report.failures.is_empty() {
        let fixes = |failure: &FileFailure| failure.undone == Undone::Fix;
        let what = match report.bug.is_none() && report.failures.iter().all(fixes) {
            true => "Not everything could be fixed.",
            false => "The result is incomplete.",
        };
        sheet.add(&format!("\n> [!CAUTION]\n> {what}\n"), 100);
        if let Some(bug) = report.bug {
            let bug = text(&crop(&bug.to_string(), MAX_CHARS));
            sheet.add(&format!("> * the analysis panicked: {bug}\n"), 100);
        }
        let mut told = 0;
        for failure in report.failures.iter().take(MAX_FAILURES) {
            let place = report.path_of_failure(failure);
            let line = failure.location.map(|(line, _)| line);
            let shown = match line {
                Some(line) => format!("{}:{line}", place.text()),
                None => place.text(),
            };
            let what = match failure.undone {
                Undone::Analysis => String::new(),
                Undone::AnalysisByBug | Undone::Fix => format!("{}: ", failure.title()),
            };
            let reason = text(&crop(&failure.reason, MAX_CHARS));
            let place = linked(&shown, report.link(&place, line));
            told += usize::from(sheet.add(&format!("> * {place}: {what}{reason}\n"), 25));
        }
        if let more @ 1.. = report.failures.len() - told {
            sheet.add(&format!("> * and {more} more\n"), 100);
        }
    }
    let remarks: String = remarks(report)
        .iter()
        .map(|remark| format!("* {}\n", text(remark)))
        .collect();
    if !remarks.is_empty() {
        sheet.add(&format!("\n{remarks}"), 100);
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}

/// Code, with a link if there is one.
fn linked(shown: &str, link: Option<String>) -> String {
    let shown = code(&crop(shown, MAX_CHARS));
    match link {
        Some(link) => format!("[{shown}]({link})"),
        None => shown,
    }
}

/// A line, with a link; with its path if it is not in the file of `reading`.
fn line_at(report: &Report<'_>, location: &Location, reading: &Location) -> String {
    if location.file != reading.file {
        return at(report, location);
    }
    let line = report.region(location).line;
    match report.link(&report.path_of(location), Some(line)) {
        Some(link) => format!("[line {line}]({link})"),
        None => format!("line {line}"),
    }
}

/// `path:line`, with a link.
fn at(report: &Report<'_>, location: &Location) -> String {
    let place = report.path_of(location);
    let line = report.region(location).line;
    let shown = format!("{}:{line}", place.text());
    linked(&shown, report.link(&place, Some(line)))
}

/// The first line of the code at a location.
fn source(report: &Report<'_>, location: &Location) -> String {
    let file = report.sources.get(location.file);
    let first = file.slice(location.span).lines().next().unwrap_or("");
    let words: Vec<&str> = first.split_whitespace().collect();
    crop(&words.join(" "), MAX_CODE)
}

fn in_message(words: &str) -> String {
    message(&crop(words, MAX_CHARS))
}
