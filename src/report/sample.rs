//! A sample of findings, and each format's report of it: a snapshot file for each format.
//! `TALLYLINT_BLESS=1` writes them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use termcolor::{Ansi, Buffer, NoColor};

use super::{Format, Report, Screen, write};
use crate::config::{Configuration, Overrides};
use crate::diagnostics::{
    Edit, FileFailure, Finding, FindingBuilder, Fix, Flow, FlowBlock, FlowEdge, Leaves, Location,
    Safety, When,
};
use crate::fence::Bug;
use crate::outcome::{
    Candidate, Duty, DutyOf, ExitState, Extent, Followed, LeftOut, Looked, MethodExit, MethodExits,
    Outside, RuledOut, Settled, Unset,
};
use crate::rules::{Rule, UntrackedReturn};
use crate::settings::{Contract, Settings};
use crate::settle::{Checked, settle};
use crate::source::{SourceMap, Span};

const ODDS: &str = "\
class Odds(Base):
    def save_data(self):
        rows = self.rows
        if not rows:
            self.stats['rows_inserted'] = 0
            return

        try:
            job = self.client.load_table_from_json(
                rows, 'table')
            job.result()
            note(self)
        except Exception as error:
\t\tself.log('\x1b[31mé', error)
            return
        self.stats['rows_inserted'] = len(rows)
";
const HELPERS: &str = "\
def note(processor):
    if processor.quiet: return
";

/// A name with characters that mean something in some format.
const ODD_NAME: &str = "etl/a b#1 [x](y) é;%.py";
const IGNORED: &str = "\
def save_data(self):
    return  # tallylint: ignore[untracked-return] `run` asks @nobody | <never>
";

struct Sample {
    root: PathBuf,
    sources: SourceMap,
    settled: Settled,
    failures: Vec<FileFailure>,
    checklist: Vec<Duty>,
    looked: Looked,
}

impl Sample {
    fn place(&self, path: &str, text: &str) -> Location {
        let file = self.sources.load(Path::new(path));
        let file = file.unwrap_or_else(|_| panic!("no file {path}"));
        let start = file
            .text
            .find(text)
            .unwrap_or_else(|| panic!("no text {text}"));
        let start = u32::try_from(start).unwrap();
        Location {
            file: file.id,
            span: Span::new(start, start + u32::try_from(text.len()).unwrap()),
        }
    }

    fn builder(kind: &str) -> FindingBuilder {
        FindingBuilder::new(UntrackedReturn.meta(), kind)
            .arg("method", "save_data")
            .arg(
                "fail",
                "return without setting `self.stats['rows_inserted']`",
            )
            .arg("duty", "set `self.stats['rows_inserted']`")
            .arg("never", "sets `self.stats['rows_inserted']`")
            .arg("place", "`self.stats['rows_inserted']`")
            .arg("zero", " (0 if nothing was written)")
            .arg("written", " to as many rows as were written")
            .arg("unknown", "it depends on code that was not found")
            .arg("remedy", "make the called code resolvable")
    }

