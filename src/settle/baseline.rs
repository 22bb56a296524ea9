//! The baseline: a file of known findings, so that only new ones are reported.
//!
//! Its first line gives the version; then come sorted lines, each a JSON object. A finding is
//! recognised by its name; or by rule, symbol and code, if the code around it has changed; or under
//! another path, if the file is gone.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::diagnostics::{Finding, Fingerprint};
use crate::order::Order as _;
use crate::outcome::{BaselineEntry, Identity, Reported};
use crate::source::describe_io;

/// The version of the format.
const VERSION: u32 = 1;

/// The first line of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
}

/// A baseline in memory.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// Its path.
    pub path: PathBuf,
    folder: PathBuf,
    entries: Vec<BaselineEntry>,
    found: Vec<bool>,
}

/// By what an entry and a finding are compared.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Same(String, Fingerprint),
    Alike(String, String, String, String),
    Moved(Fingerprint),
}

impl Baseline {
    /// Reads a baseline. With `or_empty`, a missing file counts as an empty baseline.
    ///
    /// # Errors
    /// When the file cannot be read or is not a baseline.
    pub fn read(path: &Path, or_empty: bool) -> Result<Self, ConfigError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if or_empty && error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let mut message = format!("cannot read the baseline: {}", describe_io(&error));
                if error.kind() == std::io::ErrorKind::NotFound {
                    message.push_str("; --write-baseline creates it");
                }
                return Err(ConfigError::file(path, message));
            }
        };
        let entries = match &text {
            None => Vec::new(),
            Some(text) => parse(text).map_err(|(line, reason)| {
                let before = text.split_inclusive('\n').take(line);
                let start: usize = before.map(str::len).sum();
                let message = format!("not a baseline: {reason}");
                ConfigError::part(path, text, &(start..start + 1), message)
            })?,
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        Ok(Self {
            path: path.to_path_buf(),
            folder: fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf()),
            found: vec![false; entries.len()],
            entries,
        })
    }

    /// Matches entries with findings, which come with the real paths of their files. Returns which
    /// findings are known.
    pub(super) fn recognise(&mut self, findings: &[(&Finding, &Identity, &Path)]) -> Vec<bool> {
        let gone: Vec<bool> = self.entries.iter().map(|e| self.is_gone(e)).collect();
        let mut known = vec![false; findings.len()];
        for tier in 0..3 {
            let mut open: HashMap<Key, Vec<usize>> = HashMap::new();
            for (at, entry) in self.entries.iter().enumerate().rev() {
                let print = entry.fingerprint.parse().unwrap_or(Fingerprint(0));
                let key = match tier {
                    0 => Some(Key::Same(entry.path.clone(), print)),
                    1 => Some(Key::Alike(
                        entry.path.clone(),
                        entry.rule.clone(),
                        entry.symbol.clone(),
                        entry.code.clone(),
                    )),
                    _ => gone[at].then_some(Key::Moved(print)),
                };
                if let Some(key) = key.filter(|_| !self.found[at]) {
                    open.entry(key).or_default().push(at);
                }
            }
            for (at, (finding, identity, path)) in findings.iter().enumerate() {
                let path = || relative(&self.folder, path);
                let key = match tier {
                    0 => Key::Same(path(), identity.local),
                    1 => Key::Alike(
                        path(),
                        finding.rule.to_owned(),
                        finding.symbol.clone(),
                        identity.code.clone(),
                    ),
                    _ => Key::Moved(identity.local),
                };
                if !known[at]
                    && let Some(entry) = open.get_mut(&key).and_then(Vec::pop)
                {
                    known[at] = true;
                    self.found[entry] = true;
                }
            }
        }
        known
    }

    fn is_gone(&self, entry: &BaselineEntry) -> bool {
        !self.folder.join(&entry.path).exists()
    }

    /// The entries without a finding, if their file is gone or `judged(path, rule)` says that the
    /// rule looked at it.
    pub(super) fn expired(&self, judged: impl Fn(&Path, &str) -> bool) -> Vec<BaselineEntry> {
        let open = self.entries.iter().zip(&self.found);
        let open = open.filter(|(_, found)| !**found).map(|(entry, _)| entry);
        let over = |entry: &&BaselineEntry| {
            self.is_gone(entry) || judged(&self.folder.join(&entry.path), &entry.rule)
        };
        open.filter(over).cloned().collect()
    }

    /// The text of a baseline with these findings added, which come with the real paths of their
    /// files, and the expired entries removed.
    #[must_use]
    pub fn updated(&self, found: &[(&Reported, PathBuf)], expired: &[&BaselineEntry]) -> String {
        let expired: BTreeSet<&BaselineEntry> = expired.iter().copied().collect();
        let unmatched = self.entries.iter().zip(&self.found);
        let unmatched = unmatched.filter(|(entry, found)| !**found && !expired.contains(entry));
        let mut entries: Vec<BaselineEntry> = unmatched.map(|(entry, _)| entry.clone()).collect();
        entries.extend(found.iter().map(|(reported, path)| BaselineEntry {
            path: relative(&self.folder, path),
            rule: reported.finding.rule.to_owned(),
            symbol: reported.finding.symbol.clone(),
            code: reported.identity.code.clone(),
            fingerprint: reported.identity.local.to_string(),
        }));
        entries.order();
        let line = |entry: &BaselineEntry| serde_json::to_string(entry).unwrap_or_default() + "\n";
        let header = format!("{{\"version\":{VERSION}}}\n");
        header + &entries.iter().map(line).collect::<String>()
    }
}

