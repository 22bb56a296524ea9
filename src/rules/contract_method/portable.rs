//! The results for the classes of a module as text, and back: numbers of modules differ from run to run, so files stand for
//! them.

use serde::{Deserialize, Serialize};

use super::Checked;
use super::pass::{ClassRun, Keeper, OfModule};
use crate::diagnostics::{Finding, Location};
use crate::ir::{ClassIdx, FuncIdx, Name};
use crate::outcome::MethodExits;
use crate::program::{ClassRef, FuncRef, ModuleId, Program};
use crate::rules::{self, Effort};
use crate::source::{FileId, table};

/// A class or a function: its file, and its number in it.
type At = (FileId, u32);

#[derive(Serialize, Deserialize)]
struct Run {
    rule: String,
    keeper: Keeps,
    contract: usize,
    findings: Vec<Finding>,
    inherited: Vec<Finding>,
    heir_of: Option<At>,
    subjects: Vec<Location>,
    as_outside: bool,
    processors: usize,
    exits: Vec<MethodExits>,
    effort: Effort,
}

#[derive(Serialize, Deserialize)]
enum Keeps {
    Class(At, String),
    Function(At),
}

/// The text, and the files that it mentions. `None` if a class is in no file.
pub(super) fn write(program: &Program<'_>, results: &OfModule) -> Option<(String, Vec<FileId>)> {
    let runs = results.0.iter().map(|run| pack(program, run));
    let runs: Vec<Run> = runs.collect::<Option<_>>()?;
    let (text, files) = table::collect(|| serde_json::to_string(&runs));
    Some((text.ok()?, files))
}

/// The results in a text that mentions these files; `None` if it is damaged.
pub(super) fn read(program: &Program<'_>, text: &str, files: Vec<FileId>) -> Option<OfModule> {
    let runs: Vec<Run> = table::with(files, || serde_json::from_str(text)).ok()?;
    let runs = runs.into_iter().map(|run| unpack(program, run));
    Some(OfModule(runs.collect::<Option<_>>()?))
}

fn pack(program: &Program<'_>, run: &ClassRun) -> Option<Run> {
    let file = |module: ModuleId| Some(program.module(module).file.as_ref()?.id);
    let class = |class: ClassRef| Some((file(class.module)?, class.class.0));
    let Checked {
        findings,
        inherited,
        heir_of,
        subjects,
        as_outside,
        processors,
        exits,
        effort,
    } = &run.checked;
    Some(Run {
        rule: run.rule.to_owned(),
        keeper: match &run.keeper {
            Keeper::Class(of, method) => Keeps::Class(class(*of)?, method.to_string()),
            Keeper::Function(func) => Keeps::Function((file(func.module)?, func.func.0)),
        },
        contract: run.contract,
        findings: findings.clone(),
        inherited: inherited.clone(),
        heir_of: match heir_of {
            None => None,
            Some(of) => Some(class(*of)?),
        },
        subjects: subjects.clone(),
        as_outside: *as_outside,
        processors: *processors,
        exits: exits.clone(),
        effort: *effort,
    })
}

fn unpack(program: &Program<'_>, run: Run) -> Option<ClassRun> {
    let module = |file| program.add_file(&program.sources().get(file)).ok();
    let class = |(file, number)| {
        Some(ClassRef {
            module: module(file)?,
            class: ClassIdx(number),
        })
    };
    Some(ClassRun {
        rule: rules::by_id(&run.rule)?.id(),
        keeper: match run.keeper {
            Keeps::Class(of, method) => Keeper::Class(class(of)?, Name::new(method)),
            Keeps::Function((file, number)) => Keeper::Function(FuncRef {
                module: module(file)?,
                func: FuncIdx(number),
            }),
        },
        contract: run.contract,
        checked: Checked {
            findings: run.findings,
            inherited: run.inherited,
            heir_of: match run.heir_of {
                None => None,
                Some(of) => Some(class(of)?),
            },
            subjects: run.subjects,
            as_outside: run.as_outside,
            processors: run.processors,
            exits: run.exits,
            effort: run.effort,
        },
    })
}
