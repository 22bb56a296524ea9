//! Report formats for other programs: complete, and about the right places. That they are valid is
//! what `scripts/check_formats.sh` looks at.

use std::collections::BTreeSet;

use clap::ValueEnum;
use serde_json::Value;
use tallylint::report::Format;

use crate::common::{Project, Ran, json};
use crate::examples::{ODD_NAME, everything};

/// The names of all formats.
fn names() -> Vec<String> {
    let formats = Format::value_variants().iter();
    let values = formats.filter_map(ValueEnum::to_possible_value);
    values.map(|value| value.get_name().to_owned()).collect()
}

fn check(project: &Project, format: &str, more: &[&str]) -> Ran {
    let arguments = ["check", "--baseline", "known.json", "--format", format];
    project.run(&[&arguments[..], more].concat())
}

fn array<'v>(value: &'v Value, key: &str) -> &'v Vec<Value> {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("{key} in {value}"))
}

#[test]
fn the_exit_code_does_not_depend_on_the_format() {
    let project = everything();
    let clean = Project::new(&[("a.py", "x = 1\n")]);
    for name in names() {
        let ran = check(&project, &name, &["odd"]);
        assert_eq!(ran.code, 2, "{name}: {}", ran.stderr);
        // What opens a file in the editor needs its whole path.
        let tells = ran.stdout.contains("[ROOT]");
        assert_eq!(tells, name == "html", "{name}: a path of the machine");
        assert_eq!(check(&project, &name, &["not-there"]).code, 2);
        assert_eq!(check(&project, &name, &["pipeline/ops"]).code, 1);
        let ran = clean.run(&["check", "--format", &name]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{name}");
    }
}

#[test]
fn sarif_has_it_all() {
    let clean = Project::new(&[("a.py", "x = 1\n")]);
    let log = json(&clean.run(&["check", "--format", "sarif"]));
    assert_eq!(
        log["runs"][0]["invocations"][0]["executionSuccessful"],
        true
    );

    let project = everything();
    let log = json(&check(&project, "sarif", &[]));
    let run = &log["runs"][0];
    let report = json(&check(&project, "json", &[]));
    let findings = array(&report, "findings");
    let results = array(run, "results");
    let open = |result: &&Value| result.get("suppressions").is_none();
    let reported: Vec<&Value> = results.iter().filter(open).collect();
    assert_eq!(reported.len(), findings.len());
    for (result, finding) in reported.iter().zip(findings) {
        assert_eq!(result["ruleId"], finding["rule"]);
        assert_eq!(result["level"], finding["severity"]);
        let own = &result["partialFingerprints"]["tallylint/v1"];
        assert_eq!(own, &finding["fingerprint"]);
        let place = &result["locations"][0]["physicalLocation"];
        let region = &place["region"];
        assert_eq!(region["startLine"], finding["line"]);
        assert_eq!(region["endColumn"], finding["end_column"]);
        assert_eq!(place["artifactLocation"]["uriBaseId"], "SRCROOT");
        let steps = array(finding, "steps");
        let flow = &result["codeFlows"][0]["threadFlows"][0]["locations"];
        let flow: Vec<&Value> = flow.as_array().into_iter().flatten().collect();
        assert_eq!(flow.len(), steps.len());
        for (location, step) in flow.iter().zip(steps) {
            let location = &location["location"];
            assert_eq!(
                location["physicalLocation"]["region"]["startLine"],
                step["line"]
            );
            assert_eq!(location["message"]["text"], step["message"]);
        }
        assert_eq!(result.get("fixes").is_some(), !finding["fix"].is_null());
    }
    // Every rule of a result is described, with its page.
    let rules = array(&run["tool"]["driver"], "rules");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
    }
    for rule in rules {
        assert!(rule["help"]["markdown"].as_str().unwrap().contains("\n## "));
        assert!(!array(&rule["properties"], "tags").is_empty());
    }
    // What is ignored, and why.
    let justification = |kind: &str| -> Vec<&Value> {
        let all = results.iter().flat_map(|r| r["suppressions"].as_array());
        let all = all.flatten().filter(|s| s["kind"] == kind);
        all.map(|s| &s["justification"]).collect()
    };
    let comment = "asked by <@nobody> | `x`";
    assert!(justification("inSource").contains(&&Value::from(comment)));
    assert_eq!(justification("external"), ["known from the baseline"]);
    let log = json(&check(&project, "sarif", &["--no-ignored"]));
    assert_eq!(array(&log["runs"][0], "results").len(), reported.len());
    // Files that failed.
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notifications = array(invocation, "toolExecutionNotifications");
    let uri = |n: &Value| {
        let place = &n["locations"][0]["physicalLocation"]["artifactLocation"];
        place["uri"].as_str().unwrap().to_owned()
    };
    let failed: Vec<String> = notifications.iter().map(uri).collect();
    assert_eq!(failed, ["odd/broken.py", "odd/latin.py"]);
    let odd = "odd/a%20b%231%20%5Bx%5D%28y%29%20%C3%A9%3B%25%2C%60q%60%7C%26%3Cz%3E%40w.py";
    assert!(log.to_string().contains(odd));
}

