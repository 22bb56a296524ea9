//! The effective settings, and where each comes from.

use std::path::PathBuf;

use super::at::At;
use super::load::Layer;
use super::merge::{Merged, Said, SaidLevel, SaidOption};
use super::raw::{RawContract, RuleName};
use super::tables::rule_tables;
use super::texts::{Returns, Texts};
use super::{ConfigError, ConfigFile, Overrides};
use crate::diagnostics::Severity;
use crate::order::Order as _;
use crate::rules;
use crate::settings::{Form, Settings, Unparsable};

/// Where a setting comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum From {
    /// It is the default.
    Default,
    /// A line of a file.
    File(PathBuf, u32),
}

/// A value as it is written in a configuration file.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// One value.
    One(toml::Value, From),
    /// A list, with the origin of each item.
    List(Vec<(toml::Value, From)>),
    /// Built-in words or patterns that cannot be written in a file.
    Builtin,
}

/// One setting.
#[derive(Clone, PartialEq, Debug)]
pub struct Effective {
    /// The tables that contain it, and its key.
    pub key: Vec<String>,
    /// Its value.
    pub value: Value,
}

/// The key of the array of tables that contains the contracts of [`Effective`] settings.
pub const CONTRACT: &str = "contract";

impl Effective {
    /// The settings that result from a configuration file (if any): single settings first, then
    /// tables, then contracts, with each key of a contract by itself.
    ///
    /// # Errors
    /// The first error.
    pub fn all(file: Option<&ConfigFile>) -> Result<Vec<Self>, ConfigError> {
        let said = Merged::of(file);
        let path = file.map(|file| file.path.as_path());
        let settings = Settings::resolve(&said, path, &Overrides::default())?;
        let mut out = Vec::new();
        let mut add = |key: &[&str], value| {
            let key = key.iter().map(|&part| part.to_owned()).collect();
            out.push(Self { key, value });
        };
        add(&["select"], Value::List(selected(&said, &settings)));
        add(&["exclude"], list(&said.exclude));
        if let Some(include) = &said.include {
            add(&["include"], list(include));
        }
        add(&["src"], list(&said.src));
        if let Some(baseline) = &said.baseline {
            add(&["baseline"], one(baseline));
        }
        add(&["writes"], list(&said.writes));
        let flag = |said: &Option<Said<'_, bool>>, default: bool| match said {
            Some(said) => Value::One((*said.get()).into(), from(said)),
            None => Value::One(default.into(), From::Default),
        };
        add(&["built-in-writes"], flag(&said.built_in_writes, true));
        add(&["presets"], list(&said.presets));
        add(&["without-presets"], list(&said.without_presets));
        add(&["infer-contracts"], flag(&said.infer_contracts, true));
        let unparsable = match &said.unparsable {
            Some(said) => Value::One(said.get().name().into(), from(said)),
            None => Value::One(Unparsable::default().name().into(), From::Default),
        };
        add(&["unparsable"], unparsable);
        for (pattern, names) in &said.per_file_ignores {
            let names = names.iter().map(rule).collect();
            add(&["per-file-ignores", pattern.get()], Value::List(names));
        }
        for (rule, kind, level) in levels(&said) {
            let place = level.kind.as_ref().unwrap_or(&level.rule);
            let value = Value::One(level.level.name().into(), from(place));
            match kind {
                Some(kind) => add(&["severity", rule, kind], value),
                None => add(&["severity", rule], value),
            }
        }
        for (rule, specs) in rule_tables() {
            for spec in specs {
                let said = said.options.get(&(rule, spec.key));
                add(&[rule, spec.key], option(spec.form, said));
            }
        }
        for (layer, contract) in &said.contract {
            for (key, value) in of_contract(layer, contract.get()) {
                add(&[CONTRACT, key], value);
            }
        }
        Ok(out)
    }
}

