//! Tests of the Python front end as a whole.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::frontend::python::lower_module;
use crate::frontend::{STACK_SIZE, SyntaxError};
use crate::ir::{
    self, Binding, BindingSite, FuncIdx, Function, FunctionShape, Module, NameScope, ScopeIdx,
    StaticExpr, StaticExprKind, TerminatorKind, validate::validate,
};

/// Runs `f` on a thread with the stack that callers must provide.
fn with_stack<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new()
        .stack_size(STACK_SIZE)
        .spawn(f)
        .unwrap()
        .join()
        .unwrap()
}

fn lower(text: impl Into<String>) -> Result<ir::Module, SyntaxError> {
    let text = text.into();
    with_stack(move || {
        let module = lower_module(&text)?;
        for (_, function) in module.functions() {
            if let Err(problems) = validate(function) {
                panic!("{}: {problems:#?}", function.qualname);
            }
        }
        Ok(module)
    })
}

fn python_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in walkdir::WalkDir::new(dir).sort_by_file_name() {
        let Ok(entry) = entry else { continue };
        let installed = |part| part == std::path::Component::Normal("site-packages".as_ref());
        if entry.path().components().any(installed) {
            continue;
        }
        if entry.path().extension().is_some_and(|e| e == "py") {
            found.push(entry.into_path());
        }
    }
}

/// Every file of the standard library that CPython can parse is lowered to valid bodies. Set
/// `TALLYLINT_STDLIB` to check another folder.
#[test]
#[ignore = "takes a minute without optimisation"]
fn standard_library() {
    let dir = std::env::var("TALLYLINT_STDLIB").ok().or_else(|| {
        let script = "import sysconfig; print(sysconfig.get_path('stdlib'))";
        let output = Command::new("python3").args(["-c", script]).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    });
    let Some(dir) = dir.filter(|dir| !dir.is_empty()) else {
        return;
    };
    let mut files = Vec::new();
    python_files(Path::new(&dir), &mut files);
    let failed = with_stack(move || {
        let mut failed: Vec<String> = Vec::new();
        for file in files {
            let Ok(text) = std::fs::read_to_string(&file) else {
                continue;
            };
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            match lower_module(text) {
                Err(error) => failed.push(format!("{}: {error}", file.display())),
                Ok(module) => {
                    for (_, function) in module.functions() {
                        if let Err(problems) = validate(function) {
                            let name = &function.qualname;
                            failed.push(format!("{}: {name}: {problems:?}", file.display()));
                        }
                    }
                }
            }
        }
        failed
    });
    let script = "import ast, sys\nfor f in sys.stdin.read().split('\\n'):\n    try: ast.parse(open(f, 'rb').read())\n    except Exception: pass\n    else: print(f)";
    let named: Vec<&str> = failed
        .iter()
        .filter_map(|f| f.split(".py: ").next())
        .collect();
    let paths: Vec<String> = named.iter().map(|f| format!("{f}.py")).collect();
    let mut child = Command::new("python3")
        .args(["-W", "ignore", "-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(
        &mut child.stdin.take().unwrap(),
        paths.join("\n").as_bytes(),
    )
    .unwrap();
    let accepted = child.wait_with_output().unwrap().stdout;
    let accepted = String::from_utf8_lossy(&accepted);
    let wrong: Vec<&String> = failed
        .iter()
        .filter(|f| {
            let path = format!("{}.py", f.split(".py: ").next().unwrap());
            accepted.lines().any(|line| line == path)
        })
        .collect();
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
}

#[test]
fn deep_nesting_is_refused() {
    let texts = [
        "(".repeat(100_000),
        format!("x = {}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("x = {}1", "-".repeat(100_000)),
        format!("x = {}1", "not ".repeat(100_000)),
        format!("x = a{}", ".b".repeat(100_000)),
        format!("x = a{}", "()".repeat(100_000)),
        format!("x = 1{}", " + 1".repeat(100_000)),
        format!("x = {}1", "lambda: ".repeat(100_000)),
        format!("x = {}1", "1 if 1 else ".repeat(100_000)),
        format!("x = f'{{{}1}}'", "-".repeat(100_000)),
        format!("x = {}", "9".repeat(1_000_000)),
        format!("if a: pass\n{}", "elif a: pass\n".repeat(100_000)),
        (0..1_000)
            .map(|i| format!("{}if a:\n", " ".repeat(i)))
            .collect(),
    ];
    for text in texts {
        let start: String = text.chars().take(20).collect();
        assert!(lower(text).is_err(), "{start}");
    }
}

#[test]
fn what_the_guard_lets_through_fits_the_stack() {
    let chain = 5_900;
    let texts = [
        format!("x = {}1", "-".repeat(chain)),
        format!("x = {}1", "not ".repeat(chain)),
        format!("x = a{}", ".b".repeat(chain)),
        format!("x = a{}", "()".repeat(chain)),
        format!("x = a{}", "[0]".repeat(chain)),
        format!("x = a{}", ".b()".repeat(chain / 2)),
        format!("x = 1{}", " + a".repeat(chain)),
        format!("x = {}1", "lambda: ".repeat(2_000)),
        format!("x = {}1", "1 if a else ".repeat(chain / 2)),
        format!("if a: pass\n{}", "    elif a: pass\n".repeat(chain)),
        format!("x = {}1{}", "(".repeat(190), ")".repeat(190)),
        format!("x = {}1{}", "[a, -".repeat(190), "]".repeat(190)),
        format!("x = {}1{}", "f(lambda: ".repeat(190), ")".repeat(190)),
        format!("x = f'{{{}1}}'", "-".repeat(1_000)),
        format!("x = f'{{b[\"\\n\"]}}'{}", " + a".repeat(chain)),
        format!("x = f'{{b[\"\\n\"]{}}}'", " + a".repeat(chain)),
        format!("x = {}1{}", "f'{".repeat(140), "}'".repeat(140)),
        format!("with ({}a): pass", "a, ".repeat(2_000)),
        format!("x = [{}a]", "a.b + 1, ".repeat(20_000)),
        format!("x = {}a", "a and ".repeat(20_000)),
    ];
    for text in texts {
        let body: String = text
            .lines()
            .map(|l| format!("    {}\n", l.trim()))
            .collect();
        let start: String = body.chars().take(30).collect();
        assert!(lower(format!("def f(a):\n{body}")).is_ok(), "{start}");
    }
    let nested: String = (0..98)
        .map(|i| format!("{}def f{i}(a):\n", " ".repeat(i)))
        .collect();
    assert!(lower(format!("{nested}{}pass\n", " ".repeat(98))).is_ok());
}

/// Text that is truncated or has gaps is lowered to something valid, or refused.
#[test]
fn broken_text_is_refused_or_lowered() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cfg_snapshots");
    let mut files = Vec::new();
    python_files(&dir, &mut files);
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        with_stack(move || {
            for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
                let without = format!("{}{}", &text[..at], &text[at + 1..]);
                for text in [&text[..at], &text[at..], &without] {
                    if let Ok(module) = lower_module(text) {
                        for (_, function) in module.functions() {
                            assert_eq!(validate(function), Ok(()), "{text}");
                        }
                    }
                }
            }
        });
    }
}