#[test]
fn paths_for_platforms_are_relative_to_the_repository() {
    let project = everything();
    let ran = |format: &str| {
        let run = project.tallylint(&["check", "--format", format, "sports"]);
        run.in_folder("pipeline/processors").run().stdout
    };
    let root = "pipeline/processors/sports/injuries.py";
    assert!(ran("sarif").contains(&format!("\"uri\": \"{root}\"")));
    assert!(ran("github").contains(&format!("file={root},")));
    assert!(ran("azure").contains(&format!("sourcepath={root};")));
    assert!(ran("gitlab").contains(&format!("\"path\": \"{root}\"")));
    assert!(ran("junit").contains(&format!("file=\"{root}\"")));
    assert!(ran("markdown").contains(&format!("`{root}:42`")));
    // reviewdog knows itself where it runs.
    let here = "\"path\":\"sports/injuries.py\"";
    assert!(ran("rdjsonl").contains(here));
    // Without a repository, the working directory it is.
    std::fs::remove_dir(project.path(".git")).unwrap();
    assert!(ran("github").contains("file=sports/injuries.py,"));
}

/// A relative URI is below the root, an absolute one is whole: only the first has a base.
#[test]
fn what_is_outside_the_repository_has_a_uri_of_its_own() {
    let bad = "class Odds(BaseProcessor):\n    def save_data(self):\n        pass\n";
    let project = Project::new(&[
        ("repo/.git/HEAD", ""),
        ("repo/etl/a.py", bad),
        ("b.py", bad),
        ("c.py", "def f(:  # save_data\n"),
    ]);
    let arguments = [
        "check", "--format", "sarif", "etl/a.py", "../b.py", "../c.py",
    ];
    let ran = project.tallylint(&arguments).in_folder("repo").run();
    let log: Value = serde_json::from_str(&ran.stdout.replace("[ROOT]", "/root")).unwrap();
    let run = &log["runs"][0];
    let place = |at: &Value| at["physicalLocation"]["artifactLocation"].clone();
    let results = array(run, "results").iter();
    let results: Vec<Value> = results.map(|r| place(&r["locations"][0])).collect();
    let notes = &run["invocations"][0]["toolExecutionNotifications"];
    let failed = place(&notes[0]["locations"][0]);
    let (outside, inside): (Vec<Value>, Vec<Value>) = results
        .into_iter()
        .chain([failed])
        .partition(|at| at["uri"].as_str().unwrap().starts_with("file:///"));
    assert_eq!((outside.len(), inside.len()), (2, 1));
    assert_eq!(inside[0]["uri"], "etl/a.py");
    assert_eq!(inside[0]["uriBaseId"], "SRCROOT");
    for at in outside {
        assert_eq!(at.get("uriBaseId"), None, "{at}");
    }
}

