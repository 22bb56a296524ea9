//! Families: definitions of one hook below one base class, and functions under one decorator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::ir::{
    Callee, Function, FunctionShape, Name, Nature, Operand, Overrides, Rvalue, ScopeIdx,
    StaticExpr, StaticExprKind, makes_property,
};
use crate::program::{
    ClassRef, Def, FuncRef, Lookup, ModuleId, MroEntry, Program, is_transparent_base,
};

/// What all definitions of a family have in common.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Common {
    /// They define this method below this class.
    Hook(Base, Name),
    /// They carry this decorator, or attribute in Rust.
    Decorator(Name),
}

/// A base class.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Base {
    /// A class of the program.
    Known(ClassRef),
    /// A class from outside, by its dotted path.
    External(Name),
}

/// Every family, small ones too, with its definitions in the order of the files.
pub(super) fn families(
    program: &Program<'_>,
    modules: &[ModuleId],
) -> BTreeMap<Common, BTreeSet<FuncRef>> {
    let mut out: BTreeMap<Common, BTreeSet<FuncRef>> = BTreeMap::new();
    for id in modules {
        let module = program.module(*id);
        if module
            .file
            .as_ref()
            .is_some_and(|file| is_test(&file.display))
        {
            continue;
        }
        for (func, function) in module.ir.outer_functions() {
            let func = FuncRef { module: *id, func };
            if !counts(function) {
                continue;
            }
            for decorator in decorators(program, *id, function) {
                out.entry(Common::Decorator(decorator))
                    .or_default()
                    .insert(func);
            }
            let Some(class) = function.class else {
                continue;
            };
            if !is_hook(function) || function.overrides == Overrides::Never {
                continue;
            }
            let class = ClassRef { module: *id, class };
            for entry in program.mro(class).entries.iter().skip(1) {
                let base = match entry {
                    MroEntry::Class(base) => Base::Known(*base),
                    MroEntry::External(path) if is_transparent_base(path) => continue,
                    MroEntry::External(path) => Base::External(path.clone()),
                    MroEntry::Unknown => continue,
                };
                let common = Common::Hook(base, function.name.clone());
                out.entry(common).or_default().insert(func);
            }
        }
    }
    out
}

/// Whether the definitions of a hook are more than methods that happen to have the same name: the
/// base class declares it, calls it, or is not known wholly.
pub(super) fn is_declared(program: &Program<'_>, common: &Common) -> bool {
    let Common::Hook(Base::Known(class), name) = common else {
        return true;
    };
    // What implements an interface, its front end knows.
    if program.module(class.module).ir.class(class.class).nature == Nature::Interface {
        return true;
    }
    match program.lookup(*class, name, None) {
        Lookup::Found(..) | Lookup::Unknown => true,
        Lookup::Missing => {
            let mro = program.mro(*class);
            mro.entries.iter().any(|entry| match entry {
                MroEntry::Class(above) => calls(program, *above, name),
                MroEntry::External(_) | MroEntry::Unknown => false,
            })
        }
    }
}

/// Whether a method of the class calls a method of this name on its receiver.
fn calls(program: &Program<'_>, class: ClassRef, name: &str) -> bool {
    let module = program.module(class.module);
    let mut functions = module.ir.functions_of(class.class);
    functions.any(|(_, function)| {
        if !function.body.may_mention(name) {
            return false;
        }
        let receiver = Operand::Local(crate::ir::LocalId(0));
        let mut found = false;
        function.body.for_each_rvalue(|_, _, rvalue| {
            if let Rvalue::Call {
                callee:
                    Callee::Method {
                        receiver: on,
                        name: called,
                        ..
                    },
                ..
            } = rvalue
            {
                found |= *on == receiver && called == name;
            }
        });
        found
    })
}

/// Parts of the paths of tests and examples.
const TEST_FOLDERS: &[&str] = &[
    "tests",
    "test",
    "testing",
    "examples",
    "example",
    "templates",
    "conftest",
];

