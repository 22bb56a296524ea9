//! What a run found out in each file, kept for the next run, which takes over what nothing has changed for.
//!
//! The unit is one rule, or the rules about contract methods, in one file. With its result stands what was looked at to
//! find it: which files and paths, and which questions about the texts of all files, each with the answer. If all answers are
//! the same, so is the result.

use std::any::Any;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::order::Order as _;
use crate::program::{Modules, Program};
use crate::selection::KeptSketches;
use crate::settings::Settings;
use crate::source::trace::{self, Question, Read};
use crate::source::{FileId, SourceFile, digest};

/// What is kept of a run.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// What was looked at for the results, with the answers.
    looks: Vec<(Look, String)>,
    units: Vec<Arc<Unit>>,
    pub(super) sketches: Arc<KeptSketches>,
    /// What only memory can hold; `None` if this goes to a file.
    #[serde(skip)]
    pub(super) modules: Option<Modules>,
}

/// What a rule found out in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unit {
    rule: String,
    file: PathBuf,
    /// A digest of everything that the result depends on and that is no text: the settings, the contracts.
    under: String,
    /// What was looked at: numbers of looks.
    looks: Vec<u32>,
    result: Stored,
}

/// A result, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Stored {
    /// As text.
    Text {
        text: String,
        /// The files that the text mentions by their number in this list.
        mentioned: Vec<PathBuf>,
    },
    /// As it is: files and modules have the same numbers in the next run.
    #[serde(skip)]
    Value(Arc<dyn Any + Send + Sync>),
}

/// Something that was looked at, in words that mean the same in every run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
enum Look {
    File(PathBuf),
    At(PathBuf),
    Asked(Question),
}

impl Kept {
    /// What is kept by a run that keeps it in memory, before the first one. Files must have the same numbers in all runs
    /// ([`SourceMap::next`](crate::source::SourceMap::next)).
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            modules: Some(Modules::default()),
            ..Self::default()
        }
    }

    pub(super) fn is_in_memory(&self) -> bool {
        self.modules.is_some()
    }
}

/// The results that a run takes over, and those that it keeps for the next one.
pub(super) struct Keeping<'a> {
    kept: &'a Kept,
    old: FxHashMap<(&'a str, &'a Path), &'a Arc<Unit>>,
    /// For each old look whether the answer is the same, once that was asked.
    holds: Vec<OnceLock<bool>>,
    /// The numbers of all looks, once they were needed.
    numbers: Mutex<Numbers<'a>>,
    new: Mutex<Vec<Arc<Unit>>>,
    /// How many of them are old.
    taken: AtomicU64,
}

