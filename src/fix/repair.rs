//! `--fix`: applies the fixes of findings.
//!
//! This works in memory and in rounds. Each round applies fixes that do not overlap and checks the
//! result like any program. It must not have new findings or failures, and the findings that the
//! fixes are for must be gone; otherwise the round is repeated without the fixes that are to blame.
//! The files are written when nothing is left to do. If one cannot be written, what is on the disk then is checked
//! once more, and that is what is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bytes::{Bytes, spliced};
use super::choose::{Chosen, Group, Lessons, choose};
use super::replace::{identity, replace_contents};
use crate::config::{ConfigError, Configuration};
use crate::diagnostics::{FileFailure, Finding, Safety};
use crate::discover::Changes;
use crate::driver::{self, Overlay, Request, RunResult};
use crate::order::Order as _;
use crate::source::{FileId, SourceFile, decode};

/// A limit in case the rounds never end. Every round fixes or rejects something.
const MAX_ROUNDS: usize = 1000;

/// The result of a repair.
pub struct Repaired {
    /// The result of checking the repaired files.
    pub outcome: RunResult,
    /// How many findings were fixed.
    pub fixed: usize,
    /// The changed files, by the paths that users see.
    pub changed: Vec<Changed>,
    /// For each finding that was fixed, the files that its fix changes, by their paths.
    fixes: Vec<BTreeSet<PathBuf>>,
}

/// A file that was changed.
pub struct Changed {
    /// The path that users see.
    pub display: String,
    real_path: PathBuf,
    /// Its text before.
    pub before: Arc<str>,
    /// Its text now.
    pub after: String,
    raw_before: Vec<u8>,
    /// Its bytes now.
    pub raw: Vec<u8>,
}

/// What is to be checked and fixed.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// Files and folders.
    pub paths: &'a [PathBuf],
    /// The path and the text of standard input. If there is one, nothing else is fixed.
    pub stdin: Option<(&'a Path, &'a [u8])>,
    /// See [`Request::overlay`]. These texts are fixed, and not the files.
    pub overlay: &'a Overlay,
    /// The real path of the only file that is fixed; `None`: any file is.
    pub only: Option<&'a Path>,
    /// See [`Request::changed`].
    pub changed: Option<&'a Changes>,
    /// The configuration of the run.
    pub configuration: &'a Configuration,
    /// The folder that relative paths are relative to.
    pub cwd: &'a Path,
}

impl Task<'_> {
    fn run(&self, files: &BTreeMap<PathBuf, Changed>) -> Result<RunResult, ConfigError> {
        let stdin = self.stdin.map(|(path, bytes)| {
            let changed = files.get(path);
            let bytes = changed.map_or(bytes, |changed| &changed.raw);
            (path.to_path_buf(), bytes.to_vec())
        });
        let changed: BTreeSet<&PathBuf> = files.values().map(|file| &file.real_path).collect();
        let given = self.overlay.iter();
        let given = given.filter(|(path, _)| !changed.contains(path) && !files.contains_key(*path));
        let mut overlay: Overlay = given
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect();
        if stdin.is_none() {
            let changed = files.iter();
            overlay.extend(changed.map(|(path, file)| (path.clone(), file.after.clone())));
        }
        driver::run(Request {
            stdin,
            overlay: &overlay,
            changed: self.changed,
            ..Request::new(self.paths, self.configuration, self.cwd.to_path_buf())
        })
    }

    /// The bytes of a file that may be changed.
    fn bytes(&self, file: &SourceFile) -> Option<Vec<u8>> {
        match self.stdin {
            Some((path, bytes)) => (file.path == path).then(|| bytes.to_vec()),
            None => match self.given(file) {
                Some(text) => Some(text.clone().into_bytes()),
                None => fs::read(&file.real_path).ok(),
            },
        }
    }

    /// The text that replaces the content of a file.
    fn given(&self, file: &SourceFile) -> Option<&String> {
        let given = self.overlay.get(&file.path);
        given.or_else(|| self.overlay.get(&file.real_path))
    }
}

/// Applies the fixes that are at least this safe, in memory.
///
/// # Errors
/// When a configuration file that applies is invalid.
pub fn repair(task: Task<'_>, allowed: Safety) -> Result<Repaired, ConfigError> {
    let mut files: BTreeMap<PathBuf, Changed> = BTreeMap::new();
    let mut outcome = task.run(&files)?;
    let mut lessons = Lessons {
        only: task.only.map(Path::to_path_buf),
        ..Lessons::default()
    };
    let mut fixes = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let chosen = choose(&outcome, allowed, &lessons);
        if chosen.is_empty() || outcome.bug.is_some() {
            break;
        }
        let mut worse = None;
        if let Some(new) = apply(&chosen, (task, &outcome), &files) {
            let after = task.run(&new)?;
            let found = got_worse(&outcome, &after, &chosen);
            if found.as_ref().is_some_and(BTreeSet::is_empty) {
                fixes.extend(chosen.iter().map(|chosen| files_of(chosen, &outcome)));
                lessons.limit = None;
                files = new;
                outcome = after;
                continue;
            }
            worse = found;
        }
        learn(&mut lessons, &chosen, worse);
    }
    Ok(Repaired {
        outcome,
        fixed: fixes.len(),
        changed: files.into_values().collect(),
        fixes,
    })
}

