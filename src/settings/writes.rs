//! Which calls write rows.

/// Which calls write rows, as the configuration says it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Writes {
    /// Names of calls, in lower case.
    pub names: Vec<String>,
    /// Whether the built-in names count as well.
    pub built_in: bool,
}

impl Default for Writes {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            built_in: true,
        }
    }
}
