//! Walks over syntax trees.

use rustpython_parser::ast::{self, Expr, Pattern};

/// Calls `f` for each direct subexpression, in evaluation order where that is easy to tell.
pub(super) fn for_each_child<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a Expr)) {
    match expr {
        Expr::BoolOp(e) => e.values.iter().for_each(f),
        Expr::NamedExpr(e) => {
            f(&e.value);
            f(&e.target);
        }
        Expr::BinOp(e) => {
            f(&e.left);
            f(&e.right);
        }
        Expr::UnaryOp(e) => f(&e.operand),
        Expr::Lambda(e) => {
            for_each_default(&e.args, f);
            f(&e.body);
        }
        Expr::IfExp(e) => {
            f(&e.test);
            f(&e.body);
            f(&e.orelse);
        }
        Expr::Dict(e) => {
            for (key, value) in e.keys.iter().zip(&e.values) {
                if let Some(key) = key {
                    f(key);
                }
                f(value);
            }
        }
        Expr::Set(e) => e.elts.iter().for_each(f),
        Expr::ListComp(e) => {
            for_each_in_generators(&e.generators, f);
            f(&e.elt);
        }
        Expr::SetComp(e) => {
            for_each_in_generators(&e.generators, f);
            f(&e.elt);
        }
        Expr::DictComp(e) => {
            for_each_in_generators(&e.generators, f);
            f(&e.key);
            f(&e.value);
        }
        Expr::GeneratorExp(e) => {
            for_each_in_generators(&e.generators, f);
            f(&e.elt);
        }
        Expr::Await(e) => f(&e.value),
        Expr::Yield(e) => e.value.iter().for_each(|v| f(v)),
        Expr::YieldFrom(e) => f(&e.value),
        Expr::Compare(e) => {
            f(&e.left);
            e.comparators.iter().for_each(f);
        }
        Expr::Call(e) => {
            f(&e.func);
            e.args.iter().for_each(&mut *f);
            e.keywords.iter().for_each(|k| f(&k.value));
        }
        Expr::FormattedValue(e) => {
            f(&e.value);
            e.format_spec.iter().for_each(|s| f(s));
        }
        Expr::JoinedStr(e) => e.values.iter().for_each(f),
        Expr::Constant(_) | Expr::Name(_) => {}
        Expr::Attribute(e) => f(&e.value),
        Expr::Subscript(e) => {
            f(&e.value);
            f(&e.slice);
        }
        Expr::Starred(e) => f(&e.value),
        Expr::List(e) => e.elts.iter().for_each(f),
        Expr::Tuple(e) => e.elts.iter().for_each(f),
        Expr::Slice(e) => {
            for bound in [&e.lower, &e.upper, &e.step].into_iter().flatten() {
                f(bound);
            }
        }
    }
}

fn for_each_in_generators<'a>(generators: &'a [ast::Comprehension], f: &mut dyn FnMut(&'a Expr)) {
    for generator in generators {
        f(&generator.iter);
        f(&generator.target);
        generator.ifs.iter().for_each(&mut *f);
    }
}

/// Calls `f` for each default value of the parameters.
pub(super) fn for_each_default<'a>(args: &'a ast::Arguments, f: &mut dyn FnMut(&'a Expr)) {
    let all = args.posonlyargs.iter().chain(&args.args);
    for arg in all.chain(&args.kwonlyargs) {
        if let Some(default) = &arg.default {
            f(default);
        }
    }
}

/// Whether the expression or a subexpression (outside lambda bodies) satisfies `test`.
pub(super) fn any(expr: &Expr, test: &dyn Fn(&Expr) -> bool) -> bool {
    if test(expr) {
        return true;
    }
    let mut found = false;
    if let Expr::Lambda(lambda) = expr {
        for_each_default(&lambda.args, &mut |e| found = found || any(e, test));
    } else {
        for_each_child(expr, &mut |e| found = found || any(e, test));
    }
    found
}

/// Whether evaluating the expression binds `name` with `:=`.
pub(super) fn binds(expr: &Expr, name: &str) -> bool {
    any(expr, &|e| match e {
        Expr::NamedExpr(named) => named_target(named).is_some_and(|id| id == name),
        _ => false,
    })
}

