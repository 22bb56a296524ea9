//! The JSON schema of configuration files. A test derives it from the types that read them.

/// The schema, with a line break at its end.
#[must_use]
pub fn schema() -> &'static str {
    include_str!("../../docs/tallylint.schema.json")
}

#[cfg(test)]
mod tests;
