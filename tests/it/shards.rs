//! Parts of a run, checked apart and joined: the same as the whole run.

use serde_json::{Value, json};

use crate::changed::{Lcg, small};
use crate::common::{Project, Ran, json as report};

/// All formats of reports.
const FORMATS: [&str; 13] = [
    "json",
    "sarif",
    "text",
    "concise",
    "github",
    "github-summary",
    "markdown",
    "gitlab",
    "rdjson",
    "rdjsonl",
    "junit",
    "azure",
    "html",
];

/// Checks each shard. Returns the names of the reports.
fn check_shards(project: &Project, count: u32, options: &[&str]) -> Vec<String> {
    let file = |index| format!("../{count}-{index}.json");
    for index in 1..=count {
        let (shard, file) = (format!("--shard={index}/{count}"), file(index));
        let ran = check(
            project,
            &[&["--format=json", &shard, "-o", &file], options].concat(),
        );
        assert!([0, 1, 2].contains(&ran.code), "{ran:?}");
    }
    (1..=count).map(file).collect()
}

fn merge(project: &Project, options: &[&str], files: &[String]) -> Ran {
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let arguments = [&["merge"], options, &files].concat();
    project.tallylint(&arguments).in_folder("code").run()
}

/// Checks each shard, and joins the reports.
fn in_shards(project: &Project, count: u32, (asked, shown): (&[&str], &[&str])) -> Ran {
    let files = check_shards(project, count, asked);
    merge(project, shown, &files)
}

fn check(project: &Project, options: &[&str]) -> Ran {
    project
        .tallylint(&[&["check", "--no-cache"], options].concat())
        .in_folder("code")
        .run()
}

fn is_same(whole: &Ran, joined: &Ran, what: &str) {
    assert_eq!(whole.stdout, joined.stdout, "{what}");
    assert_eq!(
        (whole.code, &whole.stderr),
        (joined.code, &joined.stderr),
        "{what}"
    );
}

/// What the others share: a method that several classes run, and a helper that loses a failure of several.
const BASE: &str = "\
class Root:
    def __init__(self):
        self.stats = {}

    def save_data(self):
        raise NotImplementedError


class Base(Root):
    def save_data(self):
        if not self.rows:
            return
        self.stats['rows_inserted'] = len(self.rows)


class Bare(Root):
    def put(self, rows):
        try:
            self.client.insert_rows(rows)
        except Exception as error:
            print('failed', error)
";

const HEIR: &str = "\
from base import Base


class HeirN(Base):
    pass
";

const JOB: &str = "\
from base import Bare


class JobN(Bare):
    def save_data(self):
        self.put(self.rows)
        self.stats['rows_inserted'] = len(self.rows)


class OwnN(Bare):
    def save_data(self):
        if not self.rows:
            return  # tallylint: ignore[untracked-return] -- nothing to do
        self.stats['rows_inserted'] = 1


def copyN(client, rows):
    status = 'success'
    try:
        client.insert_rows(rows)
    except Exception as error:
        print(error)
    return {'status': status}
";

const UNUSED: &str = "\
def load(rows):
    return rows  # tallylint: ignore[swallowed-write] -- none here
";

/// Code in which what is told of one file depends on others, so that it matters which shard knows what.
fn entangled() -> Project {
    let project = Project::new(&[
        ("code/base.py", BASE),
        ("code/broken.py", "def save_data(self):\n    return (\n"),
        ("code/old.py", "print 'rows'\n"),
        ("code/unused.py", UNUSED),
        (
            "code/tallylint.toml",
            "select = [\"all\"]\nbaseline = \"known.json\"\n",
        ),
        ("code/known.json", "{\"version\": 1}\n"),
    ]);
    for number in ["0", "1", "2", "3", "4", "5"] {
        let of = |text: &str| {
            let named = ["Heir", "Job", "Own", "copy"]
                .map(|name| (format!("{name}N"), format!("{name}{number}")));
            named
                .iter()
                .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
        };
        project.write(&format!("code/heirs/heir{number}.py"), of(HEIR));
        project.write(&format!("code/jobs/job{number}.py"), of(JOB));
    }
    project
}

