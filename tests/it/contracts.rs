//! Contracts that the code implies, `tallylint contracts`, and code that several classes share.

use serde_json::Value;

use crate::common::{Project, Ran, json};

const BASE: &str = "\
class Base:
    def __init__(self, client):
        self.client = client
        self.stats = {}

    def run(self):
        self.prepare()
        self.publish()
        sent = self.stats.get('messages_sent', 0)
        self.record(sent)

    def prepare(self):
        self.rows = []

    def publish(self):
        raise NotImplementedError

    def record(self, sent):
        print(sent)
";

pub(crate) const GOOD: &str = "\
from base import Base

class Good(Base):
    def publish(self):
        if not self.rows:
            self.stats['messages_sent'] = 0
            return
        self.stats['messages_sent'] = self.client.send(self.rows)
";

pub(crate) const BAD: &str = "\
from base import Base

class Bad(Base):
    def publish(self):
        if not self.rows:
            return
        self.stats['messages_sent'] = self.client.send(self.rows)
";

const NEVER: &str = "\
from base import Base

class Never(Base):
    def publish(self):
        self.client.send(self.rows)
";

/// `path:line: kind` of each finding.
pub(crate) fn findings(ran: &Ran) -> Vec<String> {
    let report = json(ran);
    let all = report["findings"].as_array().unwrap();
    let text = |f: &Value, name: &str| f[name].as_str().unwrap().to_owned();
    all.iter()
        .map(|f| format!("{}:{}: {}", text(f, "path"), f["line"], text(f, "kind")))
        .collect()
}

pub(crate) fn check(files: &[(&str, &str)]) -> Vec<String> {
    findings(&Project::new(files).run(&["check", "--format", "json"]))
}

/// The findings when this follows the call in the base's `run`.
fn with_reader(reads: &str) -> Vec<String> {
    let base = BASE.replace(
        "        sent = self.stats.get('messages_sent', 0)\n        self.record(sent)\n",
        reads,
    );
    assert_ne!(base, BASE);
    check(&[
        ("base.py", base.as_str()),
        ("good.py", GOOD),
        ("bad.py", BAD),
    ])
}

/// The findings when something in the base is something else.
fn with_base(from: &str, to: &str) -> Vec<String> {
    let base = BASE.replacen(from, to, 1);
    assert_ne!(base, BASE);
    check(&[
        ("base.py", base.as_str()),
        ("good.py", GOOD),
        ("bad.py", BAD),
    ])
}

pub(crate) const FOUND: [&str; 1] = ["bad.py:6: unset"];

#[test]
fn what_the_base_reads_is_a_contract() {
    let project = Project::new(&[("base.py", BASE), ("good.py", GOOD), ("bad.py", BAD)]);
    let ran = project.run(&["check", "--format", "json"]);
    assert_eq!(findings(&ran), FOUND);
    assert_eq!(
        json(&ran)["findings"][0]["notes"][0],
        "`Base.run` reads `self.stats.get('messages_sent', 0)` at base.py:9 after calling \
         `self.publish()` at base.py:8"
    );
    // One file is enough: its base is loaded.
    let ran = project.run(&["check", "bad.py", "--format", "json"]);
    assert_eq!(findings(&ran), FOUND);
    // The switch.
    project.write("tallylint.toml", "infer-contracts = false\n");
    assert_eq!(project.run(&["check"]).code, 0);
}

/// An attribute that says how much was done, recorded after the hook.
#[test]
fn an_attribute_that_the_base_records_is_a_contract() {
    let base = |uses: &str| {
        format!(
            "class Base:\n    def run(self, history):\n        self.load()\n{uses}\n\n\n\
             class Sets(Base):\n    def load(self):\n        \
             self.rows_loaded = self.client.send(self.rows)\n\n\n\
             class Forgets(Base):\n    rows_loaded = 0\n\n    def load(self):\n        \
             if not self.rows:\n            return\n        \
             self.rows_loaded = self.client.send(self.rows)\n"
        )
    };
    for uses in [
        "        history.record(self.rows_loaded)",
        "        count = self.rows_loaded\n        history.record(count)",
        "        history.last = self.rows_loaded",
    ] {
        let found = check(&[("base.py", &base(uses))]);
        assert!(
            found.len() == 1 && found[0].ends_with(": unset"),
            "{uses}: {found:?}"
        );
    }
    for uses in [
        // Who tests it can do without.
        "        if self.rows_loaded:\n            history.record(self.rows_loaded)",
        "        history.record(self.name)",
    ] {
        assert!(check(&[("base.py", &base(uses))]).is_empty(), "{uses}");
    }
}

