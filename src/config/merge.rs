//! Merges a configuration file with the files that it extends.

use std::collections::BTreeMap;

use super::at::At;
use super::error::ConfigError;
use super::load::{ConfigFile, Layer};
use super::raw::{RawContract, RawSeverity, RuleName};
use super::tables::{RawOption, rule_tables};
use crate::diagnostics::Severity;
use crate::settings::{Form, GivenValue, Unparsable};

/// A value and the file that contains it.
pub(super) struct Said<'a, T> {
    pub layer: &'a Layer,
    pub value: &'a At<T>,
}

// Not derived: that would require `T: Clone`.
impl<T> Clone for Said<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Said<'_, T> {}

impl<T> Said<'_, T> {
    pub fn get(&self) -> &T {
        self.value.get()
    }

    /// An error at the value.
    pub fn error(&self, message: String) -> ConfigError {
        self.layer.error(self.value.span(), message)
    }
}

/// The value of a rule's option, with its position.
pub(super) enum SaidOption<'a> {
    Flag(Said<'a, bool>),
    Text(Said<'a, String>),
    List(Vec<Said<'a, String>>),
}

impl SaidOption<'_> {
    /// The value without positions.
    pub fn value(&self) -> GivenValue {
        match self {
            SaidOption::Flag(flag) => GivenValue::Flag(*flag.get()),
            SaidOption::Text(text) => GivenValue::Text(text.get().clone()),
            SaidOption::List(list) => {
                GivenValue::List(list.iter().map(|item| item.get().clone()).collect())
            }
        }
    }

    /// An error at the value.
    pub fn error(&self, message: String) -> ConfigError {
        match self {
            SaidOption::Flag(flag) => flag.error(message),
            SaidOption::Text(text) => text.error(message),
            SaidOption::List(list) => match list.first() {
                Some(first) => first.error(message),
                None => ConfigError::command_line(message),
            },
        }
    }
}

/// A severity for a rule, or for one of its kinds.
pub(super) struct SaidLevel<'a> {
    /// The rule.
    pub rule: Said<'a, String>,
    /// The kind; `None` for all kinds.
    pub kind: Option<Said<'a, String>>,
    /// The severity.
    pub level: Severity,
}

/// The settings of all files together. A file overrides those that it extends.
#[derive(Default)]
pub(super) struct Merged<'a> {
    pub select: Option<Vec<Said<'a, RuleName>>>,
    pub ignore: Vec<Said<'a, RuleName>>,
    pub per_file_ignores: Vec<(Said<'a, String>, Vec<Said<'a, RuleName>>)>,
    pub exclude: Vec<Said<'a, String>>,
    pub include: Option<Vec<Said<'a, String>>>,
    pub src: Vec<Said<'a, String>>,
    pub severity: Vec<SaidLevel<'a>>,
    pub baseline: Option<Said<'a, String>>,
    pub writes: Vec<Said<'a, String>>,
    pub built_in_writes: Option<Said<'a, bool>>,
    pub presets: Vec<Said<'a, String>>,
    pub without_presets: Vec<Said<'a, String>>,
    pub infer_contracts: Option<Said<'a, bool>>,
    pub unparsable: Option<Said<'a, Unparsable>>,
    pub contract: Vec<(&'a Layer, &'a At<RawContract>)>,
    pub options: BTreeMap<(&'static str, &'static str), SaidOption<'a>>,
}

impl<'a> Merged<'a> {
    /// Merges the layers. Nothing is validated yet.
    pub fn of(file: Option<&'a ConfigFile>) -> Self {
        let mut out = Self::default();
        for layer in file.iter().flat_map(|file| &file.layers) {
            out.add(layer);
        }
        out
    }

    fn add(&mut self, layer: &'a Layer) {
        let raw = &layer.raw.keys;
        if let Some(select) = &raw.select {
            self.select = Some(said(layer, select));
            self.ignore.clear();
        }
        self.ignore.extend(said(layer, &raw.ignore));
        for (pattern, rules) in &raw.per_file_ignores {
            let pattern = Said {
                layer,
                value: pattern,
            };
            self.per_file_ignores.push((pattern, said(layer, rules)));
        }
        self.exclude.extend(said(layer, &raw.exclude));
        replace(&mut self.include, raw.include.as_ref(), |list| {
            said(layer, list)
        });
        self.src.extend(said(layer, &raw.src));
        for (rule, severity) in &raw.severity {
            let rule = Said { layer, value: rule };
            match severity {
                RawSeverity::Rule(level) => self.level(rule, None, *level),
                RawSeverity::Kinds(kinds) => {
                    for (kind, level) in kinds {
                        let kind = Said { layer, value: kind };
                        self.level(rule, Some(kind), *level.get());
                    }
                }
            }
        }
        let text = |value: &'a At<String>| Said { layer, value };
        let flag = |value: &'a At<bool>| Said { layer, value };
        replace(&mut self.baseline, raw.baseline.as_ref(), text);
        self.writes.extend(said(layer, &raw.writes));
        self.presets.extend(said(layer, &raw.presets));
        self.without_presets
            .extend(said(layer, &raw.without_presets));
        replace(
            &mut self.built_in_writes,
            raw.built_in_writes.as_ref(),
            flag,
        );
        replace(
            &mut self.infer_contracts,
            raw.infer_contracts.as_ref(),
            flag,
        );
        replace(&mut self.unparsable, raw.unparsable.as_ref(), |value| {
            Said { layer, value }
        });
        self.contract
            .extend(raw.contract.iter().map(|contract| (layer, contract)));
        for (rule, specs) in rule_tables() {
            for spec in specs {
                if let Some(value) = layer.raw.options.get(&(rule, spec.key)) {
                    self.option(layer, (rule, spec.key), spec.form, value);
                }
            }
        }
    }

    fn option(
        &mut self,
        layer: &'a Layer,
        of: (&'static str, &'static str),
        form: Form,
        value: &'a RawOption,
    ) {
        let value = match value {
            RawOption::Flag(value) => SaidOption::Flag(Said { layer, value }),
            RawOption::Text(value) => SaidOption::Text(Said { layer, value }),
            RawOption::List(list) => SaidOption::List(said(layer, list)),
        };
        match (self.options.get_mut(&of), value) {
            (Some(SaidOption::List(known)), SaidOption::List(more)) if form.adds() => {
                known.extend(more);
            }
            (_, value) => {
                self.options.insert(of, value);
            }
        }
    }

    fn level(&mut self, rule: Said<'a, String>, kind: Option<Said<'a, String>>, level: Severity) {
        let name = |kind: &Option<Said<'a, String>>| kind.map(|kind| kind.get().clone());
        self.severity
            .retain(|known| known.rule.get() != rule.get() || name(&known.kind) != name(&kind));
        self.severity.push(SaidLevel { rule, kind, level });
    }

    /// The severities, sorted by rule and kind.
    pub fn levels(&self) -> BTreeMap<(&str, Option<&str>), &SaidLevel<'_>> {
        let levels = self.severity.iter();
        levels
            .map(|level| {
                let kind = level.kind.as_ref().map(|kind| kind.get().as_str());
                ((level.rule.get().as_str(), kind), level)
            })
            .collect()
    }
}

fn said<'a, T>(layer: &'a Layer, list: &'a [At<T>]) -> Vec<Said<'a, T>> {
    let list = list.iter();
    list.map(|value| Said { layer, value }).collect()
}

fn replace<'a, T, U>(old: &mut Option<U>, new: Option<&'a T>, make: impl Fn(&'a T) -> U) {
    if let Some(new) = new {
        *old = Some(make(new));
    }
}
