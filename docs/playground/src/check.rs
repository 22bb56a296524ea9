//! A check of one file that is only in memory.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tallylint::config::{ConfigError, ConfigFile, Configuration, Overrides};
use tallylint::driver::{self, Overlay, Request, RunResult};
use tallylint::report::{self, Format};
use tallylint::settings::Settings;
use termcolor::NoColor;

/// The folder of the file and of its configuration. It does not exist, like any other.
const FOLDER: &str = "/";
/// The name of the configuration, which errors tell.
const CONFIGURATION: &str = "tallylint.toml";
/// Larger files are for the command line. In bytes.
const LARGEST: usize = 512 * 1024;

/// What the standard library says of every file, in the words of an error of the configuration.
const UNSUPPORTED: &str = "operation not supported on this platform";

/// What the page asks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question<'a> {
    /// The path of the file, which tells its language.
    #[serde(borrow)]
    file: std::borrow::Cow<'a, str>,
    /// Its text.
    #[serde(borrow)]
    source: std::borrow::Cow<'a, str>,
    /// The text of `tallylint.toml`.
    #[serde(borrow)]
    configuration: std::borrow::Cow<'a, str>,
}

/// What the page gets.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    /// The report in the format `json`.
    Report(Box<RawValue>),
    /// The configuration is not valid.
    Configuration(Mistake),
    /// The question cannot be answered.
    Refused(String),
}

/// A mistake in the configuration.
#[derive(Serialize)]
struct Mistake {
    message: String,
    /// From 1, like the column.
    line: Option<u32>,
    column: Option<u32>,
    /// The line with a mark below what is wrong.
    snippet: Option<String>,
}

impl From<ConfigError> for Answer {
    fn from(error: ConfigError) -> Self {
        let at = error.place.as_ref().and_then(|(_, at)| *at);
        Answer::Configuration(Mistake {
            snippet: error.snippet(),
            line: at.map(|(line, _)| line),
            column: at.map(|(_, column)| column),
            message: error
                .message
                .replace(UNSUPPORTED, "the playground has no other files"),
        })
    }
}

/// Answers a question in JSON.
pub fn check(question: &[u8]) -> Vec<u8> {
    let answer = match serde_json::from_slice(question) {
        Ok(question) => answer(&question).unwrap_or_else(Answer::from),
        Err(error) => Answer::Refused(error.to_string()),
    };
    serde_json::to_vec(&answer).expect("an answer has no map with keys that are no texts")
}

fn answer(question: &Question<'_>) -> Result<Answer, ConfigError> {
    if question.source.len() > LARGEST {
        let limit = LARGEST / 1024;
        return Ok(Answer::Refused(format!(
            "the file is too large for the playground: the limit is {limit} KiB"
        )));
    }
    let outcome = run(question)?;
    let mut out = NoColor::new(Vec::new());
    report::write(Format::Json, &outcome.report(), &mut out).expect("memory takes everything");
    let text = String::from_utf8(out.into_inner()).expect("reports are UTF-8");
    let report = RawValue::from_string(text).expect("the report is JSON");
    Ok(Answer::Report(report))
}

fn run(question: &Question<'_>) -> Result<RunResult, ConfigError> {
    let folder = Path::new(FOLDER);
    let text = question.configuration.clone().into_owned();
    let file = ConfigFile::parse(&folder.join(CONFIGURATION), text)?;
    let overrides = Overrides::default();
    let settings = Settings::new(file.as_ref(), &overrides)?;
    let bytes = question.source.as_bytes().to_vec();
    driver::run(Request {
        stdin: Some((folder.join(&*question.file), bytes)),
        ..Request::new(
            &[],
            &Configuration::fixed(settings, overrides),
            folder.to_path_buf(),
        )
    })
}
