//! Runs over the same paths, one after the other: each takes over from the one before what nothing has changed for.

use std::path::PathBuf;

use super::{Request, RunResult, analyse_with, run_from};
use crate::analysis::kept::Kept;
use crate::config::ConfigError;
use crate::discover::Discovered;
use crate::source::{Disk, SourceMap};

/// What a run leaves in memory for the next one over the same paths, with settings from the same places.
#[derive(Default)]
pub struct Standing(Option<Left>);

struct Left {
    sources: SourceMap,
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
    /// Runs a check, as [`run`](super::run) does. `disk`: what may have happened since the last one; if it is the same, the
    /// configuration must be the same, too.
    ///
    /// # Errors
    /// Those of [`run`](super::run).
    pub fn run(&mut self, request: Request<'_>, disk: Disk) -> Result<RunResult, ConfigError> {
        let given: Vec<PathBuf> = request.overlay.keys().cloned().collect();
        // If this run fails, the next one starts from scratch.
        let left = self.0.take();
        let same = |left: &Left| left.given == given && left.sources.cwd() == request.cwd;
        let disk = match &left {
            Some(left) if same(left) => disk,
            _ => Disk::Changed,
        };
        let mut discovered = None;
        let (sources, kept) = match left {
            None => (super::sources(&request), Kept::in_memory()),
            Some(left) => {
                discovered = (disk == Disk::Same).then_some(left.discovered);
                (left.sources.next(disk), left.kept)
            }
        };
        let start = Start {
            sources,
            discovered,
        };
        let mut next = None;
        let (result, discovered) = run_from(start, request, |input, _| {
            let (mut analysis, bug) = analyse_with(input, Some(&kept));
            next = analysis.kept.take();
            Ok::<_, ConfigError>((analysis, bug))
        })?;
        self.0 = next.map(|kept| Left {
            sources: result.sources.next(Disk::Same),
            discovered,
            kept,
            given,
        });
        Ok(result)
    }
}
