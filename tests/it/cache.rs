//! Results that are kept from run to run: they must never be other than what a run finds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::changed::{Lcg, mutate_line, small};
use crate::common::{Project, Ran};

/// A class whose base tells whether it has to keep a contract, and a helper that decides whether
/// it does; a function of another rule.
const FILES: &[(&str, &str)] = &[
    (
        "etl/orders.py",
        "from lib.base import Base\nfrom lib.tally import record\n\n\nclass Orders(Base):\n    \
         def save_data(self):\n        self.db.insert(self.rows)\n        record(self)\n",
    ),
    ("lib/__init__.py", ""),
    ("lib/base.py", BASE),
    ("lib/tally.py", TALLY),
    (
        "etl/sched.py",
        "def run(job, last):\n    if last.status == 'success':\n        return 'skip'\n    job()\n",
    ),
];
const BASE: &str = "class Base:\n    def save_data(self):\n        raise NotImplementedError\n";
const TALLY: &str = "def record(p):\n    p.stats['rows_inserted'] = len(p.rows)\n";
const NO_TALLY: &str = "def record(p):\n    pass\n";

const FROM_CACHE: &str = "results from the cache";

/// The records of a project.
fn records(project: &Project) -> Vec<PathBuf> {
    let folder = project.path("kept");
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut out: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    out.retain(|path| path.extension().is_some_and(|e| e == "tally"));
    // What is kept of single files is another record.
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    out.retain(|path| !name(path).starts_with("units-"));
    out.sort();
    out
}

/// Runs a check with kept results; tells also whether it used one.
fn check(project: &Project, arguments: &[&str]) -> (Ran, bool) {
    let all = [
        &["check", "--cache-dir", "kept", "--statistics=engine"],
        arguments,
    ]
    .concat();
    let mut ran = project.run(&all);
    let used = ran.stderr.contains(FROM_CACHE);
    // The counters are what differs.
    let counters = |line: &&str| {
        let first = line.split_whitespace().next();
        first.is_none_or(|word| word != "slowest:" && word.parse::<u64>().is_err())
    };
    let rest: Vec<&str> = ran.stderr.lines().filter(counters).collect();
    ran.stderr = rest.join("\n");
    (ran, used)
}

/// The same without.
fn fresh(project: &Project, arguments: &[&str]) -> Ran {
    let mut ran = project.run(&[&["check", "--no-cache"], arguments].concat());
    ran.stderr = ran.stderr.trim_end().to_owned();
    ran
}

/// Runs with kept results and without, which must not differ; tells whether one was used.
#[track_caller]
fn same(project: &Project, arguments: &[&str]) -> bool {
    let (ran, used) = check(project, arguments);
    let wanted = fresh(project, arguments);
    assert_eq!(ran.code, wanted.code, "{arguments:?}");
    assert_eq!(ran.stdout, wanted.stdout, "{arguments:?}");
    assert_eq!(ran.stderr, wanted.stderr, "{arguments:?}");
    used
}

fn copy(project: &Project, from: &Path, to: &str) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let inside = entry.path().strip_prefix(from).unwrap();
            let text = fs::read(entry.path()).unwrap();
            project.write(&format!("{to}/{}", inside.display()), text);
        }
    }
}

#[test]
fn a_second_run_says_the_same() {
    let project = Project::new(&[]);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for name in ["pipeline", "pipeline-rust"] {
        copy(&project, &fixtures.join(name), name);
    }
    project.write("broken.py", "def f(:  # save_data\n");
    assert!(!same(&project, &["--pedantic"]));
    assert!(same(&project, &["--pedantic"]));
    // The formats tell of a part: each is made without kept results, too, and that takes a while.
    for name in ["pipeline/processors", "pipeline-rust"] {
        fs::remove_dir_all(project.path(name)).unwrap();
    }
    fs::remove_dir_all(project.path("kept")).unwrap();
    assert!(!same(&project, &["--pedantic"]));
    let formats = "text concise json sarif github github-summary markdown gitlab rdjson rdjsonl junit azure html";
    for format in formats.split(' ') {
        let arguments = ["--pedantic", "--format", format];
        // What is found does not depend on how it is told.
        assert!(same(&project, &arguments), "{format}");
    }
    assert_eq!(records(&project).len(), 1);
}

#[test]
fn what_an_analysis_is_given_makes_another_result() {
    let project = Project::new(FILES);
    let all = ["etl", "lib"];
    assert!(!same(&project, &all));
    assert!(same(&project, &all));
    for arguments in [
        &["etl", "lib", "--select", "success-as-proof"][..],
        &["etl"],
        &["etl/orders.py"],
        &["--read", "everything", "etl", "lib"],
        &["--max-file-size", "3", "etl", "lib"],
    ] {
        assert!(!same(&project, arguments), "{arguments:?}");
        assert!(same(&project, arguments), "{arguments:?}");
    }
    for text in [
        "[success-as-proof]\nsuccess-words = [\"fine\"]\n",
        "[swallowed-write]\nauxiliary = [\"sidecar\"]\n",
        "writes = [\"ship\"]\n",
        "writes = [\"ship\"]\nbuilt-in-writes = false\n",
        "infer-contracts = false\n",
        "[[contract]]\nmethod = \"load\"\nsets = \"self.stats['n']\"\n",
    ] {
        project.write("tallylint.toml", text);
        assert!(!same(&project, &all), "{text}");
        assert!(same(&project, &all), "{text}");
    }
    let elsewhere = project.tallylint(&[
        "check",
        "--cache-dir",
        "../kept",
        "--statistics=engine",
        ".",
    ]);
    let ran = elsewhere.in_folder("etl").run();
    assert!(!ran.stderr.contains(FROM_CACHE));
}

