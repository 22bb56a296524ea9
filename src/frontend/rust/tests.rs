//! Tests of the front end alone: positions, limits, definitions.

use std::fmt::Write as _;

use crate::frontend::{STACK_SIZE, SyntaxError, rust};
use crate::ir::{Binding, Function, Module, Nature, Overrides, ScopeIdx, dump, validate};

fn try_lower(text: &str) -> Result<Module, SyntaxError> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, || rust::lower_module(text))
            .unwrap()
            .join()
            .unwrap()
    })
}

fn lower(text: &str) -> Module {
    let module = try_lower(text).unwrap();
    for (_, function) in module.functions() {
        if let Err(problems) = validate::validate(function) {
            panic!(
                "{}: {problems:#?}\n{}",
                function.qualname,
                dump::text(function, text)
            );
        }
    }
    module
}

fn function<'m>(module: &'m Module, name: &str) -> &'m Function {
    let mut found = module
        .functions()
        .map(|(_, f)| f)
        .filter(|f| f.qualname == name);
    let function = found.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(found.next().is_none(), "two of {name}");
    function
}

fn dumped(text: &str, name: &str) -> String {
    let module = lower(text);
    dump::text(function(&module, name), text)
}

#[test]
fn spans_are_byte_offsets() {
    for start in [
        "",
        "#!/usr/bin/env run-cargo-script äöü\n",
        "// ünïcödé\r\n\r\n",
    ] {
        let text = format!(
            "{start}const Ä: &str = \"日本語\";\r\nfn größe() -> u8 {{ /* é */ tail() }}\n"
        );
        let module = lower(&text);
        let f = function(&module, "größe");
        assert_eq!(
            &text[f.name_span.start as usize..f.name_span.end as usize],
            "größe"
        );
        let spans: Vec<&str> = f
            .body
            .blocks
            .iter()
            .map(|b| &text[b.terminator.span.start as usize..b.terminator.span.end as usize])
            .collect();
        assert_eq!(spans, ["tail()", "tail()"]);
    }
}

#[test]
fn errors_have_a_place() {
    let error = try_lower("fn é() { let x = ; }").unwrap_err();
    assert_eq!(error.offset, 18, "{error}");
    let error = try_lower("fn f() { \"open }").unwrap_err();
    assert!(error.message.contains("tokens"), "{error}");
    assert!(try_lower("fn f( {").is_err());
    // What is missing at the end is missing after the last token.
    let error = try_lower("struct A;\n/// text\n").unwrap_err();
    assert_eq!(error.offset, 18, "{error}");
    // An inner attribute is not a `#!` line.
    assert!(try_lower("#![allow(unused)]\nfn f() {}").is_ok());
}

#[test]
fn deep_nesting_is_refused_and_never_aborts() {
    let repeat = |s: &str, n: usize| s.repeat(n);
    let deep = [
        format!(
            "fn f() {{ {}1{} }}",
            repeat("(", 20_000),
            repeat(")", 20_000)
        ),
        format!(
            "fn f() {{ {} }}",
            repeat("{", 20_000) + &repeat("}", 20_000)
        ),
        format!("fn f() {{ let x = {}1; }}", repeat("-", 20_000)),
        format!("fn f() {{ let x = {}1; }}", repeat("1 + ", 20_000)),
        format!("fn f() {{ x{}; }}", repeat(".a()", 20_000)),
        format!("fn f() {{ x{}; }}", repeat("?", 20_000)),
        format!("fn f() {{ {}1; }}", repeat("return ", 20_000)),
        format!("fn f() {{ {}1; }}", repeat("|| ", 20_000)),
        format!("fn f(x: {}u8) {{}}", repeat("&", 20_000)),
        format!(
            "fn f(x: {}u8{}) {{}}",
            repeat("Vec<", 20_000),
            repeat(">", 20_000)
        ),
        format!("fn f() {{ {} {{}} }}", repeat("if a {} else ", 20_000)),
        format!("m! {{ {}{} }}", repeat("[", 20_000), repeat("]", 20_000)),
    ];
    for text in deep {
        let error = try_lower(&text).map(|_| ()).unwrap_err();
        let message = &error.message;
        assert!(
            message.contains("nested too deeply") || message.contains("too long"),
            "{message}: {}",
            &text[..40]
        );
    }
}

#[test]
fn what_the_limits_allow_fits_on_the_stack() {
    let repeat = |s: &str, n: usize| s.repeat(n);
    let texts = [
        format!("fn f() {{ {}1{} }}", repeat("(", 240), repeat(")", 240)),
        format!("fn f() {{ {} }}", repeat("{", 240) + &repeat("}", 240)),
        format!("fn f() {{ let x = {}1; }}", repeat("-", 5_900)),
        format!("fn f() {{ let x = {}1; }}", repeat("1 + ", 2_900)),
        format!("fn f() {{ let x = {}a; }}", repeat("a && ", 1_900)),
        format!("fn f() {{ x{}; }}", repeat(".a()", 1_900)),
        format!("fn f() {{ x{}; }}", repeat("?", 5_900)),
        format!("fn f() {{ {}1; }}", repeat("return ", 5_900)),
        format!("fn f() {{ {}1; }}", repeat("|| ", 1_900)),
        format!("fn f(x: {}u8) {{}}", repeat("&", 2_900)),
        format!(
            "fn f(x: {}u8{}) {{}}",
            repeat("Vec<", 1_400),
            repeat(">", 1_400)
        ),
        format!("fn f() {{ {} {{}} }}", repeat("if a {} else ", 1_400)),
    ];
    for text in texts {
        if let Err(error) = try_lower(&text) {
            panic!("{error}: {}", &text[..40]);
        }
    }
}