/// The entries, or the number of the wrong line (from 0).
fn parse(text: &str) -> Result<Vec<BaselineEntry>, (usize, String)> {
    let mut lines = text.lines().enumerate();
    let header = lines.next().ok_or((0, "it is empty".to_owned()))?;
    let reason = |error: serde_json::Error| error.to_string();
    let short = |error: serde_json::Error| {
        let text = reason(error);
        text.split(" at line ").next().unwrap_or(&text).to_owned()
    };
    let version: Header = serde_json::from_str(header.1).map_err(|error| (0, short(error)))?;
    if version.version != VERSION {
        let message = format!("unsupported version {}", version.version);
        return Err((0, message));
    }
    let mut out = Vec::new();
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let entry: BaselineEntry =
            serde_json::from_str(line).map_err(|error| (at, short(error)))?;
        entry
            .fingerprint
            .parse::<Fingerprint>()
            .map_err(|error| (at, error))?;
        out.push(entry);
    }
    Ok(out)
}

/// A real path relative to a real folder, with `/`.
fn relative(folder: &Path, path: &Path) -> String {
    let common = folder
        .components()
        .zip(path.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = folder.components().skip(common).map(|_| "..".to_owned());
    let down = path.components().skip(common).map(|part| match part {
        Component::RootDir => String::new(),
        part => part.as_os_str().to_string_lossy().into_owned(),
    });
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_folder() {
        let relative = |folder: &str, path: &str| relative(Path::new(folder), Path::new(path));
        assert_eq!(relative("/a/b", "/a/b/c/d.py"), "c/d.py");
        assert_eq!(relative("/a/b", "/a/x/d.py"), "../x/d.py");
        assert_eq!(relative("/", "/d.py"), "d.py");
    }

    #[test]
    fn what_is_no_baseline_is_said() {
        let reason = |text: &str| parse(text).unwrap_err();
        assert_eq!(reason(""), (0, "it is empty".to_owned()));
        assert_eq!(
            reason("{\"version\":9}"),
            (0, "unsupported version 9".to_owned())
        );
        assert_eq!(reason("{\"version\":1}\n\n[]").0, 2);
        let entry = r#"{"path":"a","rule":"r","symbol":"s","code":"c","fingerprint":"x"}"#;
        let text = format!("{{\"version\":1}}\n{entry}\n");
        assert_eq!(reason(&text), (1, "`x` is not a fingerprint".to_owned()));
    }
}
