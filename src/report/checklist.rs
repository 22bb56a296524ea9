//! The review checklist: the words for the exits of each method, and why findings there are not
//! reported.

use std::collections::HashMap;

use super::Report;
use crate::diagnostics::{Finding, Location};
use crate::frontend::layout::Layout;
use crate::outcome::Reported;
use crate::outcome::{Duty, ExitState, Followed, MethodExit, Unset};
use crate::rules;
use crate::source::{FileId, SourceFile};

/// The name of a state for programs.
pub(super) fn state_name(state: ExitState) -> &'static str {
    match state {
        ExitState::Set => "set",
        ExitState::NotSet { .. } => "not-set",
        ExitState::Unverified => "unverified",
        ExitState::Raises | ExitState::Fails | ExitState::Unreached => "not-demanded",
    }
}

/// The reason for a state, for programs.
pub(super) fn reason_name(state: ExitState) -> Option<&'static str> {
    Some(match state {
        ExitState::Set | ExitState::Unverified => return None,
        ExitState::NotSet { why, .. } => match why {
            Unset::Dropped => "dropped",
            Unset::AfterWrite => "unset-after-write",
            Unset::Plain => "unset",
        },
        ExitState::Raises => "raises",
        ExitState::Fails => "returns-failure",
        ExitState::Unreached => "unreached",
    })
}

/// Why there are no exits: for programs, and in words.
pub(crate) fn unfollowed(followed: Followed) -> Option<(&'static str, &'static str)> {
    match followed {
        Followed::Wholly => None,
        Followed::TooLarge => Some(("too-large", "it is too large to follow every path")),
        Followed::RunsNothing => Some(("generator", "it is a generator: a call runs nothing")),
    }
}

/// The state in words.
pub(crate) fn state_in_words(state: ExitState) -> &'static str {
    match state {
        ExitState::Set => "set",
        ExitState::NotSet { why, sometimes_set } => match (why, sometimes_set) {
            (Unset::Dropped, false) => "not set: it was set before, but lost",
            (Unset::Dropped, true) => "not set on some path: it was set before, but lost",
            (Unset::AfterWrite, false) => "not set, after writing rows",
            (Unset::AfterWrite, true) => "not set on some path, after writing rows",
            (Unset::Plain, false) => "not set",
            (Unset::Plain, true) => "not set on some path",
        },
        ExitState::Unverified => "unverified: it depends on code that was not found or followed",
        ExitState::Raises => "not required: it raises",
        ExitState::Fails => "not required: it returns a failure",
        ExitState::Unreached => "not required: no path leads here",
    }
}

/// Whether an exit needs a look.
pub(crate) fn is_open(exit: &MethodExit) -> bool {
    matches!(exit.state, ExitState::NotSet { .. } | ExitState::Unverified)
}

/// The statements of files, for quoting.
#[derive(Default)]
pub(super) struct Statements(HashMap<FileId, Layout>);

impl Statements {
    fn layout(&mut self, file: &SourceFile) -> &Layout {
        let layout = self.0.entry(file.id);
        layout.or_insert_with(|| Layout::of(file.language, &file.text))
    }

    /// The innermost definition that a location lies in.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn definition(
        &mut self,
        file: &SourceFile,
        span: crate::source::Span,
    ) -> Option<crate::source::Span> {
        let statements = &self.layout(file).statements;
        let end = statements.partition_point(|s| s.span.start <= span.start);
        let mut around = statements[..end].iter().rev();
        let found = around.find(|s| s.whole != s.span && s.whole.contains(span));
        found.map(|s| s.whole)
    }

    /// The statement that a location lies in, on one line.
    pub(super) fn around(&mut self, report: &Report<'_>, location: &Location) -> String {
        let file = report.sources.get(location.file);
        let layout = self.layout(&file);
        // Statements are sorted by their starts, so the innermost one is the last that contains the
        // location.
        let statements = &layout.statements;
        let end = statements.partition_point(|s| s.span.start <= location.span.start);
        let around = statements[..end].iter().rev();
        let around = around.map(|s| s.span).find(|s| s.contains(location.span));
        let one_line = |span| {
            let words: Vec<&str> = file.slice(span).split_whitespace().collect();
            words.join(" ").trim_end_matches(';').to_owned()
        };
        // The head of a compound statement is shortened to the location.
        let whole = around.map(one_line);
        let whole = whole.filter(|text| !text.ends_with(['{', ':']));
        whole.unwrap_or_else(|| one_line(location.span))
    }
}

