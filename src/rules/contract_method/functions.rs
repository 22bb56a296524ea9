//! Which functions of a module have to keep a contract: by their path, or by a decorator.

use crate::ir::{FuncIdx, Function, Name, ScopeIdx, StaticExpr, StaticExprKind};
use crate::order::Order as _;
use crate::program::{Def, FuncRef, LoadedModule, ModuleId, Program};
use crate::settings::{NamePattern, Who};

/// How many folders above a file belong to the paths of its functions.
const MAX_FOLDERS: usize = 8;

/// The functions of a module that a contract is about, in the order of the text.
pub(super) fn keeping_functions(
    program: &Program<'_>,
    module: ModuleId,
    who: &Who,
) -> Vec<FuncRef> {
    let loaded = program.module(module);
    match who {
        Who::Methods { .. } => Vec::new(),
        Who::Functions(paths) => {
            let prefix = dotted(&loaded);
            let matches = |function: &Function| {
                let path = format!("{prefix}.{}", function.qualname);
                paths.iter().any(|pattern| pattern.matches_end(&path))
            };
            let outer = loaded.ir.outer_functions();
            let chosen = outer.filter(|(_, function)| matches(function));
            chosen.map(|(func, _)| FuncRef { module, func }).collect()
        }
        Who::Decorated(names) => {
            let carries = |function: &Function| carries(program, module, function, names);
            let mut out = Vec::new();
            for (func, function) in loaded.ir.outer_functions() {
                if carries(function) {
                    out.push(FuncRef { module, func });
                }
            }
            out.extend(nested(&loaded, names).into_iter().filter_map(|func| {
                carries(loaded.ir.function(func)).then_some(FuncRef { module, func })
            }));
            out.order_by_key(|func| loaded.ir.function(func.func).span.start);
            out
        }
    }
}

/// Functions in the bodies of other functions that may carry a decorator.
fn nested(loaded: &LoadedModule, names: &[NamePattern]) -> Vec<FuncIdx> {
    let may = |function: &Function| {
        names.iter().any(|name| {
            let last = name.last_part();
            last.literal()
                .is_none_or(|word| function.body.may_mention(word))
        })
    };
    let outer = loaded.ir.outer_functions();
    let outer: Vec<FuncIdx> = outer.filter(|(_, f)| may(f)).map(|(at, _)| at).collect();
    // Their bodies are lowered here.
    for at in outer {
        let _ = loaded.ir.function(at).body.content();
    }
    let all = loaded.ir.functions();
    let inner = all.filter(|(_, function)| function.outer.is_some());
    inner.map(|(at, _)| at).collect()
}

/// Whether a function carries a decorator or an attribute that one of the patterns matches.
fn carries(
    program: &Program<'_>,
    module: ModuleId,
    function: &Function,
    names: &[NamePattern],
) -> bool {
    let matches = |path: &str| names.iter().any(|name| name.matches_end(path));
    let marked = function.marks.iter().any(|mark| matches(mark));
    marked
        || function.decorators.iter().any(|decorator| {
            let named = match &decorator.kind {
                StaticExprKind::Call(callee, ..) => callee.as_ref(),
                _ => decorator,
            };
            written(named).is_some_and(|path| matches(&path))
                || imported(program, module, named).is_some_and(|path| matches(&path))
        })
}

/// The dotted path of a decorator as it is written.
fn written(decorator: &StaticExpr) -> Option<String> {
    match &decorator.kind {
        StaticExprKind::Path(parts) => {
            let parts: Vec<&str> = parts.iter().map(Name::as_str).collect();
            Some(parts.join("."))
        }
        _ => None,
    }
}

/// The dotted path of a decorator from outside the program, as it is imported.
fn imported(program: &Program<'_>, module: ModuleId, decorator: &StaticExpr) -> Option<String> {
    match program.resolve_expr(module, ScopeIdx::MODULE, decorator) {
        Def::External(path) => Some(path.to_string()),
        _ => None,
    }
}

/// The dotted path of a module: its folders and its name. Where a package begins is not asked: a
/// pattern matches the end of a path.
fn dotted(module: &LoadedModule) -> String {
    let Some(file) = &module.file else {
        return String::new();
    };
    let mut parts: Vec<String> = Vec::new();
    let stem = file.real_path.file_stem().unwrap_or_default();
    let stem = stem.to_string_lossy();
    if !matches!(&*stem, "__init__" | "mod" | "lib" | "main") {
        parts.push(stem.into_owned());
    }
    let folders = file.real_path.parent().into_iter();
    let folders = folders.flat_map(|folder| folder.components().rev());
    let folders = folders.filter_map(|part| match part {
        std::path::Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    parts.extend(folders.take(MAX_FOLDERS).filter(|name| name != "src"));
    parts.reverse();
    parts.join(".")
}
