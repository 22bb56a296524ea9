//! What a run found out in each file, kept for the next run, which takes over what nothing has changed for.
//!
//! The unit is one rule, or the rules about contract methods, in one file. With its result stands what was looked at to
//! find it: which files and paths, and which questions about the texts of all files, each with the answer. If all answers are
//! the same, so is the result.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::program::Program;
use crate::selection::KeptSketches;
use crate::settings::Settings;
use crate::source::trace::{self, Question, Read};
use crate::source::{FileId, SourceFile, SourceMap, digest};

/// What is kept of a run.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct Kept {
    units: Vec<Arc<Unit>>,
    pub(super) sketches: Arc<KeptSketches>,
}

/// What a rule found out in a file.
#[derive(Debug, Serialize, Deserialize)]
struct Unit {
    rule: String,
    file: PathBuf,
    /// A digest of everything that the result depends on and that is no text: the settings, the contracts.
    under: String,
    /// What was looked at, with the answers.
    looks: Vec<(Look, String)>,
    /// The files that the result mentions by their number in this list.
    mentioned: Vec<PathBuf>,
    result: String,
}

/// Something that was looked at, in words that mean the same in every run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
enum Look {
    File(PathBuf),
    At(PathBuf),
    Asked(Question),
}

/// The results that a run takes over, and those that it keeps for the next one.
pub(super) struct Keeping<'a> {
    old: FxHashMap<(&'a str, &'a PathBuf), &'a Arc<Unit>>,
    new: Mutex<Vec<Arc<Unit>>>,
    /// How many of them are old.
    taken: AtomicU64,
    /// The answers of this run.
    answers: Mutex<FxHashMap<Look, String>>,
}

/// The text of a result, and the files that it mentions.
pub(super) type Text = Option<(String, Vec<FileId>)>;

/// How a result becomes text, and the text a result again.
pub(super) struct Form<T> {
    /// The text.
    pub(super) write: fn(&Program<'_>, &T) -> Text,
    /// The result; `None` if the text is damaged.
    pub(super) read: fn(&Program<'_>, &str, Vec<FileId>) -> Option<T>,
}

impl<'a> Keeping<'a> {
    /// What an earlier run kept.
    pub(super) fn new(kept: &'a Kept) -> Self {
        let units = kept.units.iter();
        Self {
            old: units
                .map(|unit| ((unit.rule.as_str(), &unit.file), unit))
                .collect(),
            new: Mutex::default(),
            taken: AtomicU64::new(0),
            answers: Mutex::default(),
        }
    }

    /// What a rule finds in a file: what is kept, if it still holds, or else what `check` finds out.
    pub(super) fn unit<T>(
        &self,
        program: &Program<'_>,
        (rule, file, under): (&str, &SourceFile, &str),
        form: &Form<T>,
        check: impl FnOnce() -> T,
    ) -> T {
        if let Some(unit) = self.old.get(&(rule, &file.real_path))
            && let Some(result) = self.taken_over(program, unit, under, form)
        {
            self.keep(Arc::clone(unit));
            self.taken.fetch_add(1, Ordering::Relaxed);
            return result;
        }
        let (result, trace) = trace::record(|| {
            trace::note_file(file.id);
            check()
        });
        let sources = program.sources();
        let broken =
            |read: &Read| matches!(read, Read::File(id) if program.is_broken(&sources.get(*id)));
        // Where code cannot be parsed is only known of what was lowered, so that has to be lowered again.
        let reads = trace.reads();
        if !reads.iter().any(broken)
            && let Some((text, mentioned)) = (form.write)(program, &result)
        {
            let path = |id: &FileId| sources.get(*id).real_path.clone();
            let unit = Unit {
                rule: rule.to_owned(),
                file: file.real_path.clone(),
                under: under.to_owned(),
                looks: self.looks(program, reads, &mentioned),
                mentioned: mentioned.iter().map(path).collect(),
                result: text,
            };
            self.keep(Arc::new(unit));
        }
        result
    }

    fn taken_over<T>(
        &self,
        program: &Program<'_>,
        unit: &Unit,
        under: &str,
        form: &Form<T>,
    ) -> Option<T> {
        let mut looks = unit.looks.iter();
        if unit.under != under || !looks.all(|(look, answer)| self.answer(program, look) == *answer)
        {
            return None;
        }
        let load = |path: &PathBuf| program.sources().load(path).ok().map(|file| file.id);
        let files = unit.mentioned.iter().map(load).collect::<Option<_>>()?;
        (form.read)(program, &unit.result, files)
    }

    fn keep(&self, unit: Arc<Unit>) {
        self.new
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(unit);
    }

    /// What was looked at, sorted, with the answers.
    fn looks(
        &self,
        program: &Program<'_>,
        reads: FxHashSet<Read>,
        mentioned: &[FileId],
    ) -> Vec<(Look, String)> {
        let path = |id: FileId| program.sources().get(id).real_path.clone();
        let reads = reads.into_iter().map(|read| match read {
            Read::File(id) => Look::File(path(id)),
            Read::At(path) => Look::At(path),
            Read::Asked(question) => Look::Asked(question),
        });
        let mentioned = mentioned.iter().map(|id| Look::File(path(*id)));
        let mut looks: Vec<Look> = reads.chain(mentioned).collect();
        looks.sort();
        looks.dedup();
        let answered = looks.into_iter().map(|look| {
            let answer = self.answer(program, &look);
            (look, answer)
        });
        answered.collect()
    }

    fn answer(&self, program: &Program<'_>, look: &Look) -> String {
        let known = || self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = known().get(look) {
            return answer.clone();
        }
        let sources: &SourceMap = program.sources();
        let answer = match look {
            Look::File(path) => match sources.load(path) {
                Ok(file) => file.digest().to_owned(),
                Err(error) => error.to_string(),
            },
            Look::At(path) => format!("{:?}", sources.at(path)),
            Look::Asked(question) => program.answer(question),
        };
        known().insert(look.clone(), answer.clone());
        answer
    }

    /// How many results were taken over, and how many were found out.
    pub(super) fn counts(&self) -> (u64, u64) {
        let all = self
            .new
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len() as u64;
        let taken = self.taken.load(Ordering::Relaxed);
        (taken, all - taken)
    }

    /// What is kept for the next run.
    pub(super) fn finish(self, sketches: KeptSketches) -> Kept {
        let mut units = self
            .new
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        units.sort_by(|a, b| (&a.file, &a.rule).cmp(&(&b.file, &b.rule)));
        Kept {
            units,
            sketches: Arc::new(sketches),
        }
    }
}

/// The settings that the analysis depends on. Fields that matter only before or after it are left
/// out by name, so that whoever adds a field has to decide.
#[must_use]
pub fn conditions(settings: &Settings) -> String {
    let Settings {
        rules,
        contracts,
        infer_contracts,
        options,
        writes,
        src,
        per_file_ignores: _,
        mentions: _,
        severities: _,
        scope: _,
        unparsable: _,
        baseline: _,
        pedantic: _,
        file: _,
    } = settings;
    let all = (rules, contracts, infer_contracts, writes, (src, options));
    format!("{all:?}\n")
}

/// A digest of values that are no text. Their derived `Debug` output must contain all of them, and no number that
/// differs from run to run.
pub(super) fn digest_of(values: &dyn Debug) -> String {
    digest(&format!("{values:?}"))
}
