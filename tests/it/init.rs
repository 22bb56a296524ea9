//! `init`, `explain`, `completions`, `man`.

use crate::common::{Project, json};

const BASE: &str = "\
class Base:
    def run(self):
        self.save_analytics()
        return self.stats.get('rows_processed', 0)

    def save_analytics(self):
        raise NotImplementedError
";

const HEIRS: &str = "\
from base import Base


class Good(Base):
    def save_analytics(self):
        self.stats['rows_processed'] = 1


class Early(Base):
    def save_analytics(self):
        if not self.rows:
            return
        self.stats['rows_processed'] = 1
";

#[test]
fn init_looks_at_the_repository() {
    let project = Project::new(&[
        ("base.py", BASE),
        ("heirs.py", HEIRS),
        (".github/workflows/ci.yml", ""),
        (".git/HEAD", "ref: refs/heads/trunk\n"),
    ]);
    let ran = project.run(&["init"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        "2 files checked, 1 finding\n  \
         save_analytics sets self.stats['rows_processed']: 2 processors, 1 with findings\n\
         written: tallylint.toml\n\
         written: .pre-commit-config.yaml\n\
         written: .github/workflows/tallylint.yml\n\
         next: tallylint check --write-baseline, which records 1 finding as known; commit the files\n"
    );
    let settings = project.read("tallylint.toml");
    assert!(
        settings.contains("#   save_analytics sets self.stats['rows_processed']: 2 processors")
            && settings.contains("\nbaseline = \"tallylint-baseline.jsonl\"\n"),
        "{settings}"
    );
    assert!(
        project
            .read(".pre-commit-config.yaml")
            .starts_with("repos:\n  - repo: local\n")
    );
    assert!(
        project
            .read(".github/workflows/tallylint.yml")
            .contains("branches: [trunk]")
    );
    // What it says comes next works.
    assert_eq!(project.run(&["check", "--write-baseline"]).code, 0);
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("1 finding known from the baseline"));
    // A second time nothing is touched.
    let ran = project.run(&["init"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: tallylint.toml already configures tallylint\n"
    );
    assert_eq!(project.read("tallylint.toml"), settings);
}

#[test]
fn init_changes_nothing_that_exists() {
    let hooks = "repos:\n  - repo: https://example.org/x\n";
    let project = Project::new(&[(".pre-commit-config.yaml", hooks), ("sub/a.py", "x = 1\n")]);
    let ran = project.run(&["init", "sub"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("written: sub/tallylint.toml\n"));
    assert!(
        project
            .read("sub/tallylint.toml")
            .contains("\n#baseline = ")
    );
    let ran = project.run(&["init"]);
    assert!(
        ran.stdout
            .contains("add to .pre-commit-config.yaml, under `repos:`:\n  - repo: local\n"),
        "{ran:?}"
    );
    assert_eq!(project.read(".pre-commit-config.yaml"), hooks);
    assert!(!project.path(".github").exists());
    let table = Project::new(&[("pyproject.toml", "[tool.tallylint]\n")]);
    let ran = table.run(&["init"]);
    assert_eq!(
        ran.stderr,
        "error: pyproject.toml already configures tallylint\n"
    );
    assert_eq!(table.run(&["init", "nowhere"]).code, 2);
}

#[test]
fn what_init_comments_out_is_valid() {
    let project = Project::new(&[("a.py", "x = 1\n")]);
    project.run(&["init"]);
    let text = project.read("tallylint.toml");
    let (mut out, mut keys) = (String::new(), 0);
    for line in text.lines() {
        let setting = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
        keys += usize::from(setting.is_some_and(|s| !s.is_empty()));
        out.push_str(setting.unwrap_or(line));
        out.push('\n');
    }
    assert!(keys >= 10, "{text}");
    project.write("tallylint.toml", out.replace("baseline = ", "#baseline = "));
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let settings = json(&project.run(&["config", "--format", "json"]));
    assert!(settings["settings"].as_array().unwrap().len() > 10);
}

#[test]
fn pages_of_rules_are_styled_for_a_terminal() {
    let project = Project::new(&[]);
    let plain = project.run(&["explain", "untracked-return"]).stdout;
    assert!(plain.contains("```python bad"));
    let ran = project.run(&["explain", "untracked-return", "--color", "always"]);
    assert!(!ran.stdout.contains("```") && !ran.stdout.contains("\n## "));
    assert!(ran.stdout.contains("\x1b[0m\x1b[1mUntracked return"));
    assert!(ran.stdout.contains("\x1b[36m    class "), "{}", ran.stdout);
}

#[test]
fn completions_and_manual_pages() {
    let project = Project::new(&[]);
    for (shell, part) in [
        ("bash", "complete -F _tallylint"),
        ("zsh", "#compdef tallylint"),
        ("fish", "complete -c tallylint"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
        ("nushell", "export extern tallylint"),
    ] {
        let ran = project.run(&["completions", shell]);
        assert_eq!(ran.code, 0);
        assert!(
            ran.stdout.contains(part) && ran.stdout.contains("unsafe-fixes"),
            "{shell}"
        );
        // Elvish and PowerShell offer no values, and fish none of arguments without an option.
        let offers = !matches!(shell, "elvish" | "powershell");
        for value in ["swallowed-write", "github-summary"] {
            assert!(!offers || ran.stdout.contains(value), "{shell}: {value}");
        }
        let kind = ran.stdout.contains("untracked-return/unset");
        assert_eq!(kind, offers && shell != "fish", "{shell}");
    }
    assert_eq!(project.run(&["completions", "csh"]).code, 2);
    let version = env!("CARGO_PKG_VERSION");
    for (words, parts) in [
        (
            &["man"][..],
            &["tallylint\\-check(1)", ".SH \"EXIT STATUS\""][..],
        ),
        (&["man", "check"], &["tallylint check", "write\\-baseline"]),
        (&["man", "debug", "cfg"], &["tallylint debug cfg"]),
    ] {
        let page = project.run(words).stdout;
        let title = ["TALLYLINT", &words[1..].join("-").to_uppercase()].join("-");
        let title = title.trim_end_matches('-');
        assert!(page.contains(&format!(".TH {title} 1 ")), "{page}");
        assert!(page.contains(&format!("\"tallylint {version}\" \"User Commands\"")));
        for part in parts {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
    for (words, message) in [
        (
            &["man", "chekc"][..],
            "unknown command `chekc`; did you mean `check`?",
        ),
        (
            &["man", "debug", "cgf"],
            "unknown command `cgf`; did you mean `cfg`?",
        ),
    ] {
        assert_eq!(project.run(words).stderr, format!("error: {message}\n"));
    }
}
