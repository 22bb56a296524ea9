//! Records as files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::order::Order as _;
use crate::source::digest;

/// The extension of records.
const EXTENSION: &str = "tally";
/// Prefix of the names of records that are being written.
const UNFINISHED: &str = ".unfinished-";
/// Records that were unused for this long are deleted.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// At most this many records are kept.
const MOST: usize = 256;
/// Larger records, in bytes, are not kept.
const LARGEST: usize = 64 << 20;

/// Marks a folder as a cache, for backup programs (<https://bford.info/cachedir/>).
const TAG: (&str, &str) = (
    "CACHEDIR.TAG",
    "Signature: 8a477f597d28d172789f06886806bc55\n# Results of tallylint. See https://bford.info/cachedir/\n",
);

/// The content of a record; `None` if there is none or it is damaged.
pub(super) fn read(folder: &Path, key: &str) -> Option<String> {
    let path = place(folder, key);
    let text = fs::read_to_string(&path).ok()?;
    let (sum, payload) = text.split_once('\n')?;
    if sum != digest(payload) {
        return None;
    }
    // Marks the record as used, because the oldest records are deleted first. A failure does no
    // harm.
    let _ = File::options()
        .append(true)
        .open(&path)
        .and_then(|file| file.set_modified(SystemTime::now()));
    Some(payload.to_owned())
}

/// Writes a record, completely or not at all, and deletes old ones.
///
/// # Errors
/// The I/O error.
pub(super) fn write(folder: &Path, key: &str, payload: &str) -> io::Result<()> {
    if payload.len() > LARGEST {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let (tag, text) = TAG;
    if !folder.join(tag).exists() {
        fs::write(folder.join(tag), text)?;
    }
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)?;
    write!(file, "{}\n{payload}", digest(payload))?;
    let place = place(folder, key);
    file.persist(place).map_err(|error| error.error)?;
    prune(folder)
}

fn place(folder: &Path, key: &str) -> PathBuf {
    folder.join(key).with_extension(EXTENSION)
}

/// The records in a folder, with the time of their last use and their size.
fn records(folder: &Path) -> io::Result<Vec<(SystemTime, u64, PathBuf)>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let unfinished = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
        let named = path.extension().is_some_and(|e| e == EXTENSION);
        // Another run may have deleted it.
        let Ok(data) = entry.metadata() else { continue };
        if data.is_file() && (unfinished || named) {
            let used = data.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            out.push((used, data.len(), path));
        }
    }
    out.order();
    Ok(out)
}

fn prune(folder: &Path) -> io::Result<()> {
    let records = records(folder)?;
    let surplus = records.len().saturating_sub(MOST);
    let is_old = |used: &SystemTime| used.elapsed().is_ok_and(|age| age > UNUSED);
    for (at, (used, _, path)) in records.iter().enumerate() {
        if at < surplus || is_old(used) {
            // Another run may have been faster.
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}

/// What was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Cleaned {
    /// The number of records.
    pub records: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

/// Deletes all records in a folder, and the folder if nothing else is in it.
///
/// # Errors
/// When a record cannot be deleted.
pub fn clean(folder: &Path) -> io::Result<Cleaned> {
    let found = match records(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Cleaned::default()),
        found => found?,
    };
    let mut out = Cleaned::default();
    for (_, size, path) in found {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => {
                result?;
                out.records += 1;
                out.bytes += size;
            }
        }
    }
    let (tag, text) = TAG;
    if fs::read(folder.join(tag)).is_ok_and(|own| own == text.as_bytes()) {
        fs::remove_file(folder.join(tag))?;
        // This fails if something else is in it.
        let _ = fs::remove_dir(folder);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aged(folder: &Path, key: &str, age: Duration) {
        write(folder, key, "x").unwrap();
        let file = File::options().append(true).open(place(folder, key));
        file.unwrap().set_modified(SystemTime::now() - age).unwrap();
    }

    #[test]
    fn what_was_not_used_for_long_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let minute = Duration::from_secs(60);
        for n in 0..u32::try_from(MOST).unwrap() {
            aged(folder, &format!("{n:064}"), minute * (n + 1));
        }
        let oldest = format!("{:064}", MOST - 1);
        assert!(read(folder, &oldest).is_some(), "used just now");
        write(folder, "new", "x").unwrap();
        assert_eq!(records(folder).unwrap().len(), MOST);
        assert!(read(folder, &oldest).is_some());
        assert!(read(folder, &format!("{:064}", MOST - 2)).is_none());

        aged(folder, "new", UNUSED + minute);
        write(folder, "newer", "x").unwrap();
        assert!(read(folder, "new").is_none());
    }

    #[test]
    fn what_is_not_used_any_more_goes_even_where_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let minute = Duration::from_secs(60);
        aged(folder, "recent", UNUSED - minute);
        aged(folder, "old", UNUSED + minute);
        write(folder, "new", "x").unwrap();
        assert!(read(folder, "old").is_none());
        assert!(read(folder, "recent").is_some() && read(folder, "new").is_some());
    }

    #[test]
    fn only_what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "key", "a\nb").unwrap();
        assert_eq!(read(folder, "key").as_deref(), Some("a\nb"));
        assert_eq!(read(folder, "other"), None);
        fs::write(place(folder, "key"), format!("{}\na\nc", digest("a\nb"))).unwrap();
        assert_eq!(read(folder, "key"), None);
    }
}
