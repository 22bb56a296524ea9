//! Paths and regions of findings, for formats that other programs read.

use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::Report;
use crate::diagnostics::{FileFailure, Location};
use crate::source::SourceFile;

/// What is not encoded in the path of a URI: the unreserved characters, and the slash.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The lines and columns of a location. All numbers start at 1, columns count Unicode scalar
/// values, and the end column is the one after the last character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Region {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) end_line: u32,
    pub(super) end_column: u32,
}

/// The path of a file as platforms expect it: relative to the root of the report if it is below
/// that.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ReportPath {
    path: PathBuf,
    inside: bool,
    /// The displayed path, for files outside the root.
    shown: String,
}

impl ReportPath {
    /// Whether it is below the root.
    pub(super) fn is_inside(&self) -> bool {
        self.inside
    }

    /// As text with `/`.
    pub(super) fn text(&self) -> String {
        match self.inside {
            true => String::from_utf8_lossy(&bytes(&self.path)).into_owned(),
            false => self.shown.clone(),
        }
    }

    /// As a reference relative to the root, or as an absolute URI. It identifies the path even if
    /// that is not valid text.
    pub(super) fn uri(&self) -> String {
        let path = bytes(&self.path);
        let path = percent_encode(&path, PATH);
        match (self.inside, self.path.is_absolute()) {
            (false, true) => format!("file://{path}"),
            _ => path.to_string(),
        }
    }
}

#[cfg(unix)]
fn bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(not(unix))]
fn bytes(path: &Path) -> Vec<u8> {
    let text = path.to_string_lossy();
    let text = text.strip_prefix(r"\\?\").unwrap_or(&text);
    let drive = if path.is_absolute() { "/" } else { "" };
    format!("{drive}{}", text.replace('\\', "/")).into_bytes()
}

/// An absolute path in a URL.
#[cfg(not(target_family = "wasm"))]
pub(super) fn url_path(path: &Path) -> String {
    percent_encode(&bytes(path), PATH).to_string()
}

impl Report<'_> {
    /// The lines and columns of a location.
    pub(super) fn region(&self, location: &Location) -> Region {
        let file = self.sources.get(location.file);
        let start = file.position(location.span.start);
        let end = file.position(location.span.end);
        Region {
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }

    /// The path of the file of a location.
    pub(super) fn path_of(&self, location: &Location) -> ReportPath {
        self.path_of_file(&self.sources.get(location.file))
    }

    /// The path of a file: the one it was found under, or else the real one, if that is below the
    /// root.
    pub(super) fn path_of_file(&self, file: &SourceFile) -> ReportPath {
        let found = self.path_at(&file.path, &file.display);
        if found.inside {
            return found;
        }
        let real = self.path_at(&file.real_path, &file.display);
        if real.inside { real } else { found }
    }

    /// The URL of a file, or of a line in it.
    pub(super) fn link(&self, place: &ReportPath, line: Option<u32>) -> Option<String> {
        let base = self.links.filter(|_| place.inside)?;
        let line = line.map(|line| format!("#L{line}")).unwrap_or_default();
        Some(format!("{base}/{}{line}", place.uri()))
    }

    /// The path of a failure.
    pub(super) fn path_of_failure(&self, failure: &FileFailure) -> ReportPath {
        self.path_at(Path::new(&failure.path), &failure.path)
    }

    fn path_at(&self, path: &Path, shown: &str) -> ReportPath {
        let whole = self.sources.cwd().join(path);
        let clean: PathBuf = whole
            .components()
            .filter(|part| *part != Component::CurDir)
            .collect();
        let climbs = clean.components().any(|part| part == Component::ParentDir);
        match clean.strip_prefix(self.root) {
            Ok(inside) if !climbs => ReportPath {
                path: inside.to_path_buf(),
                inside: true,
                shown: shown.to_owned(),
            },
            _ => ReportPath {
                path: clean,
                inside: false,
                shown: shown.to_owned(),
            },
        }
    }
}
