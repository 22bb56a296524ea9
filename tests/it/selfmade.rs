//! Values that are made of themselves: whatever reads code without following a path has to come to an end.

use crate::common::Project;

/// What variables are called: by their names, rules take them for what they are looking for.
const NAMES: &[&str] = &["rows", "status", "stats", "client"];

/// What `x` becomes in Python.
const PYTHON: &[&str] = &[
    "[x]",
    "[*x]",
    "(x, 1)",
    "{x}",
    "{1: x}",
    "{x: 1}",
    "{**x}",
    "{'status': x}",
    "Wrapped(x)",
    "Wrapped(status=x)",
    "Wrapped(**x)",
    "x.inner",
    "x['k']",
    "x[0]",
    "x[1:]",
    "f'{x}'",
    "'a' + x",
    "x + 1",
    "x | x",
    "-x",
    "not x",
    "x and c",
    "x or {}",
    "x if c else x",
    "lambda: x",
    "[i for i in x]",
    "{k: x for k in x}",
    "x()",
    "x.get('a')",
    "x.items()",
    "x.commit()",
    "len(x)",
    "dict(x)",
    "dict(**x)",
    "dict(x, rows=x)",
    "iter(x)",
    "next(x)",
    "zip(x, x)",
    "all(x)",
    "sum(x)",
    "all(r for r in x)",
    "sorted(x)",
    "str(x)",
    "json.dumps(x)",
    "x == 'success'",
    "x is None",
    "x.insert_rows(x)",
    "open(x)",
    "csv.writer(x)",
    "io.BytesIO(x)",
    "partial(x)",
    "self.load(x)",
    "super().save(x)",
    "Status.of(x)",
    "await x",
    "(yield x)",
];

const PYTHON_USES: &str = "\
\x20       if x: return True
        for r in x: client.insert_rows(r)
        client.insert_rows(x)
        try:
            x.insert_rows(x)
        except Exception as e:
            logger.error(x)
            x.append(x)
            if not x: return x
        if x == 'success': return x
        if x['status'] == 'success' or x.status == 'completed': return False
        with x as w: w.commit()
        self.stats = x
        self.stats.update(x)
        self.stats['rows_inserted'] = x
        self.items.append(x)
        if x in self.done: raise x
        consumer.commit(x)
        return x
";

/// What `x` becomes in Rust.
const RUST: &[&str] = &[
    "W(x)",
    "W { inner: x }",
    "W { inner: x, ..Default::default() }",
    "Status::Failed(x)",
    "Some(x)",
    "Ok(x)",
    "Err(x)",
    "(x, 1)",
    "[x]",
    "vec![x]",
    "x.inner",
    "x[0]",
    "&x",
    "&mut x",
    "*x",
    "x.clone()",
    "f(x)",
    "!x",
    "x + 1",
    "x as u8",
    "format!(\"{x}\")",
    "json!({\"status\": x})",
    "x == \"success\"",
    "match x { A(y) => y, _ => x }",
    "if c { x } else { x }",
    "|| x",
    "x?",
    "x.await",
    "x.map(|v| v)",
    "x.and_then(f)",
    "x.unwrap_or(x)",
    "x.iter().map(|r| r).collect()",
    "x.is_ok()",
    "x.len()",
    "Box::new(x)",
    "Writer::new(&mut x)",
    "std::mem::take(&mut x)",
];

const RUST_USES: &str = "
    for r in x { client.insert(r); }
    client.insert(x);
    if let Err(e) = x.insert(x) { error!(\"{}\", x); x.push(x); return x; }
    match x { Status::Success => return x, \"success\" => return x, _ => {} }
    if x == \"success\" || x.status == \"completed\" || done.contains(x) { return x; }
    consumer.commit(x);
    self.stats.rows_inserted = x;
    if x.is_empty() { return Ok(x); }
    x
";

/// Puts a name in the place of each `x`.
fn named(text: &str, name: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::new();
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let alone = !is_word(before) && rest.peek().is_none_or(|next| !is_word(*next));
        if c == 'x' && alone {
            out.push_str(name);
        } else {
            out.push(c);
        }
        before = c;
    }
    out
}

/// Each name with the one after it.
fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let others = NAMES.iter().cycle().skip(1);
    NAMES.iter().zip(others).map(|(one, other)| (*one, *other))
}

fn python(made: &str) -> String {
    let mut out = String::from("class P(BaseProcessor):\n");
    let mut save = String::from("    def save_data(self):\n");
    for (at, (x, y)) in pairs().enumerate() {
        let start = if made.contains("await") {
            "async def"
        } else {
            "def"
        };
        let (uses, of_x, of_y) = (named(PYTHON_USES, x), named(made, x), named(made, y));
        out += &format!("    {start} one{at}(self, {x}, c):\n        {x} = {of_x}\n{uses}");
        out += &format!(
            "    {start} two{at}(self, {x}, {y}, c):\n        {x} = {of_y}\n        {y} = {of_x}\n{uses}"
        );
        out += &format!(
            "    {start} loop{at}(self, c):\n        {x} = None\n        while c:\n            {x} = {of_x}\n{uses}"
        );
        save += &format!("        self.one{at}(1, 2)\n");
    }
    out + &save
}

fn rust(made: &str) -> String {
    let mut out = String::from("impl P {\n");
    for (at, (x, y)) in pairs().enumerate() {
        let (uses, of_x, of_y) = (named(RUST_USES, x), named(made, x), named(made, y));
        out += &format!(
            "async fn one{at}(&mut self, mut {x}: T, c: bool) -> T {{\n{x} = {of_x};{uses}}}\n"
        );
        out += &format!("async fn last{at}(mut {x}: T, c: bool) -> T {{\n{x} = {of_x};\n{x}\n}}\n");
        out += &format!(
            "async fn two{at}(&mut self, mut {x}: T, mut {y}: T, c: bool) -> T {{\n{x} = {of_y};\n{y} = {of_x};{uses}}}\n"
        );
    }
    out + "}\n"
}

#[test]
fn values_that_are_made_of_themselves_are_answered() {
    let project = Project::new(&[]);
    for (at, made) in PYTHON.iter().enumerate() {
        project.write(&format!("python{at}.py"), python(made));
    }
    for (at, made) in RUST.iter().enumerate() {
        project.write(&format!("rust{at}.rs"), rust(made));
    }
    let run = project.run(&["check", "--select", "all", "--format", "json"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    // All of it is read.
    assert_eq!(run.stderr, "");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["files"]["checked"], PYTHON.len() + RUST.len());
}
