//! A method that several classes run is only fixed in a way that is right for all of them.

use std::collections::HashMap;

use crate::diagnostics::{Finding, Fix, Location};
use crate::rules::contract_method::pass::ClassRun;

/// Drops the fix of a finding if another class runs the same method and does not need the same fix
/// there: what one of them lacks, the other may have.
pub(super) fn drop_disputed_fixes(results: &mut [ClassRun]) {
    let mut disputed: Vec<(usize, usize)> = Vec::new();
    let mut running: HashMap<(&'static str, usize, Location), Vec<&ClassRun>> = HashMap::new();
    for run in results.iter().filter(|run| run.checked.heir_of.is_none()) {
        for def in &run.checked.subjects {
            let key = (run.rule, run.contract, *def);
            running.entry(key).or_default().push(run);
        }
    }
    for (at, run) in results.iter().enumerate() {
        let others = || {
            let defs = run.checked.subjects.iter();
            let keys = defs.map(|def| (run.rule, run.contract, *def));
            let runs = keys.filter_map(|key| running.get(&key)).flatten();
            runs.filter(|other| other.keeper.class() != run.keeper.class())
        };
        for (number, finding) in run.checked.findings.iter().enumerate() {
            let Some(fix) = &finding.fix else { continue };
            if !others().all(|other| offers(other, finding, fix)) {
                disputed.push((at, number));
            }
        }
    }
    for (at, number) in disputed {
        results[at].checked.findings[number].fix = None;
    }
}

fn offers(run: &ClassRun, finding: &Finding, fix: &Fix) -> bool {
    let checked = &run.checked;
    let mut all = checked.findings.iter().chain(&checked.inherited);
    all.any(|own| own.primary.location == finding.primary.location && own.fix.as_ref() == Some(fix))
}