/// Files that a run was not told about matter all the same, and so does where none are.
#[test]
fn what_is_led_to_is_watched() {
    let project = Project::new(FILES);
    let named = ["etl/orders.py"];
    assert!(!same(&project, &named));
    assert!(same(&project, &named));
    assert_eq!(check(&project, &named).0.code, 0);

    project.write("lib/tally.py", NO_TALLY);
    assert!(!same(&project, &named));
    assert_eq!(check(&project, &named).0.code, 1);

    // A package comes to stand before the module.
    project.write("lib/tally/__init__.py", TALLY);
    assert!(!same(&project, &named));
    assert_eq!(check(&project, &named).0.code, 0);
    fs::remove_dir_all(project.path("lib/tally")).unwrap();
    assert!(!same(&project, &named));

    fs::remove_file(project.path("lib/tally.py")).unwrap();
    assert!(!same(&project, &named));
    assert!(same(&project, &named));
    project.write("lib/tally.py", TALLY);
    assert!(!same(&project, &named));

    // A project's top further down hides what is above it.
    project.write("etl/pyproject.toml", "");
    assert!(!same(&project, &named));
    assert!(same(&project, &named));
}

/// Random changes, of which many lead back to what was before.
#[test]
fn no_order_of_changes_brings_an_old_result() {
    let texts: &[(&str, &[Option<&str>])] = &[
        ("lib/tally.py", &[Some(TALLY), Some(NO_TALLY), None]),
        ("lib/base.py", &[Some(BASE), Some("Base = object\n"), None]),
        ("lib/tally/__init__.py", &[None, Some(TALLY)]),
        ("etl/lib/__init__.py", &[None, Some("")]),
        (
            "etl/extra.py",
            &[None, Some("from lib.tally import record\n")],
        ),
        (
            "tallylint.toml",
            &[None, Some("ignore = [\"success-as-proof\"]\n")],
        ),
    ];
    let mut used = 0;
    let project = Project::new(FILES);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    for _ in 0..60 {
        let (path, versions) = texts[next(texts.len())];
        let real = project.path(path);
        match versions[next(versions.len())] {
            Some(text) => project.write(path, text),
            None => {
                let _ = fs::remove_file(&real);
                // A folder that is left empty is a package, too.
                if next(2) == 0 {
                    let _ = fs::remove_dir(real.parent().unwrap());
                }
            }
        }
        let arguments: &[&str] = [&["."][..], &["etl/orders.py"], &["etl"]][next(3)];
        used += usize::from(same(&project, arguments));
    }
    assert!(used >= 10, "only {used} of 60 results were used again");
}

#[test]
fn a_damaged_record_is_none() {
    let project = Project::new(FILES);
    project.write("lib/tally.py", NO_TALLY);
    assert!(!same(&project, &["."]));
    let [record] = &records(&project)[..] else {
        panic!("one record: {:?}", records(&project));
    };
    let whole = fs::read(record).unwrap();
    let mut damaged: Vec<Vec<u8>> = vec![Vec::new(), vec![0xff; 100], b"\n".to_vec()];
    for part in 1..8 {
        let at = whole.len() * part / 8;
        damaged.push(whole[..at].to_vec());
        let mut changed = whole.clone();
        changed[at] ^= 1;
        damaged.push(changed);
    }
    for bytes in damaged {
        fs::write(record, &bytes).unwrap();
        assert!(!same(&project, &["."]), "{} bytes", bytes.len());
        // It is written anew.
        assert_eq!(fs::read(record).unwrap(), whole);
    }
    fs::remove_file(record).unwrap();
    fs::create_dir(record).unwrap();
    assert!(!same(&project, &["."]));
}

#[test]
fn runs_at_the_same_time_do_not_disturb_each_other() {
    let project = Project::new(FILES);
    let wanted = fresh(&project, &["."]).stdout;
    for _ in 0..3 {
        let start = |_| {
            let run = project.tallylint(&["check", "--cache-dir", "kept", "."]);
            let mut command = run.into_command();
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        };
        let running: Vec<_> = (0..8).map(start).collect();
        for child in running {
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let (before, _) = text.rsplit_once(" in ").unwrap();
            assert!(wanted.starts_with(before), "{text}");
            assert_eq!(output.stderr, b"");
        }
        let names = fs::read_dir(project.path("kept")).unwrap();
        assert_eq!(
            names.count(),
            3,
            "a record of the run, one of its files, and the tag"
        );
        fs::remove_file(&records(&project)[0]).unwrap();
    }
}