/// Undoes what the runner's toolkit does to a command: its name, properties and message.
fn workflow_command(line: &str) -> (String, Vec<(String, String)>, String) {
    let (head, body) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
    let (name, properties) = head.split_once(' ').unwrap();
    let data = |text: &str| {
        let text = text.replace("%0D", "\r").replace("%0A", "\n");
        text.replace("%25", "%")
    };
    let property = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap();
        let value = value.replace("%3A", ":").replace("%2C", ",");
        (key.to_owned(), data(&value))
    };
    let properties = properties.split(',').map(property).collect();
    (name.to_owned(), properties, data(body))
}

#[test]
fn github_gets_no_more_annotations_than_it_shows() {
    let project = everything();
    let ran = check(&project, "github", &[]);
    let commands: Vec<_> = ran.stdout.lines().map(workflow_command).collect();
    let of = |level: &str| commands.iter().filter(|c| c.0 == level).count();
    assert_eq!((of("error"), of("warning"), of("notice")), (10, 10, 1));
    let order: Vec<&str> = commands.iter().map(|c| c.0.as_str()).collect();
    assert!(order.is_sorted_by_key(|level| {
        ["error", "warning", "notice"]
            .iter()
            .position(|l| l == level)
    }));
    let files: Vec<&str> = commands
        .iter()
        .flat_map(|c| &c.1)
        .filter(|(key, _)| key == "file")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(files[..2], ["odd/broken.py", "odd/latin.py"]);
    // The last one tells how many more there are.
    let report = json(&check(&project, "json", &[]));
    let all = array(&report, "findings").len() + 2;
    let (_, _, rest) = commands.last().unwrap();
    let wanted = format!("{} more findings not annotated, of {all} in all", all - 20);
    assert!(rest.starts_with(&wanted), "{rest}");
    // Fewer: all of them, with the path of each.
    let ran = check(&project, "github", &["odd", "pipeline/processors/sports"]);
    let commands: Vec<_> = ran.stdout.lines().map(workflow_command).collect();
    assert!(!ran.stdout.contains("::notice"));
    let odd = commands.iter().find(|c| c.1[0].1 == ODD_NAME).unwrap();
    let wanted = [
        ("line", "3"),
        ("endLine", "3"),
        ("col", "36"),
        ("endColumn", "42"),
    ];
    for (key, value) in wanted {
        assert!(
            odd.1.contains(&(key.to_owned(), value.to_owned())),
            "{odd:?}"
        );
    }
    assert!(
        odd.2.contains("\n1. line 3: `self.rows` is falsy\n"),
        "{odd:?}"
    );
}

/// What is found matters more than that the rest could not be read.
#[test]
fn failures_leave_room_for_findings() {
    let bad =
        |n| format!("class Odds{n}(BaseProcessor):\n    def save_data(self):\n        pass\n");
    let annotated = |broken: usize, errors: usize| {
        let project = Project::new(&[]);
        for n in 0..broken {
            project.write(&format!("broken{n}.py"), "def f(:  # save_data\n");
        }
        for n in 0..errors {
            project.write(&format!("p{n}.py"), bad(n));
        }
        let ran = project.run(&["check", "--format", "github"]);
        let commands: Vec<_> = ran.stdout.lines().map(workflow_command).collect();
        let of = |about: &str| {
            let about = |c: &&(String, Vec<(String, String)>, String)| {
                let mut properties = c.1.iter();
                c.0 == "error" && properties.any(|(k, v)| k == "title" && v.starts_with(about))
            };
            commands.iter().filter(about).count()
        };
        let rest = commands.last().filter(|c| c.0 == "notice");
        let rest = rest.map(|c| c.2.split(':').next().unwrap().to_owned());
        (of("tallylint: not analysed"), of("untracked-return"), rest)
    };
    let rest = |n, all| Some(format!("{n} more findings not annotated, of {all} in all"));
    assert_eq!(annotated(12, 12), (3, 7, rest(14, 24)));
    // Room that findings do not take is theirs.
    assert_eq!(annotated(12, 2), (8, 2, rest(4, 14)));
    assert_eq!(annotated(12, 0), (10, 0, rest(2, 12)));
    assert_eq!(annotated(2, 12), (2, 8, rest(4, 14)));
    assert_eq!(annotated(3, 7), (3, 7, None));
}

