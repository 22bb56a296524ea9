//! The report for browsers: what it is told. How it shows that is tried in `scripts/test_html_report.sh`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{Project, Ran, json};
use crate::examples::everything;

/// What a page tells.
fn told(ran: &Ran) -> Value {
    told_by(&ran.stdout)
}

fn told_by(page: &str) -> Value {
    let (_, data) = page
        .split_once("<script type=\"application/json\" id=\"data\">")
        .unwrap_or_else(|| panic!("no data: {page}"));
    let (data, _) = data.split_once("</script>").unwrap();
    assert!(!data.contains(['<', '>', '&']), "it could become markup");
    serde_json::from_str(data).unwrap()
}

fn array<'v>(value: &'v Value, key: &str) -> &'v Vec<Value> {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("{key} in {value}"))
}

/// Texts of some field of each entry.
fn texts<'v>(entries: impl IntoIterator<Item = &'v Value>, field: &str) -> Vec<&'v str> {
    let fields = entries.into_iter().map(|entry| &entry[field]);
    fields.filter_map(Value::as_str).collect()
}

#[test]
fn it_is_told_what_the_format_json_is_told() {
    let project = everything();
    let check =
        |format: &str| project.run(&["check", "--baseline", "known.json", "--format", format]);
    let (page, report) = (told(&check("html")), json(&check("json")));
    let of = |status: &str| {
        let all = array(&page, "findings").iter();
        let own = all.filter(|finding| finding["status"] == status);
        own.collect::<Vec<_>>()
    };
    let (open, findings) = (of("open"), array(&report, "findings"));
    assert_eq!(open.len(), findings.len());
    let files = array(&page, "files");
    // The path is relative to the repository, which here is the working directory.
    let place = |place: &Value| {
        let file = usize::try_from(place[0].as_u64().unwrap()).unwrap();
        (
            files[file]["path"].clone(),
            place[1].clone(),
            place[2].clone(),
        )
    };
    let json_place = |at: &Value| (at["path"].clone(), at["line"].clone(), at["column"].clone());
    for (own, finding) in open.iter().zip(findings) {
        assert_eq!(own["fingerprint"], finding["fingerprint"]);
        assert_eq!(place(&own["place"]), json_place(finding));
        let steps = array(own, "steps").iter().map(|step| place(&step[0]));
        let steps: Vec<_> = steps.collect();
        let wanted: Vec<_> = array(finding, "steps").iter().map(json_place).collect();
        assert_eq!(steps, wanted);
        assert_eq!(own.get("fix").is_some(), !finding["fix"].is_null());
        // Each line of a place is there to be shown.
        for step in array(own, "steps") {
            let file = usize::try_from(step[0][0].as_u64().unwrap()).unwrap();
            let line = step[0][1].as_u64().unwrap();
            let mut parts = array(&files[file], "parts").iter();
            assert!(parts.any(|part| {
                let first = part[0].as_u64().unwrap();
                (first..first + part[1].as_array().unwrap().len() as u64).contains(&line)
            }));
        }
    }
    assert_eq!(
        texts(of("ignored"), "reason"),
        texts(array(&report, "suppressed"), "reason")
    );
    assert_eq!(of("known").len() as u64, report["baseline"]["known"]);
    assert_eq!(page["known"], report["baseline"]["known"]);
    let exits = |list: &Value| -> usize {
        let duties = list.as_array().unwrap().iter();
        duties.map(|duty| array(duty, "exits").len()).sum()
    };
    assert!(exits(&page["checklist"]) > 20);
    assert!(exits(&page["checklist"]) <= exits(&report["checklist"]));
    assert_eq!(array(&page, "failures").len(), 2);
    let arguments = ["check", "--baseline", "known.json", "--format", "html"];
    let page = told(&project.run(&[&arguments[..], &["--no-ignored"]].concat()));
    assert_eq!(array(&page, "findings").len(), findings.len());
}

const BAD: &str = "class Odds(Base):\n    def save_data(self):\n        if not self.rows:\n            return\n        \
    self.stats['rows_inserted'] = 1\n";

#[test]
fn a_finding_belongs_to_the_family_of_the_class_at_its_root() {
    let base = "class Root:\n    def run(self):\n        self.stats = {}\n        self.save_data()\n        return self.stats.get('rows_inserted', 0)\n\nclass Base(Root):\n    pass\n\n";
    let project = Project::new(&[
        ("a.py", &format!("{base}{BAD}")),
        ("b.py", &format!("from lib import Base\n{BAD}")),
        ("c.py", &BAD.replace("(Base)", "")),
    ]);
    let page = told(&project.run(&["check", "--format", "html", "."]));
    let families: Vec<&Value> = array(&page, "findings")
        .iter()
        .map(|f| &f["family"])
        .collect();
    assert_eq!(families, ["Root", "lib.Base"], "{families:?}");
}

