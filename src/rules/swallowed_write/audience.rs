//! Who may hear of a failure in a function that no contract names: its callers, and code that reads
//! what it leaves behind, anywhere in the program.

use std::collections::BTreeSet;

use super::callers::{Answer, CallSite};
use crate::ir::Name;
use crate::program::{ModuleId, Program};
use crate::rules::contract_method::Subject;

/// In how many other files callers are looked for. A name that more files mention is too common to
/// tell.
const MAX_FILES: usize = 24;

/// The callers of a function, and who may read what it leaves behind.
pub(super) struct Audience {
    calls: Vec<CallSite>,
    /// There may be callers that were not looked at.
    more: bool,
    /// Code that is not known may read the attributes of the receiver.
    open: bool,
}

impl Audience {
    pub(super) fn of(subject: &Subject<'_>) -> Self {
        let program = subject.program;
        let own = subject.func.module;
        let name = subject.method;
        let (others, more) = program.modules_that_mention(name, own, MAX_FILES);
        let mut calls = Vec::new();
        for id in others.into_iter().chain([own]) {
            let module = program.module(id);
            let naming = module.ir.outer_functions();
            let naming = naming.filter(|(_, function)| function.body.may_mention(name));
            for (idx, function) in naming.flat_map(|(idx, _)| module.ir.with_left_out(idx)) {
                // Its own code calls it only recursively.
                let mut around = Some(idx);
                let mut inside = false;
                while let Some(at) = around {
                    inside |= id == own && at == subject.func.func;
                    around = module.ir.function(at).outer;
                }
                if !inside {
                    calls.extend(CallSite::of_name(function, name));
                }
            }
        }
        let open = subject
            .class
            .is_some_and(|class| !program.fully_resolved(class));
        Self { calls, more, open }
    }

    /// Whether a caller learns of the failure from what the function returns. If no caller is known,
    /// one that looks at it is assumed.
    pub(super) fn hears(&self, answer: &Answer) -> bool {
        let mut calls = self.calls.iter();
        if calls.any(|site| site.hears(answer)) {
            return true;
        }
        let known = self.calls.iter().any(|site| site.certain);
        (self.more || !known) && answer.tells()
    }

    /// Whether code outside of the modules of a class may read an attribute of its instances.
    pub(super) fn reads(
        &self,
        program: &Program<'_>,
        name: &Name,
        modules: &BTreeSet<ModuleId>,
    ) -> bool {
        let modules: Vec<ModuleId> = modules.iter().copied().collect();
        self.open || program.is_mentioned_outside(name, &modules)
    }
}
