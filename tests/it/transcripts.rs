//! Documents that show what commands print: the commands are run again, and the files that a page
//! shows are the files that they see.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Project, is_fresh};

/// A page while it is played.
struct Play {
    project: Project,
    out: String,
    /// What the block that is being read is.
    block: Block,
}

enum Block {
    /// Text between blocks.
    None,
    /// Commands and what they print; what stands below a command is replaced.
    Console { skips: bool },
    /// A file to write, and its text so far.
    File { path: String, text: String },
    /// Anything else.
    Shown,
}

impl Block {
    fn of(line: &str) -> Self {
        let title = line.split_once("title=\"").map(|(_, rest)| rest);
        match title.and_then(|rest| rest.split_once('"')) {
            _ if line == "```console\n" => Self::Console { skips: false },
            Some((path, _)) => Self::File {
                path: path.to_owned(),
                text: String::new(),
            },
            None => Self::Shown,
        }
    }
}

impl Play {
    fn line(&mut self, line: &str) {
        if line.starts_with("```") {
            self.out.push_str(line);
            let next = match &self.block {
                Block::None => Block::of(line),
                _ => Block::None,
            };
            if let Block::File { path, text } = std::mem::replace(&mut self.block, next) {
                self.project.write(&path, text);
            }
            return;
        }
        match &mut self.block {
            Block::Console { skips } => match line.strip_prefix("$ ") {
                Some(command) => {
                    *skips = true;
                    self.out.push_str(line);
                    let printed = run(&self.project, command);
                    self.out.push_str(&printed);
                }
                None if *skips => {}
                None => self.out.push_str(line),
            },
            Block::File { text, .. } => {
                text.push_str(line);
                self.out.push_str(line);
            }
            Block::None | Block::Shown => self.out.push_str(line),
        }
    }
}

/// What a command prints in a folder, away from the tester's environment.
fn run(project: &Project, command: &str) -> String {
    let binaries = Path::new(env!("CARGO_BIN_EXE_tallylint")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let time = regex::Regex::new(r" in \d+\.\d\ds\n").unwrap();
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(project.path(""))
        .env_clear()
        .envs([
            ("PATH", path.as_str()),
            ("HOME", "/nowhere"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ])
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "you")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "you@example.org")))
        .output()
        .unwrap();
    let mut out = String::new();
    for stream in [output.stdout, output.stderr] {
        let text = String::from_utf8(stream).unwrap();
        let text = time.replace_all(&text, " in 0.05s\n");
        // Trailing blanks do not survive editors.
        out.extend(text.lines().map(|line| format!("{}\n", line.trim_end())));
    }
    out
}

/// A page whose files are written to the folder and whose commands are run there, with what they
/// print below each.
fn played(text: &str, project: Project) -> String {
    let mut play = Play {
        project,
        out: String::new(),
        block: Block::None,
    };
    for line in text.split_inclusive('\n') {
        play.line(line);
    }
    assert!(matches!(play.block, Block::None), "a block is not closed");
    play.out
}

/// An empty folder that is no repository yet.
fn empty() -> Project {
    let project = Project::new(&[]);
    std::fs::remove_dir(project.path(".git")).unwrap();
    project
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_adopting_guide_is_what_happens() {
    let path = "docs/adopting.md";
    let text = read(path);
    assert!(text.matches("\n$ tallylint").count() >= 8);
    let project = empty();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pipeline");
    for entry in walkdir::WalkDir::new(&example) {
        let entry = entry.unwrap();
        let name = entry.path().strip_prefix(&example).unwrap();
        if entry.file_type().is_file() {
            project.write(name.to_str().unwrap(), std::fs::read(entry.path()).unwrap());
        }
    }
    is_fresh(path, &played(&text, project));
}

/// The recipes, and the page for those who come from other linters: each in an empty folder.
#[test]
fn recipes_are_what_happens() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> = (root.join("docs/recipes").read_dir().unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.sort();
    assert!(pages.len() >= 6, "{pages:?}");
    pages.push(root.join("docs/coming-from.md"));
    for page in pages {
        let page = page.strip_prefix(root).unwrap().to_str().unwrap();
        let text = read(page);
        for (number, line) in text.lines().enumerate() {
            let is_played = line.starts_with("```console") || line.contains(" title=\"");
            let is_end = line == "```";
            assert!(
                !line.starts_with("```") || is_played || is_end,
                "{page}:{}: nothing looks at this block: name its file (```python title=\"a.py\") or \
                 make it a transcript (```console)",
                number + 1
            );
        }
        assert!(text.contains("\n$ tallylint "), "{page}");
        is_fresh(page, &played(&text, empty()));
    }
}
