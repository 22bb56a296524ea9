//! Nothing in the analysed code, in file names or in the configuration can act on a terminal, hide
//! what is written, or break a format.

use clap::ValueEnum;
use serde_json::Value;
use tallylint::report::Format;

use crate::common::{Project, Ran, json};

/// Sets the title of a window, clears the screen, writes from right to left.
const EVIL: &str =
    "\u{1b}]0;x\u{7}\u{1b}[2J\u{9b}2J\u{202e}\u{2066}\u{2028}\u{7f}\u{8}</script>::error::";

fn files() -> Project {
    let python = format!(
        "class Base(ABC):\n    def run(self):\n        self.publish()\n        \
         return self.stats.get('a{EVIL}', 0)  # {EVIL}\n\n\
         class Odds(BaseProcessor):\n    def save_data(self):\n        \
         if self.rows == 'a{EVIL}':\n            self.log('{EVIL}')  # {EVIL}\n            return '{EVIL}'\n        \
         if self.ok:\n            return  # tallylint: ignore[untracked-return] because {EVIL}\n        \
         self.stats['rows_inserted'] = 1\n\n\
         def already_processed(row):\n    return row['{EVIL}'].status == 'success'  # {EVIL}\n\n\
         # tallylint: ignore[{EVIL}] {EVIL}\n# tallylint: ignroe{EVIL}\n"
    );
    let rust = format!(
        "struct Odds {{ stats: HashMap<String, u64> }}\nimpl Processor for Odds {{\n    \
         fn save_data(&mut self) {{\n        if self.rows == \"{EVIL}\" {{ return; /* {EVIL} */ }}\n        \
         self.stats.insert(\"rows_inserted\", 1);\n    }}\n}}\n"
    );
    let name = EVIL.replace('/', "|");
    let project = Project::new(&[]);
    project.write(&format!("{name}.py"), &python);
    project.write(&format!("{name}/{name}.rs"), &rust);
    project.write(
        &format!("{name}/broken.py"),
        format!("x = = '{EVIL}'  # save_data\n"),
    );
    let escaped = format!("{}", Value::from(EVIL)).replace("\\b", "\\u0008");
    let escaped = escaped.trim_matches('"').replace('\u{7f}', "\\u007f");
    project.write(
        "tallylint.toml",
        format!("[[contract]]\nmethod = 'save_data'\nsets = \"self.stats['{escaped}']\"\n"),
    );
    project
}

/// No character is left that a terminal acts on, except colours where they were asked for.
fn harmless(ran: &Ran, colours: bool) {
    for text in [&ran.stdout, &ran.stderr] {
        let mut text = text.clone();
        if colours {
            // `ESC [ numbers m`
            let mut parts = text.split("\u{1b}[");
            let mut plain = parts.next().unwrap().to_owned();
            for part in parts {
                let (numbers, rest) = part.split_once('m').expect("only colours");
                assert!(
                    numbers.bytes().all(|b| b.is_ascii_digit() || b == b';'),
                    "{numbers}"
                );
                plain.push_str(rest);
            }
            text = plain;
        }
        let acts = |c: &char| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert_eq!(text.chars().find(acts), None, "{text}");
    }
}

#[test]
fn no_output_acts_on_a_terminal() {
    let project = files();
    let ran = project.run(&["check", "--pedantic"]);
    harmless(&ran, false);
    assert!(
        ran.stdout.contains("␛[2J") && ran.stderr.contains("␛[2J"),
        "{ran:?}"
    );
    for rule in ["untracked-return", "success-as-proof", "ignore-comment"] {
        assert!(ran.stdout.contains(&format!("[{rule}/")), "{rule}: {ran:?}");
    }
    harmless(
        &project.run(&["check", "--pedantic", "--color", "always"]),
        true,
    );
    let ran = project.run(&["check", "--pedantic", "--format", "concise", "--verbose"]);
    harmless(&ran, false);
    // A line is a finding: none was broken in two, and none was made up.
    let findings = json(&project.run(&["check", "--pedantic", "--format", "json"]));
    let findings = findings["findings"].as_array().unwrap().len();
    assert!(findings >= 6, "{ran:?}");
    assert_eq!(ran.stdout.lines().count(), findings, "{ran:?}");
    harmless(&project.run(&["contracts"]), false);
    harmless(&project.run(&["contracts", "--color", "always"]), true);
    let file = format!("{}.py", EVIL.replace('/', "|"));
    let ran = project.run(&["debug", "cfg", &file]);
    assert_eq!(ran.code, 0, "{ran:?}");
    harmless(&ran, false);
    harmless(
        &project.run(&["debug", "cfg", &format!("{file}:nothing")]),
        false,
    );
    let ran = project.run(&["check", "--add-ignore", &format!("x{EVIL}")]);
    assert_eq!(ran.code, 2);
    harmless(&ran, false);
}

