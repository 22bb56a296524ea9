//! The contracts of a run, with the evidence for each.

use crate::contracts::Inferred;
use crate::order::Order as _;
use crate::outcome::Survey;
use crate::program::Program;
use crate::settings::Contract;

/// The declared contracts with the evidence for them, then the inferred ones.
#[must_use]
pub fn surveys(declared: &[Contract], inferred: &[Inferred]) -> Vec<Survey> {
    let mut out: Vec<Survey> = declared
        .iter()
        .map(|contract| Survey {
            contract: contract.clone(),
            evidence: Vec::new(),
            processors: Vec::new(),
        })
        .collect();
    let mut believed: Vec<&Contract> = inferred
        .iter()
        .filter(|found| found.believed)
        .filter(|found| !declared.iter().any(|contract| found.is_about(contract)))
        .map(|found| &found.contract)
        .collect();
    believed.order_by_key(|contract| (contract.who.only_method(), &contract.demands));
    believed.dedup();
    out.extend(believed.into_iter().map(|contract| Survey {
        contract: contract.clone(),
        evidence: Vec::new(),
        processors: Vec::new(),
    }));
    for survey in &mut out {
        let about = inferred.iter().filter(|found| {
            found.is_about(&survey.contract)
                && (found.believed || declared.iter().any(|contract| found.is_about(contract)))
        });
        survey.evidence = about.map(|found| found.evidence.clone()).collect();
    }
    out
}

/// The name of a class.
#[must_use]
pub fn class_name(program: &Program<'_>, class: crate::program::ClassRef) -> String {
    let module = program.module(class.module);
    module.ir.class(class.class).qualname.to_string()
}
