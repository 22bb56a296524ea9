//! How file numbers are serialised. They differ from run to run, so a record has a table of the
//! files that it is about, and its numbers are indices into that table.
//!
//! The table is a thread-local variable while a record is written or read, so the types in a record
//! need not know about it.

use std::cell::RefCell;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::source::FileId;

thread_local! {
    static TABLE: RefCell<Option<Vec<FileId>>> = const { RefCell::new(None) };
}

/// Runs `work`, which serialises records, and returns its result with the files that it mentions.
pub fn collect<T>(work: impl FnOnce() -> T) -> (T, Vec<FileId>) {
    TABLE.set(Some(Vec::new()));
    let result = work();
    (result, TABLE.take().unwrap_or_default())
}

/// Runs `work`, which deserialises records that mention these files.
pub fn with<T>(files: Vec<FileId>, work: impl FnOnce() -> T) -> T {
    TABLE.set(Some(files));
    let result = work();
    TABLE.set(None);
    result
}

impl Serialize for FileId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = TABLE.with_borrow_mut(|table| {
            let table = table.as_mut()?;
            // A linear search will do: few files have findings.
            let known = table.iter().position(|file| file == self);
            Some(known.unwrap_or_else(|| {
                table.push(*self);
                table.len() - 1
            }))
        });
        place
            .ok_or_else(|| serde::ser::Error::custom("no table of files"))?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FileId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = usize::deserialize(deserializer)?;
        let file = TABLE.with_borrow(|table| table.as_ref()?.get(place).copied());
        file.ok_or_else(|| de::Error::custom("no such file in the table"))
    }
}
