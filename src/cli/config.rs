//! `tallylint config`: the effective settings, and where each comes from.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Serialize;

use super::args::{ConfigArgs, RulesFormat};
use super::{Failure, output, terminal};
use crate::config::{self, CONTRACT, ConfigSource, Effective, From, Value};
use crate::report::harmless_lines;
use crate::source::describe_io;

/// Version of the JSON document.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document {
    version: u32,
    file: Option<String>,
    settings: Vec<JsonSetting>,
}

#[derive(Serialize)]
struct JsonSetting {
    key: Vec<String>,
    /// `null` for built-in values that cannot be written in a file.
    value: Option<toml::Value>,
    /// One for each item of a list, otherwise one.
    from: Vec<JsonFrom>,
}

#[derive(Serialize)]
struct JsonFrom {
    /// `null` for the default.
    path: Option<String>,
    line: Option<u32>,
}

/// Prints the settings for a path. Returns the exit code.
pub fn run(args: &ConfigArgs) -> Result<u8, Failure> {
    if args.schema {
        terminal::print(config::schema().as_bytes())?;
        return Ok(0);
    }
    let cwd = env::current_dir().map_err(|error| {
        format!(
            "cannot determine the working directory: {}",
            describe_io(&error)
        )
    })?;
    let source = ConfigSource::of(args.config.as_deref(), args.isolated);
    let file = config::file_of_folder(&source, &cwd, &folder(&args.path, &cwd)?)
        .map_err(|error| output::configuration_failure(&error, &cwd))?;
    let settings = Effective::all(file.as_ref())
        .map_err(|error| output::configuration_failure(&error, &cwd))?;
    let show = |path: &Path| output::show(path, &cwd);
    let path = file.map(|file| show(&file.path));
    let text = match args.format {
        RulesFormat::Text => text(path.as_deref(), &settings, show),
        RulesFormat::Json => {
            let document = Document {
                version: VERSION,
                file: path,
                settings: settings.into_iter().map(|s| json(s, show)).collect(),
            };
            serde_json::to_string_pretty(&document)? + "\n"
        }
    };
    terminal::print(harmless_lines(&text).as_bytes())?;
    Ok(0)
}

fn folder(path: &Path, cwd: &Path) -> Result<PathBuf, String> {
    let real = fs::canonicalize(cwd.join(path))
        .map_err(|error| format!("{}: {}", path.display(), describe_io(&error)))?;
    match real.parent() {
        Some(parent) if !real.is_dir() => Ok(parent.to_path_buf()),
        _ => Ok(real),
    }
}

fn origin(from: &From, show: impl Fn(&Path) -> String) -> String {
    match from {
        From::Default => "default".to_owned(),
        From::File(path, line) => format!("{}:{line}", show(path)),
    }
}

/// An equivalent configuration file, with the origins in comments.
fn text(file: Option<&str>, settings: &[Effective], show: impl Fn(&Path) -> String) -> String {
    let mut out = format!("# configuration: {}\n", file.unwrap_or("none"));
    let mut table: &[String] = &[];
    for setting in settings {
        let (name, around) = setting.key.split_last().expect("a key has a name");
        let contract = around.first().is_some_and(|table| table == CONTRACT);
        if contract && name == "method" {
            let _ = write!(out, "\n[[{CONTRACT}]]\n");
        } else if around != table && !contract {
            let path: Vec<String> = around.iter().map(|part| key(part)).collect();
            let _ = write!(out, "\n[{}]\n", path.join("."));
        }
        table = around;
        let name = key(name);
        let _ = match &setting.value {
            Value::One(value, from) => writeln!(out, "{name} = {value}  # {}", origin(from, &show)),
            Value::Builtin => writeln!(out, "# {name}: built in"),
            Value::List(items) if items.is_empty() => writeln!(out, "{name} = []  # default"),
            Value::List(items) => {
                let items: String = items
                    .iter()
                    .map(|(value, from)| format!("    {value},  # {}\n", origin(from, &show)))
                    .collect();
                writeln!(out, "{name} = [\n{items}]")
            }
        };
    }
    out
}

/// A key as it is written in a file.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        toml::Value::from(name).to_string()
    }
}

fn json(setting: Effective, show: impl Fn(&Path) -> String) -> JsonSetting {
    let from = |from: From| match from {
        From::Default => JsonFrom {
            path: None,
            line: None,
        },
        From::File(path, line) => JsonFrom {
            path: Some(show(&path)),
            line: Some(line),
        },
    };
    let (value, from) = match setting.value {
        Value::Builtin => (None, Vec::new()),
        Value::One(value, origin) => (Some(value), vec![from(origin)]),
        Value::List(items) => {
            let (values, origins): (Vec<_>, Vec<_>) = items.into_iter().unzip();
            let origins = origins.into_iter().map(from).collect();
            (Some(toml::Value::Array(values)), origins)
        }
    };
    JsonSetting {
        key: setting.key,
        value,
        from,
    }
}
