//! `action.yml`: its steps are run as a runner would, with events and files made up here. Nothing
//! is fetched: the program under test is what its input `program` names. With
//! `TALLYLINT_ACTION_INSTALLS=pip,cargo,…` (`scripts/test_packages.sh`) the ways of installing are
//! tried, too.

use std::path::Path;

use serde_json::{Value, json};

use crate::runner::{BAD, GOOD, INSTALLS, Job, action, steps};

/// All strings in a value.
fn strings<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(values) => values.iter().for_each(|v| strings(v, out)),
        Value::Object(fields) => fields.values().for_each(|v| strings(v, out)),
        _ => {}
    }
}

#[test]
fn inputs_are_declared_used_and_never_part_of_a_script() {
    let action = action();
    let mut all = Vec::new();
    strings(&action["runs"], &mut all);
    for (name, input) in action["inputs"].as_object().unwrap() {
        let used = format!("inputs.{name}");
        assert!(
            all.iter().any(|text| text.contains(&used)),
            "{name} is not used"
        );
        assert!(
            input["description"].is_string() && input["default"].is_string(),
            "{name}"
        );
    }
    for step in steps(&action) {
        if let Some(script) = step["run"].as_str() {
            assert!(!script.contains("${{"), "{script}");
            assert_eq!(step["shell"], "bash");
        }
    }
    // What it names as the default is what the command line has.
    assert_eq!(action["inputs"]["fail-on"]["default"], "warning");
}

#[test]
fn a_pull_request_is_checked_where_it_changed_something() {
    for (depth, branch) in [
        (Some(1), "merged"),
        (Some(2), "merged"),
        (None, "merged"),
        (None, "topic"),
    ] {
        let job = Job::pull_request();
        job.checkout(branch, depth);
        let expected = match branch {
            "merged" => job.git("origin", &["rev-parse", "main"]),
            _ => job.git("origin", &["merge-base", "main", "topic"]),
        };
        let done = job.run();
        let what = format!("{depth:?} {branch}: {done:?}");
        assert_eq!(done.code, 1, "{what}");
        assert_eq!(done.output("base"), expected, "{what}");
        let annotations = done.annotations();
        assert_eq!(annotations.len(), 1, "{what}");
        assert!(
            annotations[0].starts_with("::warning file=new.py,line=4,"),
            "{what}"
        );
        assert_eq!(
            (done.output("findings"), done.output("exit-code")),
            ("1", "1"),
            "{what}"
        );
        assert!(done.uploads, "{what}");
        assert!(done.summary.starts_with("what was there\n"), "{what}");
        assert!(
            done.summary
                .contains("https://example.org/some/pipeline/blob/0123abc/new.py#L4"),
            "{what}"
        );
        assert!(done.log.ends_with("tallylint: findings: 1\n"), "{what}");
    }
}

#[test]
fn a_branch_without_history_is_compared_with_where_its_base_is() {
    let job = Job::pull_request();
    job.checkout("topic", Some(1));
    let done = job.run();
    // `theirs.py` is gone, compared with the base; what is new is found.
    assert_eq!((done.code, done.annotations().len()), (1, 1), "{done:?}");
    assert_eq!(done.output("findings"), "1");
}

#[test]
fn a_push_checks_everything_and_a_scope_can_be_chosen() {
    let everything = |job: Job| {
        job.checkout("merged", None);
        let done = job.run();
        assert_eq!(
            (done.code, done.output("findings"), done.output("base")),
            (1, "3", ""),
            "{done:?}"
        );
        assert_eq!(done.annotations().len(), 3);
    };
    everything(Job::pull_request().with("scope", "all"));
    let mut job = Job::pull_request();
    job.event = json!({"before": "0000000000000000000000000000000000000000"});
    everything(job);

    let mut job = Job::pull_request().with("scope", "changed");
    job.event = json!({"before": job.git("origin", &["rev-parse", "topic"])});
    job.checkout("merged", Some(1));
    let done = job.run();
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.annotations()[0].contains("file=theirs.py"), "{done:?}");

    let mut job = Job::pull_request();
    let base = job.git("origin", &["rev-parse", "main"]);
    job.event = json!({"merge_group": {"base_sha": base}});
    job.checkout("merged", Some(1));
    let done = job.run();
    assert_eq!(
        (done.output("base"), done.output("findings")),
        (&*base, "1"),
        "{done:?}"
    );

    let job = Job::pull_request().with("base", "HEAD~1");
    job.checkout("merged", None);
    assert_eq!(job.run().output("findings"), "1");

    for event in [
        json!({}),
        json!({"before": "0000000000000000000000000000000000000000"}),
    ] {
        let mut job = Job::pull_request().with("scope", "changed");
        job.event = event;
        job.checkout("merged", None);
        let done = job.run();
        assert_eq!(done.code, 2);
        assert!(
            done.log
                .contains("::error title=tallylint::the event names no base"),
            "{done:?}"
        );
    }
}

#[test]
fn what_fails_the_job_can_be_chosen() {
    for (level, code) in [("never", 0), ("error", 0), ("note", 1)] {
        let job = Job::pull_request().with("fail-on", level);
        job.checkout("merged", None);
        let done = job.run();
        assert_eq!(
            (done.code, done.output("findings")),
            (code, "1"),
            "{level}: {done:?}"
        );
        assert!(done.uploads);
    }
    let job = Job::pull_request().with("fail-on", "blunder");
    job.checkout("merged", None);
    let done = job.run();
    assert_eq!(
        (done.code, done.output("exit-code"), done.uploads),
        (2, "2", false)
    );
    assert!(
        done.log
            .contains("::error title=tallylint::The check is not complete (exit code 2)")
    );
}