#[test]
fn results_can_be_taken_away() {
    let project = Project::new(FILES);
    let clean = ["cache", "clean", "--cache-dir", "kept"];
    assert_eq!(project.run(&clean).stdout, "0 results removed, 0 KiB\n");
    assert!(!same(&project, &["."]));
    project.write("kept/mine.txt", "x");
    let ran = project.run(&clean);
    assert!(ran.stdout.starts_with("2 results removed, "), "{ran:?}");
    assert_eq!(records(&project), Vec::<PathBuf>::new());
    assert_eq!(project.read("kept/mine.txt"), "x");
    fs::remove_file(project.path("kept/mine.txt")).unwrap();
    assert!(!same(&project, &["."]));
    project.run(&clean);
    assert!(!project.path("kept").exists());
}

#[test]
fn where_results_are_kept() {
    let project = Project::new(FILES);
    let dir = |name: &str, value: &str| {
        let run = project.tallylint(&["cache", "dir"]).env(name, value).run();
        (run.code, run.stdout)
    };
    assert_eq!(dir("TALLYLINT_CACHE_DIR", "x/y"), (0, "x/y\n".to_owned()));
    let (code, own) = dir("TALLYLINT_CACHE_DIR", "");
    assert_eq!(code, 0);
    assert!(
        own.starts_with("[ROOT]/home/") && own.ends_with("/tallylint\n"),
        "{own}"
    );

    let run = project.tallylint(&["check", "-q"]);
    run.env("TALLYLINT_NO_CACHE", "1").run();
    assert!(!project.path("home").exists());
    project.run(&["check", "-q"]);
    assert!(project.path("home").exists());

    // A place that cannot be written to is no reason to fail.
    project.write("kept", "a file");
    assert!(!same(&project, &["etl"]));
    assert!(!same(&project, &["etl"]));
}

/// How many results of single files a run took over, and how many it found out.
fn taken_over(project: &Project, arguments: &[&str]) -> (u64, u64) {
    let all = [
        &["check", "--cache-dir", "kept", "--statistics=engine"],
        arguments,
    ]
    .concat();
    let ran = project.run(&all);
    let count = |name: &str| {
        let line = ran.stderr.lines().find(|line| line.ends_with(name));
        line.map_or(0, |line| {
            line.split_whitespace().next().unwrap().parse().unwrap()
        })
    };
    (
        count("results taken over"),
        count("results found out and kept"),
    )
}

#[test]
fn after_a_change_only_what_it_concerns_is_found_out_again() {
    let project = Project::new(FILES);
    let more = "import sqlite3\n\n\ndef store(rows):\n    try:\n        db.insert_rows(rows)\n    except Exception as e:\n        print(e)\n";
    project.write("other/store.py", more);
    let (taken, all) = taken_over(&project, &["."]);
    assert!(taken == 0 && all >= 4, "{taken} {all}");
    // A comment in a file that nobody uses.
    project.write("other/store.py", format!("# a comment\n{more}"));
    let (taken, again) = taken_over(&project, &["."]);
    assert!(
        taken + again == all && taken > again,
        "{taken} {again} of {all}"
    );
    // A helper: whoever follows it.
    project.write("lib/tally.py", NO_TALLY);
    assert!(!same(&project, &["."]));
    assert!(same(&project, &["."]));
    project.write("lib/tally.py", format!("{TALLY}\n"));
    let (taken, again) = taken_over(&project, &["."]);
    assert!(taken > 0 && again > 0, "{taken} {again}");
    // With other settings nothing is taken over.
    project.write("tallylint.toml", "writes = [\"ship\"]\n");
    assert_eq!(taken_over(&project, &["."]).0, 0);
}

/// Whatever is changed in whatever order, what is taken over is what would be found out.
#[test]
fn what_is_taken_over_is_what_would_be_found() {
    let small = small();
    let mut random = Lcg(crate::common::number("TALLYLINT_DIFF_SEED", 31));
    let project = Project::new(&[]);
    for (path, texts) in small.files() {
        project.write(path, texts[0]);
    }
    let (name, text) = FILES[4];
    project.write(name, text);
    let (mut taken, mut found_out) = (0, 0);
    for step in 0..crate::common::number("TALLYLINT_KEPT", 60) {
        for _ in 0..=random.below(2) {
            for path in small.mutate(&project, &mut random) {
                let is_code = Path::new(&path).extension().is_some_and(|e| e == "py");
                if is_code && project.path(&path).exists() && random.below(2) == 0 {
                    let changed = mutate_line(&project.read(&path), &mut random);
                    project.write(&path, changed);
                }
            }
        }
        let (old, new) = taken_over(&project, &["--select=all", "--pedantic"]);
        (taken, found_out) = (taken + old, found_out + new);
        // The whole run is a record now, so that is made again as well.
        for record in records(&project) {
            fs::remove_file(record).unwrap();
        }
        // A page tells most of a finding, its graphs included.
        same(&project, &["--select=all", "--pedantic", "--format=html"]);
        assert!(step < 3 || taken > 0);
    }
    assert!(taken > found_out && found_out > 60, "{taken} {found_out}");
}