#[test]
fn ways_to_read() {
    for reads in [
        "        stats = self.stats\n        self.record(stats['messages_sent'])\n",
        "        self.record(self.stats['messages_sent'])\n",
        "        self.record(self.stats.get('messages_sent') or 0)\n",
        "        key = 'messages_sent'\n        self.record(self.stats.get(key, 0))\n",
        "        try:\n            self.record(1)\n        finally:\n            \
         self.record(self.stats.get('messages_sent', 0))\n",
        "        sent = self.stats.get('messages_sent', 0)\n        if sent == 0:\n            \
         self.record(sent)\n",
    ] {
        assert_eq!(with_reader(reads), FOUND, "{reads}");
    }
    let constant = BASE
        .replace(
            "class Base:",
            "SENT = 'messages_sent'\n\nclass Base:\n    KEY = SENT",
        )
        .replace("'messages_sent', 0", "self.KEY, 0");
    let files = [("base.py", constant.as_str()), ("bad.py", BAD)];
    assert_eq!(check(&files), FOUND);
}

#[test]
fn reads_that_allow_for_a_missing_key() {
    for reads in [
        "        if 'messages_sent' in self.stats:\n            \
         self.record(self.stats['messages_sent'])\n",
        "        sent = self.stats.get('messages_sent')\n        if sent is None:\n            \
         return\n        self.record(sent)\n",
        "        self.record(self.stats.get('messages_sent'))\n",
        "        sent = self.stats.get('messages_sent', -1)\n        if sent < 0:\n            \
         return\n        self.record(sent)\n",
        "        try:\n            self.record(self.stats['messages_sent'])\n        \
         except KeyError:\n            pass\n",
        "        self.stats.setdefault('messages_sent', 0)\n        \
         self.record(self.stats['messages_sent'])\n",
        "        self.stats = {}\n        self.record(self.stats.get('messages_sent', 0))\n",
        "        self.record(self.stats.get(self.name, 0))\n",
        "        self.record(len(self.stats))\n",
    ] {
        assert_eq!(with_reader(reads), [""; 0], "{reads}");
    }
}

#[test]
fn bases_that_have_a_value_themselves() {
    let preset = "self.stats = {'messages_sent': 0}";
    assert_eq!(with_base("self.stats = {}", preset), [""; 0]);
    let preset = "self.stats = collections.Counter()";
    assert_eq!(with_base("self.stats = {}", preset), [""; 0]);
    let preset = "        self.stats['messages_sent'] = 0\n        self.publish()\n";
    assert_eq!(with_base("        self.publish()\n", preset), [""; 0]);
    let step = "self.rows = []\n        self.stats.update(messages_sent=0)";
    assert_eq!(with_base("self.rows = []", step), [""; 0]);
    let default = "def publish(self):\n        print('nothing to publish')";
    let stub = "def publish(self):\n        raise NotImplementedError";
    assert_eq!(with_base(stub, default), [""; 0]);
    // Read before the call.
    let early = "        sent = self.stats.get('messages_sent', 0)\n        self.publish()\n";
    let late = "        self.publish()\n        sent = self.stats.get('messages_sent', 0)\n";
    assert_eq!(with_base(late, early), [""; 0]);
}

#[test]
fn what_few_set_is_optional() {
    let other = NEVER.replace("Never", "Other");
    let files = [("base.py", BASE), ("good.py", GOOD), ("never.py", NEVER)];
    assert_eq!(check(&files), ["never.py:4: never-set"]);
    let files = [&files[..], &[("other.py", other.as_str())]].concat();
    assert_eq!(check(&files), [""; 0], "two of three leave it out");
    // Set only in a case that is one of several.
    let sometimes = "\
from base import Base

class Sometimes(Base):
    def publish(self):
        self.client.send(self.rows)
        if self.client.failed:
            self.stats['messages_sent'] = self.client.failed
";
    assert_eq!(check(&[("base.py", BASE), ("a.py", sometimes)]), [""; 0]);
    // Set by another step of the same class.
    let earlier = "\
from base import Base

class Earlier(Base):
    def prepare(self):
        self.stats['messages_sent'] = len(self.client.queue)

    def publish(self):
        self.client.send(self.rows)
";
    let files = [("base.py", BASE), ("good.py", GOOD), ("a.py", earlier)];
    assert_eq!(check(&files), [""; 0]);
}