#[test]
fn joined_shards_are_the_whole_run() {
    let project = entangled();
    let whole = report(&check(&project, &["--format=json"]));
    let by_several = |kind: &str| {
        let findings = whole["findings"].as_array().unwrap().iter();
        let mut here = findings.filter(|of| of["path"] == "base.py" && of["kind"] == kind);
        here.any(|of| of["notes"].to_string().contains("several classes run this"))
    };
    assert!(
        by_several("unset") && by_several("swallowed"),
        "{:?}",
        whole["findings"]
    );
    assert!(whole.to_string().contains("consequences"));
    for count in [1, 2, 5] {
        let mut files = check_shards(&project, count, &[]);
        files.reverse();
        for format in FORMATS {
            let format = format!("--format={format}");
            for shown in [&[format.as_str()][..], &[&format, "--no-ignored"]] {
                // Once is enough for the formats that leave them out anyway.
                if shown.len() == 2 && count != 5 {
                    continue;
                }
                let joined = merge(&project, shown, &files);
                is_same(
                    &check(&project, shown),
                    &joined,
                    &format!("{shown:?} {count}"),
                );
            }
        }
    }
    // What the shards were asked for holds for all of it.
    for asked in [
        &["--select=swallowed-write", "--pedantic"][..],
        &["--isolated", "jobs", "base.py"],
        &["--baseline=known.json"],
    ] {
        let whole = check(&project, &[&["--format=json"], asked].concat());
        is_same(
            &whole,
            &in_shards(&project, 3, (asked, &["--format=json"])),
            &format!("{asked:?}"),
        );
    }
    let options = ["--format=json", "--fail-on=never"];
    is_same(
        &check(&project, &options),
        &in_shards(&project, 2, (&[], &options)),
        "--fail-on",
    );
}

/// A log of SARIF carries the same.
#[test]
fn shards_can_be_told_in_sarif() {
    let project = entangled();
    for index in ["1", "2"] {
        let (shard, file) = (format!("--shard={index}/2"), format!("../{index}.sarif"));
        let ran = check(&project, &["--format=sarif", &shard, "-o", &file]);
        assert!([1, 2].contains(&ran.code), "{ran:?}");
    }
    let joined = project.tallylint(&["merge", "--format=sarif", "../1.sarif", "../2.sarif"]);
    is_same(
        &check(&project, &["--format=sarif"]),
        &joined.in_folder("code").run(),
        "sarif",
    );
}

#[test]
fn a_baseline_can_be_written_of_all_shards() {
    let (one, other) = (entangled(), entangled());
    let written = in_shards(&one, 3, (&[], &["--write-baseline"]));
    is_same(
        &check(&other, &["--write-baseline"]),
        &written,
        "--write-baseline",
    );
    assert_eq!(one.read("code/known.json"), other.read("code/known.json"));
    assert!(one.read("code/known.json").contains("base.py"));
    // Now all is known, of each shard and of all.
    let options = ["--format=json"];
    let joined = in_shards(&one, 3, (&[], &options));
    is_same(&check(&one, &options), &joined, "known");
    let left = report(&joined)["findings"].as_array().unwrap().clone();
    let faulty = |of: &Value| of["rule"] == "ignore-comment";
    assert!(!left.is_empty() && left.iter().all(faulty), "{left:?}");
    one.write("other.base", "{\"version\": 1}\n");
    let named = ["--baseline=../other.base", "--format=json"];
    is_same(
        &check(&one, &named),
        &in_shards(&one, 3, (&[], &named)),
        "--baseline",
    );
}

/// Whatever the files are, and however many shards there are.
#[test]
fn random_projects_are_the_same_in_shards() {
    let small = small();
    let mut random = Lcg(crate::common::number("TALLYLINT_DIFF_SEED", 77));
    let mut with_findings = 0;
    for _ in 0..crate::common::number("TALLYLINT_SHARDED", 25) {
        let project = Project::new(&[]);
        for (path, texts) in small.files() {
            if random.below(8) > 0 {
                project.write(&format!("code/{path}"), random.pick(texts));
            }
        }
        let options = ["--format=json"];
        let whole = check(&project, &options);
        with_findings += u32::from(whole.code == 1);
        let count = u32::try_from(1 + random.below(4)).unwrap();
        is_same(
            &whole,
            &in_shards(&project, count, (&[], &options)),
            &format!("{count} shards"),
        );
    }
    assert!(with_findings > 4, "{with_findings}");
}

