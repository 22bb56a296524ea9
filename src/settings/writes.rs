//! Which calls write rows.

/// What a project says about which calls write rows.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Writes {
    /// Names of calls, in lower case.
    pub names: Vec<String>,
    /// Whether the built-in names count, too.
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
