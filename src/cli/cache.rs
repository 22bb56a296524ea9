//! `tallylint cache`, and where `check` keeps results.

use std::path::PathBuf;

use super::args::{CacheArgs, CacheCommand, CacheOptions};
use super::{Failure, terminal};
use crate::cache::{self, Cache};
use crate::report::plural;
use crate::source::describe_io;

impl CacheOptions {
    /// The results of earlier runs, if they are to be used and there is a place for them.
    pub fn open(&self) -> Option<Cache> {
        if self.no_cache {
            return None;
        }
        folder(self.cache_dir.as_ref()).map(Cache::new)
    }
}

fn folder(told: Option<&PathBuf>) -> Option<PathBuf> {
    let told = told.filter(|path| !path.as_os_str().is_empty());
    told.cloned().or_else(Cache::default_folder)
}

/// Runs the command; the result is the exit code.
pub fn run(args: &CacheArgs) -> Result<u8, Failure> {
    let (CacheCommand::Clean(place) | CacheCommand::Dir(place)) = &args.command;
    let folder = folder(place.cache_dir.as_ref())
        .ok_or("no cache folder: no home directory is set (see --cache-dir)")?;
    let text = match args.command {
        CacheCommand::Dir(_) => format!("{}\n", folder.display()),
        CacheCommand::Clean(_) => {
            let cleaned = cache::clean(&folder).map_err(|error| {
                format!("cannot clean {}: {}", folder.display(), describe_io(&error))
            })?;
            let (records, kib) = (cleaned.records, cleaned.bytes.div_ceil(1024));
            format!("{} removed, {kib} KiB\n", plural(records, "result"))
        }
    };
    terminal::print(text.as_bytes())?;
    Ok(0)
}