#[test]
fn notes_leave_room_for_the_remark() {
    let class = "class Odds(Base):\n    def save_data(self):\n        self.fill(self)\n\n";
    let many: String = (0..11)
        .map(|n| class.replace("Odds", &format!("Odds{n}")))
        .collect();
    let few: String = (0..10)
        .map(|n| class.replace("Odds", &format!("Odds{n}")))
        .collect();
    let project = Project::new(&[("many.py", &many), ("few.py", &few)]);
    let notices = |path: &str| {
        let ran = project.run(&["check", "--pedantic", "--format", "github", path]);
        let lines = ran.stdout.lines();
        lines.filter(|line| line.starts_with("::notice")).count()
    };
    assert_eq!((notices("few.py"), notices("many.py")), (10, 10));
    let ran = project.run(&["check", "--pedantic", "--format", "github", "many.py"]);
    assert!(
        ran.stdout
            .contains("::2 more findings not annotated, of 11 in all")
    );
}

#[test]
fn gitlab_and_reviewdog_get_all_of_it() {
    let project = everything();
    let clean = Project::new(&[("a.py", "x = 1\n")]);
    let report = json(&check(&project, "json", &[]));
    let findings = array(&report, "findings");
    let violations = json(&check(&project, "gitlab", &[]));
    let violations = violations.as_array().unwrap();
    assert_eq!(violations.len(), findings.len() + 2);
    let nothing = json(&clean.run(&["check", "--format", "gitlab"]));
    assert_eq!(nothing, serde_json::json!([]));
    let prints: BTreeSet<&str> = violations
        .iter()
        .filter_map(|v| v["fingerprint"].as_str())
        .collect();
    assert_eq!(prints.len(), violations.len());

    let whole = json(&check(&project, "rdjson", &[]));
    let diagnostics = array(&whole, "diagnostics");
    assert_eq!(diagnostics.len(), findings.len() + 2);
    let nothing = json(&clean.run(&["check", "--format", "rdjson"]));
    assert_eq!(array(&nothing, "diagnostics").len(), 0);
    let ran = check(&project, "rdjsonl", &[]);
    let lines: Vec<Value> = ran
        .stdout
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(lines.len(), diagnostics.len());
    for (line, diagnostic) in lines.iter().zip(diagnostics) {
        assert_eq!(line["source"]["name"], "tallylint");
        assert_eq!(line["message"], diagnostic["message"]);
    }
    let fixes = findings.iter().filter(|f| !f["fix"].is_null()).count();
    let suggestions = lines
        .iter()
        .filter(|l| l.get("suggestions").is_some())
        .count();
    assert_eq!(suggestions, fixes);
}

/// Columns differ by format; the text that is left is the same.
#[test]
fn fixes_of_every_format_lead_to_the_same_text() {
    let project = Project::new(&[(
        "a.py",
        "class A(Base):\n    def save_data(self):\n        \
         if not self.rows: é = '😀'; x = f(é); return  # end\n        \
         if self.off:\n            return\n        self.stats['rows_inserted'] = 1\n",
    )]);
    let text = project.read("a.py");
    let offset = |line: &Value, column: &Value, bytes: bool| {
        let line = usize::try_from(line.as_u64().unwrap()).unwrap() - 1;
        let column = usize::try_from(column.as_u64().unwrap()).unwrap() - 1;
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let chars = text[start..].chars().take(column).map(char::len_utf8);
        start + if bytes { column } else { chars.sum() }
    };
    let report = json(&project.run(&["check", "--format", "json"]));
    let log = json(&project.run(&["check", "--format", "sarif"]));
    let whole = json(&project.run(&["check", "--format", "rdjson"]));
    let findings = array(&report, "findings");
    assert_eq!(findings.len(), 2);
    for (at, finding) in findings.iter().enumerate() {
        let mut own = text.clone();
        for edit in array(&finding["fix"], "edits").iter().rev() {
            let start = offset(&edit["line"], &edit["column"], false);
            let end = offset(&edit["end_line"], &edit["end_column"], false);
            own.replace_range(start..end, edit["text"].as_str().unwrap());
        }
        assert!(own.len() > text.len());
        let mut sarif = text.clone();
        let change = &log["runs"][0]["results"][at]["fixes"][0]["artifactChanges"][0];
        for replacement in array(change, "replacements").iter().rev() {
            let region = &replacement["deletedRegion"];
            let start = offset(&region["startLine"], &region["startColumn"], false);
            let end = offset(&region["endLine"], &region["endColumn"], false);
            sarif.replace_range(
                start..end,
                replacement["insertedContent"]["text"].as_str().unwrap(),
            );
        }
        assert_eq!(sarif, own);
        let mut rdjson = text.clone();
        let suggestion = &whole["diagnostics"][at]["suggestions"][0];
        let (start, end) = (&suggestion["range"]["start"], &suggestion["range"]["end"]);
        let range = offset(&start["line"], &start["column"], true)
            ..offset(&end["line"], &end["column"], true);
        rdjson.replace_range(range, suggestion["text"].as_str().unwrap());
        assert_eq!(rdjson, own);
    }
}

