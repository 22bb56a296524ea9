//! How the numbers of files are written down. They differ from run to run, so a record has a table
//! of the files that it is about, and its numbers are places in that table.
//!
//! The table is a variable of the thread while a record is written or read: the structures that a
//! record is made of need not know of it.

use std::cell::RefCell;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::source::FileId;

thread_local! {
    static TABLE: RefCell<Option<Vec<FileId>>> = const { RefCell::new(None) };
}

/// Does something that writes records; the result comes with the files that it wrote of.
pub(super) fn collect<T>(work: impl FnOnce() -> T) -> (T, Vec<FileId>) {
    TABLE.set(Some(Vec::new()));
    let result = work();
    (result, TABLE.take().unwrap_or_default())
}

/// Does something that reads records that are about these files.
pub(super) fn with<T>(files: Vec<FileId>, work: impl FnOnce() -> T) -> T {
    TABLE.set(Some(files));
    let result = work();
    TABLE.set(None);
    result
}

impl Serialize for FileId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = TABLE.with_borrow_mut(|table| {
            let table = table.as_mut()?;
            // Few files have findings.
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
