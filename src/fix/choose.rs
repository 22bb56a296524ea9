//! Chooses the fixes that are applied together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use crate::diagnostics::{Edit, Finding, Fingerprint, Fix, Location, Safety};
use crate::driver::RunResult;
use crate::source::{FileId, Span};

/// What a fix is for: the displayed path, the rule, and the finding's name in the file.
pub(super) type Purpose = (String, &'static str, Fingerprint);

/// A fix to be applied.
pub(super) struct Chosen<'a> {
    pub finding: &'a Finding,
    pub fix: &'a Fix,
    pub purpose: Purpose,
    pub group: Group,
}

/// Where a fix is: the displayed path, and the symbol of the finding.
pub(super) type Group = (String, String);

/// What earlier rounds showed about fixes.
#[derive(Default)]
pub(super) struct Lessons {
    /// Fixes that did not help.
    pub rejected: BTreeSet<Purpose>,
    /// Groups whose fixes are tried one at a time.
    pub one_by_one: BTreeSet<Group>,
    /// The maximum number of fixes at a time.
    pub limit: Option<usize>,
    /// The real path of the only file that may be changed; `None`: any may be.
    pub only: Option<PathBuf>,
}

impl Lessons {
    /// Whether a fix changes only files that may be changed.
    fn allow(&self, fix: &Fix, outcome: &RunResult) -> bool {
        let Some(only) = &self.only else {
            return true;
        };
        let inside = |edit: &Edit| outcome.sources.get(edit.location.file).real_path == *only;
        fix.edits.iter().all(inside)
    }
}

/// The allowed fixes, in the order of the findings, without those that overlap earlier ones or that
/// the lessons rule out.
pub(super) fn choose<'a>(
    outcome: &'a RunResult,
    allowed: Safety,
    lessons: &Lessons,
) -> Vec<Chosen<'a>> {
    let mut taken: BTreeMap<FileId, Taken> = BTreeMap::new();
    let mut groups: BTreeSet<Group> = BTreeSet::new();
    let others = Others::of(outcome);
    let mut out: Vec<Chosen<'a>> = Vec::new();
    for reported in &outcome.settled.reported {
        let finding = &reported.finding;
        let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safety <= allowed) else {
            continue;
        };
        let file = outcome.sources.get(finding.primary.location.file);
        let purpose = (file.display.clone(), finding.rule, reported.identity.local);
        let group = (file.display.clone(), finding.symbol.clone());
        let waits = lessons.one_by_one.contains(&group) && groups.contains(&group);
        if lessons.limit.is_some_and(|limit| out.len() >= limit)
            || lessons.rejected.contains(&purpose)
            || waits
            || !lessons.allow(fix, outcome)
            || others.dispute(finding)
        {
            continue;
        }
        let free = |edit: &Edit| {
            let taken = taken.get(&edit.location.file);
            taken.is_none_or(|taken| taken.leaves(edit.location.span))
        };
        if fix.edits.iter().all(free) {
            for edit in &fix.edits {
                let spans = taken.entry(edit.location.file).or_default();
                spans.add(edit.location.span);
            }
            groups.insert(group.clone());
            out.push(Chosen {
                finding,
                fix,
                purpose,
                group,
            });
        }
    }
    out
}

/// The edits of one file that are chosen: their starts and ends. Those that are not apart are one.
#[derive(Default)]
struct Taken(BTreeMap<u32, u32>);

impl Taken {
    /// The last that starts before the end of a span: the only one that may not be apart from it.
    fn near(&self, span: Span) -> Option<Span> {
        let (start, end) = self.0.range(..=span.end).next_back()?;
        Some(Span::new(*start, *end)).filter(|near| !apart(*near, span))
    }

    fn leaves(&self, span: Span) -> bool {
        self.near(span).is_none()
    }

    fn add(&mut self, mut span: Span) {
        while let Some(near) = self.near(span) {
            self.0.remove(&near.start);
            span = Span::new(near.start.min(span.start), near.end.max(span.end));
        }
        self.0.insert(span.start, span.end);
    }
}

/// The fixes of all findings, by the rule and the place.
struct Others<'a>(HashMap<(&'static str, Location), Vec<Option<&'a Fix>>>);

impl<'a> Others<'a> {
    fn of(outcome: &'a RunResult) -> Self {
        let settled = &outcome.settled;
        let suppressed = settled.suppressed.iter().map(|s| &s.finding);
        let all = settled.reported.iter().chain(&settled.known);
        let mut out: HashMap<_, Vec<Option<&Fix>>> = HashMap::new();
        for finding in all.chain(suppressed).map(|reported| &reported.finding) {
            let key = (finding.rule, finding.primary.location);
            out.entry(key).or_default().push(finding.fix.as_ref());
        }
        Self(out)
    }

    /// Whether another finding is at the same place that the fix of this one is not for: fixing the one would
    /// hide the other.
    fn dispute(&self, finding: &Finding) -> bool {
        let here = self.0.get(&(finding.rule, finding.primary.location));
        let mut here = here.into_iter().flatten();
        here.any(|fix| *fix != finding.fix.as_ref())
    }
}

/// Whether two edits are apart. Insertions at the same place are not.
fn apart(a: Span, b: Span) -> bool {
    a.end < b.start || b.end < a.start
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fix::tests::{EARLY, checked};

    #[test]
    fn edits_that_overlap_are_not_chosen_together() {
        let fixes = |text: &str, lessons: &Lessons| -> Vec<String> {
            let outcome = checked(text);
            let chosen = choose(&outcome, Safety::Safe, lessons);
            chosen.iter().map(|c| c.fix.message.clone()).collect()
        };
        let none = Lessons::default();
        // Removing one rule leaves a comma that goes with the other.
        let both = "x = 1  # tallylint: ignore[untracked-return, swallowed-write] a\n";
        assert_eq!(
            fixes(both, &none),
            ["remove `untracked-return` from the comment"]
        );
        let apart = "\
x = 1  # tallylint: ignore[untracked-return] a
y = 1  # tallylint: ignore[untracked-return] b
";
        assert_eq!(fixes(apart, &none).len(), 2);
        assert_eq!(fixes(EARLY, &none).len(), 3);
        // Lessons rule some fixes out.
        let lessons = Lessons {
            limit: Some(2),
            ..Lessons::default()
        };
        assert_eq!(fixes(EARLY, &lessons).len(), 2);
        let group = ("a.py".to_owned(), "Early.save_data".to_owned());
        let lessons = Lessons {
            one_by_one: BTreeSet::from([group]),
            ..Lessons::default()
        };
        assert_eq!(fixes(EARLY, &lessons).len(), 2);
    }

    #[test]
    fn edits_that_touch_are_not_apart() {
        let span = Span::new;
        assert!(apart(span(0, 2), span(3, 4)));
        assert!(!apart(span(0, 2), span(2, 4)));
        assert!(!apart(span(2, 2), span(2, 2)));
        assert!(!apart(span(1, 5), span(2, 3)));
    }
}
