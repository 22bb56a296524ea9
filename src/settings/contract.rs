//! Contracts: what every override of a method must set.

use std::fmt;
use std::path::PathBuf;

/// A contract: a method, the place that it must set, and the classes that have to keep it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contract {
    /// The method that must keep the contract.
    pub method: String,
    /// The place that it must set.
    pub sets: ContractPlace,
    /// Names of base classes: only classes below one of them have to keep the contract. `*` means
    /// every class with the method; `None` leaves it to the rule.
    pub bases: Option<Vec<String>>,
    /// Where the contract comes from.
    pub origin: Origin,
}

/// Where a contract comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// It is built in.
    Builtin,
    /// A configuration file declares it.
    Declared {
        /// The file.
        file: PathBuf,
        /// The line of `method` in its `[[contract]]` table.
        line: u32,
    },
    /// The code implies it.
    Inferred,
}

/// A key in a dict that an attribute of the object holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ContractPlace {
    /// The attribute.
    pub field: String,
    /// The key.
    pub key: String,
}

impl Contract {
    /// The contract that always holds: `save_data` sets `self.stats['rows_inserted']`.
    #[must_use]
    pub fn builtin() -> Self {
        Self {
            method: "save_data".to_owned(),
            sets: ContractPlace {
                field: "stats".to_owned(),
                key: "rows_inserted".to_owned(),
            },
            bases: None,
            origin: Origin::Builtin,
        }
    }

    /// Whether both demand the same, wherever they come from.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.method == other.method && self.sets == other.sets && self.bases == other.bases
    }
}

impl ContractPlace {
    /// Parses `self.FIELD['KEY']`.
    ///
    /// # Errors
    /// A message that shows what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::parse_place(text).ok_or_else(|| {
            format!(
                "`{text}` is not a place; write an attribute and a key, \
                 such as self.stats['rows_inserted']"
            )
        })
    }

    fn parse_place(text: &str) -> Option<Self> {
        let (field, rest) = text.trim().strip_prefix("self.")?.split_once('[')?;
        let quoted = rest.strip_suffix(']')?.trim();
        let quote = quoted.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let key = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
        if !is_identifier(field.trim_end()) || key.is_empty() || key.contains([quote, '\\']) {
            return None;
        }
        Some(Self {
            field: field.trim_end().to_owned(),
            key: key.to_owned(),
        })
    }
}

impl fmt::Display for ContractPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.key.contains('\'') { '"' } else { '\'' };
        write!(f, "self.{}[{quote}{}{quote}]", self.field, self.key)
    }
}

/// Whether the text can name a variable, an attribute or a method.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}
