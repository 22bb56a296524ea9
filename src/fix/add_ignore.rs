//! `--add-ignore`: adds comments that ignore the reported findings.
//!
//! A comment goes to the end of the line of a finding, or above the statement if that line cannot
//! take one. If there is an ignore comment already, the rule is added to it. Nothing else in the
//! file changes. Before it is written, the result is verified: it must be the old text plus the
//! comments, and the comments must cover the findings.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::bytes::{Bytes, spliced};
use super::replace::{CHANGED, replace_contents};
use crate::diagnostics::{FileFailure, Finding};
use crate::frontend::layout::{CommentKind, comment_mark};
use crate::order::Order as _;
use crate::outcome::Reported;
use crate::rules;
use crate::settle::{FileIgnores, Lines};
use crate::source::{FileId, Language, SourceFile, SourceMap, Span, decode, describe_io};

/// The result of adding comments.
#[derive(Clone, Default, Debug)]
pub struct Added {
    /// How many findings are ignored now.
    pub findings: usize,
    /// How many files were changed.
    pub files: usize,
    /// Files that could not be changed, and why.
    pub failures: Vec<FileFailure>,
}

/// Why a comment is not added.
const WOULD_MEAN_MORE: &str = "a comment cannot be added without changing what the code means";

/// Text to insert at an offset.
struct Insertion {
    at: u32,
    text: String,
}

/// Adds comments with this reason for all reported findings, except those about ignore comments.
///
/// # Errors
/// When the reason cannot stand in a comment.
pub fn add_ignores(
    reported: &[Reported],
    reason: &str,
    sources: &SourceMap,
) -> Result<Added, String> {
    let reason = usable(reason)?;
    let mut by_file: BTreeMap<FileId, Vec<&Finding>> = BTreeMap::new();
    for Reported { finding, .. } in reported.iter().flat_map(Reported::all) {
        if finding.rule != rules::about_comments().id() {
            let file = finding.primary.location.file;
            by_file.entry(file).or_default().push(finding);
        }
    }
    let mut added = Added::default();
    for (id, findings) in by_file {
        let file = sources.get(id);
        match add_to_file(&file, &findings, reason) {
            Ok(()) => {
                added.files += 1;
                added.findings += findings.len();
            }
            Err(why) => {
                let failure = FileFailure::input(file.display.clone(), None, why);
                added.failures.push(failure);
            }
        }
    }
    added.failures.order();
    Ok(added)
}

/// The reason, if it can stand in a comment.
fn usable(reason: &str) -> Result<&str, String> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err("the reason is empty".to_owned());
    }
    if reason.chars().any(char::is_control) {
        return Err("the reason must be text on one line".to_owned());
    }
    for language in [Language::Python, Language::Rust] {
        if !FileIgnores::takes_reason(reason, language) {
            return Err(format!(
                "`{reason}` would not be read as the reason in a comment"
            ));
        }
    }
    Ok(reason)
}

/// What has to be inserted into the text of a file so that comments with this reason ignore the findings: offsets and
/// texts, in order. The file on the disk has no say.
///
/// # Errors
/// When the reason cannot stand in a comment, or the file has no room for one.
pub fn ignore_comments(
    file: &Arc<SourceFile>,
    findings: &[&Finding],
    reason: &str,
) -> Result<Vec<(u32, String)>, String> {
    let reason = usable(reason)?;
    let raw = file.text.as_bytes();
    let insertions = plan(file, findings, reason, &Bytes::new(file, raw))?;
    let in_text = insertions.iter().map(|Insertion { at, text }| {
        let at = *at as usize;
        (at, at, text.as_str())
    });
    let changed = spliced(raw, in_text).and_then(|changed| String::from_utf8(changed).ok());
    let changed = changed.ok_or("a position in it cannot be determined")?;
    verify(file, findings, &insertions, &changed)?;
    let insertions = insertions.into_iter();
    Ok(insertions
        .map(|Insertion { at, text }| (at, text))
        .collect())
}

fn add_to_file(file: &Arc<SourceFile>, findings: &[&Finding], reason: &str) -> Result<(), String> {
    let io = |error| describe_io(&error);
    let raw = fs::read(&file.real_path).map_err(io)?;
    if decode(raw.clone(), file.language).ok().as_deref() != Some(&*file.text) {
        return Err(CHANGED.to_owned());
    }
    let bytes = Bytes::new(file, &raw);
    if !bytes.unicode && !reason.is_ascii() {
        return Err("its encoding is not UTF-8, and the reason is not ASCII".to_owned());
    }
    let insertions = plan(file, findings, reason, &bytes)?;
    let unknown = "a position in it cannot be determined";
    let mut in_raw = Vec::new();
    for Insertion { at, text } in &insertions {
        let at = bytes.offset(*at).ok_or(unknown)?;
        in_raw.push((at, at, text.as_str()));
    }
    let in_text = insertions.iter().map(|Insertion { at, text }| {
        let at = *at as usize;
        (at, at, text.as_str())
    });
    let text = spliced(file.text.as_bytes(), in_text).ok_or(unknown)?;
    let text = String::from_utf8(text).map_err(|_| unknown)?;
    let changed = spliced(&raw, in_raw.into_iter()).ok_or(unknown)?;
    if decode(changed.clone(), file.language).ok().as_deref() != Some(&*text) {
        return Err(WOULD_MEAN_MORE.to_owned());
    }
    verify(file, findings, &insertions, &text)?;
    replace_contents(&file.real_path, &raw, &changed)?;
    Ok(())
}