/// The files that a fix changes.
fn files_of(chosen: &Chosen<'_>, outcome: &RunResult) -> BTreeSet<PathBuf> {
    let edits = chosen.fix.edits.iter();
    let files = edits.map(|edit| outcome.sources.get(edit.location.file).real_path.clone());
    files.collect()
}

impl Repaired {
    /// Writes the changed files, and tells how things are then: where a file cannot be written, its findings are
    /// still there, and it is among the failures.
    ///
    /// # Errors
    /// When a configuration file that applies has become invalid.
    pub fn write(mut self, task: Task<'_>) -> Result<Self, ConfigError> {
        let mut unwritten: BTreeMap<PathBuf, String> = BTreeMap::new();
        let mut own = Own::default();
        for together in self.groups() {
            if let Err((blamed, why)) = own.write_all(&together) {
                for file in &together {
                    let why = match file.real_path == blamed.real_path {
                        true => why.clone(),
                        false => format!("its fixes need a change of {}: {why}", blamed.display),
                    };
                    unwritten.insert(file.real_path.clone(), why);
                }
            }
        }
        // What another run has fixed in the same way is gone, too, but not fixed here.
        let by_this_run = |files: &&BTreeSet<PathBuf>| files.is_subset(&own.paths);
        self.fixed = self.fixes.iter().filter(by_this_run).count();
        if unwritten.is_empty() {
            return Ok(self);
        }
        let failed = self.changed.iter().filter_map(|file| {
            let why = unwritten.get(&file.real_path)?;
            Some(FileFailure::unwritten(file.display.clone(), why.clone()))
        });
        let failed: Vec<FileFailure> = failed.collect();
        self.outcome = task.run(&BTreeMap::new())?;
        self.outcome.failures.extend(failed);
        self.outcome.failures.order();
        Ok(self)
    }

    /// The changed files, in groups that no fix connects: one half of a fix is not written without the other.
    fn groups(&self) -> Vec<Vec<&Changed>> {
        let mut groups: Vec<BTreeSet<&PathBuf>> = Vec::new();
        let all = self
            .changed
            .iter()
            .map(|file| BTreeSet::from([&file.real_path]));
        // Most fixes change one file.
        let connecting = self.fixes.iter().filter(|files| files.len() > 1);
        for files in all.chain(connecting.map(|files| files.iter().collect())) {
            let (touched, apart): (Vec<_>, Vec<_>) = groups
                .into_iter()
                .partition(|group: &BTreeSet<&PathBuf>| !group.is_disjoint(&files));
            groups = apart;
            groups.push(touched.into_iter().flatten().chain(files).collect());
        }
        let by_path: BTreeMap<&PathBuf, &Changed> = self
            .changed
            .iter()
            .map(|file| (&file.real_path, file))
            .collect();
        let groups = groups.into_iter().map(|group| {
            let files = group
                .into_iter()
                .filter_map(|path| by_path.get(path).copied());
            files.collect()
        });
        groups.collect()
    }
}

/// The files that this run has written, also by their other names.
#[derive(Default)]
struct Own {
    paths: BTreeSet<PathBuf>,
    identities: BTreeSet<(u64, u64)>,
}

impl Own {
    /// Writes files, all or none. Of those that cannot be written, the first one is returned, and why.
    fn write_all<'c>(&mut self, files: &[&'c Changed]) -> Result<(), (&'c Changed, String)> {
        let mut written: Vec<&Changed> = Vec::new();
        for file in files {
            match replace_contents(&file.real_path, &file.raw_before, &file.raw) {
                Ok(true) => written.push(file),
                Ok(false) => {
                    let known = |of| self.identities.contains(&of);
                    if identity(&file.real_path).is_some_and(known) {
                        self.paths.insert(file.real_path.clone());
                    }
                }
                Err(why) => {
                    for file in written {
                        // Who has changed it since then keeps the change.
                        let _ = replace_contents(&file.real_path, &file.raw, &file.raw_before);
                    }
                    return Err((file, why));
                }
            }
        }
        for file in written {
            self.identities.extend(identity(&file.real_path));
            self.paths.insert(file.real_path.clone());
        }
        Ok(())
    }
}

