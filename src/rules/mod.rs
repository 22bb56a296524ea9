//! The rules: what each is called, looks at and can be configured with.

pub mod advance_past_failure;
pub mod contract_method;
pub mod failed_write;
pub mod ignore_comment;
pub mod ignored_failure;
mod known;
mod positions;
mod registry;
pub mod success_as_proof;
pub mod swallowed_write;
mod tables;
pub mod unearned_success;
pub mod untracked_return;
mod wording;

use serde::{Deserialize, Serialize};

use crate::contracts::suggest::Words;
use crate::diagnostics::{Finding, KindMeta, RuleMeta};
use crate::engine::budget::Budget;
use crate::engine::summaries::library::Library;
use crate::frontend::sketch::Glance;
use crate::ir::{FuncIdx, Function};
use crate::outcome::Outside;
use crate::program::LoadedModule;
use crate::settings::{NamePattern, OptionTable, Settings};
use crate::source::SourceFile;
use crate::suggest::did_you_mean;
use contract_method::ContractRule;
use registry::registry;
pub(crate) use tables::only_asks;
use tables::{counts_rows, is_harmless, only_fills, only_tells};

// One entry for each rule: its type, its id, what it looks at, and its options if it has some.
registry! {
    /// A cursor, an offset or an acknowledgement moves past rows that were never stored.
    AdvancePastFailure = "advance-past-failure", Scope::Functions(&advance_past_failure::Functions);
    /// A comment that ignores findings is wrong itself.
    IgnoreComment = "ignore-comment", Scope::Comments;
    /// A function returns that its write failed, and its caller does not look.
    IgnoredFailure = "ignored-failure", Scope::Functions(&ignored_failure::Functions);
    /// A run that ended well is taken for one that processed something.
    SuccessAsProof = "success-as-proof", Scope::Functions(&success_as_proof::Functions),
        options success_as_proof::Table;
    /// A write can fail, and the method still ends as if it had not.
    SwallowedWrite = "swallowed-write", Scope::ContractMethods(&swallowed_write::Methods),
        options swallowed_write::Table;
    /// A run is called a success although failures were counted, or nothing was processed.
    UnearnedSuccess = "unearned-success", Scope::Functions(&unearned_success::Functions);
    /// A processor method can return without recording what it did.
    UntrackedReturn = "untracked-return", Scope::ContractMethods(&untracked_return::Methods);
}

/// The rule with this id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static dyn Rule> {
    all().iter().copied().find(|rule| rule.meta().id == id)
}

/// A rule, or one kind of its findings.
#[derive(Clone, Copy)]
pub struct Named {
    /// The rule.
    pub rule: &'static dyn Rule,
    /// The kind; `None` for all of them.
    pub kind: Option<&'static KindMeta>,
}

/// What a name means: `untracked-return`, or `untracked-return/unset`.
///
/// # Errors
/// If there is no such rule or kind: what may be meant, as the end of a message.
pub fn named(name: &str) -> Result<Named, String> {
    let (id, kind) = match name.split_once('/') {
        Some((id, kind)) => (id, Some(kind)),
        None => (name, None),
    };
    let Some(rule) = by_id(id) else {
        return Err(did_you_mean(id, all().iter().map(|rule| rule.id())));
    };
    let Some(kind) = kind else {
        return Ok(Named { rule, kind: None });
    };
    let known = || rule.meta().kinds.iter();
    match known().find(|known| known.name == kind) {
        Some(kind) => Ok(Named {
            rule,
            kind: Some(kind),
        }),
        None => {
            let all: Vec<String> = known().map(|kind| format!("{id}/{}", kind.name)).collect();
            Err(did_you_mean(name, all.iter().map(String::as_str)))
        }
    }
}

/// Makes glances, one for each thread.
pub type Glances = Box<dyn Fn() -> Box<dyn Glance> + Send + Sync>;

/// Which functions a rule has to see.
#[derive(Default)]
pub enum Functions {
    /// None.
    #[default]
    None,
    /// Those that a glance lets through.
    Glanced(Glances),
    /// All of them.
    All,
}

/// What the rules know of names.
pub const WORDS: Words = Words {
    counts: counts_rows,
    tells: only_tells,
    harmless: is_harmless,
    fills: only_fills,
};

/// What a rule has to see of a program; nothing else needs to be read for it.
#[derive(Default)]
pub struct Interest {
    /// The rule, by its id.
    pub rule: &'static str,
    /// Names of members. Classes matter that define one of them, or inherit from such a class.
    pub members: Vec<NamePattern>,
    /// Names of functions, whatever class they are in. Files matter that define one of them.
    pub functions_named: Vec<NamePattern>,
    /// Names of decorators and attributes. Files matter that use one of them.
    pub decorators: Vec<NamePattern>,
    /// Whether methods matter that call a method of their receiver, and then read a key or use what
    /// it returned: they may imply a contract.
    pub beliefs: bool,
    /// Functions that matter, whatever class they are in.
    pub functions: Functions,
}

impl Interest {
    /// What makes the glances that tell which functions matter, if there are any.
    #[must_use]
    pub fn glances(&self) -> Option<&Glances> {
        match &self.functions {
            Functions::Glanced(glances) => Some(glances),
            Functions::None | Functions::All => None,
        }
    }

    /// Whether every function matters.
    #[must_use]
    pub fn wants_all_functions(&self) -> bool {
        matches!(self.functions, Functions::All)
    }
}

/// A rule. Its catalogue entry says what is known about it without running it.
pub trait Rule: Sync {
    /// The catalogue entry.
    fn meta(&self) -> &'static RuleMeta;

