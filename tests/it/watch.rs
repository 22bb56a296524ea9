//! `check --watch`: it checks again after each change.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::common::Project;
use crate::editor::{BAD, GOOD};

/// Nothing takes so long unless it is broken.
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn it_checks_again_after_each_change() {
    let project = Project::new(&[("a.py", BAD), ("tallylint.toml", "")]);
    let mut child = project
        .tallylint(&["check", "--watch"])
        .into_command()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, lines) = channel();
    let told: [Box<dyn std::io::Read + Send>; 2] = [
        Box::new(child.stdout.take().unwrap()),
        Box::new(child.stderr.take().unwrap()),
    ];
    for stream in told {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
    }
    let has = |round: &[String], part: &str| round.iter().any(|line| line.contains(part));
    // Standard output and error come through two pipes, so their order is not known: what is awaited comes sooner or later.
    let until = |part: &str| {
        let mut seen = Vec::new();
        while !has(&seen, part) {
            seen.push(lines.recv_timeout(LIMIT).expect("there is a report"));
        }
    };
    until("[untracked-return/unset]");
    project.write("a.py", GOOD);
    until("No findings");
    project.write("new/b.py", BAD);
    until("new/b.py:4:13");
    project.write("tallylint.toml", "selct = []\n");
    until("unknown key `selct`");
    project.write("tallylint.toml", "ignore = [\"untracked-return\"]\n");
    until("No findings");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_changes_files_or_reads_none_cannot_wait() {
    let project = Project::new(&[("a.py", GOOD)]);
    for other in ["--fix", "--diff", "--write-baseline", "--shard=1/2"] {
        let ran = project.run(&["check", "--watch", other]);
        assert_eq!(ran.code, 2, "{other}: {}", ran.stderr);
        assert!(ran.stderr.contains("--watch"), "{}", ran.stderr);
    }
    let ran = project.run(&["check", "--watch", "-"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("waits for changes of files"),
        "{}",
        ran.stderr
    );
    let ran = project.run(&["check", "--watch", "nowhere"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot watch"), "{}", ran.stderr);
}
