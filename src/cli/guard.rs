//! `tallylint guard`: writes the runtime guard into a project that is not to depend on this package.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::args::GuardArgs;
use super::{Failure, terminal};
use crate::report::harmless_lines;
use crate::source::describe_io;

/// What `import tallylint.guard` imports: one file without dependencies.
const GUARD: &str = include_str!("../../python/tallylint/guard.py");

/// Writes the file. Returns the exit code.
pub fn run(args: &GuardArgs) -> Result<u8, Failure> {
    let path = args.write.as_path();
    if path.is_dir() {
        return Err(format!("{}: a folder; name the file to write", path.display()).into());
    }
    write(path, args.force).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{}: is there already; --force replaces it", path.display())
        }
        _ => format!("{}: {}", path.display(), describe_io(&error)),
    })?;
    let said = format!("written: {}\n", path.display());
    terminal::print(harmless_lines(&said).as_bytes())?;
    Ok(0)
}

fn write(path: &Path, force: bool) -> io::Result<()> {
    if force {
        return fs::write(path, GUARD);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(GUARD.as_bytes())
}
