//! `tallylint cache`, and the cache that `check` uses.

use std::path::PathBuf;

use super::args::{CacheArgs, CacheCommand, CacheOptions};
use super::{Failure, terminal};
use crate::cache::{self, Cache};
use crate::report::plural;
use crate::source::describe_io;

impl CacheOptions {
    /// The cache, if it is to be used and its folder is known.
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

/// Runs the command. Returns the exit code.
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
