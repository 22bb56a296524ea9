//! The thread that analyses: one job at a time, behind a fence.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use super::callers::{self, Caller};
use super::session::Event;
use crate::busy::Busy;
use crate::config::{ConfigError, ConfigSource, Configuration, Overrides};
use crate::diagnostics::Safety;
use crate::driver::{Overlay, Request, RunResult, Standing};
use crate::fence::{self, Bug};
use crate::fix;
use crate::source::{Disk, SourceFile};

/// A folder, or a file that is in no folder that is open, with the texts that are not saved yet.
pub struct Workspace {
    /// The folder that paths are relative to.
    pub cwd: PathBuf,
    /// What is checked.
    pub paths: Vec<PathBuf>,
    /// The texts of open documents, by real paths.
    pub overlay: Overlay,
    /// Where the configuration comes from.
    pub source: ConfigSource,
    /// What replaces settings of the configuration.
    pub overrides: Overrides,
    /// Who is told how far the analysis has come.
    pub busy: Arc<Busy>,
    /// Its number: no other one has or had it.
    pub number: u64,
    /// The numbers of all that are open.
    pub open: Vec<u64>,
    /// What may have happened on the disk since it was analysed last.
    pub disk: Disk,
}

/// Analyses a workspace. The server asks for nothing else, so whatever remembers earlier results goes in here.
pub type Engine = Box<dyn FnMut(&Workspace) -> Result<RunResult, ConfigError> + Send>;

/// What is remembered of workspaces, so that an edit costs no more than what it concerns.
#[derive(Default)]
pub struct Memory(HashMap<u64, (Configuration, Standing)>);

impl Memory {
    /// Analyses a workspace.
    ///
    /// # Errors
    /// When a configuration file that applies is invalid.
    pub fn analyse(&mut self, workspace: &Workspace) -> Result<RunResult, ConfigError> {
        self.0.retain(|number, _| workspace.open.contains(number));
        // What fails begins anew.
        let (configuration, mut standing) = match self.0.remove(&workspace.number) {
            Some(remembered) if workspace.disk == Disk::Same => remembered,
            Some((_, standing)) => (workspace.configuration()?, standing),
            None => (workspace.configuration()?, Standing::default()),
        };
        let request = Request {
            overlay: &workspace.overlay,
            busy: Some(&workspace.busy),
            ..Request::new(&workspace.paths, &configuration, workspace.cwd.clone())
        };
        let result = standing.run(request, workspace.disk)?;
        self.0.insert(workspace.number, (configuration, standing));
        Ok(result)
    }

    /// An engine that begins with nothing.
    #[must_use]
    pub fn engine() -> Engine {
        let mut memory = Self::default();
        Box::new(move |workspace| memory.analyse(workspace))
    }
}

impl Workspace {
    /// The configuration, read anew.
    fn configuration(&self) -> Result<Configuration, ConfigError> {
        Configuration::new(&self.source, &self.overrides, &self.cwd)
    }

    /// The text of one file, with the safe fixes of its findings; `None` if nothing is fixed.
    fn fixed(&self, file: &Path) -> Result<Option<String>, ConfigError> {
        let configuration = self.configuration()?;
        let task = fix::Task {
            paths: &self.paths,
            stdin: None,
            overlay: &self.overlay,
            only: Some(file),
            changed: None,
            configuration: &configuration,
            cwd: &self.cwd,
        };
        let repaired = fix::repair(task, Safety::Safe)?;
        let changed = repaired.changed.into_iter();
        Ok(changed.map(|changed| changed.after).next())
    }
}

/// Something to do.
pub(super) struct Job {
    /// The number of the root that it is for.
    pub root: u64,
    /// The state of the root.
    pub revision: u64,
    /// The stamps of the open documents, by real paths.
    pub stamps: HashMap<PathBuf, u64>,
    pub workspace: Workspace,
    pub kind: JobKind,
}

/// What to do.
pub(super) enum JobKind {
    /// Find out what is in the files.
    Analyse,
    /// Fix what can be fixed safely in this file, for the request with this number.
    Fix(PathBuf, u64),
    /// Find those who call something of this name in these files, for the request with this number.
    FindCallers(Vec<Arc<SourceFile>>, String, u64),
}

/// What was done.
pub(super) struct Done {
    pub root: u64,
    /// What might have happened on the disk before it.
    pub disk: Disk,
    pub revision: u64,
    pub stamps: HashMap<PathBuf, u64>,
    pub result: JobResult,
}

/// What came of it.
pub(super) enum JobResult {
    /// It was stopped, because the texts have changed.
    Stopped,
    Analysed(Box<Result<Result<RunResult, ConfigError>, Bug>>),
    Fixed(u64, Result<Result<Option<String>, ConfigError>, Bug>),
    Called(u64, Result<Vec<Caller>, Bug>),
}

/// Does jobs until nobody has any. Every job has an answer.
pub(super) fn work(jobs: &Receiver<Job>, done: &Sender<Event>, engine: &mut Engine) {
    while let Ok(job) = jobs.recv() {
        let result = match job.kind {
            JobKind::Analyse => {
                let result = fence::catch(|| engine(&job.workspace));
                match job.workspace.busy.is_stopped() {
                    true => JobResult::Stopped,
                    false => JobResult::Analysed(Box::new(result)),
                }
            }
            JobKind::Fix(file, number) => {
                JobResult::Fixed(number, fence::catch(|| job.workspace.fixed(&file)))
            }
            JobKind::FindCallers(files, name, number) => {
                JobResult::Called(number, callers::search(&files, &name))
            }
        };
        let done = done.send(Event::Done(Box::new(Done {
            root: job.root,
            disk: job.workspace.disk,
            revision: job.revision,
            stamps: job.stamps,
            result,
        })));
        if done.is_err() {
            return;
        }
    }
}
