//! Which contracts the checked files could declare.

use crate::analysis::{AnalysisInput, declared, distinct, program};
use crate::contracts::suggest;
use crate::contracts::{self, infer};
use crate::diagnostics::FileFailure;
use crate::outcome::Suggestions;
use crate::program::ModuleId;
use crate::rules::WORDS;
use crate::selection::failure;
use crate::settings::Contract;

/// Suggests contracts for all files, and tells which files could not be parsed.
#[must_use]
pub fn suggest(input: &AnalysisInput<'_>) -> (Suggestions, Vec<FileFailure>) {
    let program = program(input);
    let lazily = vec![false; input.files.len()];
    let mut failed = Vec::new();
    let mut modules: Vec<ModuleId> = Vec::new();
    for (file, added) in input
        .files
        .iter()
        .zip(program.add_files(input.files, &lazily))
    {
        match added {
            Ok(Ok(module)) => modules.push(module),
            Ok(Err(problem)) => failed.push(failure(file, problem)),
            Err(bug) => {
                failed.push(FileFailure::internal(file.display.clone(), bug.to_string()));
            }
        }
    }
    let distinct = distinct(input.settings);
    let mut known = declared(&distinct);
    if distinct.iter().any(|settings| settings.infer_contracts) {
        let classes: Vec<_> = modules
            .iter()
            .flat_map(|module| program.classes(*module))
            .collect();
        let inferred = infer(&program, &classes, &known, WORDS);
        let believed = contracts::surveys(&known, &inferred).into_iter();
        known = believed
            .map(|survey| survey.contract)
            .collect::<Vec<Contract>>();
    }
    let found = suggest::suggest(&program, &modules, &known, WORDS);
    (found, failed)
}
