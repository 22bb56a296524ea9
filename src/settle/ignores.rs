//! The ignore comments of a file: which findings each covers, and whether it is needed.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::directive::{self, Directive, Names, Says};
use super::lines::Lines;
use super::stab::Stab;
use crate::diagnostics::{Edit, Finding, Fix, Location, Safety};
use crate::frontend::layout::{Comment, CommentKind, comment_mark};
use crate::rules;
use crate::rules::ignore_comment::Fault;
use crate::source::{FileId, Language, SourceFile, SourceMap, Span};

/// The ignore comments of the files of a run.
pub(super) struct Ignores<'s> {
    sources: &'s SourceMap,
    files: HashMap<FileId, FileIgnores>,
}

/// The ignore comments of one file.
pub struct FileIgnores {
    file: Arc<SourceFile>,
    /// `None` if the file has no comment for this tool.
    lines: Option<Lines>,
    /// In the order of the text.
    comments: Vec<Ignore>,
    /// What they cover, with the number of the comment.
    covered: Stab,
}

/// One ignore comment.
pub struct Ignore {
    /// Where it stands.
    pub span: Span,
    /// What it covers: a finding that starts in one of these spans is ignored.
    pub covers: Vec<Span>,
    /// Where another rule can be inserted.
    pub close: Option<u32>,
    /// The rules; `None` for all of them.
    rules: Option<Vec<IgnoredRule>>,
    /// The reason that it gives.
    reason: Option<String>,
    /// Why it cannot be parsed.
    malformed: Option<String>,
}

/// A rule that a comment ignores although there is nothing to ignore.
pub struct Unused {
    /// The rule as it is spelt there.
    pub rule: String,
    /// Where it stands.
    pub location: Location,
    /// A fix that removes it.
    pub fix: Option<Fix>,
}

/// A rule in an ignore comment.
struct IgnoredRule {
    /// Its name as it is spelt.
    name: String,
    /// Where the name is.
    span: Span,
    /// Its id, and the kind of finding if it names one; `None` if there is no such rule or kind.
    means: Option<(&'static str, Option<&'static str>)>,
    used: bool,
}

impl IgnoredRule {
    /// Whether it names the rule of a finding, and no other kind.
    fn covers(&self, finding: &Finding) -> bool {
        self.means.is_some_and(|(rule, kind)| {
            rule == finding.rule && kind.is_none_or(|kind| kind == finding.kind)
        })
    }
}

impl<'s> Ignores<'s> {
    pub(super) fn new(sources: &'s SourceMap) -> Self {
        Self {
            sources,
            files: HashMap::new(),
        }
    }

    /// The ignore comments of a file.
    pub(super) fn file(&mut self, id: FileId) -> &mut FileIgnores {
        let sources = self.sources;
        self.files
            .entry(id)
            .or_insert_with(|| FileIgnores::of(&sources.get(id)))
    }
}

impl FileIgnores {
    /// Reads the comments of a file.
    #[must_use]
    pub fn of(file: &Arc<SourceFile>) -> Self {
        let mut comments = Vec::new();
        let lines = directive::mentioned(&file.text).then(|| Lines::of(file));
        for comment in lines.iter().flat_map(|lines| &lines.layout().comments) {
            let lines = lines.iter();
            lines.for_each(|lines| comments.extend(read(file, lines, comment)));
        }
        let covers = comments.iter().map(|comment: &Ignore| &comment.covers);
        let covers = covers.enumerate();
        let covers = covers.flat_map(|(at, spans)| spans.iter().map(move |span| (*span, at)));
        Self {
            file: Arc::clone(file),
            lines,
            covered: Stab::new(covers),
            comments,
        }
    }

    /// Whether a comment with this reason is parsed as having this reason.
    #[must_use]
    pub fn takes_reason(reason: &str, language: Language) -> bool {
        let mark = comment_mark(language);
        let comment = format!("{mark} tallylint: ignore[rule] {reason}");
        let found = directive::directives(&comment, mark);
        found.iter().any(|directive| match &directive.says {
            Says::Ignore { reason, .. } => reason.is_some(),
            Says::Malformed(_) => false,
        })
    }

