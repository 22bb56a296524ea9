//! The reference of the configuration, generated from its schema.

use std::fmt::Write;

use serde_json::Value;

use super::schema;

/// All keys with their types and descriptions, in Markdown.
///
/// # Panics
/// Never: the schema is valid JSON.
#[must_use]
pub fn reference() -> String {
    let schema: Value = serde_json::from_str(schema()).expect("the schema is JSON");
    let mut out = String::new();
    table(&schema, &schema, &mut out);
    let properties = schema["properties"].as_object();
    for (key, property) in properties.into_iter().flatten() {
        let of_list = property["type"] == "array";
        let inner = target(
            &schema,
            if of_list {
                &property["items"]
            } else {
                property
            },
        );
        if inner["properties"].is_object() {
            let head = if of_list {
                format!("[[{key}]]")
            } else {
                format!("[{key}]")
            };
            let _ = write!(out, "\n### `{head}`\n\n{}\n\n", text(inner));
            table(&schema, inner, &mut out);
        }
    }
    out
}

fn table(schema: &Value, object: &Value, out: &mut String) {
    out.push_str("| key | value | |\n|---|---|---|\n");
    let properties = object["properties"].as_object();
    for (key, property) in properties.into_iter().flatten() {
        let described = if property["description"].is_string() {
            text(property)
        } else {
            text(target(schema, property))
        };
        let kind = kind(schema, property);
        let _ = writeln!(
            out,
            "| `{key}` | {kind} | {} |",
            described.replace('|', "\\|")
        );
    }
}

/// Follows a `$ref`.
fn target<'a>(schema: &'a Value, property: &'a Value) -> &'a Value {
    let name = property["$ref"].as_str();
    match name.and_then(|name| name.strip_prefix("#/$defs/")) {
        Some(name) => &schema["$defs"][name],
        None => property,
    }
}

fn kind(schema: &Value, property: &Value) -> String {
    let property = target(schema, property);
    if property["enum"].is_array() {
        return "a rule".to_owned();
    }
    match property["type"].as_str() {
        Some("string") => "text".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("array") => match target(schema, &property["items"]) {
            items if items["properties"].is_object() => "tables, see below".to_owned(),
            items if items["enum"].is_array() => "list of rules".to_owned(),
            _ => "list of texts".to_owned(),
        },
        _ if property["properties"].is_object() => "table, see below".to_owned(),
        _ if property["anyOf"].is_array() => any_of(property),
        // Anything may be in it.
        _ if property["additionalProperties"] == true => "table".to_owned(),
        _ => {
            let values = kind(schema, &property["additionalProperties"]);
            format!("table: {values} for each key")
        }
    }
}

/// The values that a key takes, if they have several types.
fn any_of(property: &Value) -> String {
    let types = property["anyOf"].as_array().into_iter().flatten();
    let types: Vec<&str> = types.filter_map(|one| one["type"].as_str()).collect();
    match types.as_slice() {
        ["string", "array"] => "text, or list of texts".to_owned(),
        ["boolean", "string", "array"] => "`true`, text, or list of texts".to_owned(),
        _ => "a level, or a table of kinds and levels".to_owned(),
    }
}

fn text(property: &Value) -> String {
    let text = property["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
