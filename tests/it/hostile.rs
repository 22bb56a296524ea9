//! Nothing in the analysed code, in file names or in the configuration can act on a terminal, hide
//! what is written, or break a format.

use serde_json::Value;

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
    project.write(&format!("{name}/broken.py"), format!("x = = '{EVIL}'\n"));
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
        assert!(ran.stdout.contains(&format!("[{rule}]")), "{rule}: {ran:?}");
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
