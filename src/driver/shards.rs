//! What a shard of a run hands over to the run that joins all of them, which then goes on as if it had analysed all files
//! itself. A fault in code that several classes run, a common cause of findings in several files, a baseline: none of
//! that can be decided where only a part is known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::analysis::{Analysis, AnalysisInput};
use crate::cache;
use crate::config::ConfigError;
use crate::discover::Shard;
use crate::fence::Bug;
use crate::outcome::Outside;
use crate::source::{SourceFile, digest};

/// What one shard found out, as text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Which shard.
    pub shard: Shard,
    /// What it found out.
    pub data: String,
}

/// The content of such a text.
#[derive(Serialize, Deserialize)]
struct Data {
    /// The build of the program that wrote it.
    build: String,
    /// The displayed path of each file of the shard, and the digest of its text.
    checked: BTreeMap<String, String>,
    /// The displayed paths of the files that the result mentions.
    mentioned: Vec<String>,
    result: String,
    bug: Option<Bug>,
}

/// Why shards cannot be joined.
#[derive(Debug)]
pub enum Unjoinable {
    /// They do not fit together, or not to the files that are there now.
    Parts(String),
    /// A configuration file that applies to a checked file is not valid.
    Configuration(ConfigError),
}

impl From<ConfigError> for Unjoinable {
    fn from(error: ConfigError) -> Self {
        Self::Configuration(error)
    }
}

impl fmt::Display for Unjoinable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parts(why) => f.write_str(why),
            Self::Configuration(error) => f.write_str(&error.message),
        }
    }
}

/// What a shard hands over. `analysis` is not concluded.
pub(super) fn hand_over(
    shard: Shard,
    (analysis, bug): (&Analysis, Option<&Bug>),
    input: &AnalysisInput<'_>,
) -> Part {
    let ours = input.files.iter().filter(|file| shard.has(file));
    let (result, mentioned) = cache::to_text(analysis).expect("paths in results are text");
    let display = |id| input.sources.get(id).display.clone();
    let data = Data {
        build: env!("TALLYLINT_BUILD").to_owned(),
        checked: ours
            .map(|file| (file.display.clone(), digest(&file.text)))
            .collect(),
        mentioned: mentioned.into_iter().map(display).collect(),
        result,
        bug: bug.cloned(),
    };
    let data = serde_json::to_string(&data).expect("strings and numbers can be serialised");
    Part { shard, data }
}

/// Checks that these are all shards of one run, each once.
///
/// # Errors
/// When they are not.
pub(super) fn are_whole(parts: &[Part]) -> Result<(), String> {
    let Some(first) = parts.first() else {
        return Err("there are no shards to join".to_owned());
    };
    let count = first.shard.count;
    if let Some(other) = parts.iter().find(|part| part.shard.count != count) {
        return Err(format!(
            "{} and {} are not of the same run",
            first.shard, other.shard
        ));
    }
    for index in 1..=count {
        let shard = Shard { index, count };
        match parts.iter().filter(|part| part.shard == shard).count() {
            0 => return Err(format!("{shard} is missing")),
            1 => {}
            _ => return Err(format!("{shard} is there more than once")),
        }
    }
    Ok(())
}

/// Joins what all shards of a run found out.
///
/// # Errors
/// When a shard was made by another build, of other files, or is damaged.
pub(super) fn join(
    parts: &[Part],
    input: &AnalysisInput<'_>,
) -> Result<(Analysis, Option<Bug>), String> {
    are_whole(parts)?;
    let mut all = Analysis::default();
    let mut all_bugs = None;
    let mut checked = BTreeMap::new();
    for Part { shard, data } in parts {
        let damaged = || format!("the report of {shard} is damaged");
        let data: Data = serde_json::from_str(data).map_err(|_| damaged())?;
        if data.build != env!("TALLYLINT_BUILD") {
            return Err(format!(
                "the report of {shard} was made by another build of tallylint"
            ));
        }
        checked.extend(
            data.checked
                .into_iter()
                .map(|(path, digest)| (path, (digest, *shard))),
        );
        let load = |path: &String| {
            let file = input.sources.load(Path::new(path));
            let file = file.map_err(|error| format!("{path}, which {shard} mentions: {error}"));
            file.map(|file| file.id)
        };
        let files = data.mentioned.iter().map(load).collect::<Result<_, _>>()?;
        let analysis = cache::from_text(&data.result, files).ok_or_else(damaged)?;
        add(&mut all, analysis);
        all_bugs = all_bugs.or(data.bug);
    }
    is_same(input.files, &checked)?;
    // A shard that found nothing looked for the nearest candidate, but others may have found something.
    if all.processors > 0 || !all.is_empty() {
        all.candidate = None;
    }
    all.statistics.add("shards joined", parts.len() as u64);
    Ok((all, all_bugs))
}

/// Checks that the files are those that the shards were about.
fn is_same(
    files: &[Arc<SourceFile>],
    checked: &BTreeMap<String, (String, Shard)>,
) -> Result<(), String> {
    for file in files {
        match checked.get(&file.display) {
            None => {
                return Err(format!(
                    "{} was not there when the shards were checked",
                    file.display
                ));
            }
            Some((then, shard)) if *then != digest(&file.text) => {
                return Err(format!(
                    "{} is not as it was when {shard} was checked",
                    file.display
                ));
            }
            Some(_) => {}
        }
    }
    let now: BTreeSet<&str> = files.iter().map(|file| file.display.as_str()).collect();
    match checked
        .iter()
        .find(|(path, _)| !now.contains(path.as_str()))
    {
        Some((path, (_, shard))) => Err(format!(
            "{path} is not here, but was when {shard} was checked"
        )),
        None => Ok(()),
    }
}

/// Adds the result of one shard to that of others.
fn add(all: &mut Analysis, mut one: Analysis) {
    all.findings.append(&mut one.findings);
    all.by_class.append(&mut one.by_class);
    all.checklist.append(&mut one.checklist);
    all.processors += one.processors;
    all.outside = match (all.outside, one.outside) {
        (Some(all), Some(one)) => Some(sum(all, one)),
        (all, one) => all.or(one),
    };
    all.candidate = all.candidate.take().or(one.candidate);
    all.failed.append(&mut one.failed);
    if let Some(concerned) = one.concerned {
        all.concerned.get_or_insert_default().extend(concerned);
    }
    all.unfollowed += one.unfollowed;
}

fn sum(mut all: Outside, one: Outside) -> Outside {
    all += one;
    all
}
