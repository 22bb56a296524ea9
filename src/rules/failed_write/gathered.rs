//! Where the values of a function come to if some of them are put into collections on the way, and drawn
//! out again or asked about as a whole. No path is followed.
//!
//! A local may hold such a value itself, or at some [`Path`] inside. How many things a collection holds says
//! nothing of a value in it, so a question about the number of them does not look at the value.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::code::called;
use crate::ir::validate::{for_each_terminator_use, for_each_use};
use crate::ir::{
    ArgKind, BinOp, BlockId, Body, Callee, CmpOp, Data, DictItem, Element, Function, Literal,
    LocalId, Name, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::rules::failed_write::flow::rvalues;
use crate::rules::tables::collections::{
    EXTENDS, LOOKUPS, MEASURES, PUTS, hands_out, joins_results, only_fills,
};

/// How deep inside of collections values are told apart. What is put deeper counts as drawn out.
const DEPTH: usize = 3;

/// How many ways to values are told apart in one local. One with more counts as a value itself.
const WAYS: usize = 64;

/// One step from a collection to something in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Step {
    /// Any element, or the value of any key.
    Any,
    /// The element at an index.
    At(i32),
    /// The value of a key.
    Key(Name),
    /// A key.
    Keys,
}

/// The way from what a local holds to a value; empty if it holds the value itself.
type Path = Vec<Step>;

/// What a step draws from a collection.
enum Draw<'p> {
    /// Each element in turn; from a dict, each key.
    Each,
    /// What is at an index or a key that is not known.
    Some,
    At(i32),
    Key(&'p Name),
}

impl Draw<'_> {
    fn by(key: &Operand) -> Draw<'_> {
        match key {
            Operand::Const(Literal::Str(key)) => Draw::Key(key),
            Operand::Const(Literal::Int(at)) => match i32::try_from(*at) {
                Ok(at) => Draw::At(at),
                Err(_) => Draw::Some,
            },
            _ => Draw::Some,
        }
    }

    /// The way that is left from what is drawn. `None` if the value is elsewhere.
    fn from(&self, path: &Path) -> Option<Path> {
        let Some((first, rest)) = path.split_first() else {
            return Some(Path::new());
        };
        let hits = match (self, first) {
            (Draw::Each, Step::Key(_)) | (Draw::Some | Draw::At(_) | Draw::Key(_), Step::Keys) => {
                false
            }
            (Draw::At(wanted), Step::At(at)) => *wanted < 0 || wanted == at,
            (Draw::Key(wanted), Step::Key(key)) => *wanted == key,
            _ => true,
        };
        hits.then(|| rest.to_vec())
    }
}

/// The way through one more collection around a value.
fn inside(step: Step, path: &[Step]) -> Path {
    let mut all = Path::with_capacity(path.len() + 1);
    all.push(step);
    all.extend_from_slice(path);
    all.truncate(DEPTH);
    all
}

/// The way in a collection that is made of the elements of another one.
fn spread(path: &Path) -> Path {
    inside(Step::Any, path.get(1..).unwrap_or_default())
}

/// Where some values of a function come to.
pub(super) struct Gathered<'f> {
    function: &'f Function,
    /// What [`only_value`](crate::ir::Body::only_value) says of each local.
    only: Vec<Option<&'f Rvalue>>,
    known: FxHashMap<LocalId, BTreeSet<Path>>,
    /// How many ways are known.
    count: usize,
}

impl<'f> Gathered<'f> {
    /// Follows the values of some locals, and those that are in the collections of some others.
    pub(super) fn of(
        function: &'f Function,
        values: impl IntoIterator<Item = LocalId>,
        collections: impl IntoIterator<Item = LocalId>,
    ) -> Self {
        let mut this = Self {
            function,
            only: function.body.only_values(),
            known: FxHashMap::default(),
            count: 0,
        };
        for local in values {
            this.add(local, Path::new());
        }
        for local in collections {
            this.add(local, vec![Step::Any]);
        }
        loop {
            let before = this.count;
            this.round();
            if this.count == before {
                return this;
            }
        }
    }

    /// Whether an operand is one of the values, or comes from one.
    pub(super) fn is_value(&self, operand: &Operand) -> bool {
        self.paths(operand).any(Vec::is_empty)
    }

    /// Whether an operand is one of the values, or holds one.
    pub(super) fn holds(&self, operand: &Operand) -> bool {
        self.paths(operand).next().is_some()
    }

