//! What is asked of an input, one function for each target: an answer, no panic, and what the
//! parts promise each other.

use std::io::{self, BufReader, Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tallylint::analysis::{AnalysisInput, analyse};
use tallylint::config::{ConfigFile, Configuration, Effective, Overrides};
use tallylint::discover::Coverage;
use tallylint::frontend::layout::Layout;
use tallylint::frontend::{self, python};
use tallylint::ir::validate::validate;
use tallylint::outcome::Looked;
use tallylint::report::{self, Format, Report, Screen};
use tallylint::server;
use tallylint::settings::{Reading, Settings};
use tallylint::settle::{Checked, FileIgnores, settle};
use tallylint::source::{Language, SourceMap, decode};
use tallylint::sql::{self, Bound, Count, Piece, Vocabulary};
use termcolor::NoColor;

/// Instrumented code needs more stack than what is delivered.
const STACK: usize = 4 * frontend::STACK_SIZE;

/// Runs work on a thread with the stack that front ends ask for. There is only one, so that the
/// same input takes the same way.
fn on_big_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    static POOL: OnceLock<rayon::ThreadPool> = OnceLock::new();
    POOL.get_or_init(|| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .stack_size(STACK)
            .build()
            .expect("a thread can be started")
    })
    .install(work)
}

/// An empty folder: nothing that lies around must be taken for a module of the program.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| tempfile::tempdir().expect("a folder can be made"))
        .path()
}

/// The settings under which every rule runs and notes are shown.
fn configuration() -> &'static Configuration {
    static CONFIGURATION: OnceLock<Configuration> = OnceLock::new();
    CONFIGURATION.get_or_init(|| {
        let overrides = Overrides {
            select: vec!["all".to_owned()],
            pedantic: true,
            ..Overrides::default()
        };
        let settings = Settings::new(None, &overrides).expect("`all` is valid");
        Configuration::fixed(settings, overrides)
    })
}

/// Checks bytes as a Python file.
pub fn python(bytes: &[u8]) {
    check(bytes, Language::Python);
}

/// Checks bytes as a Rust file.
pub fn rust(bytes: &[u8]) {
    check(bytes, Language::Rust);
}

fn check(bytes: &[u8], language: Language) {
    let Ok(text) = decode(bytes.to_vec(), language) else {
        return;
    };
    let name = match language {
        Language::Python => "fuzz.py",
        Language::Rust => "fuzz.rs",
    };
    let sources = SourceMap::new(folder().to_path_buf());
    let file = sources.add_virtual(&folder().join(name), text);
    let files = [file];
    on_big_stack(|| {
        // The same front end by itself: its results are checked further.
        if let Ok(lowered) = frontend::lower_intact(language, &files[0].text) {
            for (_, function) in lowered.module.functions() {
                assert_eq!(validate(function), Ok(()));
            }
        }
        let coverage = Coverage::default();
        let input = AnalysisInput {
            coverage: &coverage,
            sources: &sources,
            files: &files,
            settings: &[configuration().of_file(&files[0])],
            reading: Reading::Everything,
            checked: None,
            changed: None,
            shard: None,
            kept: None,
            busy: None,
            of_folder: true,
        };
        let mut analysis = analyse(&input);
        analysis.conclude();
        for failure in &analysis.failed {
            assert!(!failure.is_internal(), "{failure}");
        }
        let checked = Checked {
            files: &files,
            failures: &analysis.failed,
            partial: false,
            baselines: &[],
        };
        let (settled, _) = settle(analysis.findings, checked, configuration(), &sources);
        let looked = Looked::default();
        let report = Report {
            settled: &settled,
            sources: &sources,
            failures: &analysis.failed,
            checked: 1,
            skipped: 0,
            processors: analysis.processors,
            looked: &looked,
            part: None,
            unfollowed: analysis.unfollowed,
            checklist: &analysis.checklist,
            bug: None,
            fixed: 0,
            time: Some(Duration::ZERO),
            root: sources.cwd(),
            links: Some("https://example.org/blob/main"),
            earlier: None,
            ignored: true,
            screen: Screen::default(),
        };
        for format in Format::all() {
            let mut out = NoColor::new(Vec::new());
            report::write(*format, &report, &mut out).expect("memory takes everything");
            let out = out.into_inner();
            harmless(&out);
            if matches!(
                format,
                Format::Json | Format::Sarif | Format::Gitlab | Format::Rdjson
            ) {
                let value = serde_json::from_slice::<serde_json::Value>(&out);
                value.expect("the report is JSON");
            }
        }
        let mut out = NoColor::new(Vec::new());
        report::contracts(&analysis.contracts, &sources, &mut out)
            .expect("memory takes everything");
        harmless(&out.into_inner());
    });
}

/// Nothing in an output moves the cursor of a terminal, or changes what a person reads.
fn harmless(output: &[u8]) {
    let text = std::str::from_utf8(output).expect("reports are UTF-8");
    let wrong = text.chars().find(|c| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert_eq!(wrong, None, "{text}");
}

/// The outline of a text that parses is what the parser says.
pub fn outline(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        on_big_stack(|| {
            if let Err(difference) = python::outline_agrees(text) {
                panic!("{difference}");
            }
        });
    }
}

/// Reads bytes as a configuration file; an error points into it.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let results = ["tallylint.toml", "pyproject.toml", "Cargo.toml"].map(|name| {
        ConfigFile::parse(&folder().join(name), text.to_owned()).and_then(|file| {
            let known = Effective::all(file.as_ref());
            let settings = Settings::new(file.as_ref(), &Overrides::default());
            assert_eq!(known.is_ok(), settings.is_ok());
            settings
        })
    });
    let lines = u32::try_from(text.split(['\n', '\r']).count()).expect("inputs are short");
    for error in results.into_iter().filter_map(Result::err) {
        assert!(!error.message.is_empty());
        let _ = error.snippet();
        if let Some((_, Some((line, column)))) = error.place {
            assert!(
                1 <= line && line <= lines.max(1) + 1 && 1 <= column,
                "{line}:{column}"
            );
        }
    }
}

