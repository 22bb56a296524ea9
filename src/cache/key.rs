//! The digest of the input of an analysis.

use std::fmt::{Debug, Write};
use std::sync::Arc;

use rayon::prelude::*;

use crate::analysis::AnalysisInput;
use crate::analysis::kept::conditions;
use crate::settings::Settings;
use crate::source::digest;

/// Increase this when the meaning of a record changes.
const FORMAT: u32 = 5;

/// The key of an analysis, as hexadecimal digits.
pub(super) fn of(input: &AnalysisInput<'_>) -> String {
    let AnalysisInput {
        sources,
        files,
        coverage,
        settings,
        reading,
        checked,
        changed,
        shard,
        // The result does not depend on who is told.
        busy: _,
        kept: _,
        of_folder,
    } = input;
    let mut out = String::new();
    add(&mut out, &(FORMAT, env!("TALLYLINT_BUILD")));
    add(&mut out, &(sources.cwd(), sources.limit()));
    add(
        &mut out,
        &(coverage, reading, (checked, changed, shard), of_folder),
    );
    let mut known: Vec<&Arc<Settings>> = Vec::new();
    for settings in *settings {
        let at = known.iter().position(|own| Arc::ptr_eq(own, settings));
        let at = at.unwrap_or_else(|| {
            known.push(settings);
            out.push_str(&conditions(settings));
            known.len() - 1
        });
        add(&mut out, &at);
    }
    files.par_iter().for_each(|file| {
        let _ = file.digest();
    });
    for file in *files {
        let digest = file.digest();
        let names = (&file.display, &file.path, &file.real_path, file.language);
        add(&mut out, &(names, digest));
    }
    digest(&out)
}

/// The key of what is kept of single files of a run, as hexadecimal digits: whatever is in these files.
pub(super) fn of_units(input: &AnalysisInput<'_>) -> String {
    let mut out = String::new();
    add(&mut out, &(FORMAT, env!("TALLYLINT_BUILD")));
    add(&mut out, &(input.sources.cwd(), &input.coverage.folders));
    format!("units-{}", digest(&out))
}

/// The derived `Debug` output of a value contains all of it.
fn add(out: &mut String, value: &dyn Debug) {
    let _ = writeln!(out, "{value:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;
    use crate::rules::{success_as_proof, swallowed_write};
    use crate::settings::ImportRoots;

    fn settings(select: &[&str]) -> Settings {
        let overrides = Overrides {
            select: select.iter().map(|&rule| rule.to_owned()).collect(),
            ..Overrides::default()
        };
        Settings::new(None, &overrides).unwrap()
    }

    #[test]
    fn what_an_analysis_asks_for_is_in_the_key() {
        let key = |change: &dyn Fn(&mut Settings)| {
            let mut settings = settings(&[]);
            change(&mut settings);
            conditions(&settings)
        };
        let plain = key(&|_| {});
        let changes: [&dyn Fn(&mut Settings); 7] = [
            &|s| {
                s.src = Some(ImportRoots {
                    below: "/a".into(),
                    folders: vec!["/a/b".into()],
                });
            },
            &|s| s.rules = settings(&["swallowed-write"]).rules,
            &|s| s.contracts.clear(),
            &|s| s.infer_contracts = !s.infer_contracts,
            &|s| s.writes.built_in = false,
            &|s| {
                let mut strict = swallowed_write::Options::default();
                strict.excuses.strict = true;
                s.options.set("swallowed-write", Arc::new(strict));
            },
            &|s| {
                let strict = success_as_proof::Options {
                    strict_null: true,
                    ..Default::default()
                };
                s.options.set("success-as-proof", Arc::new(strict));
            },
        ];
        for (at, change) in changes.iter().enumerate() {
            assert_ne!(key(change), plain, "change {at}");
        }
        // Settings that matter only later do not change the key.
        assert_eq!(key(&|s| s.pedantic = true), plain);
        assert_eq!(key(&|s| s.baseline = Some("b".into())), plain);
    }
}
