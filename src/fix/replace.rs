//! Writes a file so that no reader ever sees half of it.

use std::io::{self, Write};
use std::path::Path;
use std::{env, fs};

/// Creates a file, or replaces its contents by renaming a new file over it. Permissions are kept,
/// and a link stays a link.
///
/// # Errors
/// When the file is read-only, or its folder cannot take a new file.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let real = fs::canonicalize(path);
    let path = real.as_deref().unwrap_or(path);
    let permissions = match fs::metadata(path) {
        Ok(metadata) => Some(metadata.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if permissions.as_ref().is_some_and(fs::Permissions::readonly) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the file is read-only",
        ));
    }
    // In the same folder, because a rename does not work across file systems.
    let current = env::current_dir()?;
    let folder = path.parent().unwrap_or(&current);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tallylint-");
    #[cfg(unix)]
    if permissions.is_none() {
        use std::os::unix::fs::PermissionsExt;
        // Before the umask, as for any new file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
