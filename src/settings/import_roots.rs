//! Where the code of other projects of a repository is.

use std::path::PathBuf;

/// Folders in which the imports of some files are looked for, besides those that are found by themselves.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ImportRoots {
    /// The folder of these files: that of the configuration file.
    pub below: PathBuf,
    /// The folders, in the order in which they are asked.
    pub folders: Vec<PathBuf>,
}