#[test]
fn odd_texts_do_not_panic() {
    let texts = [
        "",
        "\n",
        "\r",
        "\r\r\n",
        "\x0c",
        "\x0cdef f(): pass",
        "def f():\r  x = 1\r  return x",
        "#",
        "# no newline",
        "\\",
        "\\\n",
        "x = '",
        "x = '''",
        "f'{'",
        "f'{x!}'",
        "f'{{}}'",
        "f'{a:{b:{c}}}'",
        "def f(): return f'{'",
        "0xfor",
        "1_",
        "1__0",
        "0777",
        "1e",
        "1.e400",
        "'\\N{DASH}'",
        "'\\ud800'",
        "'\\U0010ffff'",
        "'\\U00110000'",
        "b'\\xff'",
        "b'\u{e9}'",
        "\u{e9} = 1",
        "def \u{e9}(\u{e9}): return \u{e9}.\u{e9}()",
        "x = \u{1f600}",
        "\u{0}",
        "break",
        "def f(): break",
        "def f(): continue",
        "return 1",
        "yield",
        "await x",
        "def f():\n  class A: yield",
        "def f(): nonlocal x",
        "nonlocal x",
        "global x\nx = 1",
        "def f():\n  global x\n  def g():\n    nonlocal x\n    x = 1",
        "class A:\n  x: int",
        "[x for x in y]",
        "lambda: (yield)",
        "def f(): [(yield) for x in y]",
        "def f(): return [x := 1 for y in z]",
        "x = [lambda: y for y in z]",
        "def f():\n  class A:\n    x = [lambda: y for y in z]\n    def g(self): return y\n  y = 1",
        "def f(x: 'a.b[\"c\"] | None', y: Literal['d']): pass",
        "def f(x: '((('): pass",
        "del x, (y, z)\ndef f():\n  del (x, [y]), z[1:2]",
        "def f(): (x) = (y.z) = w[1:2] = 3",
        "def f(**): pass",
        "match x:\n  case 1: pass",
        "def f():\n match = case\n match[1]",
        "print(*a, **b)",
        "def f():\n  super()\n  super(a)\n  super(*a)\n  super(a, b)",
        "def f():\n  x: int\n  (y): int = 1\n  z.a: int = 2\n  w[0]: int",
        "@a\n@ (b)\n@c(d)\nclass X(Y, metaclass=Z, *W): pass",
        "def f():\n  with (a as b, c): pass\n  with (a, b): pass\n  with (yield): pass",
        "type X[T] = list[T]\ndef f[T](x: T): type Y = T",
        "async def f():\n  return (await x async for x in y), [await x for x in y]",
        "def f(): raise",
        "try: pass\nfinally: pass",
        "def f():\n  try: pass\n  finally: raise",
        "def f(): (yield x)[yield] = yield",
        "def f(): return (x for x in (y := z))",
        "def f(a=(b := 1)): return lambda c=[d for d in b]: c",
    ];
    for text in texts {
        let _ = lower(text);
    }
}