    fn report(&self, format: Format) -> String {
        let mut out = NoColor::new(Vec::new());
        write(format, &self.as_report(), &mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    fn as_report(&self) -> Report<'_> {
        Report {
            settled: &self.settled,
            sources: &self.sources,
            failures: &self.failures,
            checked: 2,
            skipped: 1,
            processors: 1,
            looked: &self.looked,
            part: None,
            unfollowed: 0,
            checklist: &self.checklist,
            links: Some("https://example.org/repo/blob/main"),
            bug: None,
            fixed: 0,
            time: Some(Duration::from_millis(1234)),
            root: &self.root,
            earlier: None,
            ignored: true,
            screen: Screen::default(),
        }
    }
}

fn sample() -> (tempfile::TempDir, Sample) {
    let dir = tempfile::tempdir().unwrap();
    let root = std::fs::canonicalize(dir.path()).unwrap();
    let cwd = root.join("work");
    let sources = SourceMap::new(cwd.clone());
    let long = format!(
        "x = '{}'; return; y = '{}'\n",
        "a".repeat(300),
        "b".repeat(300)
    );
    for (path, text) in [
        ("etl/odds.py", ODDS),
        ("etl/helpers.py", HELPERS),
        ("long.py", &long),
        (ODD_NAME, IGNORED),
    ] {
        let path = cwd.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut sample = Sample {
        root,
        sources,
        checklist: Vec::new(),
        looked: Looked::default(),
        settled: Settled::default(),
        failures: vec![
            FileFailure::input("bad.py".into(), Some((3, 7)), "invalid syntax".into()),
            FileFailure::input("gone.py".into(), None, "broken link".into()),
        ],
    };
    let settings = Settings::new(None, &Overrides::default()).unwrap();
    let configuration = Configuration::fixed(settings, Overrides::default());
    let checked = Checked {
        files: &[],
        failures: &[],
        partial: false,
        baselines: &[],
    };
    let findings = findings(&sample);
    sample.settled = settle(findings, checked, &configuration, &sample.sources).0;
    // As if a baseline contained the last finding.
    let known = sample.settled.reported.last().cloned();
    sample.settled.known.extend(known);
    sample.checklist = checklist(&sample);
    sample.looked = looked(&sample);
    (dir, sample)
}

fn looked(sample: &Sample) -> Looked {
    Looked {
        for_contracts: true,
        extent: Extent::Folder,
        outside: Some(Outside {
            writing: 48,
            followed: 7,
            tests: 12,
        }),
        left_out: LeftOut {
            excluded: 3,
            templates: 1,
            old_python: 2,
        },
        candidate: Some(Candidate {
            hook: "load".to_owned(),
            base: "Base".to_owned(),
            definitions: 12,
            keeping: 9,
            what: "set `self.rows`".to_owned(),
            place: sample.place("etl/odds.py", "save_data"),
        }),
    }
}

/// A finding with a path through two files, one with a fix, and some at odd places.
fn findings(sample: &Sample) -> Vec<Finding> {
    let at = |path, text| sample.place(path, text);
    vec![
        Sample::builder("unset-after-write")
            .arg("after", "writing rows")
            .symbol("Odds.save_data")
            .step(at("etl/odds.py", "not rows"), "`rows` is not empty")
            .step(
                at(
                    "etl/odds.py",
                    "self.client.load_table_from_json(\n                rows, 'table')",
                ),
                "returns",
            )
            .step(at("etl/odds.py", "note(self)"), "enters `note`")
            .step(at("etl/helpers.py", "processor.quiet"), "is true")
            .step(at("etl/odds.py", "note(self)"), "raises")
            .step(
                at("etl/odds.py", "except Exception as error"),
                "caught here",
            )
            .note("run() will record 0 rows")
            .flow(flow(sample))
            .exit(at("etl/odds.py", "return\n        self"))
            .at_exit(at("etl/odds.py", "return\n        self"), "returns"),
        Sample::builder("unset")
            .symbol("Odds.save_data")
            .fix(Some(Fix {
                message: "raise again".to_owned(),
                safety: Safety::Unsafe,
                edits: vec![Edit {
                    location: at("etl/odds.py", "self.log('\x1b[31mé', error)"),
                    text: "raise".to_owned(),
                }],
            }))
            .exit(at("etl/odds.py", "self.log('\x1b[31mé', error)"))
            .at_exit(
                at("etl/odds.py", "self.log('\x1b[31mé', error)"),
                "ends here",
            ),
        Sample::builder("never-set")
            .symbol("save_data")
            .exit(at("long.py", "return"))
            .at(at("long.py", "return"), "returns"),
        Sample::builder("unverified")
            .symbol("Odds.save_data")
            .at(at("etl/odds.py", "save_data"), "unknown"),
        Sample::builder("unset")
            .symbol("save_data")
            .exit(at(ODD_NAME, "return"))
            .at(at(ODD_NAME, "return"), "returns"),
    ]
}

/// A test with a branch that is taken, and one that cannot be.
fn flow(sample: &Sample) -> Flow {
    let span = |text| sample.place("etl/odds.py", text).span;
    let block = |code, test, leaves, feasible| FlowBlock {
        span: code,
        test,
        leaves,
        feasible,
    };
    let edge = |to, when, feasible| FlowEdge {
        from: 0,
        to,
        when,
        feasible,
    };
    Flow {
        function: "Odds.save_data".to_owned(),
        file: sample.place("etl/odds.py", "rows").file,
        blocks: vec![
            block(
                Some(span("rows = self.rows")),
                Some(span("not rows")),
                None,
                true,
            ),
            block(
                Some(span("return\n        self")),
                None,
                Some(Leaves::Returns),
                true,
            ),
            block(Some(span("return\n\n")), None, Some(Leaves::Returns), false),
        ],
        edges: vec![edge(1, When::False, true), edge(2, When::True, false)],
        path: vec![0, 1],
    }
}

/// Processors with exits in every state.
fn checklist(sample: &Sample) -> Vec<Duty> {
    let at = |path, text| sample.place(path, text);
    let exit = |place, state| MethodExit {
        place,
        implicit: false,
        state,
        set_at: Vec::new(),
        ruled_out: RuledOut::default(),
    };
    let not_set = |why, sometimes_set| ExitState::NotSet { why, sometimes_set };
    let odds = "etl/odds.py";
    let def = at(odds, "save_data");
    let store = at(odds, "self.stats['rows_inserted'] = 0");
    let last = at(odds, "self.stats['rows_inserted'] = len(rows)");
    let exits = vec![
        MethodExit {
            set_at: vec![store],
            ..exit(at(odds, "return\n\n"), ExitState::Set)
        },
        exit(at(odds, "self.log("), ExitState::Raises),
        MethodExit {
            set_at: vec![last],
            ..exit(
                at(odds, "return\n        self"),
                not_set(Unset::AfterWrite, true),
            )
        },
        MethodExit {
            implicit: true,
            ..exit(def, ExitState::Unverified)
        },
    ];
    let wholly = |def, exits| MethodExits {
        def,
        followed: Followed::Wholly,
        exits,
    };
    let unknown = |followed| MethodExits {
        def: at("long.py", "return"),
        followed,
        exits: Vec::new(),
    };
    let here = at(ODD_NAME, "return");
    let others = vec![
        exit(here, not_set(Unset::Plain, false)),
        exit(at(ODD_NAME, "self"), not_set(Unset::Dropped, false)),
        exit(at(ODD_NAME, "save_data"), ExitState::Fails),
        exit(at(ODD_NAME, "def"), ExitState::Unreached),
    ];
    let duty = |class: &str, place, exits| Duty {
        class: Some(class.to_owned()),
        method: "save_data".to_owned(),
        root: Some("Base".to_owned()),
        contract: DutyOf::new(&Contract::builtin()),
        inherits: None,
        place,
        exits,
    };
    let heir = Duty {
        inherits: Some("Odds".to_owned()),
        ..duty("Heir", def, None)
    };
    let long = at("long.py", "return");
    vec![
        duty("Odds", def, Some(wholly(def, exits.clone()))),
        duty("MoreOdds", def, Some(wholly(def, exits))),
        heir,
        duty("Odd", here, Some(wholly(here, others))),
        duty("Large", long, Some(unknown(Followed::TooLarge))),
        duty("Lazy", long, Some(unknown(Followed::RunsNothing))),
    ]
}

/// Replaces what changes with the version or with the pages of the rules.
fn stable(text: &str) -> String {
    let version = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let page = line
            .trim_start()
            .split_once("\": \"")
            .filter(|(key, value)| {
                matches!(*key, "\"text" | "\"markdown") && value.contains("\\n## ")
            });
        match page {
            Some((key, _)) => out.push_str(&format!("{key}\": \"[PAGE]\"\n")),
            None => out.push_str(&line.replace(&version, "\"[VERSION]\"")),
        }
    }
    out
}

/// What a page for browsers tells, without the page.
fn told_by_page(sample: &Sample) -> String {
    let page = sample.report(Format::Html);
    let (_, data) = page.split_once("id=\"data\">").unwrap();
    let (data, _) = data.split_once("</script>").unwrap();
    let mut data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["tool"]["version"], env!("CARGO_PKG_VERSION"));
    for (key, told) in [("tool", "[TOOL]"), ("root", "[ROOT]"), ("rules", "[RULES]")] {
        data[key] = told.into();
    }
    // A place on one line.
    let numbers = regex::Regex::new(r"\[[\d,\s]+\]").unwrap();
    let blanks = regex::Regex::new(r"\s+").unwrap();
    let text = format!("{data:#}\n");
    let place = |found: &regex::Captures<'_>| blanks.replace_all(&found[0], " ").into_owned();
    numbers.replace_all(&text, place).into_owned()
}