    fn paths<'s>(&'s self, operand: &Operand) -> impl Iterator<Item = &'s Path> + use<'s, 'f> {
        let known = match operand {
            Operand::Local(local) => self.known.get(local),
            Operand::Const(_) => None,
        };
        known.into_iter().flatten()
    }

    fn add(&mut self, local: LocalId, path: Path) {
        let known = self.known.entry(local).or_default();
        let path = if known.len() < WAYS {
            path
        } else {
            Path::new()
        };
        if known.insert(path) {
            self.count += 1;
        }
    }

    /// Adds what is put into a collection, by whatever name the function has for it.
    fn put(&mut self, into: &Operand, paths: Vec<Path>) {
        let Operand::Local(mut at) = *into else {
            return;
        };
        if paths.is_empty() {
            return;
        }
        let mut names = vec![at];
        while let Some(Rvalue::Use(Operand::Local(of))) = self.only[at.index()]
            && !names.contains(of)
        {
            names.push(*of);
            at = *of;
        }
        if let Some(Rvalue::GetField(of, field)) = self.only[at.index()] {
            let same = rvalues(self.function).filter_map(|(dest, rvalue)| match rvalue {
                Rvalue::GetField(other, name) if other == of && name == field => dest,
                _ => None,
            });
            names.extend(same);
        }
        for path in paths {
            for local in &names {
                self.add(*local, path.clone());
            }
        }
    }

    fn round(&mut self) {
        let function = self.function;
        for (at, block) in (0u32..).map(BlockId).zip(&function.body.blocks) {
            for statement in &block.statements {
                match &statement.kind {
                    StatementKind::Assign(dest, rvalue) => self.assign(*dest, rvalue),
                    StatementKind::SetItem { object, key, value } => {
                        self.put(object, self.pair(key, value));
                    }
                    _ => {}
                }
            }
            match &block.terminator.kind {
                TerminatorKind::Eval { dest, rvalue, .. } => {
                    if let Some(dest) = dest {
                        self.assign(*dest, rvalue);
                    }
                    self.fill(at, rvalue);
                }
                TerminatorKind::ForNext { iter, dest, .. } => {
                    for path in self.drawn(&Operand::Local(*iter), &Draw::Each) {
                        self.add(*dest, path);
                    }
                }
                _ => {}
            }
        }
    }

    fn assign(&mut self, dest: LocalId, rvalue: &Rvalue) {
        for path in self.made(rvalue) {
            self.add(dest, path);
        }
        if let Rvalue::Data(Data::Gather { into, item }) = rvalue {
            let paths = self.paths(item).map(|path| inside(Step::Any, path));
            self.put(into, paths.collect());
        }
    }

    /// Notes what the call at the end of a block puts into its receiver.
    fn fill(&mut self, at: BlockId, rvalue: &Rvalue) {
        let Rvalue::Call {
            callee: Callee::Method { receiver, name, .. },
            args,
        } = rvalue
        else {
            return;
        };
        let extends = EXTENDS.contains(&name.as_str());
        if !extends && !PUTS.contains(&name.as_str()) {
            return;
        }
        let given = args.iter().flat_map(|arg| self.paths(&arg.value));
        let paths = given.map(|path| match extends {
            true => spread(path),
            false => inside(Step::Any, path),
        });
        let paths: Vec<Path> = paths.collect();
        let Operand::Local(list) = receiver else {
            return;
        };
        let known = self.known.get(list);
        let is_new = |path: &Path| known.is_none_or(|known| !known.contains(path));
        if paths.iter().any(is_new) && !may_be_emptied(&self.function.body, at, *list) {
            self.put(receiver, paths);
        }
    }

    fn drawn(&self, from: &Operand, draw: &Draw<'_>) -> Vec<Path> {
        let drawn = self.paths(from).filter_map(|path| draw.from(path));
        drawn.collect()
    }

    /// The ways to the value and the key of a pair in a dict.
    fn pair(&self, key: &Operand, value: &Operand) -> Vec<Path> {
        let at = match key {
            Operand::Const(Literal::Str(key)) => Step::Key(key.clone()),
            _ => Step::Any,
        };
        let values = self.paths(value).map(|path| inside(at.clone(), path));
        let keys = self.paths(key).map(|path| inside(Step::Keys, path));
        values.chain(keys).collect()
    }

    fn elements(&self, elements: &[Element], is_tuple: bool) -> Vec<Path> {
        let fixed = is_tuple && !elements.iter().any(|element| element.starred);
        let mut out = Vec::new();
        for (at, element) in (0i32..).zip(elements) {
            let at = if fixed { Step::At(at) } else { Step::Any };
            out.extend(self.paths(&element.value).map(|path| {
                if element.starred {
                    spread(path)
                } else {
                    inside(at.clone(), path)
                }
            }));
        }
        out
    }

    /// The ways in the value of an rvalue.
    fn made(&self, rvalue: &Rvalue) -> Vec<Path> {
        let same = |operand: &Operand| self.paths(operand).cloned().collect();
        match rvalue {
            // A test whether a result is a failure does not see one that was swallowed.
            Rvalue::Data(Data::IsVariant { of, .. }) if !of.is_empty() => Vec::new(),
            Rvalue::List(elements)
            | Rvalue::Set(elements)
            | Rvalue::Data(Data::Array(elements)) => self.elements(elements, false),
            Rvalue::Tuple(elements) => self.elements(elements, true),
            Rvalue::Dict(items) => {
                let items = items.iter().flat_map(|item| match item {
                    DictItem::Pair(key, value) => self.pair(key, value),
                    DictItem::Spread(of) => same(of),
                });
                items.collect()
            }
            Rvalue::Data(Data::Map(items)) => {
                let items = items.iter();
                items
                    .flat_map(|(key, value)| self.pair(key, value))
                    .collect()
            }
            Rvalue::Use(of)
            | Rvalue::Await(of)
            | Rvalue::Slice { object: of, .. }
            | Rvalue::Iter { object: of, .. }
            | Rvalue::Unpack {
                object: of,
                rest_before_end: Some(_),
                ..
            }
            | Rvalue::Data(Data::Copy(of)) => same(of),
            Rvalue::Data(Data::Lent { object, with }) => {
                let given = with.iter().flat_map(|with| self.paths(with));
                let given = given.map(|path| inside(Step::Any, path));
                self.paths(object).cloned().chain(given).collect()
            }
            Rvalue::GetItem(object, key) => {
                let mut all = self.drawn(object, &Draw::by(key));
                all.extend(self.whole([key].into_iter()));
                all
            }
            Rvalue::Unpack { object, index, .. } => self.drawn(object, &Draw::At(*index)),
            Rvalue::Binary(BinOp::Add | BinOp::BitOr, a, b)
            | Rvalue::InPlace(BinOp::Add | BinOp::BitOr, a, b) => {
                self.paths(a).chain(self.paths(b)).cloned().collect()
            }
            Rvalue::Not(_)
            | Rvalue::Data(Data::Len(_) | Data::Emptied(_) | Data::Gather { .. })
            | Rvalue::Compare(CmpOp::Is | CmpOp::IsNot, ..)
            | Rvalue::MatchSequence { .. }
            | Rvalue::MatchMapping(_)
            | Rvalue::MatchClass(..) => {
                let mut value = false;
                rvalue.for_each_operand(|operand| value |= self.is_value(operand));
                value.then(Path::new).into_iter().collect()
            }
            Rvalue::Call { callee, args } => {
                let args = args.iter();
                self.call(callee, args.map(|arg| (&arg.kind, &arg.value)).collect())
            }
            _ => {
                let mut held = false;
                rvalue.for_each_operand(|operand| held |= self.holds(operand));
                held.then(Path::new).into_iter().collect()
            }
        }
    }

    /// The value itself, if some of these operands hold one.
    fn whole<'o>(&self, mut operands: impl Iterator<Item = &'o Operand>) -> Option<Path> {
        operands.any(|operand| self.holds(operand)).then(Path::new)
    }

    /// The ways in what a call returns.
    fn call(&self, callee: &Callee, args: Vec<(&ArgKind, &Operand)>) -> Vec<Path> {
        let on = match callee {
            Callee::Method { receiver, .. } => receiver,
            Callee::Value(value) => value,
        };
        if !self.holds(on) && !args.iter().any(|(_, value)| self.holds(value)) {
            return Vec::new();
        }
        let name = called(self.function, callee).name;
        let key = args.first().map(|(_, value)| *value);
        let mut out: Vec<Path> = Vec::new();
        for path in self.paths(on) {
            out.extend(match path.as_slice() {
                [] => Some(Path::new()),
                _ => asked(&name, path, key),
            });
        }
        for (at, (kind, value)) in (0i32..).zip(args) {
            let starred = *kind == ArgKind::Star;
            for path in self.paths(value) {
                out.extend(given(&name, (at, starred), path));
            }
        }
        out
    }
}

