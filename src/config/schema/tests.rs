//! Derives the JSON schema. This is part of the tests and not of the program, so that users need
//! not build what derives it.

use std::borrow::Cow;
use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::config::at::At;
use crate::config::raw::{RawKeys, RawSeverity, RuleName};
use crate::config::selection;
use crate::config::tables::rule_tables;
use crate::config::texts::{Returns, Texts};
use crate::diagnostics::Severity;
use crate::rules;
use crate::settings::{Form, OptionSpec};

/// In the schema, only the value counts.
impl<T: JsonSchema> JsonSchema for At<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
    fn inline_schema() -> bool {
        T::inline_schema()
    }
}

impl JsonSchema for RuleName {
    fn schema_name() -> Cow<'static, str> {
        "RuleName".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let known = rules::all().iter().map(|rule| rule.id());
        let names: Vec<&str> = known.chain([selection::ALL]).collect();
        json_schema!({
            "description": "The id of a rule, or `all`.",
            "type": "string",
            "enum": names,
        })
    }
}

impl JsonSchema for RawSeverity {
    fn schema_name() -> Cow<'static, str> {
        "RuleSeverity".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let level = generator.subschema_for::<Severity>();
        json_schema!({
            "description": "A level for the rule, or for some of its kinds.",
            "anyOf": [level, { "type": "object", "additionalProperties": level }],
        })
    }
}

impl JsonSchema for Texts {
    fn schema_name() -> Cow<'static, str> {
        "Texts".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
        })
    }
}

impl JsonSchema for Returns {
    fn schema_name() -> Cow<'static, str> {
        "Returns".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "boolean" },
                { "type": "string" },
                { "type": "array", "items": { "type": "string" } },
            ],
        })
    }
}

/// The schema of a rule's table.
fn table(rule: &str, specs: &[OptionSpec]) -> Value {
    let mut properties = Map::new();
    for spec in specs {
        let mut option = match spec.form {
            Form::Flag { .. } => json!({ "type": "boolean" }),
            Form::Text => json!({ "type": "string" }),
            Form::List | Form::MoreItems | Form::MoreCalls => {
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

/// TOML has no null, so an optional key must not allow it.
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

fn derived() -> String {
    let mut schema = schemars::schema_for!(RawKeys).to_value();
    for (rule, specs) in rule_tables() {
        schema["properties"][rule] = table(rule, specs);
    }
    without_null(&mut schema);
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

#[test]
fn the_embedded_schema_is_what_the_types_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tallylint.schema.json");
    let derived = derived();
    if std::env::var_os("TALLYLINT_BLESS").is_some() {
        std::fs::write(path, derived).unwrap();
        return;
    }
    assert_eq!(
        super::schema(),
        derived,
        "run the tests with TALLYLINT_BLESS=1, twice: what is made from the schema takes the one \
         that it was compiled with"
    );
}