#[test]
fn every_format_has_a_snapshot() {
    let (_dir, sample) = sample();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/snapshots");
    let bless = std::env::var_os("TALLYLINT_BLESS").is_some();
    let mut names = Vec::new();
    let mut stale = Vec::new();
    for format in Format::value_variants() {
        let name = format.to_possible_value().unwrap().get_name().to_owned();
        let path = folder.join(&name);
        let text = match format {
            Format::Html => told_by_page(&sample),
            format => stable(&sample.report(*format)),
        };
        if bless {
            std::fs::write(&path, &text).unwrap();
        }
        if std::fs::read_to_string(&path).ok() != Some(text) {
            stale.push(name.clone());
        }
        names.push(name);
    }
    assert!(
        stale.is_empty(),
        "stale: {stale:?}; run `TALLYLINT_BLESS=1 cargo test` and read the difference"
    );
    let files = folder.read_dir().unwrap().map(|file| file.unwrap());
    let mut files: Vec<String> = files
        .map(|f| f.file_name().into_string().unwrap())
        .collect();
    files.sort();
    names.sort();
    assert_eq!(files, names, "a snapshot of no format");
}

#[test]
fn a_panic_is_told_wherever_there_is_room() {
    let (_dir, sample) = sample();
    let bug = Bug {
        message: "index ] out\n::error::of `bounds`".to_owned(),
        place: "src/x.rs:1".to_owned(),
    };
    for format in [
        Format::Sarif,
        Format::Github,
        Format::GithubSummary,
        Format::Markdown,
        Format::Junit,
        Format::Azure,
    ] {
        let report = Report {
            failures: &[],
            bug: Some(&bug),
            ..sample.as_report()
        };
        let mut out = NoColor::new(Vec::new());
        write(format, &report, &mut out).unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        assert!(text.contains("index ") && text.contains(" out"), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("::error::of")));
        let successful = text.contains("\"executionSuccessful\": false");
        assert_eq!(successful, format == Format::Sarif, "{text}");
    }
}

