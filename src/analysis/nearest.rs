//! What comes closest to a contract in a run that has no other answer.

use crate::contracts::suggest::{self, Scope, Words, may_be_hook};
use crate::frontend::sketch::says_how_much;
use crate::outcome::{Candidate, Survey};
use crate::program::Program;
use crate::rules::{WORDS, only_asks};
use crate::selection::{Families, Loaded, Selection};
use crate::settings::Contract;

/// Nobody asked for what is told here, so names must be clear: from these, a contract is inferred if
/// a base class reads them.
const CLEAR_WORDS: Words = Words {
    counts: |name| (WORDS.counts)(name) && says_how_much(name),
    ..WORDS
};

/// Whether a method of this name may be told of: one that does something, not one that is asked.
fn is_hook(name: &str) -> bool {
    may_be_hook(name) && !only_asks(name)
}

/// What comes closest to a contract, and the files that were loaded to find it.
pub(super) fn nearest(
    program: &Program<'_>,
    selection: &Selection<'_>,
    known: &[Survey],
) -> (Option<Candidate>, Vec<Loaded>) {
    let contracts = known.iter().map(|survey| survey.contract.clone());
    let known: Vec<Contract> = contracts.collect();
    let families = Families::new(selection);
    let loaded = families.load(program, is_hook);
    let modules: Vec<_> = loaded.iter().map(|(_, module)| *module).collect();
    let scope = Scope {
        modules: &modules,
        is_hook,
        is_whole: &|base, hook| families.are_whole_in(&loaded, base, hook),
    };
    let found = suggest::nearest(program, scope, &known, CLEAR_WORDS);
    (found, loaded)
}
