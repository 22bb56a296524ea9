//! The JSON schema of configuration files: a file, which a test derives from the types that read them.

/// The schema, with a line break at its end.
#[must_use]
pub fn schema() -> &'static str {
    include_str!("../../docs/tallylint.schema.json")
}

#[cfg(test)]
mod tests;