    /// The id.
    fn id(&self) -> &'static str {
        &self.meta().id
    }

    /// What it looks at, and how.
    fn scope(&self) -> Scope;

    /// Its options, if it has any.
    fn options(&self) -> Option<&'static dyn OptionTable> {
        None
    }

    /// What it has to see of a program.
    fn interest(&self, settings: &Settings) -> Interest {
        let interest = match self.scope() {
            Scope::Comments => Interest::default(),
            Scope::Functions(functions) => Interest {
                functions: match functions.glance(settings) {
                    Some(glances) => Functions::Glanced(glances),
                    None => Functions::All,
                },
                ..Interest::default()
            },
            Scope::ContractMethods(rule) => Interest {
                functions: match rule.outside().map(|outside| outside.glance(settings)) {
                    Some(Some(glances)) => Functions::Glanced(glances),
                    Some(None) => Functions::All,
                    None => Functions::None,
                },
                ..contract_method::interest(settings)
            },
        };
        Interest {
            rule: self.id(),
            ..interest
        }
    }
}

impl Scope {
    /// What it looks at in functions, whatever class they are in.
    #[must_use]
    pub fn functions(&self) -> Option<&'static dyn FunctionRule> {
        match self {
            Scope::Comments => None,
            Scope::Functions(functions) => Some(*functions),
            Scope::ContractMethods(rule) => rule.outside(),
        }
    }
}

/// What a rule looks at.
pub enum Scope {
    /// The comments that ignore findings, once all findings are known.
    Comments,
    /// Functions, whatever class they are in.
    Functions(&'static dyn FunctionRule),
    /// The methods that have to keep a contract, and for some rules also functions that need not.
    ContractMethods(&'static dyn ContractRule),
}

/// A rule about functions.
pub trait FunctionRule: Sync {
    /// What tells which functions matter; `None` if all do.
    fn glance(&self, settings: &Settings) -> Option<Glances>;

    /// Whether the same functions matter with either settings.
    fn same_glance(&self, one: &Settings, other: &Settings) -> bool;

    /// Checks the functions of a module that matter. Their bodies may not have been lowered yet.
    fn check(
        &self,
        library: &Library<'_>,
        module: &LoadedModule,
        functions: &[(FuncIdx, &Function)],
        settings: &Settings,
    ) -> InModule;

    /// Whether it looks for lost writes with these settings, and counts what it looked at.
    fn counts(&self, _: &Settings) -> bool {
        false
    }

    /// Whether it leaves out a file, whatever is in it.
    fn leaves_out(&self, _: &SourceFile) -> bool {
        false
    }
}

/// What a rule about functions found in a module.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct InModule {
    /// The findings.
    pub findings: Vec<Finding>,
    /// What it cost.
    pub effort: Effort,
    /// What was looked at, if the rule counts that.
    pub looked: Outside,
}

/// The rule about comments that ignore findings.
///
/// # Panics
/// Never: the registry has one.
#[must_use]
pub fn about_comments() -> &'static dyn Rule {
    let mut rules = all().iter().copied();
    let found = rules.find(|rule| matches!(rule.scope(), Scope::Comments));
    found.expect("a rule of the registry is about comments")
}

/// Whether a rule looks at every exit of the contract methods, so that the checklist can be made of
/// what it finds.
#[must_use]
pub fn lists_exits(id: &str) -> bool {
    contract_method::of_rule(id, |rule| rule.lists_exits())
}

/// Whether findings of a rule at one place are one fault, even if the classes that share the code give them different
/// kinds.
#[must_use]
pub fn is_one_fault(id: &str) -> bool {
    contract_method::of_rule(id, |rule| rule.is_one_fault())
}

/// What a check cost, and how often it gave up.
#[derive(Clone, Copy, Default, Debug, Serialize, Deserialize)]
pub struct Effort {
    /// Functions that were simulated to the end.
    pub functions: u64,
    /// Functions given up for lack of budget.
    pub given_up: u64,
    /// Candidates that no single path confirmed.
    pub infeasible: u64,
    /// Block executions.
    pub steps: u64,
    /// States that were merged because there were too many.
    pub merges: u64,
    /// Loops that were widened.
    pub widenings: u64,
    /// Calls that were not followed for lack of budget.
    pub calls_cut: u64,
}

impl Effort {
    /// Adds what an engine spent.
    pub fn account(&mut self, budget: &Budget) {
        self.steps += budget.executed;
        self.merges += budget.merges;
        self.widenings += budget.widenings;
        self.calls_cut += budget.calls_cut;
    }
}

impl std::ops::AddAssign for Effort {
    fn add_assign(&mut self, other: Effort) {
        self.functions += other.functions;
        self.given_up += other.given_up;
        self.infeasible += other.infeasible;
        self.steps += other.steps;
        self.merges += other.merges;
        self.widenings += other.widenings;
        self.calls_cut += other.calls_cut;
    }
}

/// The project's page on the web, if the package names one.
#[must_use]
pub fn repository() -> Option<&'static str> {
    Some(env!("CARGO_PKG_REPOSITORY")).filter(|url| !url.is_empty())
}

/// The page of a rule on the web, if the package names the project.
#[must_use]
pub fn help_uri(rule: &str) -> Option<String> {
    repository().map(|repository| page_in(repository, env!("CARGO_PKG_VERSION"), rule))
}

fn page_in(repository: &str, version: &str, rule: &str) -> String {
    let repository = repository.trim_end_matches('/');
    format!("{repository}/blob/v{version}/docs/rules/{rule}.md")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_of_a_rule_is_in_the_repository() {
        let page = super::page_in("https://example.org/tally/", "1.2.3", "untracked-return");
        let wanted = "https://example.org/tally/blob/v1.2.3/docs/rules/untracked-return.md";
        assert_eq!(page, wanted);
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(root.join("docs/rules/untracked-return.md").is_file());
    }
}
