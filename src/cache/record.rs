//! The content of a record.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::result;
use crate::analysis::{Analysis, AnalysisInput};
use crate::source::Observations;

/// How a record identifies a file.
#[derive(Serialize, Deserialize)]
enum Source {
    /// By its number in the input.
    Input(usize),
    /// By the path that it was loaded by, if it is not input.
    Other(PathBuf),
}

/// The table of files comes first and the result is nested text: the file numbers in the result are
/// indices into the table, so the table has to be read before.
#[derive(Serialize, Deserialize)]
struct Record {
    observations: Observations,
    files: Vec<Source>,
    result: String,
}

/// Serialises a result; `None` if that is impossible because a path is not text.
pub(super) fn write(
    analysis: &Analysis,
    observations: Observations,
    input: &AnalysisInput<'_>,
) -> Option<String> {
    let (result, table) = result::to_text(analysis)?;
    let source = |id| match input.files.iter().position(|file| file.id == id) {
        Some(at) => Source::Input(at),
        None => Source::Other(input.sources.get(id).real_path.clone()),
    };
    let record = Record {
        observations,
        files: table.into_iter().map(source).collect(),
        result,
    };
    serde_json::to_string(&record).ok()
}

/// Reads a result, if its observations still hold.
pub(super) fn read(text: &str, input: &AnalysisInput<'_>) -> Option<Analysis> {
    let record: Record = serde_json::from_str(text).ok()?;
    if !record.observations.hold(input.sources) {
        return None;
    }
    let id = |source: Source| match source {
        Source::Input(at) => input.files.get(at).map(|file| file.id),
        Source::Other(path) => input.sources.load(&path).ok().map(|file| file.id),
    };
    let table = record.files.into_iter().map(id).collect::<Option<_>>()?;
    let mut analysis = result::from_text(&record.result, table)?;
    analysis.statistics.add("results from the cache", 1);
    Some(analysis)
}
