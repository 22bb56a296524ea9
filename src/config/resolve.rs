//! Resolves what files and the command line say into valid settings.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contract::contract;
use super::folders::folders_matching;
use super::load::invalid;
use super::merge::{Merged, Said, SaidOption};
use super::raw::RuleName;
use super::tables::rule_tables;
use super::{ConfigError, ConfigFile, Overrides, selection};
use crate::diagnostics::RuleMeta;
use crate::presets::{Presets, built_in};
use crate::rules;
use crate::settings::{
    Contract, FileFilter, Form, Given, ImportRoots, Mention, Mentioned, Options, Patterns,
    Settings, Severities, Unparsable, Writes, is_identifier,
};
use crate::suggest::did_you_mean;

impl Settings {
    /// The settings from a configuration file (if any) and the command line.
    ///
    /// # Errors
    /// The first error in either.
    pub fn new(file: Option<&ConfigFile>, overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::resolve(&Merged::of(file), file.map(|f| f.path.as_path()), overrides)
    }

    pub(super) fn resolve(
        said: &Merged<'_>,
        file: Option<&Path>,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let select = said.select.as_deref().map(rule_ids).transpose()?;
        let ignore = rule_ids(&said.ignore)?;
        let on_command_line = |names: &[String]| {
            selection::parse(names.iter().map(String::as_str))
                .map_err(|(_, message)| ConfigError::command_line(message))
        };
        let selected = (!overrides.select.is_empty())
            .then(|| on_command_line(&overrides.select))
            .transpose()?;
        let ignored = on_command_line(&overrides.ignore)?;
        let rules = selection::resolve(selected, &ignored, select, &ignore)
            .map_err(ConfigError::command_line)?;
        let mut exclude = Patterns::default();
        add_patterns(&mut exclude, &said.exclude)?;
        let include = match &said.include {
            None => None,
            Some(list) => {
                let mut include = Patterns::default();
                add_patterns(&mut include, list)?;
                Some(include)
            }
        };
        let mut contracts = vec![Contract::builtin()];
        for (layer, raw) in &said.contract {
            let contract = contract(layer, raw)?;
            if !contracts.iter().any(|known| known.same(&contract)) {
                contracts.push(contract);
            }
        }
        Ok(Self {
            rules,
            contracts,
            infer_contracts: said.infer_contracts.is_none_or(|flag| *flag.get()),
            unparsable: said
                .unparsable
                .map_or_else(Unparsable::default, |said| *said.get()),
            options: options(said)?,
            writes: writes(said)?,
            src: import_roots(said, file)?,
            per_file_ignores: per_file_ignores(said)?,
            mentions: mentions(said)?,
            severities: severities(said)?,
            scope: FileFilter { exclude, include },
            baseline: overrides.baseline.clone().or_else(|| {
                let path = said.baseline.as_ref()?;
                let folder = path.layer.path.parent().unwrap_or(Path::new("."));
                Some(folder.join(path.get()))
            }),
            pedantic: overrides.pedantic,
            file: file.map(Path::to_path_buf),
        })
    }
}

fn rule_ids(names: &[Said<'_, RuleName>]) -> Result<BTreeSet<&'static str>, ConfigError> {
    selection::parse(names.iter().map(|name| name.get().0.as_str()))
        .map_err(|(at, message)| names[at].error(message))
}

fn add_patterns(patterns: &mut Patterns, list: &[Said<'_, String>]) -> Result<(), ConfigError> {
    // The patterns of one file stay together: a later one can take an earlier one back.
    for of_layer in list.chunk_by(|a, b| std::ptr::eq(a.layer, b.layer)) {
        let texts: Vec<&str> = of_layer.iter().map(|p| p.get().as_str()).collect();
        patterns
            .add(&of_layer[0].layer.root, &texts)
            .map_err(|(at, reason)| of_layer[at].error(format!("not a valid pattern: {reason}")))?;
    }
    Ok(())
}

/// Where imports of the files below the folder of a configuration file are looked for.
fn import_roots(
    said: &Merged<'_>,
    file: Option<&Path>,
) -> Result<Option<ImportRoots>, ConfigError> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for path in &said.src {
        let found = folders_of(path)?;
        folders.extend(
            found
                .into_iter()
                .filter(|folder| !folders.contains(folder))
                .collect::<Vec<_>>(),
        );
    }
    let around = file
        .and_then(Path::parent)
        .map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        });
    let below = around.and_then(|folder| fs::canonicalize(folder).ok());
    Ok(below
        .filter(|_| !folders.is_empty())
        .map(|below| ImportRoots { below, folders }))
}

/// The folders that a path in a configuration file names.
fn folders_of(path: &Said<'_, String>) -> Result<Vec<PathBuf>, ConfigError> {
    folders_matching(&path.layer.root, path.get())
        .map_err(|reason| path.error(format!("not a valid pattern: {reason}")))
}