/// A shard says what it is, and nothing that only the others could know.
#[test]
fn a_shard_says_that_it_is_one() {
    let project = entangled();
    let ran = check(&project, &["--shard=2/3"]);
    assert!(ran.stdout.contains(", shard 2 of 3)"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("no longer found"), "{}", ran.stdout);
    let checked = |index: u32| {
        let shard = format!("--shard={index}/3");
        report(&check(&project, &["--format=json", &shard]))["files"]["checked"]
            .as_u64()
            .unwrap()
    };
    let whole = report(&check(&project, &["--format=json"]));
    assert_eq!(
        Some(checked(1) + checked(2) + checked(3)),
        whole["files"]["checked"].as_u64()
    );
    for (options, why) in [
        (&["--shard=0/3"][..], "there is no shard 0 of 3"),
        (&["--shard=two"], "a shard is given like 2/3"),
        (&["--shard=1/2", "--fix"], "cannot be used with"),
        (&["--shard=1/2", "--write-baseline"], "cannot be used with"),
        (&["--shard=1/2", "-"], "--shard divides files"),
    ] {
        let ran = check(&project, options);
        assert!(ran.code == 2 && ran.stderr.contains(why), "{ran:?}");
    }
}

/// Writes variants of the first of three shards with which something is wrong.
fn write_misfits(project: &Project) {
    let one = project.read("3-1.json");
    let edited = |change: &dyn Fn(&mut Value)| {
        let mut value = serde_json::from_str(&one).unwrap();
        change(&mut value);
        value.to_string()
    };
    let data = |from: &'static str, to: &'static str| {
        move |value: &mut Value| {
            value["shard"]["data"] = json!(
                value["shard"]["data"]
                    .as_str()
                    .unwrap()
                    .replacen(from, to, 1)
            )
        }
    };
    project.write("build.json", edited(&data("\"build\":\"", "\"build\":\"x")));
    project.write("damaged.json", edited(&data("findings", "fundings")));
    project.write(
        "cut.json",
        edited(&|value| value["shard"] = json!({"index": 1})),
    );
    project.write(
        "plain.json",
        edited(&|value| drop(value.as_object_mut().unwrap().remove("shard"))),
    );
    project.write(
        "version.json",
        edited(&|value| value["version"] = json!(99)),
    );
    project.write("other.json", "{\"tool\": {\"name\": \"ruff\"}}");
    project.write("half.json", &one[..one.len() / 2]);
}

#[test]
fn shards_that_do_not_fit_are_refused() {
    let project = entangled();
    in_shards(&project, 3, (&[], &[]));
    in_shards(&project, 2, (&["--pedantic"], &[]));
    write_misfits(&project);
    let merge = |files: &[&str]| {
        let files: Vec<String> = files.iter().map(|file| format!("../{file}.json")).collect();
        merge(&project, &[], &files)
    };
    let refused = |files: &[&str], why: &str| {
        let ran = merge(files);
        assert!(
            ran.code == 2 && ran.stdout.is_empty() && ran.stderr.contains(why),
            "{why}: {ran:?}"
        );
    };
    assert_eq!(merge(&["3-1", "3-2", "3-3"]).code, 2, "broken.py");
    refused(&["3-1", "3-3"], "shard 2 of 3 is missing");
    refused(
        &["3-1", "3-2", "3-2", "3-3"],
        "shard 2 of 3 is there more than once",
    );
    refused(&["2-1", "3-2", "3-3"], "were not asked for the same");
    refused(
        &["build", "3-2", "3-3"],
        "shard 1 of 3 was made by another build of tallylint",
    );
    refused(
        &["damaged", "3-2", "3-3"],
        "the report of shard 1 of 3 is damaged",
    );
    refused(&["cut", "3-2", "3-3"], "damaged");
    refused(
        &["plain", "3-2", "3-3"],
        "some of the reports are of shards, others are not",
    );
    refused(&["version"], "a report of version 99");
    refused(&["other"], "other.json: not a report of tallylint");
    refused(
        &["half"],
        "half.json: not a report in the format json or sarif",
    );
    refused(&["nowhere"], "nowhere.json: ");
    let store = project.read("code/base.py");
    project.write("code/base.py", format!("{store}\n"));
    refused(
        &["3-1", "3-2", "3-3"],
        "base.py is not as it was when shard",
    );
    project.write("code/base.py", store);
    project.write("code/more.py", "");
    refused(
        &["3-1", "3-2", "3-3"],
        "more.py was not there when the shards were checked",
    );
    std::fs::remove_file(project.path("code/more.py")).unwrap();
    std::fs::remove_file(project.path("code/unused.py")).unwrap();
    refused(&["3-1", "3-2", "3-3"], "unused.py is not here");
}

/// Code with a report in both formats for each of several targets.
fn targets() -> Project {
    let project = entangled();
    for target in ["jobs", "heirs", "base.py", "broken.py"] {
        for format in ["json", "sarif"] {
            let (format, file) = (
                format!("--format={format}"),
                format!("../{target}.{format}"),
            );
            check(
                &project,
                &[&format, "--isolated", "--select=all", "-o", &file, target],
            );
        }
    }
    project
}

/// Reports of targets that a build tool checks one by one are put together without the files.
#[test]
fn reports_of_several_targets_are_put_together() {
    let project = targets();
    let merge = |arguments: &[&str]| project.run(&[&["merge"], arguments].concat());
    let read = |file: &str| -> Value { serde_json::from_str(&project.read(file)).unwrap() };
    let length = |report: &Value| report["findings"].as_array().unwrap().len();

    let (jobs, store) = (read("jobs.json"), read("base.py.json"));
    let ran = merge(&["--format=json", "jobs.json", "base.py.json", "jobs.json"]);
    let both = report(&ran);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(length(&jobs) > 0 && length(&store) > 0);
    assert_eq!(length(&both), length(&jobs) + length(&store), "each once");
    assert_eq!(both["files"]["checked"], json!(6 + 1 + 6));
    assert_eq!(both["tool"], jobs["tool"]);
    assert_eq!(both["version"], jobs["version"]);
    assert_eq!(both["candidate"], Value::Null);
    assert!(
        ran.stderr
            .contains(&format!("{} findings in 3 reports", length(&both))),
        "{}",
        ran.stderr
    );
    let places = both["findings"].as_array().unwrap().iter();
    let places: Vec<_> = places
        .map(|f| (f["path"].to_string(), f["line"].as_u64()))
        .collect();
    assert!(places.is_sorted(), "{places:?}");

    let ran = merge(&["--format=sarif", "jobs.sarif", "base.py.sarif"]);
    let log = report(&ran);
    assert_eq!((ran.code, log["runs"].as_array().unwrap().len()), (1, 2));
    assert_eq!(log["runs"][1], read("base.py.sarif")["runs"][0]);

    for format in ["json", "sarif"] {
        let files = [format!("jobs.{format}"), format!("broken.py.{format}")];
        let format = format!("--format={format}");
        assert_eq!(merge(&[&format, &files[0], &files[1]]).code, 2);
        assert_eq!(merge(&[&format, "--fail-on=never", &files[0]]).code, 0);
        assert_eq!(
            merge(&[&format, "--fail-on=error", &files[0], &files[0]]).code,
            1
        );
    }
    let ran = merge(&[
        "--format=json",
        "-o",
        "all.json",
        "-q",
        "jobs.json",
        "base.py.json",
    ]);
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (1, "", "")
    );
    assert_eq!(length(&read("all.json")), length(&both));
}

#[test]
fn other_reports_are_put_together_in_their_own_format() {
    let project = targets();
    let merge = |arguments: &[&str]| project.run(&[&["merge"], arguments].concat());
    for (arguments, why) in [
        (&["jobs.json"][..], "give --format json"),
        (&["--format=json", "jobs.sarif"], "give --format sarif"),
        (
            &["--format=json", "--baseline=b", "jobs.json"],
            "no baseline",
        ),
        (
            &["--format=json", "--report=text=t", "jobs.json"],
            "in their own format",
        ),
        (
            &["--format=sarif", "jobs.json", "jobs.sarif"],
            "some of the reports are in the format json",
        ),
    ] {
        let ran = merge(arguments);
        assert!(ran.code == 2 && ran.stderr.contains(why), "{why}: {ran:?}");
    }
}