fn module(text: &str) -> Module {
    lower(text).unwrap()
}

fn named<'m>(module: &'m Module, qualname: &str) -> &'m Function {
    let mut functions = module.functions().map(|(_, function)| function);
    functions.find(|f| f.qualname == qualname).unwrap()
}

fn show(expr: &StaticExpr) -> String {
    let all = |exprs: &[StaticExpr]| exprs.iter().map(show).collect::<Vec<_>>().join(", ");
    match &expr.kind {
        StaticExprKind::Literal(literal) => format!("{literal:?}"),
        StaticExprKind::Path(names) => names.join("."),
        StaticExprKind::Call(callee, args, keywords) => {
            let mut parts: Vec<String> = args.iter().map(show).collect();
            parts.extend(keywords.iter().map(|(n, v)| format!("{n}={}", show(v))));
            format!("{}({})", show(callee), parts.join(", "))
        }
        StaticExprKind::Subscript(base, index) => format!("{}[{}]", show(base), show(index)),
        StaticExprKind::Binary(op, a, b) => format!("{} {op:?} {}", show(a), show(b)),
        StaticExprKind::Format(parts) => format!("f({})", all(parts)),
        StaticExprKind::List(parts) => format!("[{}]", all(parts)),
        StaticExprKind::Tuple(parts) => format!("({})", all(parts)),
        StaticExprKind::Set(parts) => format!("{{{}}}", all(parts)),
        StaticExprKind::Dict(items) => {
            let items = items
                .iter()
                .map(|(k, v)| format!("{}: {}", show(k), show(v)));
            format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
        }
        StaticExprKind::Lambda(idx) => format!("lambda#{}", idx.0),
        StaticExprKind::Opaque => "?".to_owned(),
    }
}

fn site(site: &BindingSite) -> String {
    let what = match &site.binding {
        Binding::Function(idx) => format!("def#{}", idx.0),
        Binding::Class(idx) => format!("class#{}", idx.0),
        Binding::Import(path) => format!(
            "import {}{}:{}",
            ".".repeat(path.level as usize),
            path.module.join("."),
            path.name.as_deref().unwrap_or("-")
        ),
        Binding::Value(value) => show(value),
        Binding::Declared(annotation) => format!(": {}", show(annotation)),
        Binding::Opaque | Binding::Namespace(_) | Binding::Relative(_) => "opaque".to_owned(),
    };
    let conditional = if site.conditional { " maybe" } else { "" };
    let checking = if site.type_checking { " typing" } else { "" };
    format!("{what}{conditional}{checking}")
}

fn bindings(scope: &NameScope) -> Vec<String> {
    let bindings = scope.bindings.iter();
    bindings
        .map(|(name, sites)| {
            let sites: Vec<String> = sites.iter().map(site).collect();
            format!("{name} = {}", sites.join(" | "))
        })
        .collect()
}

#[test]
fn module_bindings() {
    let module = module(
        "\
import os.path
import a.b as ab
from .base import Base as B, run
from . import sib
from star import *
if TYPE_CHECKING:
    from t import T
else:
    T = None
if X:
    def f(): pass
elif typing.TYPE_CHECKING:
    import u
else:
    f = 1
a, (b, c) = 'x' 'y', (-1, [1, *z])
d: int
e: str = f'n_{a}'
for g in h: pass
try:
    import fast
except ImportError as err:
    fast = None
with i as j: k = 1
a += 1
if (w := 1): pass
P.save_data = patched
p.q.r = 'a' + 'b'
def setter():
    global FLAG
    FLAG = True
",
    );
    assert_eq!(
        bindings(module.scope(ScopeIdx::MODULE)),
        [
            "B = import .base:Base",
            "FLAG = opaque maybe",
            "T = import t:T typing | None",
            "a = Str(\"xy\") | opaque",
            "ab = import a.b:-",
            "b = Int(-1)",
            "c = ?",
            "d = : int",
            "e = f(Str(\"n_\"), a)",
            "err = opaque maybe",
            "f = def#0 maybe | Int(1) maybe",
            "fast = import fast:- maybe | None maybe",
            "g = opaque maybe",
            "j = opaque maybe",
            "k = Int(1) maybe",
            "os = import os:-",
            "run = import .base:run",
            "setter = def#1",
            "sib = import .:sib",
            "u = import u:- maybe typing",
            "w = opaque",
        ]
    );
    let stores: Vec<String> = module
        .attribute_stores
        .iter()
        .map(|(path, name, value)| format!("{}.{name} = {}", path.join("."), show(value)))
        .collect();
    assert_eq!(
        stores,
        ["P.save_data = patched", "p.q.r = Str(\"a\") Add Str(\"b\")"]
    );
    assert_eq!(module.scope(ScopeIdx::MODULE).star_imports.len(), 1);
}