impl Changed {
    fn of(file: &SourceFile, raw: Vec<u8>) -> Option<Self> {
        // If the file has another text, it was changed meanwhile.
        let text = decode(raw.clone(), file.language).ok()?;
        (*text == *file.text).then(|| Self {
            display: file.display.clone(),
            real_path: file.real_path.clone(),
            before: Arc::from(&*file.text),
            after: text,
            raw_before: raw.clone(),
            raw,
        })
    }
}

/// The files with the fixes applied; `None` if a fix does not fit into its file.
fn apply(
    chosen: &[Chosen<'_>],
    (task, outcome): (Task<'_>, &RunResult),
    files: &BTreeMap<PathBuf, Changed>,
) -> Option<BTreeMap<PathBuf, Changed>> {
    let mut edits: BTreeMap<FileId, Vec<(u32, u32, &str)>> = BTreeMap::new();
    for edit in chosen.iter().flat_map(|chosen| &chosen.fix.edits) {
        let span = edit.location.span;
        let of_file = edits.entry(edit.location.file).or_default();
        of_file.push((span.start, span.end, &edit.text));
    }
    let mut new: BTreeMap<PathBuf, Changed> = files
        .iter()
        .map(|(path, file)| (path.clone(), file.copy()))
        .collect();
    for (id, mut edits) in edits {
        let file = outcome.sources.get(id);
        if !new.contains_key(&file.path) {
            let raw = task.bytes(&file)?;
            new.insert(file.path.clone(), Changed::of(&file, raw)?);
        }
        let changed = new.get_mut(&file.path)?;
        edits.sort_unstable();
        let bytes = Bytes::new(&file, &changed.raw);
        let mut in_raw = Vec::new();
        for (start, end, with) in &edits {
            if !bytes.unicode && !with.is_ascii() {
                return None;
            }
            in_raw.push((bytes.offset(*start)?, bytes.offset(*end)?, *with));
        }
        let in_text = edits.iter();
        let in_text = in_text.map(|(start, end, with)| (*start as usize, *end as usize, *with));
        let raw = spliced(&changed.raw, in_raw.into_iter())?;
        let text = spliced(file.text.as_bytes(), in_text)?;
        let text = String::from_utf8(text).ok()?;
        if decode(raw.clone(), file.language).ok()? != text {
            return None;
        }
        changed.raw = raw;
        changed.after = text;
    }
    Some(new)
}

impl Changed {
    fn copy(&self) -> Self {
        Self {
            display: self.display.clone(),
            real_path: self.real_path.clone(),
            before: Arc::clone(&self.before),
            after: self.after.clone(),
            raw_before: self.raw_before.clone(),
            raw: self.raw.clone(),
        }
    }
}

/// The number of findings of each rule in each function of each file.
type Counts<'a> = BTreeMap<(String, &'static str, &'a str), usize>;

fn counts(outcome: &RunResult) -> Counts<'_> {
    let mut out = Counts::new();
    let settled = &outcome.settled;
    let all = settled.reported.iter().chain(&settled.known);
    for finding in all.map(|reported| &reported.finding) {
        *out.entry(key(outcome, finding)).or_insert(0) += 1;
    }
    out
}

fn key<'a>(outcome: &RunResult, finding: &'a Finding) -> (String, &'static str, &'a str) {
    let file = outcome.sources.get(finding.primary.location.file);
    (file.display.clone(), finding.rule, finding.symbol.as_str())
}