#[test]
fn definitions_are_classes_with_bases() {
    let module = lower(
        "pub trait Base: Other + Send { const K: u8 = 1; fn a(&self) {} fn b(&self); }
         pub struct P { stats: HashMap<String, i64>, n: usize }
         impl Base for P { fn b(&self) {} }
         impl P { pub fn new() -> Self { Self { n: 0 } } }
         impl<T> Base for outer::Other<T> { fn b(&self) {} }
         enum Mode { Append, WriteOver }
         enum Mixed { A(u8), B }
         #[cfg(test)] mod tests { fn t() {} }
         #[test] fn unit() {}
         mod inner { pub fn f() {} }",
    );
    let names: Vec<&str> = module.classes.iter().map(|c| c.qualname.as_str()).collect();
    assert_eq!(names, ["Base", "P", "Mode", "Mixed", "Other"]);
    assert_eq!(module.classes[0].nature, Nature::Interface);
    assert_eq!(module.classes[0].bases.len(), 1);
    assert_eq!(module.classes[1].nature, Nature::Record { complete: true });
    assert_eq!(module.classes[1].bases.len(), 1);
    assert_eq!(module.classes[4].nature, Nature::Record { complete: false });
    assert_eq!(module.classes[4].bases.len(), 2);
    let functions: Vec<(&str, Overrides)> = module
        .functions()
        .map(|(_, f)| f)
        .map(|f| (f.qualname.as_str(), f.overrides))
        .collect();
    assert_eq!(
        functions,
        [
            ("Base.a", Overrides::WhenInherited),
            ("P.b", Overrides::Always),
            ("P.new", Overrides::Never),
            ("Other.b", Overrides::Always),
            ("inner.f", Overrides::Never),
        ]
    );
    let scope = module.scope(ScopeIdx::MODULE);
    assert!(!scope.bindings.contains_key("tests"));
    assert!(matches!(
        scope.bindings["inner"][0].binding,
        Binding::Namespace(_)
    ));
}

#[test]
fn imports_are_aliases() {
    let module = lower(
        "use a::{self, b::C as D, c::*}; use d; use crate::x::Y; mod z; #[path = \"q.rs\"] mod p;",
    );
    let scope = module.scope(ScopeIdx::MODULE);
    let mut out = String::new();
    for (name, sites) in &scope.bindings {
        for site in sites {
            match &site.binding {
                Binding::Value(value) => {
                    let _ = write!(out, "{name}={:?} ", value.kind);
                }
                Binding::Relative(place) => {
                    let _ = write!(out, "{name}={place:?} ");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(
        out.replace("\"", ""),
        "D=Path([a, b, C]) Y=Path([crate, x, Y]) crate=Root p=File(q.rs) self=This super=Parent \
         z=Child([z]) "
    );
    assert_eq!(scope.globs, [["a", "c"]]);
}

#[test]
fn a_question_mark_is_a_branch() {
    let text = dumped("fn f(x: R) -> R { g(x?)?; Ok(1) }", "f");
    assert_eq!(text.matches("Try ").count(), 2, "{text}");
    assert_eq!(text.matches("variant Err").count(), 2, "{text}");
    assert_eq!(text.matches("return ").count(), 3, "{text}");
}

#[test]
fn the_last_arm_matches() {
    let text = dumped(
        "fn f(x: M) -> u8 { match x { M::A => 1, M::B(n) if n > 1 => 2, _ => 3 } }",
        "f",
    );
    assert_eq!(text.matches("return ").count(), 3, "{text}");
    let text = dumped(
        "fn f(x: M) -> u8 { match x { Some(n) => n, None => 3 } }",
        "f",
    );
    assert!(text.contains("unreachable"), "{text}");
}

#[test]
fn closures_share_variables() {
    let text = "fn f() { let mut n = 0; let k = 1; let mut add = |m: u8| { n += m + k; n }; add(2); use_it(n); }";
    let f = dumped(text, "f");
    assert!(f.contains("%cells.n = 0"), "{f}");
    let closure = dumped(text, "f.<closure>");
    assert!(closure.contains("%outer_cells.n"), "{closure}");
    assert!(closure.contains("%outer_cells.k"), "{closure}");
}

#[test]
fn shadowing_makes_a_new_variable() {
    let text = dumped(
        "fn f(x: u8) -> u8 { let x = x + 1; { let x = 5; g(x); } x }",
        "f",
    );
    assert!(text.contains("return x_"), "{text}");
}

#[test]
fn macros() {
    let text = dumped(
        "fn f(&self, q: Q) -> R { info!(n = %q, \"x {}\", g()); bail!(\"no\"); }",
        "f",
    );
    assert!(text.contains("variant Err"), "{text}");
    let text = dumped(
        "fn f(q: Q) { sqlx::query!(\"INSERT INTO t VALUES ($1)\", q.id); strange!{ q => \"y\" } }",
        "f",
    );
    assert!(text.contains("\"INSERT INTO t VALUES ($1)\""), "{text}");
    assert!(
        text.contains("(q, \"y\")") || text.contains("(\"y\", q)"),
        "{text}"
    );
    let text = dumped(
        "fn f(v: &str) -> String { format!(\"rows_{v}_{}\", 1) }",
        "f",
    );
    assert!(text.contains("format(\"rows_\", v, \"_\", 1)"), "{text}");
}