/// The insertions, in the order of the text.
fn plan(
    file: &Arc<SourceFile>,
    findings: &[&Finding],
    reason: &str,
    bytes: &Bytes<'_>,
) -> Result<Vec<Insertion>, String> {
    let lines = Lines::of(file);
    let ignores = FileIgnores::of(file);
    // Where another rule can be inserted into the first comment about a statement.
    let mut mergeable: HashMap<Span, u32> = HashMap::new();
    for comment in ignores.comments() {
        if let (Some(close), Some(about)) = (comment.close, comment.covers.first())
            && bytes.offset(close).is_some()
        {
            mergeable.entry(*about).or_insert(close);
        }
    }
    let mut merged: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    let mut fresh: BTreeMap<(u32, CommentPosition), BTreeSet<&str>> = BTreeMap::new();
    for finding in findings {
        let at = finding.primary.location.span.start;
        let own = lines.innermost(at).map(|statement| statement.whole);
        if let Some(close) = own.and_then(|own| mergeable.get(&own)) {
            merged.entry(*close).or_default().insert(finding.rule);
            continue;
        }
        let (at, place) = place(file, &lines, at)
            .ok_or_else(|| format!("line {} has no room for a comment", lines.line(at)))?;
        fresh.entry((at, place)).or_default().insert(finding.rule);
    }
    let mark = comment_mark(file.language);
    let mut out: Vec<Insertion> = merged
        .into_iter()
        .map(|(at, rules)| Insertion {
            at,
            text: rules.iter().map(|rule| format!(", {rule}")).collect(),
        })
        .collect();
    out.extend(fresh.into_iter().map(|((at, place), rules)| {
        let rules: Vec<&str> = rules.into_iter().collect();
        let comment = format!("{mark} tallylint: ignore[{}] {reason}", rules.join(", "));
        let text = match place {
            CommentPosition::EndOfLine => {
                let gap = match file.language {
                    Language::Python => "  ",
                    Language::Rust => " ",
                };
                format!("{gap}{comment}")
            }
            CommentPosition::Above { indent, line_break } => {
                format!("{indent}{comment}{line_break}")
            }
        };
        Insertion { at, text }
    }));
    out.order_by_key(|insertion| insertion.at);
    Ok(out)
}

/// Where a new comment goes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum CommentPosition {
    EndOfLine,
    Above {
        indent: String,
        line_break: &'static str,
    },
}

/// The position of a new comment for the code at `at`.
fn place(file: &SourceFile, lines: &Lines, at: u32) -> Option<(u32, CommentPosition)> {
    let layout = lines.layout();
    let line = lines.range(lines.line(at));
    let end = u32::try_from(line.end).ok()?;
    let ending = layout.comments.partition_point(|c| c.span.end < end);
    let ending = layout.comments[ending..].iter();
    let mut ending = ending.take_while(|c| c.span.end == end);
    let doc = ending.any(|c| c.kind == CommentKind::Doc);
    if layout.takes_comment_at(end) && !doc {
        return Some((end, CommentPosition::EndOfLine));
    }
    let statement = lines.innermost(at)?.span;
    let first = lines.line(statement.start);
    let range = lines.range(first);
    if first > 1 {
        let before = lines.range(first - 1).end;
        if !layout.takes_comment_at(u32::try_from(before).ok()?) {
            return None;
        }
    }
    let text = file.text.get(range.clone())?;
    let blank = text.len() - text.trim_start().len();
    let line_break = match file.text.get(range.end..)? {
        rest if rest.starts_with("\r\n") => "\r\n",
        rest if rest.starts_with('\r') => "\r",
        _ => "\n",
    };
    let indent = text[..blank].to_owned();
    let above = u32::try_from(range.start).ok()?;
    Some((above, CommentPosition::Above { indent, line_break }))
}

/// Verifies that the result is the old text plus the comments, and that they ignore the findings.
fn verify(
    file: &SourceFile,
    findings: &[&Finding],
    insertions: &[Insertion],
    text: &str,
) -> Result<(), String> {
    let unsafe_here = || WOULD_MEAN_MORE.to_owned();
    let sources = SourceMap::new(Path::new("/").to_path_buf());
    let new = sources.add_virtual(&file.path, text.to_owned());
    let old = SourceMap::new(Path::new("/").to_path_buf());
    let old = old.add_virtual(&file.path, file.text.to_string());
    let statements = |file: &Arc<SourceFile>| Lines::of(file).layout().statements.len();
    if statements(&new) != statements(&old) {
        return Err(unsafe_here());
    }
    let mut ignores = FileIgnores::of(&new);
    // How much longer the text is before each insertion, and after the last one.
    let mut longer = vec![0];
    for insertion in insertions {
        longer.push(longer[longer.len() - 1] + insertion.text.len());
    }
    for finding in findings {
        let mut moved = (*finding).clone();
        let span = moved.primary.location.span;
        let by = longer[insertions.partition_point(|i| i.at <= span.start)];
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        moved.primary.location.span = Span::new(span.start + by, span.end + by);
        if ignores.covers_finding(&moved).is_none() {
            return Err(unsafe_here());
        }
    }
    Ok(())
}
