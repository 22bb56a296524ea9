//! Writing a file so that nobody ever sees half of it.

use std::io::{self, Write};
use std::path::Path;
use std::{env, fs};

/// Replaces the contents of a file by renaming a new one over it. Permissions are kept.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let permissions = fs::metadata(path)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the file is read-only",
        ));
    }
    // In the same folder: a file cannot be renamed to another file system.
    let current = env::current_dir()?;
    let folder = path.parent().unwrap_or(&current);
    let mut file = tempfile::Builder::new()
        .prefix(".tallylint-")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
