//! Which calls write rows.

use std::sync::Arc;

use crate::presets::Presets;

/// Which calls write rows, as the configuration says it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Writes {
    /// Names of calls, in lower case.
    pub names: Vec<String>,
    /// Whether the built-in names count as well.
    pub built_in: bool,
    /// What is known of libraries.
    pub presets: Arc<Presets>,
}

impl Default for Writes {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            built_in: true,
            presets: Presets::standard(),
        }
    }
}
