//! What a configuration file says about files and code that should exist.

use std::path::PathBuf;

use super::Patterns;

/// A pattern or a name in a configuration file. If nothing that is checked has it, it is probably wrong.
#[derive(Clone, Debug)]
pub struct Mention {
    /// What it stands for.
    pub of: Mentioned,
    /// The setting that contains it, as users write it.
    pub setting: String,
    /// The pattern or the name itself.
    pub text: String,
    /// The configuration file.
    pub file: PathBuf,
    /// The line in that file.
    pub line: u32,
}

/// What a mention stands for.
#[derive(Clone, Debug)]
pub enum Mentioned {
    /// Files that match.
    Files(Patterns),
    /// A folder, which is not there.
    MissingFolder,
    /// Calls of that name. With a rule, only this rule looks for them.
    Calls(Option<&'static str>),
}

impl Mention {
    /// Whether both are the same words in the same place.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let place = |mention: &Self| (mention.file.clone(), mention.line);
        place(self) == place(other) && self.setting == other.setting && self.text == other.text
    }
}
