//! Shared by the tests of fixes.

use std::fs;

use crate::config::{Configuration, Overrides};
use crate::driver::{self, Request, RunResult};
use crate::settings::Settings;

/// Two functions with three fixable exits: two in one function, one in the other.
pub(super) const EARLY: &str = "\
class Early(BaseProcessor):
    def save_data(self):
        if not self.rows:
            return
        if self.dry:
            return
        self.stats['rows_inserted'] = len(self.rows)


class Late(BaseProcessor):
    def save_data(self):
        if not self.rows:
            return
        self.stats['rows_inserted'] = len(self.rows)
";

/// The result of checking a folder with this text in `a.py`.
pub(super) fn checked(text: &str) -> RunResult {
    let folder = tempfile::tempdir().unwrap();
    let cwd = fs::canonicalize(folder.path()).unwrap();
    fs::write(cwd.join("a.py"), text).unwrap();
    let settings = Settings::new(None, &Overrides::default()).unwrap();
    driver::run(Request::new(
        &[".".into()],
        &Configuration::fixed(settings, Overrides::default()),
        cwd,
    ))
    .unwrap()
}