/// The groups that got worse, or did not get better although they should have; `None` if the blame
/// cannot be assigned.
fn got_worse(
    before: &RunResult,
    after: &RunResult,
    chosen: &[Chosen<'_>],
) -> Option<BTreeSet<Group>> {
    let failures = |outcome: &RunResult| -> BTreeSet<String> {
        outcome.failures.iter().map(|f| f.path.clone()).collect()
    };
    if after.bug.is_some() || !failures(after).is_subset(&failures(before)) {
        return None;
    }
    let mut most = counts(before);
    for chosen in chosen {
        let key = key(before, chosen.finding);
        most.entry(key)
            .and_modify(|count| *count = count.saturating_sub(1));
    }
    let after = counts(after);
    let worse = after
        .iter()
        .filter(|(key, count)| most.get(key).is_none_or(|most| *count > most));
    Some(
        worse
            .map(|((path, _, symbol), _)| (path.clone(), (*symbol).to_owned()))
            .collect(),
    )
}

/// Rejects the fixes that are to blame, or reduces how many are tried at once. Every lesson is a
/// new one, so the rounds end.
fn learn(lessons: &mut Lessons, chosen: &[Chosen<'_>], worse: Option<BTreeSet<Group>>) {
    let mut by_group: BTreeMap<&Group, Vec<&Chosen<'_>>> = BTreeMap::new();
    for one in chosen {
        by_group.entry(&one.group).or_default().push(one);
    }
    let of = |group: &Group| by_group.get(group).cloned().unwrap_or_default();
    let groups = worse.unwrap_or_default();
    let blamed: Vec<_> = groups.iter().map(|group| (group, of(group))).collect();
    if !blamed.is_empty() && blamed.iter().all(|(_, fixes)| !fixes.is_empty()) {
        for (group, fixes) in blamed {
            match fixes.as_slice() {
                [one] => lessons.rejected.insert(one.purpose.clone()),
                _ => lessons.one_by_one.insert(group.clone()),
            };
        }
        return;
    }
    match chosen {
        [one] => {
            lessons.rejected.insert(one.purpose.clone());
            lessons.limit = None;
        }
        several => lessons.limit = Some(several.len() / 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fence::Bug;
    use crate::fix::tests::{EARLY, checked};
    use crate::source::SourceMap;

    fn group(symbol: &str) -> Group {
        ("a.py".to_owned(), symbol.to_owned())
    }

    #[test]
    fn what_fixes_did_not_mend_is_worse() {
        let before = checked(EARLY);
        let chosen = choose(&before, Safety::Safe, &Lessons::default());
        let groups = BTreeSet::from([group("Early.save_data"), group("Late.save_data")]);
        let after = checked(EARLY);
        assert_eq!(got_worse(&before, &after, &chosen), Some(groups));
        assert_eq!(got_worse(&before, &after, &[]), Some(BTreeSet::new()));
        let mended = checked("x = 1\n");
        let better = got_worse(&before, &mended, &chosen);
        assert_eq!(better, Some(BTreeSet::new()));
        // A new finding in a function that had none.
        let fresh = got_worse(&mended, &after, &[]);
        assert_eq!(fresh.map(|groups| groups.len()), Some(2));
        let mut broken = checked("x = 1\n");
        let failure = FileFailure::input("a.py".into(), None, "invalid syntax".into());
        broken.failures.push(failure);
        assert_eq!(got_worse(&before, &broken, &chosen), None);
        assert!(got_worse(&broken, &broken, &[]).is_some());
        broken.failures.clear();
        broken.bug = Some(Bug {
            message: "out of bounds".into(),
            place: "src/x.rs:1".into(),
        });
        assert_eq!(got_worse(&before, &broken, &chosen), None);
    }

    #[test]
    fn every_failed_round_teaches_something() {
        let outcome = checked(EARLY);
        let chosen = choose(&outcome, Safety::Safe, &Lessons::default());
        assert_eq!(chosen.len(), 3);
        let learnt = |chosen: &[Chosen<'_>], worse: Option<&[&str]>| {
            let mut lessons = Lessons::default();
            let worse = worse.map(|symbols| symbols.iter().map(|s| group(s)).collect());
            learn(&mut lessons, chosen, worse);
            let of_rejected = |purpose: &crate::fix::choose::Purpose| {
                let fix = chosen.iter().find(|c| c.purpose == *purpose).unwrap();
                fix.group.1.clone()
            };
            let rejected: Vec<String> = lessons.rejected.iter().map(of_rejected).collect();
            let one_by_one = lessons.one_by_one.into_iter().map(|group| group.1);
            (rejected, one_by_one.collect::<Vec<_>>(), lessons.limit)
        };
        let (early, late) = ("Early.save_data", "Late.save_data");
        let none = Vec::<String>::new;
        // If a group that got worse has only one fix, that one is to blame. Of several fixes, one
        // is tried at a time.
        let told = learnt(&chosen, Some(&[late]));
        assert_eq!(told, (vec![late.to_owned()], none(), None));
        let told = learnt(&chosen, Some(&[early]));
        assert_eq!(told, (none(), vec![early.to_owned()], None));
        let told = learnt(&chosen, Some(&[early, late]));
        assert_eq!(told, (vec![late.to_owned()], vec![early.to_owned()], None));
        // If the blame cannot be assigned, fewer fixes are tried at once.
        for worse in [None, Some(&["other"][..]), Some(&[late, "other"])] {
            assert_eq!(learnt(&chosen, worse), (none(), none(), Some(1)));
            let one = learnt(&chosen[..1], worse.filter(|w| w.len() < 2));
            assert_eq!(one, (vec![early.to_owned()], none(), None));
        }
    }

    #[test]
    fn text_that_is_not_that_of_the_file_is_not_taken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.py");
        fs::write(&path, "x = 1\n").unwrap();
        let sources = SourceMap::new(folder.path().to_path_buf());
        let own = |text: &str| {
            let file = sources.add_virtual(&path, text.to_owned());
            Changed::of(&file, fs::read(&file.real_path).ok()?)
        };
        assert!(own("x = 1\n").is_some_and(|file| file.raw == b"x = 1\n"));
        assert!(own("x = 2\n").is_none());
        fs::remove_file(&path).unwrap();
        assert!(own("x = 1\n").is_none());
    }
}