/// Classes that run the same code with the same exits.
pub(super) struct Group<'a> {
    pub(super) duties: Vec<&'a Duty>,
    /// For each exit, why a finding there is not reported.
    pub(super) excuses: Vec<Option<Excuse<'a>>>,
    /// How many exits need a look.
    pub(super) open: usize,
}

/// Why a finding at an exit is not reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Excuse<'a> {
    /// A comment ignores it, for this reason.
    Ignored(Option<&'a str>),
    /// A baseline contains it.
    Known,
}

/// The findings about exits by location, each with the reason why it is not reported, if it is not.
pub(super) struct Excuses<'a>(HashMap<Location, Vec<(&'a Finding, Option<Excuse<'a>>)>>);

impl<'a> Excuses<'a> {
    pub(super) fn new(report: &Report<'a>) -> Self {
        let mut out = Excuses(HashMap::new());
        let settled = report.settled;
        for reported in &settled.reported {
            out.add(reported, None);
        }
        for suppressed in &settled.suppressed {
            let reason = suppressed.reason.as_deref();
            out.add(&suppressed.finding, Some(Excuse::Ignored(reason)));
        }
        for known in &settled.known {
            out.add(known, Some(Excuse::Known));
        }
        out
    }

    fn add(&mut self, reported: &'a Reported, excuse: Option<Excuse<'a>>) {
        let finding = &reported.finding;
        if !rules::lists_exits(finding.rule) {
            return;
        }
        let primary = finding.primary.location;
        let others = finding
            .exits
            .iter()
            .copied()
            .filter(|exit| *exit != primary);
        for place in std::iter::once(primary).chain(others) {
            self.0.entry(place).or_default().push((finding, excuse));
        }
    }

    /// Why a finding at this exit is not reported, if there is one.
    pub(super) fn of(&self, duty: &Duty, exit: &MethodExit) -> Option<Excuse<'a>> {
        let is_about = |finding: &Finding| {
            let primary = finding.primary.location;
            // One finding stands for all classes that share the code.
            primary == exit.place || primary == duty.place || finding.symbol == duty.symbol()
        };
        let here = self.0.get(&exit.place).into_iter().flatten();
        let mut here = here.filter(|(finding, _)| is_about(finding));
        // Reported findings come first.
        here.next().and_then(|(_, excuse)| *excuse)
    }
}

impl<'a> Report<'a> {
    /// The checklist, with what classes share told once.
    pub(super) fn groups(&self) -> Vec<Group<'a>> {
        let known = Excuses::new(self);
        let mut out: Vec<Group<'a>> = Vec::new();
        for duty in self.checklist() {
            let exits = || duty.exits.iter().flat_map(|method| &method.exits);
            let excuses: Vec<_> = exits()
                .map(|exit| known.of(duty, exit).filter(|_| is_open(exit)))
                .collect();
            let open = exits().zip(&excuses);
            let open = open.filter(|(exit, excuse)| is_open(exit) && excuse.is_none());
            let open = open.count();
            let same = out.last_mut().filter(|group| {
                let other = group.duties[0];
                duty.exits.is_some()
                    && (&other.exits, &other.contract, &other.method)
                        == (&duty.exits, &duty.contract, &duty.method)
                    && group.open == open
            });
            match same {
                Some(group) => group.duties.push(duty),
                None => out.push(Group {
                    duties: vec![duty],
                    excuses,
                    open,
                }),
            }
        }
        out
    }

    /// The entries in the order of paths and lines.
    pub(super) fn checklist(&self) -> Vec<&'a Duty> {
        let mut out: Vec<&Duty> = self.checklist.iter().collect();
        out.sort_by_cached_key(|duty| {
            let file = self.sources.get(duty.place.file);
            let what = (
                duty.class.clone(),
                duty.method.clone(),
                duty.contract.does(str::to_owned),
            );
            (file.display.clone(), duty.place.span, what)
        });
        out
    }
}
