//! What reviewers get: pages in Markdown, and the checklist of every exit.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde_json::{Value, json};
use tallylint::report::Format;

use crate::common::{Project, is_fresh, json as parsed};
use crate::examples::{ODD_NAME, everything};

/// A comment on GitHub may have so many characters.
const COMMENT: usize = 65_536;
/// A summary of a job may have so many bytes.
const SUMMARY: usize = 1024 * 1024;

const EXITS: &str = "\
class Odds(BaseProcessor):
    def save_data(self):
        if not self.rows:
            self.stats['rows_inserted'] = 0
            return
        if self.late:
            return  # tallylint: ignore[untracked-return] nobody is ever late
        if self.off:
            return 'off'
        if self.broken:
            raise ValueError('broken')
        with self.lock:
            if self.locked:
                raise RuntimeError
        try:
            if self.odd:
                raise KeyError
        except KeyError:
            pass
        if self.foreign:
            return fill(self)
        self.stats['rows_inserted'] = self.client.insert_rows(
            self.rows)
";

const RUST_EXITS: &str = "\
struct Odds { rows: Vec<u8>, stats: HashMap<String, u64> }
impl Processor for Odds {
    fn save_data(&mut self) -> Result<(), Error> {
        if self.rows.is_empty() {
            self.stats.insert(\"rows_inserted\".to_string(), 0);
            return Ok(());
        }
        if self.rows.len() > 9 {
            return Err(Error::Large);
        }
        let n = self.client.insert_rows(&self.rows)?;
        if n == 0 {
            return Ok(());
        }
        self.stats.insert(\"rows_inserted\".to_string(), n);
        Ok(())
    }
}
";

/// Whether a line of a page is a row of the table of findings.
fn is_row(line: &str) -> bool {
    let number = line
        .strip_prefix("| ")
        .and_then(|rest| rest.split(' ').next());
    number.is_some_and(|number| number.parse::<usize>().is_ok())
}

/// Line, state, reason and what sets it, for each exit of a class.
fn exits(report: &Value, class: &str) -> Vec<Value> {
    let checklist = report["checklist"].as_array().unwrap();
    let method = checklist.iter().find(|m| m["class"] == class).unwrap();
    assert_eq!(method["sets"], "self.stats['rows_inserted']");
    let exits = method["exits"].as_array().unwrap().iter();
    let short = |exit: &Value| {
        let by: Vec<&Value> = exit["set_by"].as_array().unwrap().iter().collect();
        let by: Vec<Value> = by
            .iter()
            .map(|by| json!([by["line"], by["code"]]))
            .collect();
        let line = match exit["end"] == true {
            true => Value::Null,
            false => exit["line"].clone(),
        };
        json!([line, exit["state"], exit["reason"], exit["ignored_by"], by])
    };
    exits.map(short).collect()
}

#[test]
fn every_exit_is_listed_with_its_state() {
    let project = Project::new(&[("odds.py", EXITS), ("odds.rs", RUST_EXITS)]);
    let report = parsed(&project.run(&["check", "--format", "json", "odds.py"]));
    let last = "self.stats['rows_inserted'] = self.client.insert_rows( self.rows)";
    let wanted = [
        json!([
            5,
            "set",
            null,
            null,
            [[4, "self.stats['rows_inserted'] = 0"]]
        ]),
        json!([7, "not-set", "unset", "comment", []]),
        json!([9, "not-set", "unset", null, []]),
        json!([11, "not-demanded", "raises", null, []]),
        json!([14, "not-demanded", "raises", null, []]),
        json!([21, "unverified", null, null, []]),
        json!([null, "set", null, null, [[22, last]]]),
    ];
    assert_eq!(exits(&report, "Odds"), wanted);
    let report = parsed(&project.run(&["check", "--format", "json", "odds.rs"]));
    let store = |n| format!("self.stats.insert(\"rows_inserted\".to_string(), {n})");
    let wanted = [
        json!([6, "set", null, null, [[5, store("0")]]]),
        json!([9, "not-demanded", "returns-failure", null, []]),
        json!([11, "not-demanded", "returns-failure", null, []]),
        json!([13, "not-set", "unset-after-write", null, []]),
        json!([16, "set", null, null, [[15, store("n")]]]),
    ];
    assert_eq!(exits(&report, "Odds"), wanted);
}

#[test]
fn what_sets_it_is_found_through_helpers_loops_and_finally() {
    let project = Project::new(&[(
        "a.py",
        "class Helped(BaseProcessor):\n    def save_data(self):\n        \
         self.stats['rows_inserted'] = 0\n        for row in self.rows:\n            \
         if row:\n                self.stats['rows_inserted'] += self.client.put(row)\n        \
         if self.off:\n            return self._none()\n        \
         try:\n            return self.client.close()\n        \
         finally:\n            self.stats['rows_inserted'] = 7\n\n    \
         def _none(self):\n        self.stats = {'rows_inserted': 1}\n        return None\n\n\
         class Later(Helped):\n    pass\n\n\
         class Large(BaseProcessor):\n    def save_data(self):\n        yield 1\n",
    )]);
    let report = parsed(&project.run(&["check", "--format", "json"]));
    assert_eq!(
        exits(&report, "Helped"),
        [
            json!([8, "set", null, null, [[8, "return self._none()"]]]),
            json!([
                10,
                "set",
                null,
                null,
                [[12, "self.stats['rows_inserted'] = 7"]]
            ]),
        ]
    );
    let checklist = report["checklist"].as_array().unwrap();
    let of = |class: &str| checklist.iter().find(|m| m["class"] == class).unwrap();
    assert_eq!(of("Later")["inherits"], "Helped");
    assert_eq!(of("Large")["unfollowed"], "generator");
    let page = project.run(&["check", "--format", "markdown"]).stdout;
    assert!(page.contains("* `Later.save_data` (`a.py:"), "{page}");
    assert!(page.contains("it is a generator"), "{page}");
}

/// Over all fixtures: an exit that is not set is a finding, and a finding is an exit.
#[test]
fn the_checklist_agrees_with_the_findings() {
    let root = env!("CARGO_MANIFEST_DIR");
    let project = Project::new(&[]);
    let fixtures = format!("{root}/tests/fixtures/untracked-return");
    let arguments = ["check", "--isolated", "--pedantic", "--format", "json"];
    let names = Format::all()
        .iter()
        .filter_map(ValueEnum::to_possible_value);
    let reports: Vec<String> = names
        .map(|name| format!("{0}=out.{0}", name.get_name()))
        .collect();
    let mut select = vec!["--select", "untracked-return"];
    select.extend(reports.iter().flat_map(|report| ["--report", report]));
    let ran = project.run(&[&arguments[..], &select, &[fixtures.as_str()]].concat());
    let report = parsed(&ran);
    let mut broken: BTreeMap<(String, String), bool> = BTreeMap::new();
    let checklist = report["checklist"].as_array().unwrap();
    for method in checklist {
        let open = |exit: &Value| exit["state"] == "not-set";
        let exits = method["exits"].as_array().unwrap();
        let symbol = format!(
            "{}.{}",
            method["class"].as_str().unwrap(),
            method["method"].as_str().unwrap()
        );
        let key = (method["path"].as_str().unwrap().to_owned(), symbol);
        let unfollowed = method["unfollowed"] == "generator";
        *broken.entry(key).or_default() |= unfollowed || exits.iter().any(open);
        let lines: Vec<(bool, u64)> = exits
            .iter()
            .map(|exit| (exit["end"] == true, exit["line"].as_u64().unwrap()))
            .collect();
        assert!(lines.is_sorted(), "{method}");
        for exit in exits.iter().filter(|exit| exit["state"] == "set") {
            assert!(!exit["set_by"].as_array().unwrap().is_empty(), "{method}");
        }
    }
    assert!(checklist.len() > 400, "{}", checklist.len());
    let mut found: BTreeMap<(String, String), bool> = BTreeMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let symbol = finding["symbol"].as_str().unwrap().to_owned();
        let key = (finding["path"].as_str().unwrap().to_owned(), symbol);
        // A note is one of what is not known.
        *found.entry(key).or_default() |= finding["kind"] != "unverified";
    }
    let mut differ = Vec::new();
    for (key, bad) in found.iter().filter(|(_, bad)| **bad) {
        if broken.get(key) != Some(bad) {
            differ.push(key);
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
    for report in &reports {
        let (_, path) = report.split_once('=').unwrap();
        assert!(!project.read(path).is_empty(), "{path}");
    }
    let page = project.read("out.markdown");
    assert!(page.len() <= COMMENT && page.contains("> Left out, because"));
}

#[test]
fn a_page_has_it_all() {
    let project = everything();
    let run = |format: &str, more: &[&str]| {
        let arguments = ["check", "--baseline", "known.json", "--format", format];
        project.run(&[&arguments[..], more].concat()).stdout
    };
    let page = run("github-summary", &[]);
    let arguments = ["check", "--baseline", "known.json", "--format", "json"];
    let report = parsed(&project.run(&arguments));
    let findings = report["findings"].as_array().unwrap();
    let rows = page.lines().filter(|line| is_row(line)).count();
    assert_eq!(rows, findings.len(), "{page}");
    let checked = report["checklist"].as_array().unwrap().iter();
    let inherited = checked.filter(|m| !m["inherits"].is_null()).count();
    let mentioned = page.matches(" is inherited unchanged from ").count();
    assert_eq!(mentioned, inherited);
    let fixes = findings.iter().filter(|f| !f["fix"].is_null()).count();
    assert!(page.matches("```diff\n").count() >= fixes);
    for part in [
        "`odd/broken.py:2`",
        "> The result is incomplete.",
        "1. line ",
        "**not set**",
        "(ignored by a comment: asked by &lt;@<!-- -->nobody&gt; &#124; &#96;x&#96;)",
        "(known from the baseline)",
        "set by `self.stats[\"rows_inserted\"] = 0` (line ",
        "not required: it returns a failure",
        "+            self.stats[\"rows_inserted\"] = 0\n",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("]("), "no links without a base");
    // The comment of a bot says the same in less room.
    let comment = run("markdown", &[]);
    assert!(comment.starts_with("<!-- tallylint -->\n### tallylint: found "));
    assert!(comment.len() <= COMMENT);
    for text in [&page, &comment] {
        let count = |what| text.matches(what).count();
        assert_eq!(count("<details>"), count("</details>"));
    }
}

#[test]
fn links_lead_to_the_commit() {
    let project = everything();
    let arguments = ["check", "--format", "markdown", "odd"];
    let odd = "odd/a%20b%231%20%5Bx%5D%28y%29%20%C3%A9%3B%25%2C%60q%60%7C%26%3Cz%3E%40w.py#L3)";
    let github = [
        ("GITHUB_SERVER_URL", "https://github.example"),
        ("GITHUB_REPOSITORY", "o/r"),
        ("GITHUB_SHA", "c0ffee"),
    ];
    let on_github = |change: fn(&str) -> String| {
        let command = project.tallylint(&arguments);
        let set = |command: crate::common::Invocation, (name, value): (&str, &str)| {
            command.env(name, &change(value))
        };
        github.into_iter().fold(command, set).run().stdout
    };
    let page = on_github(str::to_owned);
    let link = format!("](https://github.example/o/r/blob/c0ffee/{odd}");
    assert!(page.contains(&link), "{page}");
    // What is no URL is no link.
    assert!(!on_github(|value| format!("{value}) <b>")).contains("]("));
    let given = [
        &arguments[..],
        &["--link-base", "https://git.example/r/-/blob/main/"],
    ]
    .concat();
    let page = project.run(&given).stdout;
    assert!(page.contains(&format!("](https://git.example/r/-/blob/main/{odd}")));
    for (base, what) in [
        ("git.example", "does not start with https://"),
        ("https://x/a b", "not a URL"),
        ("https://", "not a URL"),
    ] {
        let ran = project.run(&[&arguments[..], &["--link-base", base]].concat());
        assert!(ran.code == 2 && ran.stderr.contains(what), "{ran:?}");
    }
    let ran = project.run(&["check", "--link-base", "https://x/"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("needs the format markdown"),
        "{ran:?}"
    );
}

#[test]
fn pages_keep_within_their_limits() {
    let class = "class Odds(BaseProcessor):\n    def save_data(self):\n        \
                 if not self.rows:\n            return\n        \
                 self.stats['rows_inserted'] = 1\n\n";
    let all: String = (0..2500)
        .map(|n| class.replace("Odds", &format!("Odds{n}")))
        .collect();
    let worst = "class Worst(BaseProcessor):\n    def save_data(self):\n        \
                 self.client.insert_rows(self.rows)\n";
    let project = Project::new(&[("all.py", &(all + worst))]);
    let more = ["--report", "github-summary=summary.md"];
    let arguments = ["check", "--format", "markdown", "all.py"];
    let comment = project.run(&[&arguments[..], &more].concat()).stdout;
    let summary = project.read("summary.md");
    for (page, limit) in [(&comment, COMMENT), (&summary, SUMMARY)] {
        assert!(
            page.len() <= limit && page.len() > limit * 9 / 10,
            "{}",
            page.len()
        );
        assert!(page.contains("| 1 | **error** | `save_data` never sets"));
        assert!(page.contains("#### Review checklist"));
        let last = page.lines().last().unwrap();
        assert!(
            last.starts_with("> Left out, because a page is limited to"),
            "{last}"
        );
        let rows = page.lines().filter(|line| is_row(line)).count();
        let mut named = last.split([':', ',']).map(str::trim);
        let left_out = named.find_map(|part| part.strip_suffix(" findings"));
        let left_out = left_out.map_or(0, |count| count.parse::<usize>().unwrap());
        assert_eq!(rows + left_out, 2501);
        let count = |what| page.matches(what).count();
        assert_eq!(count("<details>"), count("</details>"));
    }
}

#[test]
fn many_broken_files_leave_room_for_findings() {
    let project = Project::new(&[("a.py", EXITS)]);
    for n in 0..60 {
        let name = format!("{}/{n}.py", "|".repeat(200));
        project.write(
            &format!("{}/{name}", "`".repeat(200)),
            "x = = 1  # save_data\n",
        );
    }
    let page = project.run(&["check", "--format", "markdown"]).stdout;
    let told = page.matches("unexpected &#39;=").count() + page.matches("unexpected '='").count();
    assert!((5..60).contains(&told), "{told}");
    assert!(
        page.contains(&format!("> * and {} more\n", 60 - told)),
        "{page}"
    );
    assert!(page.contains("| 1 | warning | ") && page.contains("- [ ] line 9, "));
}

#[test]
fn reports_of_one_run_go_to_files() {
    let project = everything();
    let arguments = ["check", "--baseline", "known.json", "odd"];
    let formats = ["sarif", "github-summary", "json", "junit", "concise"];
    let reports: Vec<String> = formats.iter().map(|f| format!("{f}=out.{f}")).collect();
    let mut more = vec!["--format", "github"];
    more.extend(
        reports
            .iter()
            .flat_map(|report| ["--report", report.as_str()]),
    );
    let ran = project.run(&[&arguments[..], &more].concat());
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.starts_with("::error file=odd/broken.py,"));
    for format in formats {
        let alone = project.run(&[&arguments[..], &["--format", format]].concat());
        assert_eq!(
            project.read(&format!("out.{format}")),
            alone.stdout,
            "{format}"
        );
    }
    // One that cannot be written does not keep the others from it.
    let more = [
        "--report",
        "json=not/there.json",
        "--report",
        "json=there.json",
    ];
    let ran = project.run(&[&arguments[..], &more].concat());
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("error: cannot write not/there.json"),
        "{ran:?}"
    );
    assert!(project.read("there.json").contains("\"findings\"") && ran.stdout.contains(ODD_NAME));
    for (report, what) in [
        ("sarfi=a", "unknown format `sarfi`; did you mean `sarif`?"),
        ("sarif", "expected a format and a file"),
        ("sarif=", "expected a format and a file"),
    ] {
        let ran = project.run(&["check", "--report", report]);
        assert!(ran.code == 2 && ran.stderr.contains(what), "{ran:?}");
    }
    let twice = ["check", "--report", "json=a", "-o", "a"];
    assert!(
        project
            .run(&twice)
            .stderr
            .contains("two reports would be written to a")
    );
    for other in ["--diff", "--write-baseline"] {
        let ran = project.run(&["check", "--report", "json=a", other]);
        assert!(
            ran.code == 2 && ran.stderr.contains("cannot be used with"),
            "{ran:?}"
        );
    }
}

#[test]
fn reports_after_fixes_tell_what_is_left() {
    let project = everything();
    let arguments = ["check", "--fix", "--report", "json=left.json", ODD_NAME];
    let ran = project.run(&arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    let left: Value = serde_json::from_str(&project.read("left.json")).unwrap();
    assert_eq!(left["fixed"], 1);
    assert!(left["findings"].as_array().unwrap().is_empty());
    let exit = &left["checklist"][0]["exits"][0];
    assert_eq!((&exit["line"], &exit["state"]), (&json!(3), &json!("set")));
}

/// One page of the example project, to be looked at.
#[test]
fn the_example_page_is_fresh() {
    let project = everything();
    let sports = "pipeline/processors/sports";
    let ran = project.run(&["check", "--format", "markdown", "-q", sports]);
    is_fresh("docs/example-review.md", &ran.stdout);
}