/// The keys of a contract, as they are written.
fn of_contract(layer: &Layer, contract: &RawContract) -> Vec<(&'static str, Value)> {
    let item = |text: &At<String>| (text.get().as_str().into(), place(layer, text));
    let texts = |texts: &Texts| match texts.items.as_slice() {
        [one] if !texts.is_list => Value::One(one.get().as_str().into(), place(layer, one)),
        items => Value::List(items.iter().map(item).collect()),
    };
    let flag = |flag: &At<bool>| Value::One((*flag.get()).into(), place(layer, flag));
    let list = |bases: &Vec<At<String>>| Value::List(bases.iter().map(item).collect());
    let returns = |returns: &Returns| match returns {
        Returns::Flag(said) => flag(said),
        Returns::Parts(parts) => texts(parts),
    };
    let keys = [
        ("method", contract.method.as_ref().map(texts)),
        ("function", contract.function.as_ref().map(texts)),
        ("decorator", contract.decorator.as_ref().map(texts)),
        ("bases", contract.bases.as_ref().map(list)),
        ("sets", contract.sets.as_ref().map(texts)),
        ("calls", contract.calls.as_ref().map(texts)),
        ("returns", contract.returns.as_ref().map(returns)),
        (
            "also-when-raising",
            contract.also_when_raising.as_ref().map(flag),
        ),
    ];
    keys.into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

fn option(form: Form, said: Option<&SaidOption<'_>>) -> Value {
    match (form, said) {
        (_, Some(SaidOption::Flag(flag))) => Value::One((*flag.get()).into(), from(flag)),
        (_, Some(SaidOption::Text(text))) => one(text),
        (_, Some(SaidOption::List(items))) => list(items),
        (Form::Flag { default }, None) => Value::One(default.into(), From::Default),
        (Form::MoreItems | Form::MoreCalls, None) => Value::List(Vec::new()),
        (Form::Text | Form::List, None) => Value::Builtin,
    }
}

/// The rules that run, each with what selected it.
fn selected(said: &Merged<'_>, settings: &Settings) -> Vec<(toml::Value, From)> {
    let by = |id: &str| {
        let named = |said: &&Said<'_, RuleName>| {
            let name = said.get().0.as_str();
            name == id || name == super::selection::ALL
        };
        let select = said.select.iter().flatten();
        select.clone().find(named).map_or(From::Default, from)
    };
    let ids = settings.rules.ids();
    ids.map(|id| (id.into(), by(id))).collect()
}

/// The severities by rule and kind. A file cannot set a rule and its kinds side by side, so in that
/// case every kind of the rule is listed.
fn levels<'m>(said: &'m Merged<'_>) -> Vec<(&'m str, Option<&'m str>, &'m SaidLevel<'m>)> {
    let levels = said.levels();
    let mut out = Vec::new();
    for ((rule, kind), level) in &levels {
        let kinds = || {
            levels
                .keys()
                .filter(|(id, kind)| id == rule && kind.is_some())
        };
        if kind.is_some() || kinds().next().is_none() {
            out.push((*rule, *kind, *level));
            continue;
        }
        let known = rules::by_id(rule).map(|rule| rule.meta().kinds.iter());
        let others = known.into_iter().flatten();
        let others = others
            .filter(|kind| kind.severity > Severity::Note)
            .filter(|kind| !kinds().any(|(_, said)| *said == Some(&kind.name)));
        out.extend(others.map(|kind| (*rule, Some(kind.name.as_str()), *level)));
    }
    out.order_by_key(|(rule, kind, _)| (*rule, *kind));
    out
}

fn place<T>(layer: &Layer, value: &At<T>) -> From {
    From::File(layer.path.clone(), layer.line(&value.span()))
}

fn from<T>(said: &Said<'_, T>) -> From {
    place(said.layer, said.value)
}

fn rule(said: &Said<'_, RuleName>) -> (toml::Value, From) {
    (said.get().0.as_str().into(), from(said))
}

fn one(said: &Said<'_, String>) -> Value {
    Value::One(said.get().as_str().into(), from(said))
}

fn list(list: &[Said<'_, String>]) -> Value {
    let item = |said: &Said<'_, String>| (said.get().as_str().into(), from(said));
    Value::List(list.iter().map(item).collect())
}
