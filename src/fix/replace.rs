//! Writing a file so that nobody ever sees half of it.

use std::io::{self, Write};
use std::path::Path;
use std::{env, fs};

/// Replaces the contents of a file by renaming a new one over it, or makes the file. Permissions
/// are kept; a link stays one.
///
/// # Errors
/// When the file is read-only or its folder does not take a new one.
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
    // In the same folder: a file cannot be renamed to another file system.
    let current = env::current_dir()?;
    let folder = path.parent().unwrap_or(&current);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tallylint-");
    #[cfg(unix)]
    if permissions.is_none() {
        use std::os::unix::fs::PermissionsExt;
        // What the umask leaves of it, as for any new file.
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
