//! What a configuration file says that nothing below its folder matches, so that it has no effect.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::about_contracts;
use crate::order::Order as _;
use crate::outcome::{Duty, DutyOf};
use crate::settings::{Contract, Mention, Mentioned, Origin, Settings};
use crate::source::SourceFile;

/// What configuration files say without effect.
#[derive(Default)]
pub struct Unmatched {
    /// Declared contracts that nothing has to keep.
    pub contracts: Vec<Contract>,
    /// Patterns that match no file, and names that no file contains, by file and line.
    pub mentions: Vec<Mention>,
}

/// What was checked, for telling what nothing of it matches.
pub(super) struct Whole<'a> {
    settings: &'a [Arc<Settings>],
    files: &'a [Arc<SourceFile>],
    folders: &'a [PathBuf],
}

impl<'a> Whole<'a> {
    /// All files and their settings, and the folders that were checked wholly.
    pub fn new(
        settings: &'a [Arc<Settings>],
        files: &'a [Arc<SourceFile>],
        folders: &'a [PathBuf],
    ) -> Self {
        Self {
            settings,
            files,
            folders,
        }
    }

    /// What the configuration files say themselves, although nothing that was checked matches it.
    /// Files around whose folder not everything was checked are left out.
    pub fn unmatched(&self, duties: &[Duty]) -> Unmatched {
        Unmatched {
            contracts: self.contracts(duties),
            mentions: self.mentions(),
        }
    }

    /// Whether a setting of these settings stands in their own file, and all was checked that it is
    /// about.
    fn is_told(&self, settings: &Settings, file: &Path) -> bool {
        let around = file.parent().unwrap_or(Path::new("."));
        let checked = || self.folders.iter().any(|f| around.starts_with(f));
        settings.file.as_deref() == Some(file) && checked()
    }

    fn contracts(&self, duties: &[Duty]) -> Vec<Contract> {
        let kept = |contract: &Contract| {
            let own = DutyOf::new(contract);
            let keeps = |duty: &Duty| duty.contract == own;
            duties.iter().any(keeps)
        };
        let mut out: Vec<Contract> = Vec::new();
        let all = self.settings.iter();
        for settings in all.filter(|settings| about_contracts(settings)) {
            for contract in &settings.contracts {
                let Origin::Declared { file, .. } = &contract.origin else {
                    continue;
                };
                if self.is_told(settings, file) && !kept(contract) && !out.contains(contract) {
                    out.push(contract.clone());
                }
            }
        }
        out
    }

    fn mentions(&self) -> Vec<Mention> {
        let mut said: Vec<&Mention> = Vec::new();
        let mut seen: Vec<&Arc<Settings>> = Vec::new();
        for settings in self.settings {
            if seen.iter().any(|known| Arc::ptr_eq(known, settings)) {
                continue;
            }
            seen.push(settings);
            for mention in &settings.mentions {
                let matters = match mention.of {
                    Mentioned::Calls(Some(rule)) => settings.rules.contains(rule),
                    Mentioned::Calls(None) | Mentioned::Files(_) | Mentioned::MissingFolder => true,
                };
                let is_new = || !said.iter().any(|known| known.same(mention));
                if matters && self.is_told(settings, &mention.file) && is_new() {
                    said.push(mention);
                }
            }
        }
        said.retain(|mention| match &mention.of {
            Mentioned::Files(patterns) => {
                let matches = |file: &Arc<SourceFile>| patterns.match_file(&file.real_path);
                !self.files.iter().any(matches)
            }
            Mentioned::Calls(_) | Mentioned::MissingFolder => true,
        });
        self.drop_contained(&mut said);
        said.order_by_key(|mention| (&mention.file, mention.line));
        said.into_iter().cloned().collect()
    }

    /// Drops the names that some file contains.
    fn drop_contained(&self, said: &mut Vec<&Mention>) {
        let is_name = |mention: &Mention| matches!(mention.of, Mentioned::Calls(_));
        for file in self.files {
            if !said.iter().any(|mention| is_name(mention)) {
                return;
            }
            // Names of writes are compared without regard to case.
            let text = file.text.to_lowercase();
            said.retain(|mention| {
                !is_name(mention) || !contains_word(&text, &mention.text.to_lowercase())
            });
        }
    }
}

/// Whether a text contains a word that is not a part of a longer one.
fn contains_word(text: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(in_word) && !after.is_some_and(in_word)
    })
}

#[cfg(test)]
mod tests {
    use super::contains_word;

    #[test]
    fn a_word_is_no_part_of_another() {
        assert!(contains_word("self.ship(rows)", "ship"));
        assert!(contains_word("shipped, ship", "ship"));
        assert!(!contains_word("reship(rows, ship_to)", "ship"));
    }
}