    /// The comments, in the order of the text.
    #[must_use]
    pub fn comments(&self) -> &[Ignore] {
        &self.comments
    }

    /// Whether comments ignore a finding in this file. All that do are marked as needed; the reason
    /// is that of the one that covers least.
    pub fn covers_finding(&mut self, finding: &Finding) -> Option<Option<String>> {
        let at = finding.primary.location.span.start;
        let mut least: Option<(u32, Option<String>)> = None;
        let mut covering: BTreeMap<usize, u32> = BTreeMap::new();
        for (span, comment) in self.covered.around(at) {
            let size = covering.entry(comment).or_insert(u32::MAX);
            *size = (*size).min(span.end - span.start);
        }
        for (comment, size) in covering {
            let comment = &mut self.comments[comment];
            let applies = match &mut comment.rules {
                None => finding.rule != rules::about_comments().id(),
                Some(rules) => {
                    let mut named = rules.iter_mut().filter(|rule| rule.covers(finding));
                    named.by_ref().map(|rule| rule.used = true).count() > 0
                }
            };
            if applies && least.as_ref().is_none_or(|(least, _)| size < *least) {
                least = Some((size, comment.reason.clone()));
            }
        }
        least.map(|(_, reason)| reason)
    }

    /// What is wrong with the comments: they are malformed, name an unknown rule, or lack rules or
    /// a reason.
    pub fn faults(&self) -> Vec<(Fault, Location)> {
        let mut out = Vec::new();
        for comment in &self.comments {
            let mut add = |fault, span| out.push((fault, self.location(span)));
            if let Some(why) = &comment.malformed {
                add(Fault::Malformed { why: why.clone() }, comment.span);
                continue;
            }
            let Some(rules) = &comment.rules else {
                add(Fault::Blanket, comment.span);
                continue;
            };
            for rule in rules.iter().filter(|rule| rule.means.is_none()) {
                let hint = rules::named(&rule.name).err().unwrap_or_default();
                let rule_name = rule.name.clone();
                add(
                    Fault::Unknown {
                        rule: rule_name,
                        hint,
                    },
                    rule.span,
                );
            }
            let known = rules.iter().find(|rule| rule.means.is_some());
            if let (None, Some(rule)) = (&comment.reason, known) {
                let rule = rule.name.clone();
                add(Fault::NoReason { rule }, comment.span);
            }
        }
        out
    }

