//! The JSON schema of configuration files, made from the types that read them.

use serde_json::{Map, Value, json};

use super::raw::RawKeys;
use super::tables::rule_tables;
use crate::settings::{Form, OptionSpec};

/// The schema, with a line break at its end.
///
/// # Panics
/// Never: a schema is plain data.
#[must_use]
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(RawKeys).to_value();
    for (rule, specs) in rule_tables() {
        schema["properties"][rule] = table(rule, specs);
    }
    without_null(&mut schema);
    let text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
    text + "\n"
}

/// The table of a rule.
fn table(rule: &str, specs: &[OptionSpec]) -> Value {
    let mut properties = Map::new();
    for spec in specs {
        let mut option = match spec.form {
            Form::Flag { .. } => json!({ "type": "boolean" }),
            Form::Text => json!({ "type": "string" }),
            Form::List | Form::MoreItems => {
                json!({ "type": "array", "items": { "type": "string" } })
            }
        };
        option["description"] = spec.about.into();
        properties.insert(spec.key.to_owned(), option);
    }
    json!({
        "description": format!("Options of the rule `{rule}`."),
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

/// A key that may be left out has no value that says so: TOML has no null.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    object.insert("type".to_owned(), one);
                }
            }
            object.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
