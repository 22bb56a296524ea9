//! The example projects of both languages, with everything that a report can tell: findings, fixes,
//! what comments ignore and baselines know, files that cannot be analysed, and odd names.

use std::path::Path;

use crate::common::Project;

/// A name that means something in every format.
pub const ODD_NAME: &str = "odd/a b#1 [x](y) é;%,`q`|&<z>@w.py";

/// One finding with a safe fix and non-ASCII text in front of it, one that is ignored.
const ODD: &str = "\
class Odd(BaseProcessor):
    def save_data(self):
        if not self.rows: é = '😀'; return
        if self.dry:
            return  # tallylint: ignore[untracked-return] asked by <@nobody> | `x`
        self.stats['rows_inserted'] = len(self.rows)
";
const KNOWN: &str = "\
class Known(BaseProcessor):
    def save_data(self):
        self.client.insert_rows(self.rows)
";

/// The projects in one folder; `tallylint check --baseline known.json` has all of it.
pub fn everything() -> Project {
    let project = Project::new(&[
        (ODD_NAME, ODD),
        ("odd/known.py", KNOWN),
        ("odd/broken.py", "x = 1\ny = = 2  # save_data\n"),
        ("odd/latin.py", ""),
    ]);
    project.write("odd/latin.py", b"x = '\xe9'\n");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for folder in ["pipeline", "pipeline-rust"] {
        for entry in walkdir::WalkDir::new(root.join(folder)) {
            let entry = entry.unwrap();
            let name = entry.path().strip_prefix(&root).unwrap();
            if entry.file_type().is_file() {
                project.write(name.to_str().unwrap(), std::fs::read(entry.path()).unwrap());
            }
        }
    }
    let arguments = ["check", "--baseline", "known.json", "--write-baseline"];
    let ran = project.run(&[&arguments[..], &["odd/known.py"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    project
}
