//! Writes a file so that no reader ever sees half of it, and nobody's change gets lost.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Creates a file, or replaces its contents by renaming a new file over it. Permissions are kept,
/// and a link stays a link. A file with several hard links is written in its place instead: it stays one file.
///
/// # Errors
/// When the file is read-only, or its folder cannot take a new file.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let real = fs::canonicalize(path);
    let path = real.as_deref().unwrap_or(path);
    let metadata = match fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let permissions = metadata.as_ref().map(fs::Metadata::permissions);
    if permissions.as_ref().is_some_and(fs::Permissions::readonly) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the file is read-only",
        ));
    }
    if metadata.as_ref().is_some_and(has_several_names) {
        return overwrite(path, bytes);
    }
    // In the same folder, because a rename does not work across file systems.
    let current = std::env::current_dir()?;
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

/// Why a file does not hold what it held when it was read.
pub(super) const CHANGED: &str = "it changed during the check";

/// Replaces the contents of a file, unless they are not what they were before. Two runs at once do not both
/// replace them. Returns whether it was this call that did: the new contents may be there already.
///
/// # Errors
/// When they have changed, another run is at it, or the file cannot be written: why.
pub(super) fn replace_contents(path: &Path, before: &[u8], bytes: &[u8]) -> Result<bool, String> {
    let io = |error| crate::source::describe_io(&error);
    // Whoever comes second waits for nobody, and meets another file of that name or other contents.
    let _lock = Lock::of(path).map_err(io)?;
    let now = fs::read(path).map_err(io)?;
    if now == before {
        replace_file(path, bytes).map_err(io)?;
        Ok(true)
    } else if now == bytes {
        Ok(false)
    } else {
        Err(CHANGED.to_owned())
    }
}

/// What tells whether two names are those of one file, where the system says so.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

#[cfg(unix)]
fn has_several_names(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.nlink() > 1
}

#[cfg(not(unix))]
fn has_several_names(_: &fs::Metadata) -> bool {
    false
}

/// Writes new contents into a file. If that fails, the old ones are put back.
fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let before = fs::read(path)?;
    let write = |bytes: &[u8]| -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.write_all(bytes)?;
        file.set_len(bytes.len() as u64)?;
        file.sync_all()
    };
    write(bytes).inspect_err(|_| {
        // The first error is the one to tell.
        let _ = write(&before);
    })
}

/// The right to replace the contents of a file, among those who ask for it. It ends with the process at the latest.
struct Lock {
    _file: File,
}

impl Lock {
    fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        #[cfg(unix)]
        {
            use rustix::fs::{FlockOperation, flock};
            use rustix::io::Errno;
            // Some file systems have no locks. What is compared then still has to be the same.
            if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
                return Err(io::Error::other("another program is writing it"));
            }
        }
        Ok(Self { _file: file })
    }
}
