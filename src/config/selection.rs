//! Which rules are on.

use std::collections::BTreeSet;

use crate::rules;
use crate::settings::RuleSet;
use crate::suggest::did_you_mean;

/// The word that selects every rule.
pub(super) const ALL: &str = "all";

/// Parses rule ids and `all`. An error names the index of the unknown one.
pub(super) fn parse<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeSet<&'static str>, (usize, String)> {
    let mut ids = BTreeSet::new();
    for (at, name) in names.into_iter().enumerate() {
        if name == ALL {
            ids.extend(rules::all().iter().map(|rule| rule.id()));
        } else {
            let rule = rules::by_id(name).ok_or_else(|| (at, unknown(name, &[ALL])))?;
            ids.insert(rule.id());
        }
    }
    Ok(ids)
}

/// The rule with this id, or a message that suggests the closest one.
pub(crate) fn find(id: &str) -> Result<&'static dyn rules::Rule, String> {
    rules::by_id(id).ok_or_else(|| unknown(id, &[]))
}

fn unknown(id: &str, others: &[&str]) -> String {
    let known = rules::all().iter().map(|rule| rule.id());
    let known = known.chain(others.iter().copied());
    format!("unknown rule `{id}`{}", did_you_mean(id, known))
}

/// The command line overrides the file: its selection replaces the file's selection and exclusions.
/// Without a selection there, both exclusions apply to the file's selection.
pub(super) fn resolve(
    selected: Option<BTreeSet<&'static str>>,
    ignored: &BTreeSet<&'static str>,
    file_select: Option<BTreeSet<&'static str>>,
    file_ignore: &BTreeSet<&'static str>,
) -> Result<RuleSet, String> {
    let base = match (selected, file_select) {
        (Some(selected), _) => selected,
        (None, Some(select)) => &select - file_ignore,
        (None, None) => {
            let defaults = rules::all().iter().filter(|rule| rule.meta().default);
            let defaults: BTreeSet<_> = defaults.map(|rule| rule.id()).collect();
            &defaults - file_ignore
        }
    };
    let rules = &base - ignored;
    if rules.is_empty() {
        return Err("no rule is left to run".to_owned());
    }
    Ok(RuleSet::new(rules))
}
