//! Who may hear of a failure in a function that no contract names: its callers, and code that reads
//! what it leaves behind, anywhere in the program.

use std::collections::BTreeSet;

use super::callers::{Answer, CallSite, Wanted};
use super::read;
use crate::ir::{FuncIdx, Name};
use crate::program::{ModuleId, Program};
use crate::rules::contract_method::Subject;

/// In how many other files callers are looked for. A name that more files mention is too common to
/// tell.
const MAX_FILES: usize = 24;

/// The callers of a function, and who may read what it leaves behind.
pub(super) struct Audience {
    /// All callers that are known.
    calls: Option<CallSite>,
    /// There may be callers that were not looked at.
    more: bool,
    /// Code that is not known may read the attributes of the receiver.
    open: bool,
}

impl Audience {
    pub(super) fn of(subject: &Subject<'_>) -> Self {
        let program = subject.program;
        let own = subject.func.module;
        let wanted = wanted(subject);
        let mut more = false;
        let mut places = Vec::new();
        for wanted in &wanted {
            let (others, and_more) = program.modules_that_mention(wanted.word(), own, MAX_FILES);
            more |= and_more;
            let all = others.into_iter().chain([own]);
            places.extend(all.map(|id| (wanted, id)));
        }
        let mut calls = Vec::new();
        for (wanted, id) in places {
            let module = program.module(id);
            let sites = read::sites_of(&module, wanted, id == own);
            // Its own code calls it only recursively.
            let is_outside = |at: &FuncIdx| {
                let mut around = Some(*at);
                while let Some(at) = around {
                    if id == own && at == subject.func.func {
                        return false;
                    }
                    around = module.ir.function(at).outer;
                }
                true
            };
            let others = sites.iter().filter(|(_, at)| at.iter().any(is_outside));
            calls.extend(CallSite::together(others.map(|(site, _)| site)));
        }
        let calls = CallSite::together(calls.iter());
        let open = subject
            .class
            .is_some_and(|class| !program.fully_resolved(class));
        Self { calls, more, open }
    }

    /// Whether a caller learns of the failure from what the function returns. If no caller is known,
    /// one that looks at it is assumed.
    pub(super) fn hears(&self, answer: &Answer) -> bool {
        if self.calls.as_ref().is_some_and(|site| site.hears(answer)) {
            return true;
        }
        let known = self.calls.as_ref().is_some_and(|site| site.certain);
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

/// How code names the function.
fn wanted(subject: &Subject<'_>) -> Vec<Wanted> {
    let mut all = vec![Wanted::Named(subject.method.into())];
    if subject.method == "__call__"
        && let Some(class) = subject.class
    {
        let module = subject.program.module(class.module);
        let name = module.ir.class(class.class).name.clone();
        all.push(Wanted::Instance(name));
    }
    all
}