#[test]
fn text_with_colour_shows_the_same() {
    let (_dir, sample) = sample();
    let mut out = Ansi::new(Vec::new());
    write(Format::Text, &sample.as_report(), &mut out).unwrap();
    let coloured = String::from_utf8(out.into_inner()).unwrap();
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, sample.report(Format::Text));
    assert!(coloured.contains("\x1b["));
}

#[test]
fn what_happens_at_one_place_shares_a_label() {
    let (_dir, sample) = sample();
    let at = |text| sample.place("etl/odds.py", text);
    let exit = at("return\n        self");
    let shown = |steps: &[(Location, &str)]| {
        let mut builder = Sample::builder("unset").exit(exit);
        for (place, message) in steps {
            builder = builder.step(*place, *message);
        }
        let mut settled = sample.settled.clone();
        settled.reported.truncate(1);
        let mut finding = builder.at_exit(exit, "returns");
        if steps.is_empty() {
            finding.steps.push(finding.primary.clone());
        }
        settled.reported[0].finding = finding;
        let report = Report {
            settled: &settled,
            ..sample.as_report()
        };
        let mut out = NoColor::new(Vec::new());
        write(Format::Text, &report, &mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    };
    // A path with one step needs no number.
    let text = shown(&[]);
    assert!(text.contains("^ returns\n"), "{text}");
    let text = shown(&[(at("not rows"), "is false"), (exit, "is reached")]);
    assert!(text.contains("- 1. is false\n"), "{text}");
    assert!(text.contains("^ 2. is reached; 3. returns\n"), "{text}");
    let rows = at("not rows");
    let text = shown(&[(rows, "is true"), (rows, "is false")]);
    assert!(text.contains("- 1. is true; 2. is false\n"), "{text}");
}

#[test]
fn on_a_terminal_lines_fit_and_places_are_links() {
    let (_dir, sample) = sample();
    let shown = |screen: Screen, colour: bool| {
        let report = Report {
            screen,
            ..sample.as_report()
        };
        let mut out = match colour {
            true => Buffer::ansi(),
            false => Buffer::no_color(),
        };
        write(Format::Text, &report, &mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    };
    for width in [80, 120] {
        let screen = Screen {
            width: Some(width),
            links: false,
        };
        let text = shown(screen, false);
        let long = text.lines().find(|line| line.chars().count() > width);
        assert_eq!(long, None, "{text}");
        // Nothing is lost: what does not fit beside its line stands below.
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let all = words(&shown(Screen::default(), false).replace("help:", ""));
        let help = sample.settled.reported[0].finding.help.as_str();
        assert!(words(&text).contains(&words(help)) && all.contains(&words(help)));
    }
    let screen = Screen {
        width: None,
        links: true,
    };
    let text = shown(screen, true);
    let place = format!(
        "\x1b]8;;file://{}/work/etl/odds.py\x1b\\etl/odds.py:",
        sample.root.display()
    );
    assert!(text.contains(&place), "{text:?}");
    let help = "\x1b[0m\x1b[1m\x1b[36mhelp:\x1b[0m ";
    assert!(text.contains(help), "{text:?}");
}

#[test]
fn a_clean_run_says_so() {
    let settled = Settled::default();
    let report = Report {
        settled: &settled,
        sources: &SourceMap::new(PathBuf::from("/")),
        failures: &[],
        checked: 1,
        skipped: 0,
        processors: 3,
        looked: &Looked::default(),
        part: None,
        unfollowed: 0,
        checklist: &[],
        links: None,
        bug: None,
        fixed: 0,
        time: None,
        root: Path::new("/"),
        earlier: None,
        ignored: true,
        screen: Screen::default(),
    };
    assert_eq!(
        super::summary(&report, Duration::ZERO),
        "No findings in 3 processors (1 file checked) in 0.00s\n"
    );
}

#[test]
fn a_run_without_contracts_says_what_it_looked_at_and_what_is_next() {
    let (_dir, sample) = sample();
    let settled = Settled::default();
    let lines = |looked: &Looked, change: &dyn Fn(&mut Report<'_>)| -> Vec<String> {
        let mut report = Report {
            settled: &settled,
            failures: &[],
            processors: 0,
            looked,
            ..sample.as_report()
        };
        change(&mut report);
        let text = super::summary(&report, Duration::ZERO);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        let rest = text.lines().skip(1);
        rest.map(str::to_owned).collect()
    };
    let looked = sample.looked.clone();
    let seen = "No method had to keep a contract; 48 functions that may write were looked at.";
    let nearest =
        "Nearest: 9 of 12 overrides of `Base.load` always set `self.rows` (etl/odds.py:2)";
    let suggest = "Next: tallylint contracts --suggest";
    assert_eq!(lines(&looked, &|_| {}), [seen, nearest, suggest]);
    let other = |change: &dyn Fn(&mut Looked)| {
        let mut looked = Looked {
            candidate: None,
            ..looked.clone()
        };
        change(&mut looked);
        lines(&looked, &|_| {})
    };
    let left_out = "Left out of that: 12 test files, 3 excluded, 1 template, 2 in Python 2.";
    let explain = "Next: tallylint explain untracked-return, on how to declare a contract";
    assert_eq!(other(&|_| {}), [seen, left_out, explain]);
    let fewer = other(&|looked| {
        looked.outside = Some(Outside::default());
        looked.left_out = LeftOut::default();
    });
    let none = "No method had to keep a contract; no function that may write was looked at.";
    assert_eq!(fewer, [none, explain]);
    let named = other(&|looked| {
        looked.outside = None;
        looked.left_out = LeftOut::default();
        looked.extent = Extent::Files;
    });
    let whole = "Next: tallylint check, which looks at the whole folder";
    assert_eq!(named, ["No method had to keep a contract.", whole]);
    // Otherwise nothing changes.
    assert_eq!(other(&|l| l.extent = Extent::Changes), [""; 0]);
    assert_eq!(other(&|l| l.for_contracts = false), [""; 0]);
    let changes: [&dyn Fn(&mut Report<'_>); 3] = [
        &|report| report.processors = 1,
        &|report| report.checked = 0,
        &|report| report.fixed = 1,
    ];
    for change in changes {
        let lines = lines(&looked, change);
        assert!(!lines.iter().any(|l| l.starts_with("Next")), "{lines:?}");
    }
    let found = Report {
        processors: 0,
        ..sample.as_report()
    };
    let text = super::summary(&found, Duration::ZERO);
    assert!(!text.contains("Next"), "{text}");
}