/// The way in what a method of a collection returns.
fn asked(name: &str, path: &Path, key: Option<&Operand>) -> Option<Path> {
    let (first, rest) = path.split_first()?;
    match name {
        "items" => {
            let at = i32::from(*first != Step::Keys);
            Some(inside(Step::Any, &inside(Step::At(at), rest)))
        }
        "values" => (*first != Step::Keys).then(|| spread(path)),
        "keys" => (*first == Step::Keys).then(|| path.clone()),
        _ if MEASURES.contains(&name) => None,
        _ if LOOKUPS.contains(&name) => key.map_or(Draw::Some, Draw::by).from(path),
        _ if hands_out(name) => Some(path.clone()),
        _ if only_fills(name) => None,
        _ => Some(Path::new()),
    }
}

/// The way in what a call returns that is given a value or a collection, as the argument at this position.
fn given(name: &str, (at, starred): (i32, bool), path: &Path) -> Option<Path> {
    let Some((first, rest)) = path.split_first() else {
        return Some(match joins_results(name) {
            true => vec![Step::Any],
            false => Path::new(),
        });
    };
    match name {
        "enumerate" => Some(inside(Step::Any, &inside(Step::At(1), rest))),
        // The rows become the columns.
        "zip" if starred => match rest.split_first() {
            Some((second, rest)) => Some(inside(second.clone(), &inside(first.clone(), rest))),
            None => Some(path.clone()),
        },
        "zip" => Some(inside(Step::Any, &inside(Step::At(at), rest))),
        _ if MEASURES.contains(&name) => None,
        _ if hands_out(name) || joins_results(name) => Some(path.clone()),
        _ if PUTS.contains(&name) || EXTENDS.contains(&name) => None,
        _ => Some(Path::new()),
    }
}