    /// The rules that are ignored without need. `judged(rule, span)` tells whether the absence of a
    /// finding means anything there.
    pub fn unused(&self, judged: impl Fn(&'static str, Span) -> bool) -> Vec<Unused> {
        let mut out = Vec::new();
        for comment in &self.comments {
            for rule in comment.rules.iter().flatten() {
                let Some((id, _)) = rule.means.filter(|_| !rule.used) else {
                    continue;
                };
                let first = comment.covers.first().copied().unwrap_or(comment.span);
                let lines = self.lines.as_ref();
                let definition = lines.and_then(|lines| lines.definition(first.start));
                let wider = definition.filter(|definition| !first.contains(*definition));
                if judged(id, wider.unwrap_or(first)) {
                    out.push(Unused {
                        rule: rule.name.clone(),
                        location: self.location(rule.span),
                        fix: self.without(comment, rule),
                    });
                }
            }
        }
        out
    }

    /// A fix that removes the rule from the comment, or the whole comment.
    fn without(&self, comment: &Ignore, rule: &IgnoredRule) -> Option<Fix> {
        let text = &self.file.text;
        let rules = comment.rules.as_deref()?;
        let (message, span) = if let [_] = rules {
            ("remove the comment".to_owned(), self.removal(comment.span)?)
        } else {
            let at = rules.iter().position(|known| known.span == rule.span)?;
            // With the comma next to it.
            let span = match rules.get(at + 1) {
                Some(next) => Span::new(rule.span.start, next.span.start),
                None => Span::new(rules.get(at.checked_sub(1)?)?.span.end, rule.span.end),
            };
            (format!("remove `{}` from the comment", rule.name), span)
        };
        text.get(span.range())?;
        Some(Fix {
            message,
            safety: Safety::Safe,
            edits: vec![Edit {
                location: self.location(span),
                text: String::new(),
            }],
        })
    }

    /// What to delete with a comment: the blanks before it, or the whole line if nothing else is on
    /// it.
    fn removal(&self, comment: Span) -> Option<Span> {
        let text = &*self.file.text;
        let before = text.get(..comment.start as usize)?;
        let blank = |c: char| matches!(c, ' ' | '\t');
        let kept = before.trim_end_matches(blank);
        let after = text.get(comment.end as usize..)?;
        let rest = after.trim_start_matches(blank);
        let ends = rest.is_empty() || rest.starts_with(['\n', '\r']);
        let alone = kept.is_empty() || kept.ends_with(['\n', '\r']);
        let offset = |at: usize| u32::try_from(at).ok();
        let end = text.len() - rest.len();
        Some(match (alone, ends) {
            (true, true) => {
                let line_break = match rest {
                    rest if rest.starts_with("\r\n") => 2,
                    rest => rest.len().min(1),
                };
                Span::new(offset(kept.len())?, offset(end + line_break)?)
            }
            (false, true) => Span::new(offset(kept.len())?, offset(end)?),
            // Comments for other tools follow.
            (_, false) => Span::new(comment.start, offset(end)?),
        })
    }

    fn location(&self, span: Span) -> Location {
        Location {
            file: self.file.id,
            span,
        }
    }
}

/// The directives in a comment.
fn read(file: &SourceFile, lines: &Lines, comment: &Comment) -> Vec<Ignore> {
    let mark = comment_mark(file.language);
    let text = comment.span.slice(&file.text);
    let found = match comment.kind {
        CommentKind::Doc => Vec::new(),
        CommentKind::Line => directive::directives(text, mark),
        CommentKind::Block if directive::addressed(text.trim_start_matches(['/', '*'])) => {
            vec![Directive {
                range: 0..text.len(),
                says: Says::Malformed(format!("it is not a `{mark}` comment")),
            }]
        }
        CommentKind::Block => Vec::new(),
    };
    let found = found.into_iter();
    found
        .map(|directive| ignore(lines, comment, directive))
        .collect()
}

fn ignore(lines: &Lines, comment: &Comment, directive: Directive) -> Ignore {
    let place = |at: usize| comment.span.start + u32::try_from(at).unwrap_or(u32::MAX);
    let span = |range: Range<usize>| Span::new(place(range.start), place(range.end));
    let mut ignore = Ignore {
        span: span(directive.range),
        covers: Vec::new(),
        close: None,
        rules: Some(Vec::new()),
        reason: None,
        malformed: None,
    };
    let (of_file, names) = match directive.says {
        Says::Malformed(why) => {
            ignore.malformed = Some(why);
            return ignore;
        }
        Says::Ignore {
            file,
            rules,
            reason,
        } => {
            ignore.reason = reason;
            (file, rules)
        }
    };
    ignore.covers = if of_file {
        vec![Span::new(0, u32::MAX)]
    } else {
        // The comment itself comes last, because its own faults can be ignored, too.
        let mut covers = lines.subject(comment);
        covers.push(comment.span);
        covers
    };
    ignore.close = names.as_ref().map(|names| place(names.close));
    ignore.rules = names.map(|Names { names, .. }| {
        let rules = names.into_iter().map(|(name, range)| IgnoredRule {
            means: rules::named(&name).ok().map(|named| {
                let kind = named.kind.map(|kind| kind.name.as_str());
                (named.rule.id(), kind)
            }),
            span: span(range),
            name,
            used: false,
        });
        rules.collect()
    });
    ignore
}