/// Whether a file contains tests, judged by its displayed path.
#[must_use]
pub fn is_test(path: &str) -> bool {
    let path = Path::new(path);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.starts_with("test_")
        || stem.ends_with("_test")
        || path.iter().any(|part| {
            let part = part.to_string_lossy();
            TEST_FOLDERS.contains(&part.trim_end_matches(".py"))
        })
}

/// Whether a definition has a body that can keep a contract. Methods that Python itself calls are
/// about objects, and not about data.
fn counts(function: &Function) -> bool {
    function.shape == FunctionShape::Code
        && !function.is_generator
        && !function.name.starts_with("__")
        && !function
            .decorators
            .iter()
            .any(|decorator| last_part(decorator).is_some_and(|name| is_no_method(&name)))
}

/// Whether a decorator makes something that is no method, or only declares one.
fn is_no_method(decorator: &str) -> bool {
    makes_property(decorator)
        || matches!(
            decorator,
            "setter"
                | "getter"
                | "deleter"
                | "staticmethod"
                | "classmethod"
                | "abstractmethod"
                | "overload"
                | "fixture"
                | "hybrid_property"
                | "validator"
                | "root_validator"
                | "field_validator"
                | "model_validator"
        )
}

/// Methods that prepare or clean up, in every class.
const PREPARING: &[&str] = &[
    "setup",
    "setUp",
    "set_up",
    "setUpClass",
    "teardown",
    "tearDown",
    "tear_down",
    "init",
    "initialize",
    "configure",
    "reset",
    "main",
    "add_arguments",
    "add_args",
];

/// Whether a method can be a hook that is under a contract.
fn is_hook(function: &Function) -> bool {
    may_be_hook(&function.name) && function.params.first().is_some_and(|p| p.name == "self")
}

/// Whether a method of this name can be a hook.
#[must_use]
pub fn may_be_hook(name: &str) -> bool {
    let bare = name.trim_start_matches('_');
    !(bare.is_empty()
        || name.starts_with("__")
        || bare.starts_with("test")
        || bare.starts_with("init_")
        || bare.starts_with("setup_")
        || PREPARING.contains(&bare))
}

/// Decorators that say nothing about what a function is for.
const COMMON_DECORATORS: &[&str] = &[
    "override",
    "overrides",
    "final",
    "deprecated",
    "wraps",
    "contextmanager",
    "asynccontextmanager",
    "lru_cache",
    "cache",
    "cached",
    "cachedmethod",
    "memoize",
    "functools",
    "dataclass",
    "total_ordering",
    "singledispatch",
    "register",
    "callback",
    "route",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "option",
    "argument",
    "pass_context",
    "skip",
    "skipif",
    "parametrize",
    "patch",
    "no_type_check",
    "typechecked",
    "inline",
    "must_use",
    "allow",
    "test",
    "cfg",
    "cfg_attr",
    "doc",
    "derive",
];

/// The decorators and attributes of a function that may say what it is for, as the configuration
/// names them.
fn decorators(program: &Program<'_>, module: ModuleId, function: &Function) -> BTreeSet<Name> {
    let mut out: BTreeSet<Name> = function.marks.iter().cloned().collect();
    for decorator in &function.decorators {
        let named = match &decorator.kind {
            StaticExprKind::Call(callee, ..) => callee.as_ref(),
            _ => decorator,
        };
        let StaticExprKind::Path(parts) = &named.kind else {
            continue;
        };
        out.insert(
            match program.resolve_expr(module, ScopeIdx::MODULE, named) {
                Def::External(path) => path,
                _ => parts.join(".").into(),
            },
        );
    }
    out.retain(|path| {
        let last = path.rsplit(['.', ':']).next().unwrap_or(path);
        !COMMON_DECORATORS.contains(&last) && !last.contains("cache")
    });
    out
}

/// The last part of the name of a decorator.
fn last_part(decorator: &StaticExpr) -> Option<Name> {
    match &decorator.kind {
        StaticExprKind::Path(parts) => parts.last().cloned(),
        StaticExprKind::Call(callee, ..) => last_part(callee),
        _ => None,
    }
}
