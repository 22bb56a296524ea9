//! Reports of several runs as one report, without the files that they are about.
//!
//! A report is read as JSON, of which only what has to be added up is understood: what a later version adds to a finding
//! stays there.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::harmless::harmless_json;
use super::json::VERSION;
use crate::discover::Shard;
use crate::order::Order as _;

/// A report that was read.
pub struct Made {
    /// What it is.
    pub value: Value,
    /// Whether it is in the format of SARIF; otherwise in that of `--format json`.
    pub is_sarif: bool,
    /// What it says of its shard, if it is the report of one.
    pub shard: Option<OfShard>,
}

/// What the report of a shard says to those that join them.
#[derive(Deserialize)]
pub struct OfShard {
    /// Which shard.
    #[serde(flatten)]
    pub shard: Shard,
    /// What was asked of the run.
    pub asked: Value,
    /// What the shard found out.
    pub data: String,
}

impl Made {
    /// Reads a report.
    ///
    /// # Errors
    /// When it is no report of this program in the format json or sarif, of a version that is known.
    pub fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("not a report in the format json or sarif: {error}"))?;
        let run = &value["runs"][0];
        let is_sarif = run.is_object();
        let tool = match is_sarif {
            true => &run["tool"]["driver"]["name"],
            false => &value["tool"]["name"],
        };
        if tool != env!("CARGO_PKG_NAME") {
            return Err(format!("not a report of {}", env!("CARGO_PKG_NAME")));
        }
        if !is_sarif && value["version"] != VERSION {
            return Err(format!(
                "a report of version {}, not {VERSION}",
                value["version"]
            ));
        }
        let shard = match is_sarif {
            true => &run["properties"]["shard"],
            false => &value["shard"],
        };
        let shard = match shard {
            Value::Null => None,
            shard => Some(
                OfShard::deserialize(shard)
                    .map_err(|_| "damaged: it says nothing clear of its shard")?,
            ),
        };
        Ok(Self {
            value,
            is_sarif,
            shard,
        })
    }
}

/// Several reports as one.
pub struct Joined {
    /// The report, with a line break at its end.
    pub text: String,
    /// The names of the severities of the findings that are reported.
    pub severities: Vec<String>,
    /// Whether something could not be analysed, or not be fixed.
    pub is_incomplete: bool,
    /// Whether tallylint itself failed.
    pub is_bug: bool,
}

/// Joins reports of one format, none of which is of a shard.
///
/// # Errors
/// When they are not of one format.
pub fn join(reports: Vec<Made>) -> Result<Joined, String> {
    let is_sarif = reports.first().is_some_and(|report| report.is_sarif);
    if reports.iter().any(|report| report.is_sarif != is_sarif) {
        return Err("some of the reports are in the format json, others in sarif".to_owned());
    }
    let values = reports.into_iter().map(|report| report.value).collect();
    Ok(match is_sarif {
        true => join_sarif(values),
        false => join_json(values),
    })
}

/// A log may have several runs, so they stay as they are.
fn join_sarif(logs: Vec<Value>) -> Joined {
    let mut logs = logs.into_iter();
    let mut all = logs.next().unwrap_or_default();
    for mut log in logs {
        let more = log["runs"].as_array_mut().map(std::mem::take);
        if let (Some(runs), Some(more)) = (all["runs"].as_array_mut(), more) {
            runs.extend(more);
        }
    }
    let of_runs = |field: &str| -> Vec<Value> {
        let runs = all["runs"].as_array().into_iter().flatten();
        let lists = runs.filter_map(|run| run[field].as_array());
        lists.flatten().cloned().collect()
    };
    let results = of_runs("results");
    let open = results
        .iter()
        .filter(|result| result["suppressions"].as_array().is_none_or(Vec::is_empty));
    let told = of_runs("invocations");
    let notes: Vec<&Value> = told
        .iter()
        .filter_map(|run| run["toolExecutionNotifications"].as_array())
        .flatten()
        .collect();
    Joined {
        severities: open
            .filter_map(|result| Some(result["level"].as_str()?.to_owned()))
            .collect(),
        is_incomplete: told.iter().any(|run| run["executionSuccessful"] == false),
        is_bug: notes.iter().any(|note| {
            let text = note["message"]["text"].as_str();
            text.is_some_and(|text| text.starts_with("internal error"))
        }),
        text: text_of(&all),
    }
}

/// What is known of each field of the format: which are lists, and which are numbers to be added up.
fn join_json(documents: Vec<Value>) -> Joined {
    let mut documents = documents.into_iter();
    let mut all = documents.next().unwrap_or_default();
    for document in documents {
        add(&mut all, document);
    }
    for list in ["findings", "suppressed", "checklist"] {
        tidy(&mut all[list]);
    }
    for (owner, list) in [("baseline", "expired"), ("files", "failed")] {
        tidy(&mut all[owner][list]);
    }
    let findings = all["findings"].as_array();
    let nothing = findings.is_none_or(Vec::is_empty) && all["processors"] == 0;
    if !nothing && let Some(candidate) = all.get_mut("candidate") {
        *candidate = Value::Null;
    }
    let failed = all["files"]["failed"].as_array();
    let findings = all["findings"].as_array().into_iter().flatten();
    Joined {
        severities: findings
            .filter_map(|finding| Some(finding["severity"].as_str()?.to_owned()))
            .collect(),
        is_incomplete: failed.is_some_and(|failed| !failed.is_empty()),
        is_bug: failed
            .into_iter()
            .flatten()
            .any(|failed| failed["what"] == "internal-error"),
        text: text_of(&all),
    }
}

/// Adds up numbers, appends lists, and fills in what was null.
fn add(all: &mut Value, more: Value) {
    match (all, more) {
        (Value::Object(all), Value::Object(more)) => add_fields(all, more),
        (Value::Array(all), Value::Array(more)) => all.extend(more),
        (Value::Number(all), Value::Number(more)) => {
            if let (Some(a), Some(b)) = (all.as_u64(), more.as_u64()) {
                *all = (a + b).into();
            }
        }
        (all @ Value::Null, more) => *all = more,
        _ => {}
    }
}

fn add_fields(all: &mut Map<String, Value>, more: Map<String, Value>) {
    for (field, value) in more {
        match field.as_str() {
            // They describe the format, or one of several answers.
            "version" | "tool" => {}
            "candidate" if !all.get("candidate").is_none_or(Value::is_null) => {}
            _ => add(all.entry(field).or_insert(Value::Null), value),
        }
    }
}

/// Sorts a list by place, and drops what is there twice.
fn tidy(list: &mut Value) {
    let Some(list) = list.as_array_mut() else {
        return;
    };
    list.order_by(by_place);
    let mut seen = HashSet::new();
    list.retain(|entry| seen.insert(entry.to_string()));
}

fn by_place(a: &Value, b: &Value) -> Ordering {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let number = |value: &Value, field: &str| value[field].as_u64().unwrap_or_default();
    let key = |value: &Value| {
        (
            text(value, "path"),
            number(value, "line"),
            number(value, "column"),
            text(value, "rule"),
        )
    };
    key(a).cmp(&key(b))
}

fn text_of(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).expect("a value can be written as JSON");
    format!("{}\n", harmless_json(&text))
}