#[test]
fn a_report_tells_what_has_changed_since_another() {
    let moved = BAD.replace("Odds", "Moved");
    let gone = BAD.replace("Odds", "Gone");
    let aside = BAD.replace("Odds", "Aside");
    let project = Project::new(&[
        ("moved.py", &moved),
        ("gone.py", &gone),
        ("aside.py", &aside),
    ]);
    let ran = project.run(&["check", "--report", "json=last.json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    // The same finding on another line, one that is gone, one that is ignored, one that is new.
    project.write("moved.py", format!("# a comment\n\n{moved}"));
    project.write("gone.py", gone.replace("return\n", "raise ValueError\n"));
    let ignored = aside.replace(
        "return\n",
        "return  # tallylint: ignore[untracked-return] so\n",
    );
    project.write("aside.py", ignored);
    project.write("new.py", BAD);
    // The report that is compared with may be replaced by the same run.
    let arguments = [
        "check",
        "--compare",
        "last.json",
        "--report",
        "json=last.json",
    ];
    let ran = project.run(&[&arguments[..], &["--format", "html"]].concat());
    let page = told(&ran);
    let trend = |trend: &str| {
        let findings = array(&page, "findings").iter();
        texts(
            findings.filter(|finding| finding["trend"] == trend),
            "symbol",
        )
    };
    assert_eq!(trend("new"), ["Odds.save_data"]);
    assert_eq!(trend("same"), ["Moved.save_data"]);
    let compared = &page["compared"];
    assert_eq!(texts(array(compared, "gone"), "symbol"), ["Gone.save_data"]);
    assert_eq!(compared["gone"][0]["path"], "gone.py");
    assert_eq!(
        (&compared["set_aside"], &compared["file"]),
        (&1.into(), &"last.json".into())
    );
    let page = told(&project.run(&["check", "--format", "html"]));
    assert!(page["compared"].is_null());
    // The joined report of shards can be compared, too; that of one shard cannot.
    for index in ["1", "2"] {
        let (shard, file) = (format!("--shard={index}/2"), format!("json={index}.json"));
        project.run(&["check", "--report", &file, &shard]);
    }
    let merge = ["merge", "1.json", "2.json", "--compare", "last.json"];
    let page = told(&project.run(&[&merge[..], &["--format", "html"]].concat()));
    assert_eq!(array(&page["compared"], "gone").len(), 0);
    let findings = array(&page, "findings").iter();
    assert_eq!(findings.filter(|f| f["trend"] == "same").count(), 2);
    let ran = project.run(&["check", "--format", "html", "--compare", "1.json"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .contains("the report of shard 1 of 2: `tallylint merge` joins"),
        "{ran:?}"
    );
}

#[test]
fn what_cannot_be_compared_is_refused_in_words() {
    let project = Project::new(&[("a.py", BAD)]);
    project.run(&[
        "check",
        "--report",
        "json=a.json",
        "--report",
        "sarif=a.sarif",
    ]);
    project.write("other.json", "{\"tool\": {\"name\": \"other\"}}");
    project.write(
        "damaged.json",
        "{\"tool\": {\"name\": \"tallylint\"}, \"version\": 1, \"findings\": [{}]}",
    );
    for (file, why) in [
        ("missing.json", "no such file"),
        ("a.py", "not a report in the format json or sarif"),
        ("other.json", "not a report of tallylint"),
        ("a.sarif", "only json can be compared"),
        ("damaged.json", "its findings cannot be read"),
    ] {
        let ran = project.run(&["check", "--format", "html", "--compare", file]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{file}: {ran:?}");
        assert!(ran.stderr.to_lowercase().contains(why), "{file}: {ran:?}");
        assert!(ran.stderr.contains(file), "{ran:?}");
    }
    for format in ["text", "json", "markdown"] {
        let ran = project.run(&["check", "--format", format, "--compare", "a.json"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(
            ran.stderr.contains("--compare needs the format html"),
            "{ran:?}"
        );
    }
    let ran = project.run(&["check", "--diff", "--compare", "a.json"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("cannot be used with"),
        "{ran:?}"
    );
}

/// The lines of the blocks of a graph: of their code, or else of what they test.
fn lines(flow: &Value, block: &Value) -> Value {
    let at = usize::try_from(block.as_u64().unwrap()).unwrap();
    let block = &flow["blocks"][at];
    match &block["code"] {
        Value::Null => block["test"][0].clone(),
        code => code[0].clone(),
    }
}

#[test]
fn the_path_is_one_through_the_graph_and_what_cannot_be_is_told() {
    let method = "class Odds(Base):\n    def save_data(self):\n        rows = self.rows\n        if not rows:\n            \
        if rows:\n                self.log()\n            return\n        self.stats['rows_inserted'] = 1\n";
    let project = Project::new(&[("a.py", method)]);
    let page = told(&project.run(&["check", "--format", "html"]));
    let flow = &page["findings"][0]["flows"][0];
    assert_eq!(flow["function"], "Odds.save_data");
    let path: Vec<Value> = array(flow, "path")
        .iter()
        .map(|at| lines(flow, at))
        .collect();
    assert_eq!(path, [3, 5, 7]);
    let blocks = array(flow, "blocks");
    let dim: Vec<&Value> = blocks
        .iter()
        .filter(|block| block["feasible"] == false)
        .collect();
    assert_eq!(dim.len(), 1, "{flow:#}");
    assert_eq!(dim[0]["code"][0], 6);
    let edges = array(flow, "edges");
    let dim = edges.iter().filter(|edge| edge[3] == false);
    let dim: Vec<(Value, &str)> = dim
        .map(|edge| (lines(flow, &edge[0]), edge[2].as_str().unwrap()))
        .collect();
    assert_eq!(dim, [(5.into(), "true"), (6.into(), "")]);
}

#[test]
fn every_rule_hands_over_graphs_and_the_ways_of_its_paths() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let project = Project::new(&[]);
    let rules = [
        "untracked-return",
        "swallowed-write",
        "unearned-success",
        "advance-past-failure",
        "success-as-proof",
        "ignored-failure",
    ];
    for rule in rules {
        for entry in fs::read_dir(root.join(rule)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                project.write(name, fs::read(&path).unwrap());
            }
        }
    }
    let page = told(&project.run(&["check", "--format", "html"]));
    let mut drawn: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let mut helpers = 0;
    for finding in array(&page, "findings") {
        let rule = usize::try_from(finding["rule"].as_u64().unwrap()).unwrap();
        let rule = page["rules"][rule]["id"].as_str().unwrap();
        let flows = finding["flows"].as_array().map_or(&[][..], Vec::as_slice);
        drawn.entry(rule).or_default()[usize::from(flows.is_empty())] += 1;
        helpers += flows.len().saturating_sub(1);
        for (at, flow) in flows.iter().enumerate() {
            let (path, edges) = (array(flow, "path"), array(flow, "edges"));
            assert!(!path.is_empty(), "{flow}");
            // It shows places, and no way between them.
            if rule == "ignored-failure" {
                continue;
            }
            // A generator that goes on does not begin at its beginning.
            assert!(path[0] == 0 || at > 0, "{flow}");
            for pair in path.windows(2).filter(|_| at == 0) {
                let is_way = |edge: &&Value| edge[0] == pair[0] && edge[1] == pair[1];
                let way = edges.iter().find(is_way);
                assert_eq!(
                    way.map(|edge| &edge[3]),
                    Some(&true.into()),
                    "{pair:?} {flow}"
                );
            }
        }
    }
    for rule in rules {
        let [drawn, others] = drawn[rule];
        // Only what is about a method as a whole has no path.
        assert!(drawn > 50, "{rule}: {drawn}");
        assert!(
            others == 0 || rule == "untracked-return",
            "{rule}: {others}"
        );
    }
    assert!(helpers > 20, "{helpers}");
}

#[test]
fn each_step_tells_what_is_known_of_values() {
    let method = "class Odds(Base):\n    def save_data(self):\n        rows = self.rows\n        count = 3\n        \
        if not rows:\n            print(rows, count)\n            return\n        \
        self.stats['rows_inserted'] = 1\n";
    let project = Project::new(&[("a.py", method)]);
    let page = told(&project.run(&["check", "--format", "html"]));
    let steps = array(&page["findings"][0], "steps");
    assert_eq!(steps[0][1], "`rows` is falsy");
    let known = serde_json::json!([
        ["count", "3"],
        ["rows", "falsy"],
        ["self.rows", "falsy"],
        ["self.stats['rows_inserted']", "not set"]
    ]);
    assert_eq!(steps[0][2], known);
}
