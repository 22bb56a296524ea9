//! What a reviewer looks at: each processor that was checked, with the exits of its method.

use std::collections::HashMap;

use super::Report;
use crate::contracts::exits::{Exit, ExitState, Followed, MethodExits, Unset};
use crate::contracts::survey::Processor;
use crate::diagnostics::{Finding, Location};
use crate::frontend::layout::Layout;
use crate::rules::{Rule, UntrackedReturn};
use crate::settle::Reported;
use crate::source::FileId;

/// One definition of a contract method, or a class that inherits it as it is.
pub(super) struct Item<'a> {
    pub(super) processor: &'a Processor,
    /// The method of the contract.
    pub(super) method: &'a str,
    /// The place that it must set.
    pub(super) sets: String,
    /// The exits; none for a class that inherits the method.
    pub(super) exits: Option<&'a MethodExits>,
}

/// The states as programs read them.
pub(super) fn state_name(state: ExitState) -> &'static str {
    match state {
        ExitState::Set => "set",
        ExitState::NotSet { .. } => "not-set",
        ExitState::Unverified => "unverified",
        ExitState::Raises | ExitState::Fails | ExitState::Unreached => "not-demanded",
    }
}

/// Why it is so, as programs read it.
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

/// Why there are no exits, as programs read it; for people the text behind it.
pub(super) fn unfollowed(followed: Followed) -> Option<(&'static str, &'static str)> {
    match followed {
        Followed::Wholly => None,
        Followed::TooLarge => Some(("too-large", "it is too large to follow every path")),
        Followed::RunsNothing => Some((
            "generator",
            "a call only makes a generator, and runs nothing",
        )),
    }
}

/// The state for people.
pub(super) fn state_in_words(state: ExitState) -> &'static str {
    match state {
        ExitState::Set => "set",
        ExitState::NotSet { why, sometimes_set } => match (why, sometimes_set) {
            (Unset::Dropped, false) => "not set: set before, and lost again",
            (Unset::Dropped, true) => "not set on some path: set before, and lost again",
            (Unset::AfterWrite, false) => "not set, after writing rows",
            (Unset::AfterWrite, true) => "not set on some path, after writing rows",
            (Unset::Plain, false) => "not set",
            (Unset::Plain, true) => "not set on some path",
        },
        ExitState::Unverified => "unverified: it depends on code that was not found or followed",
        ExitState::Raises => "not demanded: it raises",
        ExitState::Fails => "not demanded: it returns a failure",
        ExitState::Unreached => "not demanded: no path leads here",
    }
}

/// Whether somebody should look at an exit.
pub(super) fn is_open(exit: &Exit) -> bool {
    matches!(exit.state, ExitState::NotSet { .. } | ExitState::Unverified)
}

/// The statements of files, by what is in them.
#[derive(Default)]
pub(super) struct Statements(HashMap<FileId, Layout>);

impl Statements {
    /// The statement that a location lies in, on one line.
    pub(super) fn around(&mut self, report: &Report<'_>, location: &Location) -> String {
        let file = report.sources.get(location.file);
        let layout = self.0.entry(file.id);
        let layout = layout.or_insert_with(|| Layout::of(file.language, &file.text));
        // The innermost is the one that starts last. They are in the order of their starts.
        let statements = &layout.statements;
        let end = statements.partition_point(|s| s.span.start <= location.span.start);
        let around = statements[..end].iter().rev();
        let around = around.map(|s| s.span).find(|s| s.contains(location.span));
        let one_line = |span| {
            let words: Vec<&str> = file.slice(span).split_whitespace().collect();
            words.join(" ").trim_end_matches(';').to_owned()
        };
        // Of the head of a compound statement, only what is meant.
        let whole = around.map(one_line);
        let whole = whole.filter(|text| !text.ends_with(['{', ':']));
        whole.unwrap_or_else(|| one_line(location.span))
    }
}

/// Why what is wrong at an exit is not reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Excuse<'a> {
    /// A comment ignores it, for this reason.
    Ignored(Option<&'a str>),
    /// A baseline knows it.
    Known,
}

/// What became of the findings about exits, by the places that these are about.
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
        if finding.rule != UntrackedReturn.id() {
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

    /// Why what is wrong at an exit is not reported, if that is so.
    pub(super) fn of(&self, item: &Item<'_>, exit: &Exit) -> Option<Excuse<'a>> {
        let def = item.exits.map(|exits| exits.def);
        let is_about = |finding: &Finding| {
            let primary = finding.primary.location;
            // Of what several classes share, one finding stands for all.
            primary == exit.place || Some(primary) == def || finding.symbol == item.symbol()
        };
        let here = self.0.get(&exit.place).into_iter().flatten();
        let mut here = here.filter(|(finding, _)| is_about(finding));
        // What is reported comes first.
        here.next().and_then(|(_, excuse)| *excuse)
    }
}

impl<'a> Report<'a> {
    /// What to look at, in the order of paths and lines.
    pub(super) fn checklist(&self) -> Vec<Item<'a>> {
        let mut out: Vec<Item<'a>> = Vec::new();
        for survey in self.contracts {
            for processor in &survey.processors {
                let item = |exits| Item {
                    processor,
                    method: &survey.contract.method,
                    sets: survey.contract.sets.to_string(),
                    exits,
                };
                match processor.methods.as_slice() {
                    [] => out.push(item(None)),
                    methods => out.extend(methods.iter().map(|method| item(Some(method)))),
                }
            }
        }
        out.sort_by_cached_key(|item| {
            let place = item.place();
            let file = self.sources.get(place.file);
            let class = item.processor.class.clone();
            (file.display.clone(), place.span, class)
        });
        out
    }
}

impl Item<'_> {
    /// `Class.method`
    pub(super) fn symbol(&self) -> String {
        format!("{}.{}", self.processor.class, self.method)
    }

    /// Where the method is, or the class that inherits it.
    pub(super) fn place(&self) -> Location {
        self.exits.map_or(self.processor.place, |exits| exits.def)
    }
}