#[test]
fn json_says_what_the_code_says() {
    let project = files();
    let ran = project.run(&["check", "--pedantic", "--format", "json"]);
    harmless(&ran, false);
    let report = json(&ran);
    let name = format!("{}.py", EVIL.replace('/', "|"));
    let paths: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["path"].as_str())
        .collect();
    assert!(paths.contains(&name.as_str()), "{paths:?}");
    let reason = report["suppressed"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, format!("because {EVIL}"));
    let ran = project.run(&["contracts", "--format", "json"]);
    harmless(&ran, false);
    let contracts = json(&ran).to_string();
    assert!(contracts.contains("</script>::error::"), "{contracts}");
}

/// What means something to somebody who reads a report: commands in logs, Markdown, HTML, XML,
/// references, templates. Nothing in it ends a text in Python or Rust.
const LOUD: &str = "::error::a ##vso[task.setvariable variable=x]b ##[error]c ``` `d|e` <b onclick=x> \
    ]]> &lt; %0A::error::f @someone #12 [g](javascript:h) ![i](//j) ${{ k }} ~~l~~ *m*";

/// Findings of several rules with all of it in names, strings and comments, and a file that fails.
fn loud() -> Project {
    let python = format!(
        "class Odds(BaseProcessor):\n    def save_data(self):\n        \
         if self.rows == '{LOUD}':\n            x = '{LOUD}'; return  # {LOUD}\n        \
         if self.ok:\n            return  # tallylint: ignore[untracked-return] {LOUD}\n        \
         if self.x:\n            return '{LOUD}'\n        \
         self.stats['rows_inserted'] = 1\n\n\
         def already_processed(row):\n    return row['{LOUD}'].status == 'success'\n"
    );
    // A line that starts like a command, in the middle of what is shown around a fix.
    let text = "class A(B):\n    def save_data(self):\n        note(\"\"\"\n        ::error::o\n        \
        \"\"\")\n        if self.x:\n            return\n        self.stats['rows_inserted'] = 1\n";
    let rust = format!(
        "impl Processor for Odds {{\n    fn save_data(&mut self) {{\n        \
         if self.rows == \"{LOUD}\" {{ return; /* {LOUD} */ }}\n        \
         self.stats.insert(\"rows_inserted\", 1);\n    }}\n}}\nstruct Odds {{ stats: HashMap<String, u64> }}\n"
    );
    let name = LOUD.replace('/', "_");
    let project = Project::new(&[]);
    project.write(&format!("{name}.py"), &python);
    project.write(&format!("{name}/{name}.rs"), &rust);
    project.write("::error file=a::p.py", text);
    // The names would be taken for those of a template.
    project.write("tallylint.toml", "unparsable = 'error'\n");
    project.write(
        &format!("{name}/broken.py"),
        format!("x = = '{LOUD}'  # save_data\n"),
    );
    project
}

fn names() -> impl Iterator<Item = String> {
    let formats = Format::value_variants().iter();
    let values = formats.filter_map(ValueEnum::to_possible_value);
    values.map(|value| value.get_name().to_owned())
}

#[test]
fn no_format_acts_on_a_terminal() {
    let project = files();
    for name in names() {
        let ran = project.run(&["check", "--pedantic", "--format", &name]);
        assert!(!ran.stdout.is_empty(), "{name}");
        harmless(&ran, false);
    }
}

/// Nothing but the commands of the two formats that are made of them is a command.
#[test]
fn no_format_gives_commands_to_a_reader_of_logs() {
    let project = loud();
    let report = json(&project.run(&["check", "--format", "json"]));
    let findings = report["findings"].as_array().unwrap().len();
    assert!(findings >= 5, "{report}");
    let mut runs: Vec<(String, Ran)> = names()
        .map(|name| (name.clone(), project.run(&["check", "--format", &name])))
        .collect();
    runs.push(("contracts".to_owned(), project.run(&["contracts"])));
    for (name, ran) in runs {
        let mut commands = 0;
        for line in ran.stdout.lines().chain(ran.stderr.lines()) {
            let own = match name.as_str() {
                "github" => line
                    .strip_prefix("::error file=")
                    .or(line.strip_prefix("::warning file=")),
                "azure" => line.strip_prefix("##vso[task.logissue type="),
                _ => None,
            };
            commands += usize::from(own.is_some());
            let rest = own.unwrap_or(line);
            let rest = rest.to_ascii_lowercase();
            assert!(!rest.contains("##vso["), "{name}: {line}");
            assert!(!rest.contains("##["), "{name}: {line}");
            assert!(!rest.trim_start().starts_with("::"), "{name}: {line}");
        }
        let wanted = match name.as_str() {
            "github" | "azure" => findings + 1,
            _ => 0,
        };
        assert_eq!(commands, wanted, "{name}: {}", ran.stdout);
    }
    // The properties of a command are those that we wrote.
    let ran = project.run(&["check", "--format", "github"]);
    for line in ran.stdout.lines() {
        let (head, _) = line[2..].split_once("::").unwrap();
        let keys = head.split_once(' ').unwrap().1.split(',');
        let keys: Vec<&str> = keys.map(|pair| pair.split('=').next().unwrap()).collect();
        assert!(
            keys.starts_with(&["file", "line"]) && keys.ends_with(&["title"]),
            "{line}"
        );
    }
    let ran = project.run(&["check", "--format", "azure"]);
    for line in ran.stdout.lines() {
        let head = line.strip_prefix("##vso[task.logissue ").unwrap();
        let (head, _) = head.split_once(']').unwrap();
        assert_eq!(head.split(';').count(), 5, "{line}");
    }
}

