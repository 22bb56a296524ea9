//! Contracts that a base class implies through its helpers, or by what it does with a result.

use crate::common::{Project, json};
use crate::contracts::{BAD, FOUND, GOOD, check, findings};

/// The helper that reads, the class that calls it, and those that set the key are in different
/// files, and no word in the calling file says that something is read.
#[test]
fn a_helper_in_another_file_reads() {
    let recorder = "\
class Recorder:
    def finish(self):
        self.history.append(self.stats.get('messages_sent', 0))
";
    let base = "\
from recorder import Recorder

class Base(Recorder):
    def run(self):
        self.publish()
        self.finish()
";
    let project = Project::new(&[
        ("recorder.py", recorder),
        ("base.py", base),
        ("good.py", GOOD),
        ("bad.py", BAD),
    ]);
    let ran = project.run(&["check", "--format", "json"]);
    assert_eq!(findings(&ran), FOUND);
    assert_eq!(
        json(&ran)["findings"][0]["notes"][0],
        "`Base.run` reads `self.stats.get('messages_sent', 0)` at recorder.py:3, by way of \
         `self.finish()` at base.py:6, after calling `self.publish()` at base.py:5"
    );
    let listed = project.run(&["contracts"]).stdout;
    assert!(
        listed.contains(
            "    Base.run calls self.publish()\n      at base.py:5\n    \
             and then uses self.finish()\n      at base.py:6\n    \
             which reads self.stats.get('messages_sent', 0)\n      at recorder.py:3\n"
        ),
        "{listed}"
    );
    let document = json(&project.run(&["contracts", "--format", "json"]));
    assert_eq!(document["contracts"][1]["evidence"][0]["helper"]["line"], 6);
    let ran = project.run(&["check", "bad.py", "--format", "json"]);
    assert_eq!(findings(&ran), FOUND);
}

const ADDS: &str = "\
class Base:
    def run(self):
        total = 0
        total += self.publish()
        self.record(total)
";

#[test]
fn what_the_base_adds_up_has_to_be_returned() {
    let heirs = "\
from base import Base

class Good(Base):
    def publish(self):
        return self.client.send(self.rows)

class Bad(Base):
    def publish(self):
        if not self.rows:
            return
        return self.client.send(self.rows)
";
    let project = Project::new(&[("base.py", ADDS), ("heirs.py", heirs)]);
    let ran = project.run(&["check", "--format", "json"]);
    assert_eq!(findings(&ran), ["heirs.py:10: unset"]);
    let found = &json(&ran)["findings"][0];
    assert_eq!(found["message"], "`publish` can return None");
    assert_eq!(
        found["notes"][0],
        "`Base.run` relies in `total += self.publish()` at base.py:4 on a value from \
         `self.publish()` at base.py:4"
    );
    let listed = project.run(&["contracts"]).stdout;
    assert!(
        listed.contains(
            "publish returns a value\n  inferred from the code\n    \
             Base.run calls self.publish()\n      at base.py:4\n    \
             and relies on the result in total += self.publish()\n      at base.py:4\n"
        ),
        "{listed}"
    );
}

/// What the text of a caller shows of the use of a result is enough to look at it.
#[test]
fn ways_to_use_a_result() {
    let with = |uses: &str| {
        let base = format!("class Base:\n    def run(self):\n{uses}");
        let heirs = "\
from base import Base

class Good(Base):
    def publish(self, rows=()):
        if not rows:
            return 0
        return self.client.send(rows)

class Bad(Base):
    def publish(self, rows=()):
        self.client.send(rows)
";
        check(&[("base.py", &base), ("heirs.py", heirs)])
    };
    for uses in [
        "        return 1 + self.publish()\n",
        "        return self.publish(\n            ')',\n        ) * 2\n",
        "        if self.publish() > 0:\n            self.done()\n",
        "        if 0 < \\\n                self.publish():\n            self.done()\n",
        "        n = self.publish()\n        self.done(rows=n)\n",
        "        self.done(  # told\n            row_count=self.publish())\n",
        "        n = (  # counted\n            self.publish()\n        )\n        self.row_count = n\n",
        "        self.history['row_count'] = self.publish()\n",
        "        return {'day': self.day, 'row_count': self.publish()}\n",
        "        n: int = self.publish()\n        m = n\n        self.total_rows = m\n",
        "        if (n := self.publish()) >= 1:\n            self.done(n)\n",
    ] {
        assert_eq!(with(uses), ["heirs.py:10: never-set"], "{uses}");
    }
    for uses in [
        "        self.publish()\n        self.row_count = 0\n",
        "        return self.publish()\n",
        "        text = 'rows' + str(self.publish())\n        self.done(text)\n",
        "        return '%d rows' % self.publish()\n",
        "        row_count = self.publish()\n        print(row_count)\n",
        "        row_count = self.publish()\n        self.logger.info('%d', row_count)\n",
        "        n = self.publish()\n        self.done(n if n else 0)\n",
        "        for rows in self.publish():\n            self.done(rows)\n",
    ] {
        assert_eq!(with(uses), [""; 0], "{uses}");
    }
}
