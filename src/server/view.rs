//! A result of an analysis, as an editor sees it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsp_types::{Range, Uri};

use super::client::{Client, Options};
use super::diagnostics::OfFile;
use super::text::Encoding;
use super::uri;
use crate::diagnostics::Location;
use crate::driver::RunResult;
use crate::outcome::{Duty, DutyOf, MethodExit, MethodExits, Survey};
use crate::source::{FileId, SourceFile, Span};

/// What an analysis of a root came to.
pub(super) struct Analysed {
    /// The state of the root that was analysed.
    pub revision: u64,
    /// The stamps of the documents that were open, by real paths.
    pub stamps: HashMap<PathBuf, u64>,
    /// The result, or why there is none.
    pub result: Result<RunResult, Unknown>,
    files: HashMap<PathBuf, FileId>,
}

/// Why nothing is known.
#[derive(Clone, Debug)]
pub(super) struct Unknown {
    /// The file that is to blame, with the diagnostic that says so.
    pub place: Option<OfFile>,
    /// In words.
    pub message: String,
}

impl Analysed {
    pub fn new(
        revision: u64,
        stamps: HashMap<PathBuf, u64>,
        result: Result<RunResult, Unknown>,
    ) -> Self {
        let mut files = HashMap::new();
        if let Ok(run) = &result {
            for number in 0..run.sources.len() {
                let id = FileId(u32::try_from(number).unwrap_or(u32::MAX));
                // Of several texts of a file, the last one was analysed.
                files.insert(run.sources.get(id).real_path.clone(), id);
            }
        }
        Self {
            revision,
            stamps,
            result,
            files,
        }
    }
}

/// The names by which an editor knows files.
#[derive(Default, Debug)]
pub(super) struct Names(HashMap<PathBuf, Uri>);

impl Names {
    pub fn new(open: impl Iterator<Item = (PathBuf, Uri)>) -> Self {
        Self(open.collect())
    }

    /// The URI of a file; `None` if its path has parts that are no text.
    pub fn of(&self, real_path: &Path, path: &Path) -> Option<Uri> {
        let open = self.0.get(real_path).cloned();
        open.or_else(|| uri::of_path(path))
    }
}

/// What is needed to answer a question about a result.
pub(super) struct View<'a> {
    pub run: &'a RunResult,
    pub files: &'a HashMap<PathBuf, FileId>,
    pub names: &'a Names,
    pub client: &'a Client,
    pub options: &'a Options,
}

impl<'a> View<'a> {
    /// `None` if the analysis had no result.
    pub fn new(
        analysed: &'a Analysed,
        names: &'a Names,
        client: &'a Client,
        options: &'a Options,
    ) -> Option<Self> {
        let run = analysed.result.as_ref().ok()?;
        Some(Self {
            run,
            files: &analysed.files,
            names,
            client,
            options,
        })
    }

    pub fn encoding(&self) -> Encoding {
        self.client.encoding
    }

    /// The file with this real path, if it was looked at.
    pub fn file(&self, real_path: &Path) -> Option<Arc<SourceFile>> {
        let id = self.files.get(real_path)?;
        Some(self.run.sources.get(*id))
    }

    /// The URI of a file.
    pub fn uri(&self, file: &SourceFile) -> Option<Uri> {
        let path = self.run.sources.cwd().join(&file.path);
        self.names.of(&file.real_path, &path)
    }

    pub fn location(&self, location: Location) -> Option<lsp_types::Location> {
        let file = self.run.sources.get(location.file);
        let range = self.encoding().range(&file, location.span);
        Some(lsp_types::Location::new(self.uri(&file)?, range))
    }

    /// The offsets of a range that an editor gives.
    pub fn span(&self, file: &SourceFile, range: Range) -> Span {
        let at = |position| {
            let (at, _) = self
                .encoding()
                .offset(&file.text, file.line_index(), position);
            at
        };
        Span::new(at(range.start), at(range.end))
    }

    /// `path:line` or `line N`, for text about a file.
    pub fn place(&self, location: Location, from: FileId) -> String {
        let file = self.run.sources.get(location.file);
        let line = file.line_index().line(location.span.start);
        match location.file == from {
            true => format!("line {line}"),
            false => format!("{}:{line}", file.display),
        }
    }

    /// The methods that have to keep a contract and are defined in a file, with their exits.
    pub fn methods(&self, file: FileId) -> impl Iterator<Item = (&'a Duty, &'a MethodExits)> {
        let duties = self.run.checklist.iter();
        let methods = duties.filter_map(|duty| Some((duty, duty.exits.as_ref()?)));
        methods.filter(move |(_, method)| method.def.file == file)
    }

    /// The exits on a line of a file.
    pub fn exits_on(
        &self,
        file: &'a SourceFile,
        span: Span,
    ) -> impl Iterator<Item = (&'a Duty, &'a MethodExit)> {
        let lines = file.line_index();
        let (first, last) = (lines.line(span.start), lines.line(span.end));
        let exits = self
            .methods(file.id)
            .flat_map(|(duty, method)| method.exits.iter().map(move |exit| (duty, exit)));
        exits.filter(move |(_, exit)| {
            let line = lines.line(exit.place.span.start);
            exit.place.file == file.id && first <= line && line <= last
        })
    }

    /// The contract that a duty is about, with what implies it.
    pub fn survey(&self, contract: &DutyOf) -> Option<&'a Survey> {
        let mut all = self.run.contracts.iter();
        all.find(|survey| DutyOf::new(&survey.contract) == *contract)
    }
}