/// Takes code spans and fenced blocks out of a page: nothing in them means anything.
fn without_code(page: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    for line in page.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if ticks.len() > 2 => fence = Some(ticks),
            None => {
                for (at, part) in line.split('`').enumerate() {
                    out.push_str(if at % 2 == 0 { part } else { "code" });
                }
                assert_eq!(line.matches('`').count() % 2, 0, "{line}");
                out.push('\n');
            }
        }
    }
    assert_eq!(fence, None);
    out
}

#[test]
fn pages_have_only_our_own_markup() {
    let project = loud();
    let base = ["--link-base", "https://example.org/b"];
    for name in ["markdown", "github-summary"] {
        let arguments = ["check", "--format", name];
        let page = project.run(&[&arguments[..], &base].concat()).stdout;
        let page = without_code(&page);
        // HTML: what we write, and nothing else.
        for tag in page.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap();
            let own = [
                "!-- tallylint --",
                "!-- --",
                "details",
                "/details",
                "summary",
                "/summary",
                "code",
                "/code",
                "b",
                "/b",
                "br",
            ];
            assert!(own.contains(&tag), "{tag}: {page}");
        }
        // Links: to our base, with our escapes.
        for link in page.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            let path = link.strip_prefix("https://example.org/b/").unwrap();
            let path = path.split('#').next().unwrap();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
            assert!(path.chars().all(plain), "{link}");
        }
        for wrong in [
            "@someone",
            " #12 ",
            "![",
            " ~~l",
            "*m*",
            "](javascript",
            "${{",
            "](//j",
        ] {
            assert!(!page.contains(wrong), "{wrong}: {page}");
        }
        // A row of the table has its four cells.
        for row in page.lines().filter(|line| line.starts_with("| ")) {
            assert_eq!(row.matches('|').count(), 5, "{row}");
        }
    }
}

#[test]
fn every_structured_format_is_read_back() {
    let project = loud();
    let report = json(&project.run(&["check", "--format", "json"]));
    let findings = report["findings"].as_array().unwrap();
    let name = format!("{}.py", LOUD.replace('/', "_"));
    let here = findings
        .iter()
        .filter(|f| f["path"] == name.as_str())
        .count();
    assert!(here >= 3, "{report}");
    let violations = json(&project.run(&["check", "--format", "gitlab"]));
    let places = violations.as_array().unwrap().iter();
    assert_eq!(
        places
            .filter(|v| v["location"]["path"] == name.as_str())
            .count(),
        here
    );
    let whole = json(&project.run(&["check", "--format", "rdjson"]));
    let places = whole["diagnostics"].as_array().unwrap().iter();
    assert_eq!(
        places
            .filter(|d| d["location"]["path"] == name.as_str())
            .count(),
        here
    );
    let log = json(&project.run(&["check", "--format", "sarif"]));
    let uris: Vec<String> = log["runs"][0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].to_string())
        .collect();
    for uri in uris {
        let uri = uri.trim_matches('"');
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
        assert!(uri.chars().all(plain), "{uri}");
    }
    // A text that looks like a link is none.
    assert!(!log["runs"][0]["results"].to_string().contains("]("));
    let ran = project.run(&["check", "--format", "junit"]);
    let mut reader = quick_xml::Reader::from_str(&ran.stdout);
    let mut suites = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(element) => {
                let name = element.name();
                let own = ["testsuites", "testsuite", "testcase", "failure"];
                assert!(own.contains(&name.as_ref()), "{name:?}");
                suites += usize::from(name.as_ref() == "testsuite");
            }
            quick_xml::events::Event::GeneralRef(_)
            | quick_xml::events::Event::Text(_)
            | quick_xml::events::Event::End(_)
            | quick_xml::events::Event::Empty(_)
            | quick_xml::events::Event::Decl(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(suites, 4);
}

/// Names that are no text are told apart where a format can.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let project = Project::new(&[]);
    let text = "class A(B):\n    def save_data(self):\n        return\n";
    for name in [&b"a\xff\n.py"[..], b"a\xfe\n.py"] {
        let path = project.path("").join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(path, text).unwrap();
    }
    for name in names() {
        let ran = project.run(&["check", "--format", &name]);
        assert_eq!(ran.code, 1, "{name}: {ran:?}");
        harmless(&ran, false);
    }
    let log = project.run(&["check", "--format", "sarif"]).stdout;
    assert!(log.contains("\"uri\": \"a%FF%0A.py\"") && log.contains("\"uri\": \"a%FE%0A.py\""));
}
