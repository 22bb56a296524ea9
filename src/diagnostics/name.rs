//! Deserialises the names of rules and kinds.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer};

use super::RegisteredName;

/// Reads a name and keeps it for the rest of the program. There are only as many as rules and
/// kinds; the caller has to check that the registry knows them.
pub(super) fn kept<'de, D>(deserializer: D) -> Result<RegisteredName, D::Error>
where
    D: Deserializer<'de>,
{
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let name = String::deserialize(deserializer)?;
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(name.as_str()) {
        return Ok(known);
    }
    let name: &'static str = name.leak();
    kept.insert(name);
    Ok(name)
}