/// Numbers looks: those of the last run as they were, then those that are new or have another answer.
#[derive(Default)]
struct Numbers<'a> {
    old: Option<FxHashMap<&'a Look, u32>>,
    more: FxHashMap<Look, u32>,
    answers: Vec<(Look, String)>,
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
            kept,
            old: units
                .map(|unit| ((unit.rule.as_str(), unit.file.as_path()), unit))
                .collect(),
            holds: kept.looks.iter().map(|_| OnceLock::new()).collect(),
            numbers: Mutex::default(),
            new: Mutex::default(),
            taken: AtomicU64::new(0),
        }
    }

    /// What a rule finds in a file: what is kept, if it still holds, or else what `check` finds out.
    pub(super) fn unit<T: Clone + Send + Sync + 'static>(
        &self,
        program: &Program<'_>,
        (rule, file, under): (&str, &SourceFile, &str),
        form: &Form<T>,
        check: impl FnOnce() -> T,
    ) -> T {
        self.get(program, (rule, &file.real_path, under), form, || {
            trace::note_file(file.id);
            check()
        })
    }

    /// What is found out from all files. It is kept in memory only.
    pub(super) fn whole<T: Clone + Send + Sync + 'static>(
        &self,
        program: &Program<'_>,
        (what, under): (&str, &str),
        find: impl FnOnce() -> T,
    ) -> T {
        if !self.kept.is_in_memory() {
            return find();
        }
        let form = Form {
            write: |_, _| Some(Default::default()),
            read: |_, _, _| None,
        };
        self.get(program, (what, Path::new(""), under), &form, find)
    }

    /// A result that is kept and still holds, or else the one that `find` finds out.
    fn get<T: Clone + Send + Sync + 'static>(
        &self,
        program: &Program<'_>,
        (rule, file, under): (&str, &Path, &str),
        form: &Form<T>,
        find: impl FnOnce() -> T,
    ) -> T {
        if let Some(unit) = self.old.get(&(rule, file))
            && let Some(result) = self.taken_over(program, unit, under, form)
        {
            self.keep(Arc::clone(unit));
            self.taken.fetch_add(1, Ordering::Relaxed);
            return result;
        }
        let (result, trace) = trace::record(find);
        let reads = trace.reads();
        if are_broken(program, &reads) {
            return result;
        }
        let Some((text, files)) = (form.write)(program, &result) else {
            return result;
        };
        let path = |id: &FileId| program.sources().get(*id).real_path.clone();
        self.keep(Arc::new(Unit {
            rule: rule.to_owned(),
            file: file.to_path_buf(),
            under: under.to_owned(),
            looks: self.looks(program, reads, &files),
            result: match self.kept.is_in_memory() {
                true => Stored::Value(Arc::new(result.clone())),
                false => Stored::Text {
                    text,
                    mentioned: files.iter().map(path).collect(),
                },
            },
        }));
        result
    }

    fn taken_over<T: Clone + 'static>(
        &self,
        program: &Program<'_>,
        unit: &Unit,
        under: &str,
        form: &Form<T>,
    ) -> Option<T> {
        let mut looks = unit.looks.iter();
        if unit.under != under || !looks.all(|number| self.holds(program, *number)) {
            return None;
        }
        match &unit.result {
            Stored::Value(value) => value.downcast_ref::<T>().cloned(),
            Stored::Text { text, mentioned } => {
                let load = |path: &PathBuf| program.sources().load_known(path).ok();
                let files = mentioned.iter().map(|path| Some(load(path)?.id));
                (form.read)(program, text, files.collect::<Option<_>>()?)
            }
        }
    }

    fn keep(&self, unit: Arc<Unit>) {
        self.new
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(unit);
    }

    /// Whether an old look has the same answer now. A number that is none stands for something unknown.
    fn holds(&self, program: &Program<'_>, number: u32) -> bool {
        let at = number as usize;
        let Some((look, known)) = self.kept.looks.get(at) else {
            return false;
        };
        *self.holds[at].get_or_init(|| answer(program, look) == *known)
    }

    /// The numbers of what was looked at.
    fn looks(
        &self,
        program: &Program<'_>,
        reads: FxHashSet<Read>,
        mentioned: &[FileId],
    ) -> Vec<u32> {
        let path = |id: FileId| program.sources().get(id).real_path.clone();
        let reads = reads.into_iter().map(|read| match read {
            Read::File(id) => Look::File(path(id)),
            Read::At(path) => Look::At(path),
            Read::Asked(question) => Look::Asked(question),
        });
        let mentioned = mentioned.iter().map(|id| Look::File(path(*id)));
        let all = reads.chain(mentioned);
        let mut numbers: Vec<u32> = all.map(|look| self.number(program, look)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn number(&self, program: &Program<'_>, look: Look) -> u32 {
        let numbers = || self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, more) = numbers().find(&self.kept.looks, &look);
        if let Some(number) = more.or(old.filter(|number| self.holds(program, *number))) {
            return number;
        }
        let answer = answer(program, &look);
        numbers().add(self.kept.looks.len(), look, answer)
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
        units.order_by(|a, b| (&a.file, &a.rule).cmp(&(&b.file, &b.rule)));
        let numbers = self.numbers.into_inner();
        let mut looks = self.kept.looks.clone();
        looks.extend(numbers.unwrap_or_else(PoisonError::into_inner).answers);
        renumber(&mut looks, &mut units);
        Kept {
            looks,
            units,
            sketches: Arc::new(sketches),
            // They follow once the program is not needed any more.
            modules: None,
        }
    }
}