#[test]
fn junit_counts_what_it_lists() {
    use quick_xml::events::Event;
    let project = everything();
    let ran = check(&project, "junit", &[]);
    let mut reader = quick_xml::Reader::from_str(&ran.stdout);
    reader.config_mut().check_end_names = true;
    let mut found = std::collections::BTreeMap::<String, usize>::new();
    let mut totals = Vec::new();
    loop {
        let event = reader.read_event().unwrap();
        let (Event::Start(element) | Event::Empty(element)) = &event else {
            if event == Event::Eof {
                break;
            }
            continue;
        };
        let name = element.name().as_ref().to_owned();
        let attributes: Vec<(String, String)> = element
            .attributes()
            .map(|attribute| {
                let attribute = attribute.unwrap();
                let key = attribute.key.as_ref().to_owned();
                (
                    key,
                    attribute
                        .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                        .unwrap()
                        .into_owned(),
                )
            })
            .collect();
        if name == "testsuites" {
            totals = attributes;
        }
        *found.entry(name).or_default() += 1;
    }
    let total = |name: &str| {
        let total = totals.iter().find(|(key, _)| key == name).unwrap();
        total.1.parse::<usize>().unwrap()
    };
    let report = json(&check(&project, "json", &[]));
    let ignored = array(&report, "suppressed").len() + 1;
    assert_eq!(found["failure"], array(&report, "findings").len());
    for (element, attribute, wanted) in [
        ("failure", "failures", found["failure"]),
        ("error", "errors", 2),
        ("skipped", "skipped", ignored),
        ("testcase", "tests", found["failure"] + 2 + ignored),
    ] {
        assert_eq!(
            (found[element], total(attribute)),
            (wanted, wanted),
            "{element}"
        );
    }
    let clean = Project::new(&[("a.py", "x = 1\n")]);
    let ran = clean.run(&["check", "--format", "junit"]);
    assert!(ran.stdout.contains("tests=\"1\" failures=\"0\""), "{ran:?}");
}

#[test]
fn azure_gets_a_line_for_each() {
    let project = everything();
    let ran = check(&project, "azure", &[]);
    let report = json(&check(&project, "json", &[]));
    let findings = array(&report, "findings").len();
    assert_eq!(ran.stdout.lines().count(), findings + 2);
    for line in ran.stdout.lines() {
        let rest = line.strip_prefix("##vso[task.logissue type=").unwrap();
        let (properties, message) = rest.split_once(']').unwrap();
        assert!(
            properties.contains(";sourcepath=") && !message.is_empty(),
            "{line}"
        );
    }
    let odd =
        "sourcepath=odd/a b#1 [x%5D(y) é%3B%AZP25,`q`|&<z>@w.py;linenumber=3;columnnumber=36;";
    assert!(ran.stdout.contains(odd), "{}", ran.stdout);
}
