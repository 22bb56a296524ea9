//! `init`, `guard`, `explain`, `completions`, `man`.

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
        "2 files checked, 1 finding\ncontracts:\n  \
         save_analytics sets self.stats['rows_processed']: 2 processors, 1 with findings\n\
         written: tallylint.toml\n\
         written: .pre-commit-config.yaml\n\
         written: .github/workflows/tallylint.yml\n\
         next:\n  \
         tallylint check --write-baseline  records 1 finding as known; commit the files\n  \
         tallylint contracts               lists who has to keep which contract\n  \
         pre-commit install                checks each commit\n"
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
    // No version is required that nobody has published.
    let written = [".pre-commit-config.yaml", ".github/workflows/tallylint.yml"];
    for file in written.map(|file| project.read(file)) {
        assert!(
            file.contains("\"tallylint\"") && !file.contains("=="),
            "{file}"
        );
    }
    // What it says comes next works.
    assert_eq!(project.run(&["check", "--write-baseline"]).code, 0);
    assert_eq!(project.run(&["contracts"]).code, 0);
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

/// Several Python projects in one repository, with tests and with what cannot be parsed.
fn several_projects() -> Project {
    let base = "class Job:\n    def run(self):\n        self.load()\n        return self.counts.get('loaded', 0)\n\n    \
                def load(self):\n        raise NotImplementedError\n";
    let job = "from core.base import Job\n\n\nclass Invoices(Job):\n    def load(self):\n        if not self.rows:\n            \
               return\n        self.counts['loaded'] = len(self.rows)\n";
    let fake =
        "from core.base import Job\n\n\nclass Fake(Job):\n    def load(self):\n        pass\n";
    Project::new(&[
        ("libs/core/pyproject.toml", ""),
        ("libs/core/src/core/__init__.py", ""),
        ("libs/core/src/core/base.py", base),
        ("billing/setup.py", ""),
        ("billing/billing/__init__.py", ""),
        ("billing/billing/jobs.py", job),
        ("billing/tests/test_jobs.py", fake),
        ("billing/billing/test_more.py", fake),
        ("billing/conftest.py", fake),
        ("crm/pyproject.toml", ""),
        ("crm/jobs.py", &job.replace("Invoices", "Contacts")),
        ("crm/broken [1].py", "def load(:\n"),
        ("old/a.py", "print 'a'\n"),
        ("old/b.py", "print 'b'\n"),
        ("pages/page.py", "class {{ name }}: pass\n"),
        ("pages/fine.py", "x = 1\n"),
    ])
}

#[test]
fn init_leaves_out_tests_and_what_cannot_be_parsed() {
    let project = several_projects();
    let ran = project.run(&["init"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for said in [
        "7 files checked, 2 findings\n",
        "  load sets self.counts['loaded']: 2 processors, 2 with findings\n",
        "  3 files of tests: tests/, test_*, conftest.py\n",
        "  crm/broken [1].py: line 1: ",
        "  old/: 2 files, such as: Python 2\n",
        "  pages/page.py: a template\n",
        "imports are looked for in (`src`):\n  billing\n  crm\n  libs/core/src\n",
    ] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    assert_eq!(project.run(&["check", "--write-baseline"]).code, 0);
    // Nothing is broken any more, even if all of it is read or named.
    let ran = project.run(&["check", "--read", "everything"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let hook = [
        "check",
        "--force-exclude",
        "crm/broken [1].py",
        "old/a.py",
        "billing/conftest.py",
    ];
    assert_eq!(project.run(&hook).code, 0);
    assert_eq!(
        project
            .run(&["check", "--isolated", "--read", "everything"])
            .code,
        2
    );
    // A new file of that kind is not left out.
    project.write("crm/broken 1.py", "def load(:\n");
    assert_eq!(project.run(&["check", "--read", "everything"]).code, 2);
}

/// A hook that is given one file finds the base class in another project.
#[test]
fn init_says_where_other_projects_are() {
    let project = several_projects();
    project.run(&["init"]);
    project.run(&["check", "--write-baseline"]);
    project.write(
        "crm/more.py",
        project.read("crm/jobs.py").replace("Contacts", "Leads"),
    );
    let found = |ran: crate::common::Ran| {
        (
            ran.code,
            ran.stdout
                .contains("more.py:7:13: warning[untracked-return/unset]"),
        )
    };
    let concise = ["check", "--format", "concise"];
    for paths in [
        &["crm/more.py"][..],
        &["crm"],
        &["."],
        &["crm/more.py", "billing/billing/jobs.py"],
    ] {
        assert_eq!(
            found(project.run(&[&concise[..], paths].concat())),
            (1, true),
            "{paths:?}"
        );
    }
    assert_eq!(
        found(project.tallylint(&concise).in_folder("crm").run()),
        (1, true)
    );
    // Without `src` a file by itself does not know its base.
    let alone = project.run(&["check", "--isolated", "--format", "concise", "crm/more.py"]);
    assert_eq!(found(alone), (0, false));
    // What is not there is told; what no pattern can be is an error.
    let settings = project.read("tallylint.toml");
    project.write(
        "tallylint.toml",
        settings.replace("\"crm\"", "\"cmr\", \"lib/*/src\""),
    );
    let ran = project.run(&["check"]);
    for path in ["cmr", "lib/*/src"] {
        let said = format!("no folder matches `{path}` in `src`");
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    }
    project.write("tallylint.toml", settings.replace("\"crm\"", "\"**/crm\""));
    let ran = project.run(&["check"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("not a valid pattern"),
        "{ran:?}"
    );
    // A project's own settings hold for its files.
    project.write("tallylint.toml", settings);
    project.write(
        "crm/pyproject.toml",
        "[tool.tallylint]\nignore = [\"untracked-return\"]\n",
    );
    std::fs::remove_file(project.path("tallylint.toml")).unwrap();
    let ran = project.run(&["init"]);
    assert!(
        ran.stdout
            .contains("have settings of their own:\n  crm/pyproject.toml\n"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains(" checked, 1 finding\n"), "{ran:?}");
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

#[test]
fn guard_writes_the_module_and_replaces_nothing_unasked() {
    let module = include_str!("../../python/tallylint/guard.py");
    let project = Project::new(&[("lib/old.py", "x = 1\n"), ("lib/module/__init__.py", "")]);
    let ran = project.run(&["guard", "--write", "lib/contracts.py"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "written: lib/contracts.py\n")
    );
    assert!(project.read("lib/contracts.py") == module);
    let ran = project.run(&["guard", "--write", "lib/old.py"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            2,
            "error: lib/old.py: is there already; --force replaces it\n"
        )
    );
    assert_eq!(project.read("lib/old.py"), "x = 1\n");
    let ran = project.run(&["guard", "--force", "--write", "lib/old.py"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(project.read("lib/old.py") == module);
    for path in ["nowhere/old.py", "lib/module"] {
        for force in [&[][..], &["--force"]] {
            let ran = project.run(&[&["guard", "--write", path], force].concat());
            assert_eq!(ran.code, 2, "{path}");
            assert!(
                ran.stderr.starts_with(&format!("error: {path}: ")),
                "{}",
                ran.stderr
            );
        }
    }
    assert_eq!(project.run(&["guard"]).code, 2);
}