impl Numbers<'_> {
    fn add(&mut self, before: usize, look: Look, answer: String) -> u32 {
        let number = u32::try_from(before + self.answers.len()).unwrap_or(u32::MAX);
        // Another thread may have been faster.
        let known = *self.more.entry(look.clone()).or_insert(number);
        if known == number {
            self.answers.push((look, answer));
        }
        known
    }
}

impl<'a> Numbers<'a> {
    /// The numbers of a look among those of the last run and among the others.
    fn find(&mut self, looks: &'a [(Look, String)], look: &Look) -> (Option<u32>, Option<u32>) {
        let old = self.old.get_or_insert_with(|| {
            let numbered = looks.iter().zip(0_u32..);
            numbered.map(|((look, _), number)| (look, number)).collect()
        });
        (old.get(look).copied(), self.more.get(look).copied())
    }
}

/// Whether some of these files cannot be parsed wholly. Where code cannot be parsed is only known of what was lowered, so what
/// was found out from it has to be found out again.
fn are_broken(program: &Program<'_>, reads: &FxHashSet<Read>) -> bool {
    let sources = program.sources();
    let mut reads = reads.iter();
    reads.any(|read| matches!(read, Read::File(id) if program.is_broken(&sources.get(*id))))
}

fn answer(program: &Program<'_>, look: &Look) -> String {
    match look {
        Look::File(path) => match program.sources().load_known(path) {
            Ok(file) => file.digest().to_owned(),
            Err(error) => error.to_string(),
        },
        Look::At(path) => format!("{:?}", program.sources().at(path)),
        Look::Asked(question) => program.answer(question),
    }
}

/// Drops the looks that no unit needs, once they are many.
fn renumber(looks: &mut Vec<(Look, String)>, units: &mut [Arc<Unit>]) {
    /// So much of the looks may be in vain.
    const SHARE: usize = 4;
    let used: FxHashSet<u32> = units.iter().flat_map(|u| &u.looks).copied().collect();
    if looks.len() - used.len() <= looks.len() / SHARE {
        return;
    }
    let mut numbers: FxHashMap<u32, u32> = FxHashMap::default();
    let mut before = 0_u32..;
    let mut after = 0_u32..;
    looks.retain(|_| {
        let number = before.next().filter(|number| used.contains(number));
        numbers.extend(number.zip(number.and_then(|_| after.next())));
        number.is_some()
    });
    for unit in units {
        let unit = Arc::make_mut(unit);
        for number in &mut unit.looks {
            *number = numbers[number];
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

/// What results depend on in the settings of a run, as digests.
pub(super) struct Conditions<'a>(Vec<(&'a Settings, String)>);

impl<'a> Conditions<'a> {
    /// `distinct`: the settings of all files, each once.
    pub(super) fn new(distinct: &[&'a Settings]) -> Self {
        let all = distinct.iter();
        Self(all.map(|of| (*of, digest(&conditions(of)))).collect())
    }

    /// The digest of the settings of a file.
    pub(super) fn of(&self, settings: &Settings) -> &str {
        let mut all = self.0.iter();
        let known = all.find(|(known, _)| std::ptr::eq(*known, settings));
        known.map_or("", |(_, digest)| digest)
    }

    /// A digest of all.
    pub(super) fn of_all(&self) -> String {
        let all = self.0.iter().map(|(_, digest)| digest);
        digest_of(&all.collect::<Vec<_>>())
    }
}

/// A digest of values that are no text. Their derived `Debug` output must contain all of them, and no number that
/// differs from run to run.
pub(super) fn digest_of(values: &dyn Debug) -> String {
    digest(&format!("{values:?}"))
}
