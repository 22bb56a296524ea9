//! `tallylint contracts --suggest`, and what `init` makes of it.

use serde_json::Value;

use crate::common::{Project, json};

const BASE: &str = "\
class Loader:
    def __init__(self, client, metrics):
        self.client = client
        self.metrics = metrics
        self.stats = {}

    def run(self):
        self.load()

    def load(self):
        raise NotImplementedError

    def finish(self, n):
        self.rows_loaded = n
";

const HEIRS: &str = "\
from base import Loader


class Users(Loader):
    def load(self):
        self.rows_loaded = self.client.send('users')


class Orders(Loader):
    def load(self):
        rows = self.client.fetch('orders')
        if not rows:
            self.rows_loaded = 0
            return
        self.client.send(rows)
        self.rows_loaded = len(rows)


class Prices(Loader):
    def load(self):
        self.finish(self.client.send('prices'))


class Trades(Loader):
    def load(self):
        rows = self.client.fetch('trades')
        if not rows:
            return
        self.rows_loaded = self.client.send(rows)


class Dates(Loader):
    def load(self):
        self.client.send('dates')
";

/// The suggestions for files.
fn suggestions(files: &[(&str, &str)]) -> Value {
    let ran = Project::new(files).run(&["contracts", "--suggest", "--format", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    json(&ran)
}

/// `Base.hook what: always/sometimes/never` of each suggestion.
fn briefly(found: &Value) -> Vec<String> {
    let all = found["suggestions"].as_array().unwrap();
    let text = |s: &Value, name: &str| s[name].as_str().unwrap_or_default().to_owned();
    let brief = |s: &Value| {
        let keep = &s["keep"];
        format!(
            "{}.{} {}: {}/{}/{}",
            text(s, "base"),
            text(s, "hook"),
            text(s, "what"),
            keep["always"],
            keep["sometimes"],
            keep["never"]
        )
    };
    all.iter().map(brief).collect()
}

/// The suggestions for four classes whose `load` has these bodies, indented by eight spaces.
fn with_bodies(bodies: [&str; 4]) -> Vec<String> {
    let mut heirs = "from base import Loader\n".to_owned();
    for (at, body) in bodies.iter().enumerate() {
        heirs += &format!("class C{at}(Loader):\n    def load(self):\n{body}\n");
    }
    briefly(&suggestions(&[("base.py", BASE), ("heirs.py", &heirs)]))
}

#[test]
fn what_most_definitions_store_is_suggested() {
    let project = Project::new(&[("base.py", BASE), ("heirs.py", HEIRS)]);
    let ran = project.run(&["contracts", "--suggest"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        "1. Loader.load sets self.rows_loaded
   3 of 5 definitions keep it on every path, exceptions left out (z = -2.24)
     on some paths  Trades.load  heirs.py:25
     on no path     Dates.load  heirs.py:33
   [[contract]]
   method = \"load\"
   bases = [\"Loader\"]
   sets = \"self.rows_loaded\"
"
    );
    // The text is what the configuration reads, and then there is nothing left to suggest.
    let start = ran.stdout.find("[[contract]]").unwrap();
    project.write("tallylint.toml", ran.stdout[start..].replace("   ", ""));
    let ran = project.run(&["contracts", "--suggest"]);
    assert!(ran.stdout.starts_with("No suggestion: "), "{ran:?}");
    let ran = project.run(&["check", "--format", "concise"]);
    assert!(
        ran.stdout.contains("heirs.py:28:13: ") && ran.stdout.contains("heirs.py:33:9: "),
        "{ran:?}"
    );
}

#[test]
fn keys_parameters_and_calls_are_suggested() {
    let stores = "        self.stats['rows'] = self.client.send(1)";
    let updates = "        n = self.client.send(1)\n        self.stats.update(rows=n)";
    let loses = "        self.stats['rows'] = 1\n        self.stats = {}";
    assert_eq!(
        with_bodies([stores, updates, stores, loses]),
        ["Loader.load sets self.stats['rows']: 3/1/0"]
    );
    let records = "        self.metrics.record_rows(self.client.send(1))";
    let sends = "        self.client.send(1)";
    assert_eq!(
        with_bodies([records, records, records, sends]),
        ["Loader.load calls self.metrics.record_rows: 3/0/1"]
    );
    let tells = "        self.log.info('done')\n        print(self.client.get(1))";
    assert_eq!(with_bodies([tells, tells, tells, sends]), [""; 0]);
}

#[test]
fn returned_counts_are_suggested() {
    let counts = "        rows = self.client.fetch(1)\n        return len(rows)";
    let forgets = "        rows = self.client.fetch(1)\n        if not rows:\n            return\n        \
                   return len(rows)";
    assert_eq!(
        with_bodies([counts, counts, counts, forgets]),
        ["Loader.load returns a value: 3/1/0"]
    );
    // That all return something is no news.
    assert_eq!(with_bodies([counts; 4]), [""; 0]);
    let dict = "        return {'inserted': self.client.send(1), 'table': 'users'}";
    let filled =
        "        out = {}\n        out['inserted'] = self.client.send(1)\n        return out";
    assert_eq!(
        with_bodies([dict, dict, filled, "        return {}"]),
        ["Loader.load returns a value with ['inserted']: 3/0/1"]
    );
}

#[test]
fn functions_under_a_decorator_are_a_family() {
    let tasks = "\
from prefect import task

@task
def users(context):
    context['rows'] = 1

@task(retries=2)
def orders(context):
    context['rows'] = 2

@task
def prices(context):
    context['rows'] = 3

@task
def dates(context):
    if context['skip']:
        return
    context['rows'] = 3
";
    let found = suggestions(&[("tasks.py", tasks)]);
    assert_eq!(
        briefly(&found),
        [".@prefect.task sets context['rows']: 3/1/0"]
    );
    assert_eq!(
        found["suggestions"][0]["contract"],
        "[[contract]]\ndecorator = \"prefect.task\"\nsets = \"context['rows']\"\n"
    );
    assert_eq!(
        found["suggestions"][0]["definitions"][3]["path"],
        "tasks.py"
    );
    assert_eq!(found["suggestions"][0]["definitions"][3]["line"], 16);
    assert_eq!(
        found["suggestions"][0]["definitions"][3]["keeps"],
        "sometimes"
    );
}

#[test]
fn implementations_of_a_trait_are_a_family() {
    let implementation = |name: &str, body: &str| {
        format!(
            "struct {name} {{ rows: usize }}\nimpl Job for {name} {{\n    fn run(&mut self) -> \
             Result<(), Error> {{\n{body}        Ok(())\n    }}\n}}\n"
        )
    };
    let good = "        self.rows = self.client.send()?;\n";
    let early = "        if self.is_empty() {\n            return Ok(());\n        }\n        \
                 self.rows = 1;\n";
    let mut text = "trait Job {\n    fn run(&mut self) -> Result<(), Error>;\n}\n".to_owned();
    for (name, body) in [("A", good), ("B", good), ("C", good), ("D", early)] {
        text += &implementation(name, body);
    }
    assert_eq!(
        briefly(&suggestions(&[("src/jobs.rs", &text)])),
        ["Job.run sets self.rows: 3/1/0"]
    );
}

#[test]
fn what_speaks_of_rows_comes_first() {
    let both = "        self.closed = True\n        self.rows_loaded = 1";
    let neither = "        self.client.send(1)";
    let closed = "        self.closed = True";
    assert_eq!(
        with_bodies([both, both, both, neither]),
        ["Loader.load sets self.rows_loaded: 3/0/1"]
    );
    assert_eq!(
        with_bodies([both, both, closed, closed]),
        [
            "Loader.load sets self.rows_loaded: 2/0/2",
            "Loader.load sets self.closed: 4/0/0"
        ]
    );
}

#[test]
fn a_narrower_base_explains_who_deviates() {
    // Those below `Counting` keep it, the others never do: the family is `Counting`.
    let mut heirs = "from base import Loader\n\nclass Counting(Loader):\n    pass\n".to_owned();
    for at in 0..9 {
        let (base, body) = match at {
            0..7 => ("Counting", "self.rows_loaded = 1"),
            _ => ("Loader", "self.client.send(1)"),
        };
        heirs += &format!("class C{at}({base}):\n    def load(self):\n        {body}\n");
    }
    assert_eq!(
        briefly(&suggestions(&[("base.py", BASE), ("heirs.py", &heirs)])),
        ["Counting.load sets self.rows_loaded: 7/0/0"]
    );
    // One that deviates there is told.
    heirs += "class D(Counting):\n    def load(self):\n        self.client.send(1)\n";
    assert_eq!(
        briefly(&suggestions(&[("base.py", BASE), ("heirs.py", &heirs)])),
        ["Counting.load sets self.rows_loaded: 7/0/1"]
    );
}

#[test]
fn families_without_common_definitions_are_told_apart() {
    let other = |text: &str| {
        text.replace("Loader", "Writer")
            .replace("from base", "from other")
    };
    let found = suggestions(&[
        ("base.py", BASE),
        ("heirs.py", HEIRS),
        ("other.py", &other(BASE)),
        ("writers.py", &other(HEIRS)),
    ]);
    assert_eq!(
        briefly(&found),
        [
            "Loader.load sets self.rows_loaded: 3/1/1",
            "Writer.load sets self.rows_loaded: 3/1/1"
        ]
    );
}

#[test]
fn the_depth_of_helpers_is_limited() {
    // Helpers that call each other in a circle, and a chain that is too deep.
    let circle = "        self.first()\n\n    def first(self):\n        self.second()\n\n    def \
                  second(self):\n        self.rows_loaded = 1\n        self.first()";
    let mut chain = "        self.f0()\n".to_owned();
    for at in 0..9 {
        chain += &format!("    def f{at}(self):\n        self.f{}()\n", at + 1);
    }
    chain += "    def f9(self):\n        self.rows_loaded = 1";
    let stores = "        self.rows_loaded = 1";
    assert_eq!(
        with_bodies([stores, stores, circle, &chain]),
        ["Loader.load sets self.rows_loaded: 3/0/1"]
    );
}

#[test]
fn unknown_code_is_no_evidence_against_a_definition() {
    let stores = "        self.rows_loaded = 1";
    let unknown = "        return save(self)";
    let found = with_bodies([stores, stores, stores, unknown]);
    assert_eq!(found, [""; 0]);
    // Three definitions that count are too few; with a fourth, the unknown one is only left out.
    let mut heirs = HEIRS.replace(
        "        self.client.send('dates')\n",
        "        save(self)\n",
    );
    heirs += "class More(Loader):\n    def load(self):\n        self.rows_loaded = 1\n";
    let found = suggestions(&[("base.py", BASE), ("heirs.py", &heirs)]);
    assert_eq!(
        briefly(&found),
        ["Loader.load sets self.rows_loaded: 4/1/0"]
    );
    assert_eq!(found["suggestions"][0]["unclear"], 1);
}

#[test]
fn what_is_no_family_gives_no_suggestion() {
    let small = HEIRS.split("class Trades").next().unwrap();
    let project = Project::new(&[("base.py", BASE), ("heirs.py", small)]);
    assert_eq!(
        project.run(&["contracts", "--suggest"]).stdout,
        "No suggestion: no base class has four definitions of a method below it, and no decorator \
         is on four functions.\nThe largest family is Loader.load with 3 definitions.\n"
    );
    // Methods that happen to have the same name, in tests, or that prepare an object.
    let unrelated = BASE
        .replace("self.load()", "pass")
        .replace("def load", "def other");
    let project = Project::new(&[("base.py", unrelated.as_str()), ("heirs.py", HEIRS)]);
    let ran = project.run(&["contracts", "--suggest"]);
    assert!(ran.stdout.starts_with("No suggestion: no base"), "{ran:?}");
    let in_tests = [("base.py", BASE), ("tests/heirs.py", HEIRS)];
    assert_eq!(suggestions(&in_tests)["looked_at"], 0);
    let prepare = HEIRS.replace("def load", "def setup");
    let base = BASE
        .replace("load()", "setup()")
        .replace("def load", "def setup");
    assert_eq!(
        suggestions(&[("base.py", base.as_str()), ("heirs.py", &prepare)])["looked_at"],
        0
    );
    let nothing = HEIRS.replace("self.rows_loaded =", "self.last_result =");
    let base = BASE.replace("self.rows_loaded =", "self.last_result =");
    let project = Project::new(&[("base.py", base.as_str()), ("heirs.py", &nothing)]);
    assert_eq!(
        project.run(&["contracts", "--suggest"]).stdout,
        "No suggestion: of 1 family, none has something to record that most definitions do and \
         that is not under contract.\n  Loader.load: 5 definitions; 3 of them have in common: sets \
         self.last_result\n"
    );
}

#[test]
fn an_incomplete_look_says_so() {
    let project = Project::new(&[
        ("base.py", BASE),
        ("heirs.py", HEIRS),
        ("broken.py", "def f(:\n"),
    ]);
    let ran = project.run(&["contracts", "--suggest"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.starts_with("error: broken.py:1:7"), "{ran:?}");
    assert!(ran.stdout.starts_with("1. Loader.load sets"), "{ran:?}");
}

#[test]
fn init_comments_suggestions_out() {
    let project = Project::new(&[("base.py", BASE), ("heirs.py", HEIRS)]);
    let ran = project.run(&["init"]);
    assert!(
        ran.stdout.contains(
            "could be declared (commented out in the configuration):\n  Loader.load sets \
             self.rows_loaded: 3 of 5 definitions keep it on every path\nwritten: "
        ),
        "{ran:?}"
    );
    let text = project.read("tallylint.toml");
    let added = "
# What most definitions do and some may not; `tallylint contracts --suggest` names these.

# Loader.load sets self.rows_loaded: 3 of 5 definitions keep it on every path
#[[contract]]
#method = \"load\"
#bases = [\"Loader\"]
#sets = \"self.rows_loaded\"
";
    let (before, rest) = text.split_once(added).unwrap();
    assert_eq!(rest, "");
    // Uncommented, it is in force.
    let added = added.replace("\n#[", "\n[").replace("\n#m", "\nm");
    let added = added.replace("\n#b", "\nb").replace("\n#s", "\ns");
    project.write("tallylint.toml", before.to_owned() + &added);
    let ran = project.run(&["check", "--format", "concise"]);
    assert_eq!(ran.code, 1, "{ran:?}");
}
