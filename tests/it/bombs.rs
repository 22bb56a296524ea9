//! Texts that nobody would write: what nests, what goes on for ever, what is no text at all.

/// More than any stack holds, and enough to notice what is done again for each.
const MANY: usize = 100_000;

fn many(text: &str, count: usize) -> String {
    text.repeat(count)
}

/// Texts that are refused, or read, but in any case answered.
#[expect(clippy::too_many_lines, reason = "a table: one line for each text")]
pub fn python() -> Vec<(&'static str, String)> {
    vec![
        ("round brackets", many("(", 100_000)),
        ("square brackets", format!("x = {}", many("[", 100_000))),
        ("mixed brackets", many("({[", 100_000)),
        ("closing brackets", many(")]}", 100_000)),
        (
            "balanced brackets",
            format!("x = {}{}", many("(", 10_000), many(")", 10_000)),
        ),
        ("signs", format!("x = {}1", many("-", MANY))),
        ("inversions", format!("x = {}1", many("not ", MANY))),
        ("sums", format!("x = 1{}", many(" + 1", MANY))),
        ("powers", format!("x = 1{}", many(" ** 1", MANY))),
        ("conjunctions", format!("x = a{}", many(" and a", MANY))),
        ("comparisons", format!("x = a{}", many(" < a", MANY))),
        ("attributes", format!("x = a{}", many(".b", MANY))),
        ("calls", format!("x = a{}", many("()", MANY))),
        ("ternaries", format!("x = {}1", many("1 if a else ", MANY))),
        ("lambdas", format!("x = {}1", many("lambda: ", MANY))),
        ("strings", format!("x = {}", many("'a' ", MANY))),
        ("targets", format!("{}1", many("x = ", MANY))),
        (
            "awaits",
            format!("async def f(): {}x", many("await ", MANY)),
        ),
        (
            "long line",
            format!("x = [{}]", many(&format!("'{}', ", "a".repeat(500)), 2_000)),
        ),
        ("long comment", format!("#{}", many("a", 1_000_000))),
        ("long string", format!("x = '{}'", many("a", 10_000_000))),
        ("long name", format!("x = {}", many("a", 1_000_000))),
        ("long blank", format!("x = 1{}", many(" ", 1_000_000))),
        ("list", format!("x = [{}]", many("a, ", 100_000))),
        ("dict", format!("x = {{{}}}", many("'k': 1, ", 100_000))),
        ("arguments", format!("f({})", many("a, ", 100_000))),
        ("set", format!("x = {{{}}}", many("a, ", 100_000))),
        ("statements", many("x = 1; ", 10_000)),
        (
            "long lines of code",
            format!("x = [{}]", many("'k', 1, f(a.b), ", 30_000)),
        ),
        (
            "ifs",
            (0..5_000)
                .map(|i| format!("{}if a:\n", " ".repeat(i)))
                .collect(),
        ),
        (
            "elifs",
            format!("if a: pass\n{}", many("elif a: pass\n", 50_000)),
        ),
        ("f-strings", many("f'{", 10_000)),
        ("f-string lines", many("x = f\"{(\n", 5_000)),
        (
            "format specifications",
            format!("x = f'{}'", many("{a:", 100_000)),
        ),
        ("fields", format!("x = f'{}'", many("{a[\"\\n\"]}", 3_000))),
        (
            "deep field",
            format!("x = f'{{\")\" + {}1}}'", many("-", 100_000)),
        ),
        ("quotes", many("'''\"\"\"", 50_000)),
        (
            "decorators",
            format!("{}def f(): pass", many("@a\n", 20_000)),
        ),
        ("joined lines", many("\\\n", 100_000)),
        ("broken pieces", many("x = = 1\n", 5_000)),
        (
            "broken members",
            format!("class C:\n{}", many("  x = = 1\n", 3_000)),
        ),
        ("null bytes", many("\0", 100_000)),
        ("null byte", "x = 1\0\ny = '\0'\n".to_owned()),
        (
            "except lists",
            format!("try: pass\nexcept {}a: pass", many("a, ", 10_000)),
        ),
        (
            "type parameters",
            format!("def f[{}]: pass", many("T = int, ", 50_000)),
        ),
    ]
}