/// The name that `:=` binds.
pub(super) fn named_target(named: &ast::ExprNamedExpr) -> Option<&str> {
    match &*named.target {
        Expr::Name(name) => Some(name.id.as_str()),
        _ => None,
    }
}

/// Calls `f` for each name that evaluating the expression binds with `:=`.
pub(super) fn for_each_named(expr: &Expr, f: &mut dyn FnMut(&ast::ExprName)) {
    if let Expr::NamedExpr(named) = expr
        && let Expr::Name(name) = &*named.target
    {
        f(name);
    }
    if !matches!(expr, Expr::Lambda(_)) {
        for_each_child(expr, &mut |e| for_each_named(e, f));
    }
}

/// Calls `f` for each name that the pattern captures.
pub(super) fn for_each_capture<'a>(pattern: &'a Pattern, f: &mut dyn FnMut(&'a ast::Identifier)) {
    match pattern {
        Pattern::MatchValue(_) | Pattern::MatchSingleton(_) => {}
        Pattern::MatchSequence(p) => p.patterns.iter().for_each(|p| for_each_capture(p, f)),
        Pattern::MatchMapping(p) => {
            p.patterns.iter().for_each(|p| for_each_capture(p, f));
            p.rest.iter().for_each(f);
        }
        Pattern::MatchClass(p) => {
            let all = p.patterns.iter().chain(&p.kwd_patterns);
            all.for_each(|p| for_each_capture(p, f));
        }
        Pattern::MatchStar(p) => p.name.iter().for_each(f),
        Pattern::MatchAs(p) => {
            if let Some(inner) = &p.pattern {
                for_each_capture(inner, f);
            }
            p.name.iter().for_each(f);
        }
        Pattern::MatchOr(p) => p.patterns.iter().for_each(|p| for_each_capture(p, f)),
    }
}

/// Calls `f` for each expression in the pattern: values, keys and classes.
pub(super) fn for_each_pattern_value<'a>(pattern: &'a Pattern, f: &mut dyn FnMut(&'a Expr)) {
    match pattern {
        Pattern::MatchValue(p) => f(&p.value),
        Pattern::MatchSingleton(_) | Pattern::MatchStar(_) => {}
        Pattern::MatchSequence(p) => p.patterns.iter().for_each(|p| for_each_pattern_value(p, f)),
        Pattern::MatchMapping(p) => {
            p.keys.iter().for_each(&mut *f);
            p.patterns.iter().for_each(|p| for_each_pattern_value(p, f));
        }
        Pattern::MatchClass(p) => {
            f(&p.cls);
            let all = p.patterns.iter().chain(&p.kwd_patterns);
            all.for_each(|p| for_each_pattern_value(p, f));
        }
        Pattern::MatchAs(p) => {
            if let Some(inner) = &p.pattern {
                for_each_pattern_value(inner, f);
            }
        }
        Pattern::MatchOr(p) => p.patterns.iter().for_each(|p| for_each_pattern_value(p, f)),
    }
}

/// The builtins that consume an iterable at once, so that a generator expression as their argument
/// can run in place.
const EAGER: [&str; 11] = [
    "all",
    "any",
    "dict",
    "frozenset",
    "list",
    "max",
    "min",
    "set",
    "sorted",
    "sum",
    "tuple",
];

/// The generator expression that the call consumes at once: its only positional argument.
pub(super) fn eager_generator(call: &ast::ExprCall) -> Option<&ast::ExprGeneratorExp> {
    let [Expr::GeneratorExp(generator)] = call.args.as_slice() else {
        return None;
    };
    let eager = match &*call.func {
        Expr::Name(name) => EAGER.contains(&name.id.as_str()),
        Expr::Attribute(attribute) => attribute.attr.as_str() == "join",
        _ => false,
    };
    (eager && !is_async_generator(&generator.elt, &generator.generators)).then_some(generator)
}

/// Whether a comprehension with these parts awaits in its own scope.
pub(super) fn is_async_generator(elt: &Expr, generators: &[ast::Comprehension]) -> bool {
    let awaits = |e: &Expr| any(e, &|e| matches!(e, Expr::Await(_)));
    awaits(elt)
        || generators
            .iter()
            .enumerate()
            .any(|(i, g)| g.is_async || g.ifs.iter().any(awaits) || (i > 0 && awaits(&g.iter)))
}