#[test]
fn a_clean_pull_request_passes_and_an_unreadable_file_does_not() {
    let job = Job::pull_request();
    job.git("origin", &["checkout", "--quiet", "-b", "clean", "main"]);
    job.commit(&[("more.py", GOOD), ("notes.txt", "x")]);
    let job = job.with("base", "HEAD~1");
    job.checkout("clean", Some(2));
    let done = job.run();
    assert_eq!(
        (done.code, done.output("findings"), done.output("exit-code")),
        (0, "0", "0"),
        "{done:?}"
    );
    assert!(done.annotations().is_empty() && done.uploads);
    assert!(
        done.log
            .ends_with("tallylint: findings: 0; none makes the job fail\n"),
        "{done:?}"
    );

    let job = Job::pull_request();
    job.git("origin", &["checkout", "--quiet", "merged"]);
    job.commit(&[("broken.py", "class A(  # save_data\n")]);
    let job = job.with("base", "HEAD~1");
    job.checkout("merged", None);
    let done = job.run();
    assert_eq!((done.code, done.output("exit-code")), (2, "2"), "{done:?}");
    assert!(done.log.contains("::error file=broken.py"), "{done:?}");
    assert!(done.uploads, "what was found is uploaded all the same");
}

#[test]
fn what_is_not_wanted_is_left_out() {
    let job = Job::pull_request()
        .with("annotate", "false")
        .with("summary", "false")
        .with("upload-sarif", "false");
    job.checkout("merged", None);
    let done = job.run();
    assert_eq!(
        (done.code, done.uploads, &*done.summary),
        (1, false, "what was there\n"),
        "{done:?}"
    );
    assert!(done.annotations().is_empty());
    assert!(
        done.log
            .contains("warning[untracked-return/unset]: `save_data` can return"),
        "{done:?}"
    );
    let mut job = Job::pull_request();
    job.event["pull_request"]["head"]["repo"]["fork"] = true.into();
    job.checkout("merged", None);
    assert!(!job.run().uploads, "a fork may not upload");
}

#[test]
fn folders_are_relative_to_the_repository_in_what_is_reported() {
    let job = Job::new();
    job.commit(&[
        ("jobs/a b/x.py", BAD),
        ("jobs/c.py", BAD),
        ("other/y.py", BAD),
    ]);
    let job = job
        .with("working-directory", "jobs")
        .with("paths", "a b\n\nc.py\n")
        .with("sarif-file", "../out.sarif");
    job.checkout("main", None);
    let root = job.path("workspace");
    let done = job.run();
    assert_eq!((done.code, done.output("findings")), (1, "2"), "{done:?}");
    assert!(done.log.contains("file=jobs/a b/x.py"), "{done:?}");
    assert_eq!(
        Path::new(done.output("sarif-file")),
        root.join("jobs/../out.sarif")
    );
}

#[test]
fn inputs_are_data() {
    let evil = "$(touch pwned); `touch pwned`; touch pwned";
    for input in [
        "paths",
        "args",
        "base",
        "scope",
        "fail-on",
        "version",
        "program",
        "sarif-file",
    ] {
        let job = Job::pull_request().with(input, evil);
        job.checkout("merged", None);
        let (root, home) = (job.path("workspace"), job.path("pwned"));
        let done = job.run();
        assert!(!root.join("pwned").exists() && !home.exists(), "{input}");
        let wrong = !matches!(input, "sarif-file");
        assert_eq!(done.code, if wrong { 2 } else { 1 }, "{input}: {done:?}");
    }
    for (input, value) in [
        ("base", "--upload-pack=touch pwned"),
        ("version", "1 --index-url=x"),
        ("install", "npm"),
    ] {
        let mut job = Job::pull_request().with(input, value);
        if input == "install" {
            job = job.with("program", "");
        }
        job.checkout("merged", None);
        let done = job.run();
        assert_eq!(done.code, 2, "{input}: {done:?}");
        assert!(
            done.log.contains("::error title=tallylint::the input"),
            "{done:?}"
        );
    }
    // An option among the paths is a path.
    let job = Job::pull_request()
        .with("paths", "--fix")
        .with("args", "--pedantic\n--isolated");
    job.checkout("merged", None);
    let done = job.run();
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.log.contains("--fix"), "{done:?}");
}

#[test]
fn ways_of_installing() {
    let Ok(ways) = std::env::var(INSTALLS) else {
        let job = Job::pull_request().with("program", "/nowhere/tallylint");
        job.checkout("merged", None);
        let done = job.run();
        assert!(
            done.log
                .contains("the input program names nothing that can be run"),
            "{done:?}"
        );
        return;
    };
    for way in ways.split(',') {
        let job = Job::pull_request().with("program", "").with("install", way);
        job.checkout("merged", None);
        let done = job.run();
        let says = format!("tallylint {}\n", env!("CARGO_PKG_VERSION"));
        assert!(done.log.starts_with(&says), "{way}: {done:?}");
        assert_eq!(
            (done.code, done.output("findings")),
            (1, "1"),
            "{way}: {done:?}"
        );
        println!("installed with {way}");
    }
}