/// The same in Rust. What is no item stands in a function, unless it has lines of its own.
#[expect(clippy::too_many_lines, reason = "a table: one line for each text")]
pub fn rust() -> Vec<(&'static str, String)> {
    let nested = |open: &str, inside: &str, close: &str, count: usize| {
        format!("{}{inside}{}", many(open, count), many(close, count))
    };
    vec![
        ("round brackets", many("(", 100_000)),
        ("square brackets", format!("let x = {}", many("[", 100_000))),
        ("mixed brackets", many("({[", 100_000)),
        ("closing brackets", many(")]}", 100_000)),
        ("balanced brackets", nested("(", "1", ")", 20_000)),
        ("balanced braces", nested("{", "1", "}", 20_000)),
        ("balanced groups", nested("(", "1", ")", 200)),
        ("balanced blocks", nested("{", "1", "}", 200)),
        ("signs", format!("{}1;", many("-", MANY))),
        ("negations", format!("{}a;", many("!", MANY))),
        ("references", format!("{}a;", many("&", MANY))),
        ("dereferences", format!("{}a;", many("*", MANY))),
        ("sums", format!("1{};", many(" + 1", MANY))),
        ("products", format!("1{};", many(" * 1", MANY))),
        ("conjunctions", format!("a{};", many(" && a", MANY))),
        ("comparisons", format!("a{};", many(" < a", MANY))),
        ("ranges", format!("a{};", many("..a", MANY))),
        ("casts", format!("a{};", many(" as u8", MANY))),
        ("assignments", format!("a{};", many(" = a", MANY))),
        ("sums below the limit", format!("1{};", many(" + 1", 2_900))),
        ("signs below the limit", format!("{}1;", many("-", 2_900))),
        (
            "closures below the limit",
            format!("{}1;", many("|a| ", 900)),
        ),
        ("attributes of a value", format!("a{};", many(".b", MANY))),
        ("calls", format!("a{};", many("()", MANY))),
        ("methods", format!("a{};", many(".b()", MANY))),
        ("questions", format!("a{};", many("?", MANY))),
        (
            "questions below the limit",
            format!("a{};", many("?", 5_900)),
        ),
        ("indices", format!("a{};", many("[0]", MANY))),
        ("closures", format!("{}1;", many("|a| ", MANY))),
        ("returns", format!("{}1;", many("return ", MANY))),
        ("breaks", format!("loop {{ {}1; }}", many("break ", MANY))),
        (
            "blocks after words",
            format!("{}1", many("unsafe { loop { ", 10_000)),
        ),
        (
            "let conditions",
            format!("if {}a {{}}", many("let A(_) = b && ", 50_000)),
        ),
        ("ifs", nested("if a { ", "", "}", 5_000)),
        ("ifs below the limit", nested("if a { ", "", "}", 120)),
        (
            "else ifs",
            format!("if a {{}} {}", many("else if a {} ", 50_000)),
        ),
        (
            "else ifs below the limit",
            format!("if a {{}} {}", many("else if a {} ", 1_400)),
        ),
        ("matches", nested("match a { _ => ", "1", "}", 5_000)),
        (
            "arms",
            format!("match a {{ {} }}", many("1 => {} ", 10_000)),
        ),
        (
            "alternatives",
            format!("match a {{ 1{} => 1 }}", many(" | 1", MANY)),
        ),
        (
            "patterns",
            format!("let {} = a;", nested("A(", "b", ")", 5_000)),
        ),
        (
            "generics",
            format!("let a: {} = b;", nested("A<", "b", ">", 50_000)),
        ),
        (
            "generics below the limit",
            format!("let a: {} = b;", nested("A<", "b", ">", 1_900)),
        ),
        ("turbofish", format!("a::<{}>();", many("A<", 50_000))),
        (
            "reference types",
            format!("let a: {}u8 = b;", many("&", MANY)),
        ),
        (
            "function types",
            format!("let a: {}u8 = b;", many("fn() -> ", MANY)),
        ),
        ("paths", format!("a{};", many("::a", MANY))),
        ("uses", format!("use a{};", many("::{a", 5_000))),
        ("array", format!("let a = [{}];", many("1, ", 100_000))),
        ("tuple", format!("let a = ({});", many("a, ", 10_000))),
        ("arguments", format!("f({});", many("a, ", 10_000))),
        ("struct", format!("A {{ {} }};", many("a: 1, ", 10_000))),
        ("macro", format!("vec![{}];", many("a, ", 100_000))),
        ("macros", nested("a!(", "1", ")", 5_000)),
        ("format", format!("format!(\"{}\");", many("{}", 100_000))),
        ("statements", many("a; ", 10_000)),
        ("semicolons", many(";", 100_000)),
        (
            "long line",
            format!(
                "let a = [{}];",
                many(&format!("\"{}\", ", "a".repeat(500)), 2_000)
            ),
        ),
        (
            "long string",
            format!("let a = \"{}\";", many("a", 10_000_000)),
        ),
        (
            "long raw string",
            format!("let a = r#\"{}\"#;", many("\"", 10_000_000)),
        ),
        ("hashes", format!("let a = r{}\"", many("#", 100_000))),
        ("raw strings without end", many("r#\"", 50_000)),
        ("long comment", format!("//{}", many("a", 10_000_000))),
        ("long name", format!("{};", many("a", 1_000_000))),
        ("long number", format!("{};", many("1", 1_000_000))),
        ("block comments", many("/*", 100_000)),
        ("balanced comments", nested("/*", "a", "*/", 100_000)),
        ("quotes", many("'", 100_000)),
        (
            "lifetimes",
            format!("fn f<{}>() {{}}", many("'a, ", 50_000)),
        ),
        (
            "attributes",
            format!("{}fn f() {{}}\n", many("#[a]\n", 50_000)),
        ),
        ("attributes without items", many("#[a(", 50_000)),
        ("documentation", many("/// a\n", 50_000)),
        ("functions", nested("fn f() { ", "", "}", 5_000)),
        ("modules", nested("mod a { ", "", "}", 5_000)),
        (
            "implementations",
            many("impl A for B { fn save_data(&self) {} }\n", 20_000),
        ),
        (
            "where",
            format!("fn f() where {} {{}}\n", many("A: B, ", 50_000)),
        ),
        (
            "bounds",
            format!("fn f<A: B{}>() {{}}\n", many(" + B", 50_000)),
        ),
        ("labels", format!("{}loop {{}}", many("'a: ", 50_000))),
        ("null bytes", many("\0", 100_000)),
        ("null byte", "fn f() { let a = 1\0; }\n".to_owned()),
        ("marks", "\u{feff}\u{202e}\u{2028}fn f() {}\n".to_owned()),
    ]
}
