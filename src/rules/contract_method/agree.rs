//! A method that several classes run is only fixed in a way that is right for all of them.

use crate::diagnostics::{Finding, Fix};
use crate::rules::contract_method::pass::ClassRun;

/// Drops the fix of a finding if another class runs the same method and does not need the same fix
/// there: what one of them lacks, the other may have.
pub(super) fn drop_disputed_fixes(results: &mut [ClassRun]) {
    let mut disputed: Vec<(usize, usize)> = Vec::new();
    for (at, run) in results.iter().enumerate() {
        let others = || {
            let same = |other: &&ClassRun| {
                (other.rule, other.contract) == (run.rule, run.contract)
                    && other.keeper.class() != run.keeper.class()
                    && other.checked.heir_of.is_none()
                    && shares_code(run, other)
            };
            results.iter().filter(same)
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

fn shares_code(a: &ClassRun, b: &ClassRun) -> bool {
    let subjects = &b.checked.subjects;
    a.checked.subjects.iter().any(|def| subjects.contains(def))
}

fn offers(run: &ClassRun, finding: &Finding, fix: &Fix) -> bool {
    let checked = &run.checked;
    let mut all = checked.findings.iter().chain(&checked.inherited);
    all.any(|own| own.primary.location == finding.primary.location && own.fix.as_ref() == Some(fix))
}
