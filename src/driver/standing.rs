//! Runs over the same paths, one after the other: each takes over from the one before what nothing has changed for.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Request, RunResult, analyse_with, run_from};
use crate::analysis::kept::Kept;
use crate::config::ConfigError;
use crate::discover::Discovered;
use crate::source::{Disk, SourceMap};

/// What a run leaves in memory for the next one over the same paths, with settings from the same places.
#[derive(Default)]
pub struct Standing(Option<Left>);

struct Left {
    sources: Arc<SourceMap>,
    discovered: Discovered,
    kept: Kept,
    /// The files whose texts were given.
    given: Vec<PathBuf>,
}

/// Where the files of a run come from.
pub(super) struct Start {
    pub(super) sources: SourceMap,
    /// What was found on the disk, if that was not long ago.
    pub(super) discovered: Option<Discovered>,
}

impl Standing {
    /// Runs a check, as [`run`](super::run) does. If it is stopped, the result means nothing, and the next run takes over
    /// from the one before. `disk`: what may have happened since the last one; if it is the same, the
    /// configuration must be the same, too.
    ///
    /// # Errors
    /// Those of [`run`](super::run).
    pub fn run(&mut self, request: Request<'_>, disk: Disk) -> Result<RunResult, ConfigError> {
        let given: Vec<PathBuf> = request.overlay.keys().cloned().collect();
        let busy = request.busy.cloned();
        // If this run fails, the next one starts from scratch.
        let left = self.0.take();
        let same = |left: &Left| left.given == given && left.sources.cwd() == request.cwd;
        let disk = match &left {
            Some(left) if same(left) => disk,
            _ => Disk::Changed,
        };
        let (start, kept) = match &left {
            None => (Start::new(super::sources(&request)), &Kept::in_memory()),
            Some(left) => {
                let found = (disk == Disk::Same).then(|| left.discovered.clone());
                let sources = left.sources.next(disk);
                let start = Start {
                    discovered: found,
                    ..Start::new(sources)
                };
                (start, &left.kept)
            }
        };
        let mut next = None;
        let (result, discovered) = run_from(start, request, |input, _| {
            let (mut analysis, bug) = analyse_with(input, Some(kept));
            next = analysis.kept.take();
            Ok::<_, ConfigError>((analysis, bug))
        })?;
        if busy.is_some_and(|busy| busy.is_stopped()) {
            self.0 = left;
            return Ok(result);
        }
        self.0 = next.map(|kept| Left {
            sources: Arc::clone(&result.sources),
            discovered,
            kept,
            given,
        });
        Ok(result)
    }
}

impl Start {
    /// Nothing has been found yet.
    pub(super) fn new(sources: SourceMap) -> Self {
        Self {
            sources,
            discovered: None,
        }
    }
}