#[test]
fn classes_and_functions() {
    let source = "\
@register('x', key=1)
@plain
class Odds(Base[T], mixins.Mixin, metaclass=Meta):
    KIND = 'odds'
    hook = lambda self: 1
    @abstractmethod
    async def save_data(self, a, /, b: 'list[Row]' = (), *c, d=f(), **e):
        class Inner:
            def deep(self): ...
        import late
        return Inner
";
    let module = module(source);
    let class = &module.classes[0];
    assert_eq!(class.name_span.slice(source), "Odds");
    assert!(class.span.slice(source).starts_with("@register"));
    let headers = class.bases.iter().chain(&class.decorators);
    assert_eq!(
        headers.map(show).collect::<Vec<_>>(),
        [
            "Base[T]",
            "mixins.Mixin",
            "register(Str(\"x\"), key=Int(1))",
            "plain"
        ]
    );
    assert_eq!(
        bindings(module.scope(class.scope)),
        [
            "KIND = Str(\"odds\")",
            "hook = lambda#0",
            "save_data = def#1"
        ]
    );
    let save = named(&module, "Odds.save_data");
    assert!(save.is_async && save.class.is_some() && save.outer.is_none());
    assert_eq!(save.name_span.slice(source), "save_data");
    assert!(save.span.slice(source).starts_with("@abstractmethod"));
    let params: Vec<String> = save
        .params
        .iter()
        .map(|p| {
            let annotation = p.annotation.as_ref().map_or("-".to_owned(), show);
            let default = p.default.as_ref().map_or("-".to_owned(), show);
            format!("{} {:?} {annotation} {default}", p.name, p.kind)
        })
        .collect();
    assert_eq!(
        params,
        [
            "self PositionalOnly - -",
            "a PositionalOnly - -",
            "b Positional list[Row] ()",
            "c Star - -",
            "d KeywordOnly - f()",
            "e DoubleStar - -",
        ]
    );
    assert_eq!(
        bindings(module.scope(save.scope)),
        ["Inner = class#1", "late = import late:-"]
    );
    let deep = named(&module, "Odds.save_data.<locals>.Inner.deep");
    assert_eq!(deep.shape, FunctionShape::Empty);
    assert!(deep.outer.is_some() && deep.class.is_some());
}

#[test]
fn shapes() {
    let shape = |body: &str| {
        module(&format!("def f(self):\n    {body}\n"))
            .function(FuncIdx(0))
            .shape
    };
    assert_eq!(shape("'''Text.'''"), FunctionShape::Empty);
    assert_eq!(shape("'''Text.'''; ..."), FunctionShape::Empty);
    assert_eq!(shape("pass"), FunctionShape::Pass);
    assert_eq!(shape("'''Text.'''; pass"), FunctionShape::Pass);
    assert_eq!(
        shape("raise NotImplementedError"),
        FunctionShape::NotImplemented
    );
    assert_eq!(
        shape("raise NotImplementedError('no')"),
        FunctionShape::NotImplemented
    );
    assert_eq!(shape("return None"), FunctionShape::Code);
}

#[test]
fn spans_in_f_strings_are_true() {
    for source in [
        "def f(a):\n    return f'é {a.call()} {a.other()!r:>{a.width()}}'\n",
        "def f(a):\r\n    return f'''é\r\n {a.call()}\r\n {a.other()!r:>{a.width()}}'''\r\n",
    ] {
        let module = module(source);
        let blocks = module.function(FuncIdx(0)).body.blocks.iter();
        let calls: Vec<&str> = blocks
            .filter(|b| matches!(b.terminator.kind, TerminatorKind::Eval { .. }))
            .map(|b| b.terminator.span.slice(source))
            .collect();
        assert_eq!(calls, ["a.call()", "a.other()", "a.width()"]);
    }
}