fn per_file_ignores(
    said: &Merged<'_>,
) -> Result<Vec<(Patterns, BTreeSet<&'static str>)>, ConfigError> {
    let mut out = Vec::new();
    for (pattern, names) in &said.per_file_ignores {
        let mut patterns = Patterns::default();
        add_patterns(&mut patterns, std::slice::from_ref(pattern))?;
        out.push((patterns, rule_ids(names)?));
    }
    Ok(out)
}

/// The patterns and names that should match something, with their places.
fn mentions(said: &Merged<'_>) -> Result<Vec<Mention>, ConfigError> {
    let mention = |of, setting: &str, text: &Said<'_, String>| Mention {
        of,
        setting: setting.to_owned(),
        text: text.get().clone(),
        file: text.layer.path.clone(),
        line: text.layer.line(&text.value.span()),
    };
    let mut out = Vec::new();
    for (pattern, _) in &said.per_file_ignores {
        let mut patterns = Patterns::default();
        add_patterns(&mut patterns, std::slice::from_ref(pattern))?;
        let files = Mentioned::Files(patterns);
        out.push(mention(files, "per-file-ignores", pattern));
    }
    for path in &said.src {
        if folders_of(path)?.is_empty() {
            out.push(mention(Mentioned::MissingFolder, "src", path));
        }
    }
    let calls = said.writes.iter();
    out.extend(calls.map(|name| mention(Mentioned::Calls(None), "writes", name)));
    for (rule, specs) in rule_tables() {
        for spec in specs.iter().filter(|spec| spec.form == Form::MoreCalls) {
            if let Some(SaidOption::List(names)) = said.options.get(&(rule, spec.key)) {
                let setting = format!("[{rule}] {}", spec.key);
                let of_rule = |name| mention(Mentioned::Calls(Some(rule)), &setting, name);
                out.extend(names.iter().map(of_rule));
            }
        }
    }
    Ok(out)
}

fn severities(said: &Merged<'_>) -> Result<Severities, ConfigError> {
    let mut out = Severities::new();
    for level in &said.severity {
        let rule =
            selection::find(level.rule.get()).map_err(|message| level.rule.error(message))?;
        let meta: &'static RuleMeta = rule.meta();
        let kind = match &level.kind {
            None => None,
            Some(name) => Some(meta.kind(name.get()).ok_or_else(|| {
                let known = meta.kinds.iter().map(|kind| kind.name.as_str());
                let hint = did_you_mean(name.get(), known);
                let message = format!("`{}` has no kind `{}`{hint}", meta.id, name.get());
                name.error(message)
            })?),
        };
        out.insert((&meta.id, kind.map(|kind| kind.name.as_str())), level.level);
    }
    Ok(out)
}

fn options(said: &Merged<'_>) -> Result<Options, ConfigError> {
    let mut out = Options::default();
    for rule in rules::all() {
        let Some(table) = rule.options() else {
            continue;
        };
        let own = said.options.iter().filter(|((id, _), _)| *id == rule.id());
        let given = own.map(|((_, key), value)| (*key, value.value())).collect();
        let value = table.resolve(&Given::new(given)).map_err(|wrong| {
            match said.options.get(&(rule.id(), wrong.key)) {
                Some(said) => said.error(wrong.message),
                None => ConfigError::command_line(wrong.message),
            }
        })?;
        out.set(rule.id(), value);
    }
    Ok(out)
}

fn writes(said: &Merged<'_>) -> Result<Writes, ConfigError> {
    Ok(Writes {
        names: names(&said.writes)?,
        built_in: said.built_in_writes.is_none_or(|flag| *flag.get()),
        presets: presets(said)?,
    })
}

/// The built-in presets that were kept, and those in the files that were named.
fn presets(said: &Merged<'_>) -> Result<Arc<Presets>, ConfigError> {
    let known = || built_in().iter().map(|(name, _)| *name);
    let mut without = BTreeSet::new();
    for name in &said.without_presets {
        if !known().any(|known| known == name.get()) {
            let hint = did_you_mean(name.get(), known());
            let message = format!("there is no preset `{}`{hint}", name.get());
            return Err(name.error(message));
        }
        without.insert(name.get().clone());
    }
    let read = |path: &Said<'_, String>| path.layer.beside(path.value);
    let own: Vec<(PathBuf, String)> = said.presets.iter().map(read).collect::<Result<_, _>>()?;
    let texts = own.iter().map(|(_, text)| text.clone()).collect();
    Presets::new(without, texts).map_err(|(at, error)| {
        let (path, text) = &own[at];
        invalid(path, text, &error)
    })
}

fn names(list: &[Said<'_, String>]) -> Result<Vec<String>, ConfigError> {
    let check = |name: &Said<'_, String>| {
        if is_identifier(name.get()) {
            Ok(name.get().to_lowercase())
        } else {
            Err(name.error(format!("`{}` is not the name of a call", name.get())))
        }
    };
    list.iter().map(check).collect()
}