/// Whether a collection may be emptied, or another one take its place, after something was put into it at the
/// end of a block and before anything looks at it.
fn may_be_emptied(body: &Body, put: BlockId, list: LocalId) -> bool {
    let mut seen: FxHashSet<BlockId> = FxHashSet::default();
    let mut open = Vec::new();
    // An exception is heard of otherwise.
    let goes_on = |at: BlockId, open: &mut Vec<BlockId>| match &body.block(at).terminator.kind {
        TerminatorKind::Eval { normal, .. } => open.push(*normal),
        other => other.for_each_successor(|next| open.push(next)),
    };
    goes_on(put, &mut open);
    while let Some(at) = open.pop() {
        if !seen.insert(at) {
            continue;
        }
        match change_in(body, at, list) {
            Some(Change::Emptied) => return true,
            Some(Change::Asked) => {}
            None => goes_on(at, &mut open),
        }
    }
    false
}

/// What happens first to a collection in a block, other than that something is put into it.
enum Change {
    Emptied,
    Asked,
}

fn change_in(body: &Body, at: BlockId, list: LocalId) -> Option<Change> {
    let block = body.block(at);
    for statement in &block.statements {
        let mut uses = false;
        for_each_use(&statement.kind, &mut |local| uses |= local == list);
        match &statement.kind {
            StatementKind::Assign(dest, _) if *dest == list && !uses => {
                return Some(Change::Emptied);
            }
            StatementKind::Assign(dest, _) if *dest == list => {}
            StatementKind::SetItem {
                object: Operand::Local(object),
                ..
            } if *object == list => {}
            _ if uses => return Some(Change::Asked),
            _ => {}
        }
    }
    let terminator = &block.terminator.kind;
    let mut uses = false;
    for_each_terminator_use(terminator, &mut |local| uses |= local == list);
    if let TerminatorKind::Eval { dest, rvalue, .. } = terminator {
        match rvalue {
            Rvalue::Call {
                callee:
                    Callee::Method {
                        receiver: Operand::Local(receiver),
                        name,
                        ..
                    },
                ..
            } if *receiver == list => match name.as_str() {
                "clear" => return Some(Change::Emptied),
                name if only_fills(name) => return None,
                _ => return Some(Change::Asked),
            },
            _ if *dest == Some(list) && !uses => return Some(Change::Emptied),
            _ => {}
        }
    }
    uses.then_some(Change::Asked)
}
