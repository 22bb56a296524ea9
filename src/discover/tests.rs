//! Walks over small trees in a temporary folder.

use super::*;
use crate::config::Overrides;
use crate::settings::Settings;

struct Tree {
    _dir: tempfile::TempDir,
    sources: SourceMap,
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let dir = tempfile::tempdir().unwrap();
    let cwd = fs::canonicalize(dir.path()).unwrap();
    // A repository root, so that nothing around the temporary folder applies.
    fs::create_dir(cwd.join(".git")).unwrap();
    for (path, text) in files {
        let path = cwd.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Tree {
        _dir: dir,
        sources: SourceMap::new(cwd),
    }
}

impl Tree {
    fn run(&self, paths: &[&str], excludes: &[&str]) -> Discovered {
        let overrides = Overrides::default();
        let mut settings = Settings::new(None, &overrides).unwrap();
        let exclude = &mut settings.scope.exclude;
        exclude.add(self.sources.cwd(), excludes).unwrap();
        let configuration = Configuration::fixed(settings, overrides);
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        discover(&paths, &configuration, &self.sources).unwrap()
    }

    fn files(&self, paths: &[&str]) -> Vec<String> {
        self.shown(&self.run(paths, &[]))
    }

    fn shown(&self, found: &Discovered) -> Vec<String> {
        let show = |path: &PathBuf| self.sources.display(path);
        found.files.iter().map(show).collect()
    }

    #[cfg(unix)]
    fn link(&self, target: &str, link: &str) {
        std::os::unix::fs::symlink(target, self.sources.cwd().join(link)).unwrap();
    }
}

#[test]
fn takes_source_files_sorted_and_once() {
    let tree = tree(&[
        ("b/z.py", ""),
        ("b/a.py", ""),
        ("a.py", ""),
        ("a.pyi", ""),
        ("notes.txt", ""),
        ("dir.py/inner.py", ""),
    ]);
    assert_eq!(
        tree.files(&["."]),
        ["a.py", "b/a.py", "b/z.py", "dir.py/inner.py"]
    );
    assert_eq!(tree.files(&["b", "./b/a.py", "b/../a.py"]).len(), 3);
    assert_eq!(tree.files(&["notes.txt"]), ["notes.txt"]);
}

#[test]
fn stubs_and_notebooks_are_left_out_wherever_they_are() {
    let tree = tree(&[
        ("a.py", ""),
        ("a.pyi", ""),
        ("deep/b.ipynb", "{}"),
        ("deep/c.ipynb/d.py", ""),
        (".gitignore", "gone.pyi\n"),
        ("gone.pyi", ""),
        ("notes.txt", ""),
    ]);
    let skipped = |paths: &[&str]| {
        let found = tree.run(paths, &[]);
        let show =
            |s: &Skipped| format!("{}: {}", tree.sources.display(&s.path), s.reason.describe());
        let mut shown: Vec<_> = found.skipped.iter().map(show).collect();
        shown.retain(|shown| !shown.starts_with(".git:"));
        shown
    };
    assert_eq!(tree.files(&["."]), ["a.py", "deep/c.ipynb/d.py"]);
    let stub = "a.pyi: stub files have no code to follow";
    let notebook = "deep/b.ipynb: notebooks are not read";
    let ignored = "gone.pyi: ignored by git";
    assert_eq!(skipped(&["."]), [stub, notebook, ignored]);
    assert!(tree.files(&["a.pyi", "deep/b.ipynb"]).is_empty());
    assert_eq!(skipped(&["a.pyi", "deep/b.ipynb"]), [stub, notebook]);
}

#[test]
fn leaves_out_what_git_ignores() {
    let tree = tree(&[
        (".gitignore", "gen/\n*_pb2.py\n"),
        (".git/info/exclude", "private.py\n"),
        ("private.py", ""),
        ("gen/a.py", ""),
        ("x_pb2.py", ""),
        ("ok.py", ""),
        ("pkg/.gitignore", "!x_pb2.py\nlocal.py\n"),
        ("pkg/x_pb2.py", ""),
        ("pkg/local.py", ""),
        ("pkg/deep/local.py", ""),
        ("pkg/.ignore", "!local.py\n"),
    ]);
    let expected = ["ok.py", "pkg/deep/local.py", "pkg/local.py", "pkg/x_pb2.py"];
    assert_eq!(tree.files(&["."]), expected);
    assert_eq!(tree.files(&["pkg"]).len(), 3);
    assert_eq!(
        tree.files(&["gen/a.py", "x_pb2.py"]).len(),
        2,
        "named files are taken"
    );
    assert_eq!(tree.run(&["."], &[]).skipped_count(), 3);
}

#[test]
fn leaves_out_excluded_and_builtin_folders() {
    let tree = tree(&[
        ("venv/lib/a.py", ""),
        ("env39/pyvenv.cfg", ""),
        ("env39/a.py", ""),
        ("pkg/__pycache__/a.py", ""),
        ("target/debug/a.py", ""),
        ("etl/target/a.py", ""),
        ("build/lib/a.py", ""),
        ("tests/a.py", ""),
    ]);
    let found = tree.run(&["."], &["tests/"]);
    assert_eq!(tree.shown(&found), ["etl/target/a.py"]);
    let excluded: Vec<_> = found
        .skipped
        .iter()
        .filter(|skipped| skipped.reason == SkipReason::Excluded)
        .collect();
    assert_eq!(excluded.len(), 1);
    assert_eq!(
        tree.files(&["venv"]),
        ["venv/lib/a.py"],
        "a folder asked for is walked"
    );
}

#[cfg(unix)]
#[test]
fn links_loops_and_broken_links() {
    let tree = tree(&[("src/a.py", ""), ("src/sub/b.py", ""), ("other/c.py", "")]);
    tree.link("a.py", "src/0.py");
    tree.link("..", "src/sub/up");
    tree.link("sub", "src/again");
    tree.link("nowhere.py", "src/broken.py");
    tree.link("self.py", "src/self.py");
    tree.link("../other", "src/linked");
    let found = tree.run(&["src"], &[]);
    assert_eq!(
        tree.shown(&found),
        ["src/a.py", "src/linked/c.py", "src/sub/b.py"]
    );
    assert!(found.failures.is_empty());
    let reasons: Vec<SkipReason> = found.skipped.iter().map(|skipped| skipped.reason).collect();
    assert_eq!(
        reasons,
        [
            SkipReason::BrokenLink,
            SkipReason::BrokenLink,
            SkipReason::LinkLoop
        ]
    );
    assert_eq!(tree.files(&["src", "other"])[0], "other/c.py");
}

#[cfg(unix)]
#[test]
fn a_path_that_leads_nowhere_is_a_failure() {
    let tree = tree(&[("a.py", "")]);
    tree.link("gone.py", "link.py");
    let found = tree.run(&["nope", "link.py", "a.py"], &[]);
    assert_eq!(tree.shown(&found), ["a.py"]);
    let failures: Vec<(&str, &str)> = found
        .failures
        .iter()
        .map(|failure| (failure.path.as_str(), failure.reason.as_str()))
        .collect();
    assert_eq!(
        failures,
        [
            ("link.py", "broken link"),
            ("nope", "no such file or directory")
        ]
    );
}