#[test]
fn a_class_by_itself_knows_what_it_leaves_out() {
    let alone = BAD
        .replace("from base import Base\n", BASE)
        .replace("class Bad(Base):\n", "");
    let stub = "    def publish(self):\n        raise NotImplementedError\n\n";
    let alone = alone.replace(stub, "");
    assert_eq!(alone.matches("class ").count(), 1);
    assert_eq!(check(&[("alone.py", alone.as_str())]), [""; 0]);
}

#[test]
fn helpers_and_parents_set_for_the_hook() {
    let helper = "\
from base import Base

def note(stats, n):
    stats['messages_sent'] = n

class Helped(Base):
    def publish(self):
        if not self.rows:
            return
        self.done(self.client.send(self.rows))

    def done(self, n):
        note(self.stats, n)

class Child(Helped):
    def publish(self):
        super().publish()
";
    let found = check(&[("base.py", BASE), ("a.py", helper)]);
    assert_eq!(found, ["a.py:9: unset", "a.py:16: unset"]);
}

#[test]
fn contracts_are_listed() {
    let project = Project::new(&[
        ("base.py", BASE),
        ("good.py", GOOD),
        ("bad.py", BAD),
        (
            "heir.py",
            "from bad import Bad\n\nclass Heir(Bad):\n    name = 'heir'\n",
        ),
        (
            "tallylint.toml",
            "ignore = []\n[[contract]]\nmethod = 'load'\nsets = 'self.stats[\"n\"]'\n",
        ),
    ]);
    let ran = project.run(&["contracts"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        "\
save_data sets self.stats['rows_inserted']
  built in
  no processors

load sets self.stats['n']
  declared in tallylint.toml:3
  no processors

publish sets self.stats['messages_sent']
  inferred from the code
    Base.run calls self.publish()
      at base.py:8
    and reads self.stats.get('messages_sent', 0)
      at base.py:9
  3 processors, 2 break it
    warning  Bad   bad.py:4
             unset at line 6
    ok       Good  good.py:4
    warning  Heir  heir.py:3
             inherited from Bad
"
    );
    let coloured = project.run(&["contracts", "--color", "always"]).stdout;
    assert!(coloured.contains("\x1b["), "{coloured}");

    let document = json(&project.run(&["contracts", "--format", "json"]));
    assert_eq!(document["version"], 2);
    let contracts = document["contracts"].as_array().unwrap();
    let origins: Vec<_> = contracts.iter().map(|c| &c["origin"]).collect();
    assert_eq!(origins, ["built-in", "declared", "inferred"]);
    assert_eq!(contracts[1]["declared"]["line"], 3);
    let inferred = &contracts[2];
    assert_eq!(inferred["evidence"][0]["call"]["line"], 8);
    assert_eq!(inferred["evidence"][0]["read"]["path"], "base.py");
    assert_eq!(inferred["processors"][0]["findings"][0]["kind"], "unset");
    assert_eq!(inferred["processors"][2]["inherits"], "Bad");
}

/// One of two sets the key, so the other should: if it is seen to.
#[test]
fn ways_to_set() {
    let others = |body: &str| {
        let class = format!(
            "from base import Base\n\nclass Sets(Base):\n    def publish(self):\n        \
             n = self.client.send(self.rows)\n{body}"
        );
        check(&[("base.py", BASE), ("a.py", &class), ("never.py", NEVER)])
    };
    for body in [
        "        self.stats['messages_sent'] = n\n",
        "        stats = self.stats\n        stats['messages_sent'] = n\n",
        "        me = self\n        me.stats['messages_sent'] = n\n",
        "        self.stats.update(messages_sent=n)\n",
        "        self.stats.update({'messages_sent': n})\n",
        "        self.stats.update(dict(messages_sent=n))\n",
    ] {
        assert_eq!(others(body), ["never.py:4: never-set"], "{body}");
    }
    for body in [
        "        self.stats['bytes_sent'] = n\n",
        "        self.stats.update(dict(bytes_sent=n))\n",
        "        self.stats.update(fresh(messages_sent=n))\n",
        "        def note(self):\n            self.stats['messages_sent'] = n\n        note(n)\n",
        // Which comes from which is not told.
        "        me = you\n        you = me\n        me.stats['messages_sent'] = n\n",
    ] {
        assert_eq!(others(body), [""; 0], "{body}");
    }
    // Of three, one leaves it out: in the second a function inside sets it.
    let nested = "\
from base import Base

class Nested(Base):
    def publish(self):
        def note(n):
            self.stats['messages_sent'] = n
        note(self.client.send(self.rows))
";
    let files = [("base.py", BASE), ("good.py", GOOD), ("never.py", NEVER)];
    let found = check(&[&files[..], &[("nested.py", nested)]].concat());
    assert_eq!(found, ["never.py:4: never-set"]);
    let elsewhere = nested.replace("messages", "bytes");
    let found = check(&[&files[..], &[("nested.py", &elsewhere)]].concat());
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_list_takes_no_more_than_the_width_of_a_terminal() {
    let listed = |length: usize| {
        let name = "G".repeat(length);
        let good = GOOD.replace("Good", &name);
        let project = Project::new(&[("base.py", BASE), ("good.py", &good)]);
        let text = project.run(&["contracts"]).stdout;
        let at = text.find(&name).unwrap();
        (text[at + length..].to_owned(), text)
    };
    let (rest, text) = listed(56);
    assert!(rest.starts_with("  good.py:4\n"), "{text}");
    assert_eq!(text.lines().map(str::len).max(), Some(80));
    let (rest, text) = listed(57);
    assert!(rest.starts_with("\n             good.py:4\n"), "{text}");
}

#[test]
fn an_incomplete_list_says_so() {
    let project = Project::new(&[("base.py", BASE), ("broken.py", "class (:\n")]);
    let ran = project.run(&["contracts"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.starts_with("error: broken.py:1:"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.starts_with("save_data"), "{}", ran.stdout);
}

#[test]
fn a_declared_contract_wins_over_an_inferred_one() {
    let project = Project::new(&[
        ("base.py", BASE),
        ("bad.py", BAD),
        (
            "tallylint.toml",
            "[[contract]]\nmethod = 'publish'\nsets = 'self.stats[\"messages_sent\"]'\n",
        ),
    ]);
    let ran = project.run(&["check", "--format", "json"]);
    assert_eq!(findings(&ran), FOUND, "reported once");
    let document = json(&project.run(&["contracts", "--format", "json"]));
    let contracts = document["contracts"].as_array().unwrap();
    assert_eq!(contracts.len(), 2, "{document}");
    assert_eq!(contracts[1]["origin"], "declared");
    assert_eq!(contracts[1]["evidence"][0]["read"]["line"], 9);
}

#[test]
fn shared_code_is_reported_once() {
    let heirs: String = (1..=7)
        .map(|n| format!("\nclass Heir{n}(Shared):\n    def rows(self):\n        return [{n}]\n"))
        .collect();
    let project = Project::new(&[
        (
            "shared.py",
            "from elsewhere import Base\n\nclass Shared(Base):\n    def save_data(self):\n        \
             rows = self.rows()\n        if not self.ready:\n            return\n        \
             self.stats['rows_inserted'] = len(rows)\n\n    def rows(self):\n        return []\n",
        ),
        (
            "heirs.py",
            format!("from shared import Shared\n{heirs}").as_str(),
        ),
    ]);
    let ran = project.run(&["check", "--format", "json"]);
    assert_eq!(findings(&ran), ["shared.py:7: unset"]);
    let finding = &json(&ran)["findings"][0];
    assert_eq!(finding["symbol"], "Shared.save_data");
    assert_eq!(
        finding["notes"][0],
        "several classes run this: `Heir1`, `Heir2`, `Heir3`, `Heir4`, `Heir5` and 3 more"
    );
    // Checking an heir alone does not report what stands in a file that was not asked for.
    assert_eq!(project.run(&["check", "heirs.py"]).code, 0);
}

#[test]
fn a_hundred_flags_are_followed_to_the_one_bad_exit() {
    // Every flag doubles the paths, and the last test reads them all.
    const FLAGS: usize = 100;
    let mut source = String::from("from base import Base\n\nclass Big(Base):\n");
    source += "    def publish(self):\n";
    for i in 0..FLAGS {
        source += &format!("        if self.client.ask({i}):\n            self.a{i} = 1\n");
    }
    let all: Vec<String> = (0..FLAGS).map(|i| format!("self.a{i}")).collect();
    source += &format!("        if {}:\n            return\n", all.join(" and "));
    source += "        self.stats['messages_sent'] = 1\n";
    let files = [("base.py", BASE), ("big.py", &source), ("good.py", GOOD)];
    let project = Project::new(&files);
    let ran = project.run(&["check", "--format", "json"]);
    assert_eq!(findings(&ran), ["big.py:206: unset"]);
    assert_eq!(json(&ran)["unfollowed"], 0);
}

const SHARED: &str = "\
from base import Base

class Shared(Base):
    strict = True

    def publish(self):
        if not self.rows and not self.strict:
            return
        self.deliver(self.rows)

    def deliver(self, rows):
        self.stats['messages_sent'] = self.client.send(rows)
";

/// How many methods were followed when a class below `Shared` has these members.
fn followed(members: &str) -> (String, Ran) {
    let heir = format!("from shared import Shared\n\nclass Heir(Shared):\n{members}");
    let files = [("base.py", BASE), ("shared.py", SHARED), ("heir.py", &heir)];
    let project = Project::new(&files);
    let ran = project.run(&["check", "--statistics=engine", "--format", "concise"]);
    let counters = ran.stderr.lines();
    let counter = counters.filter(|line| line.ends_with("methods checked"));
    (counter.collect::<String>().trim().to_owned(), ran)
}

#[test]
fn an_inherited_method_is_followed_again_only_for_members_that_it_uses() {
    let (count, ran) = followed("    def prepare(self):\n        self.rows = self.client.all()\n");
    assert_eq!(count, "1  methods checked", "{}", ran.stderr);
    let (count, ran) = followed("    def deliver(self, rows):\n        self.client.send(rows)\n");
    assert_eq!(count, "2  methods checked", "{}", ran.stderr);
    // `Heir.deliver` touches nothing that the rule watches: it is no step of the path.
    assert!(ran.stdout.contains("shared.py:6"), "{}", ran.stdout);
    // A class attribute that the method tests decides as well.
    let (count, ran) = followed("    strict = False\n");
    assert_eq!(count, "2  methods checked", "{}", ran.stderr);
    assert!(ran.stdout.contains("shared.py"), "{}", ran.stdout);
}

/// `again` is asked for while `walk` is being found out, after `down`, which rests on it.
const CIRCLE: &str = "\
def walk(level):
    if level > 3:
        return 0
    down(level)
    again(level)
    return 1

def down(level):
    return walk(level + 1)

def again(level):
    return down(level)

class Odds(ProcessorBase):
    def save_data(self):
        walk(self.level)
        if again(self.level) == 1:
            return
        self.stats['rows_inserted'] = len(self.rows)
";

#[test]
fn what_functions_in_a_circle_return_does_not_depend_on_the_order_of_the_calls() {
    for code in [CIRCLE, &CIRCLE.replace("        walk(self.level)\n", "")] {
        let project = Project::new(&[("odds.py", code)]);
        let line = 1 + code
            .lines()
            .position(|l| l == "            return")
            .unwrap();
        let ran = project.run(&["check", "--format", "json"]);
        assert_eq!(findings(&ran), [format!("odds.py:{line}: unset")]);
    }
}

/// A name that is wrong would leave a contract unchecked for ever.
/// What a contract asks of a function says nothing of its writes.
#[test]
fn a_function_under_contract_may_still_swallow_a_write() {
    let program = "import logging\n\nlog = logging.getLogger(__name__)\n\n\ndef load(rows, client):\n    try:\n        \
                   client.insert_rows('orders', rows)\n    except ConnectionError:\n        log.exception('lost')\n    \
                   metrics.record(len(rows))\n";
    let contract = "[[contract]]\nfunction = 'load'\ncalls = 'metrics.record'\n";
    for configuration in ["", contract] {
        let project = Project::new(&[("a.py", program), ("tallylint.toml", configuration)]);
        let ran = project.run(&["check", "--format", "concise"]);
        assert!(
            ran.stdout
                .starts_with("a.py:9:5: warning[swallowed-write/swallowed]"),
            "{configuration}: {}",
            ran.stdout
        );
    }
}

#[test]
fn a_contract_that_no_class_has_to_keep_is_told() {
    let wrong = "\
[[contract]]
method = 'publich'
sets = \"self.stats['messages_sent']\"
bases = ['*']

[[contract]]
method = 'publish'
sets = \"self.stats['messages_sent']\"
";
    let project = Project::new(&[
        ("base.py", BASE),
        ("jobs/good.py", GOOD),
        ("tallylint.toml", wrong),
    ]);
    let told = "warning: tallylint.toml:2: nothing that was checked has to keep the contract `publich`; \
                look at the name and at `bases`\n";
    let ran = project.run(&["check"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, told), "{ran:?}");
    // A kept result says the same.
    assert_eq!(project.run(&["check"]).stderr, told);
    // Where only a part was checked, or no rule is about contracts, nobody can tell.
    for arguments in [
        &["check", "jobs"][..],
        &["check", "base.py"],
        &["check", "--select", "success-as-proof"],
        &["check", "--quiet"],
    ] {
        assert_eq!(project.run(arguments).stderr, "", "{arguments:?}");
    }
    project.write("broken.py", "class A(B):\n    def publich(self) = 1\n");
    let ran = project.run(&["check"]);
    assert!(!ran.stderr.contains("warning"), "{ran:?}");
}