/// What a server has written, and whether it has ended.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<(Vec<u8>, bool)>>);

impl Output {
    fn says(&self, part: &str) -> bool {
        let all = self.0.lock().expect("nobody panics with it");
        all.1 || String::from_utf8_lossy(&all.0).contains(part)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().expect("nobody panics with it");
        all.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Messages, and others that are sent once the last of the former is answered.
struct Input {
    first: Cursor<Vec<u8>>,
    then: Cursor<Vec<u8>>,
    output: Output,
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.first.read(buffer)? {
            0 => {
                while !self.output.says(r#""id":"last""#) {
                    std::thread::yield_now();
                }
                self.then.read(buffer)
            }
            read => Ok(read),
        }
    }
}

/// Sends each line to a language server as a message, between the greeting and the goodbye. The server lives, and no
/// request makes it panic.
pub fn messages(bytes: &[u8]) {
    fn say(to: &mut Vec<u8>, message: &[u8]) {
        to.extend_from_slice(format!("Content-Length: {}\r\n\r\n", message.len()).as_bytes());
        to.extend_from_slice(message);
    }
    let params = serde_json::json!({
        "rootPath": folder(), "capabilities": {}, "initializationOptions": { "debounce": 0 },
    });
    let greeting = serde_json::json!({ "id": 0, "method": "initialize", "params": params });
    let (mut first, mut then) = (Vec::new(), Vec::new());
    say(&mut first, greeting.to_string().as_bytes());
    say(&mut first, br#"{"method":"initialized"}"#);
    for line in bytes.split(|byte| *byte == b'\n') {
        say(&mut first, line);
    }
    // It waits until everything is analysed, like the questions before it.
    say(
        &mut first,
        br#"{"id":"last","method":"workspace/diagnostic","params":{"previousResultIds":[]}}"#,
    );
    say(&mut then, br#"{"id":"bye","method":"shutdown"}"#);
    say(&mut then, br#"{"method":"exit"}"#);
    let output = Output::default();
    let input = BufReader::new(Input {
        first: Cursor::new(first),
        then: Cursor::new(then),
        output: output.clone(),
    });
    server::serve(input, output.clone(), server::Memory::engine());
    let mut all = output.0.lock().expect("nobody panics with it");
    all.1 = true;
    let told = std::str::from_utf8(&all.0).expect("messages are text");
    assert!(!told.contains("a bug in tallylint"), "{told}");
    assert!(told.starts_with("Content-Length: "), "{told}");
}

/// Reads the comments of a text; the first byte says in which language.
pub fn ignores(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let (language, name) = match first % 2 {
        0 => (Language::Python, "fuzz.py"),
        _ => (Language::Rust, "fuzz.rs"),
    };
    let layout = Layout::of(language, text);
    let comments = layout.comments.iter().map(|c| c.span);
    let statements = layout.statements.iter().flat_map(|s| [s.span, s.whole]);
    for span in comments
        .chain(statements)
        .chain(layout.unbroken.iter().copied())
    {
        assert!(text.get(span.range()).is_some(), "{span:?}");
    }
    for statement in &layout.statements {
        assert!(statement.whole.contains(statement.span));
    }
    let sources = SourceMap::new(PathBuf::from("/"));
    let file = sources.add_virtual(Path::new(name), text.to_owned());
    let files = [file];
    let checked = Checked {
        files: &files,
        failures: &[],
        partial: false,
        baselines: &[],
    };
    let ignores = FileIgnores::of(&files[0]);
    for ignore in ignores.comments() {
        assert!(text.get(ignore.span.range()).is_some());
        let close = ignore.close.map(|at| text.as_bytes()[at as usize]);
        assert!(matches!(close, None | Some(b']')));
    }
    let (settled, _) = settle(Vec::new(), checked, configuration(), &sources);
    for reported in &settled.reported {
        let span = reported.finding.primary.location.span;
        assert!(text.get(span.range()).is_some());
    }
}

/// Reads a text as a query; a byte 0xff, which no text has, stands for a part that is not known.
pub fn sql(bytes: &[u8]) {
    let mut texts = Vec::new();
    for part in bytes.split(|byte| *byte == 0xff) {
        let Ok(text) = std::str::from_utf8(part) else {
            return;
        };
        texts.push(text);
    }
    let mut pieces = Vec::new();
    for text in texts {
        if !pieces.is_empty() {
            pieces.push(Piece::Hole);
        }
        pieces.push(Piece::Text(text));
    }
    on_big_stack(|| {
        let vocabulary = Vocabulary {
            is_status_column: &|name| name.eq_ignore_ascii_case("status"),
            is_count_column: &|name| name.eq_ignore_ascii_case("n"),
            is_success_word: &|word| word == "success",
        };
        let Some(query) = sql::read(&pieces, &Bound::default(), &vocabulary) else {
            return;
        };
        for count in [Count::Null, Count::Zero, Count::Positive] {
            let admitted = query.admits("success", count);
            // What only says what is known cannot be stronger than one that demands records.
            assert!(!(query.demands_records() && admitted && count != Count::Positive));
        }
        let _ = (query.filters_success(), query.excludes_success());
        let _ = (query.always_one_row(), query.has_open_conditions());
        let _ = (query.named_statuses().len(), query.tables().len());
    });
}
