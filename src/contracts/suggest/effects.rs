//! What each block of a body does, one after the other.

use std::collections::BTreeSet;

use crate::contracts::suggest::Words;
use crate::contracts::suggest::facts::{Deed, Facts, Finder, name_of};
use crate::contracts::suggest::paths::{Base, Path, Paths};
use crate::ir::{
    Arg, ArgKind, BasicBlock, BranchRole, Callee, Data, DictItem, LocalId, Name, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::program::{ClassRef, FuncRef, Lookup, MemberDef};
use crate::settings::Step;

/// One thing that a block does.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// This.
    Do(Deed),
    /// Gives this another value, so that what was stored into it is lost.
    Rebind(Path),
}

/// What a body does.
pub(super) struct Effects {
    /// For each block, in order.
    pub blocks: Vec<Vec<Effect>>,
    /// The edges of a context manager that swallows an exception, which there is none of here.
    pub failed: BTreeSet<(usize, usize)>,
    /// What unknown code may store into.
    pub unclear: BTreeSet<Base>,
    /// Locals with the result of a function that may return None.
    pub maybe_none: BTreeSet<Base>,
    /// What helpers store on some of their paths.
    pub maybe: BTreeSet<Path>,
    words: Words,
}

/// The locals that a body reads.
fn read_locals(paths: &Paths<'_, '_>) -> BTreeSet<LocalId> {
    let mut out = BTreeSet::new();
    let mut read = |operand: &Operand| {
        if let Operand::Local(local) = operand {
            out.insert(*local);
        }
    };
    for block in &paths.function.body.blocks {
        for statement in &block.statements {
            match &statement.kind {
                StatementKind::Assign(_, rvalue) => rvalue.for_each_operand(&mut read),
                StatementKind::SetField { object, value, .. }
                | StatementKind::Overwrite { object, value } => {
                    read(object);
                    read(value);
                }
                StatementKind::SetItem { object, key, value } => {
                    read(object);
                    read(key);
                    read(value);
                }
                StatementKind::SetGlobal { value, .. } => read(value),
                _ => {}
            }
        }
        match &block.terminator.kind {
            TerminatorKind::Branch { cond: value, .. }
            | TerminatorKind::Return { value, .. }
            | TerminatorKind::Yield { value, .. }
            | TerminatorKind::Raise { exc: value, .. } => read(value),
            TerminatorKind::Eval { rvalue, .. } => rvalue.for_each_operand(&mut read),
            TerminatorKind::DelItem { object, key, .. } => {
                read(object);
                read(key);
            }
            _ => {}
        }
    }
    out
}

impl Effects {
    /// Goes through the blocks of a body that runs on an instance of `class`.
    pub fn of(
        finder: &Finder<'_>,
        paths: &Paths<'_, '_>,
        class: Option<ClassRef>,
        depth: u32,
    ) -> Self {
        let mut reader = Reader {
            read: read_locals(paths),
            finder,
            paths,
            class,
            depth,
            out: Self {
                blocks: Vec::new(),
                failed: BTreeSet::new(),
                unclear: BTreeSet::new(),
                maybe_none: BTreeSet::new(),
                maybe: BTreeSet::new(),
                words: finder.words,
            },
            block: Vec::new(),
        };
        for (at, block) in paths.function.body.blocks.iter().enumerate() {
            reader.read(block);
            let done = std::mem::take(&mut reader.block);
            reader.out.blocks.push(done);
            if let TerminatorKind::Branch {
                then,
                role: BranchRole::Swallow,
                ..
            } = &block.terminator.kind
            {
                reader.out.failed.insert((at, then.index()));
            }
        }
        reader.out
    }

    /// Whether a returned value is named like a number of rows.
    pub fn words_count(&self, paths: &Paths<'_, '_>, value: &Operand) -> bool {
        name_of(paths, value).is_some_and(|name| name == "len" || (self.words.counts)(&name))
    }
}

struct Reader<'r, 'p, 'm> {
    finder: &'r Finder<'p>,
    paths: &'r Paths<'p, 'm>,
    class: Option<ClassRef>,
    depth: u32,
    /// The locals that are read anywhere.
    read: BTreeSet<LocalId>,
    out: Effects,
    block: Vec<Effect>,
}

impl Reader<'_, '_, '_> {
    fn read(&mut self, block: &BasicBlock) {
        for statement in &block.statements {
            match &statement.kind {
                StatementKind::SetField {
                    object,
                    field,
                    value,
                } => {
                    let step = Step::Field(field.to_string());
                    self.store(object, step, value);
                }
                StatementKind::SetItem { object, key, value } => {
                    if let Some(key) = self.paths.text(key) {
                        self.store(object, Step::Key(key), value);
                    }
                }
                StatementKind::Assign(local, rvalue) => self.assign(*local, rvalue),
                _ => {}
            }
        }
        if let TerminatorKind::Eval { dest, rvalue, .. } = &block.terminator.kind {
            if let Rvalue::Call { callee, args } = rvalue {
                self.call(callee, args, *dest);
            } else if let Some(local) = dest {
                self.assign(*local, rvalue);
            }
        }
    }

    fn done(&mut self, deed: Deed) {
        self.block.push(Effect::Do(deed));
    }

    fn store(&mut self, object: &Operand, step: Step, value: &Operand) {
        let Some(place) = self.paths.path(object).and_then(|path| path.then(step)) else {
            return;
        };
        // `place |= …` and the like keep what is there.
        let kept = matches!(self.paths.source(value), Some(Rvalue::InPlace(..)))
            || self.paths.path(value).as_ref() == Some(&place);
        if !kept {
            self.block.push(Effect::Rebind(place.clone()));
        }
        self.done(Deed::Store(place.clone()));
        if let Some(rvalue) = self.paths.source(value) {
            self.display(&place, rvalue);
        }
    }

    fn assign(&mut self, local: LocalId, rvalue: &Rvalue) {
        let Some(path) = self.paths.path(&Operand::Local(local)) else {
            return;
        };
        if path.base != Base::Local(local) || !path.is_whole() {
            return;
        }
        self.block.push(Effect::Rebind(path.clone()));
        self.display(&path, rvalue);
    }

    /// The keys and fields that a new object has, which is stored at `path`.
    fn display(&mut self, path: &Path, rvalue: &Rvalue) {
        match rvalue {
            Rvalue::Dict(items) => {
                for item in items {
                    if let DictItem::Pair(key, _) = item {
                        self.key(path, key);
                    }
                }
            }
            Rvalue::Call { callee, args } if self.callee(callee).as_deref() == Some("dict") => {
                self.keywords(path, args);
            }
            Rvalue::Data(Data::Map(items)) => {
                for (key, _) in items {
                    self.key(path, key);
                }
            }
            Rvalue::Data(Data::Record { fields, .. }) => {
                for (name, _) in fields {
                    let field = path.then(Step::Field(name.to_string()));
                    self.block.extend(field.map(Deed::Store).map(Effect::Do));
                }
            }
            _ => {}
        }
    }

    fn key(&mut self, path: &Path, key: &Operand) {
        let part = self.paths.text(key).map(Step::Key);
        let part = part.and_then(|step| path.then(step));
        self.block.extend(part.map(Deed::Store).map(Effect::Do));
    }

    fn keywords(&mut self, path: &Path, args: &[Arg]) {
        for arg in args {
            if let ArgKind::Keyword(name) = &arg.kind {
                let part = path.then(Step::Key(name.to_string()));
                self.block.extend(part.map(Deed::Store).map(Effect::Do));
            } else if let Some(rvalue @ Rvalue::Dict(_)) = self.paths.source(&arg.value) {
                self.display(path, rvalue);
            }
        }
    }

    /// The last part of the name of what is called.
    fn callee(&self, callee: &Callee) -> Option<Name> {
        match callee {
            Callee::Method { name, .. } => Some(name.clone()),
            Callee::Value(value) => self.paths.source(value)?.name().cloned(),
        }
    }

    fn call(&mut self, callee: &Callee, args: &[Arg], dest: Option<LocalId>) {
        let local = dest.map(Base::Local);
        if let Some(base) = &local {
            let path = Path {
                base: base.clone(),
                steps: Vec::new(),
            };
            self.block.push(Effect::Rebind(path.clone()));
            if self.callee(callee).as_deref() == Some("dict") {
                self.keywords(&path, args);
            }
        }
        match callee {
            Callee::Method { receiver, name, .. } => {
                let is_super = matches!(self.paths.source(receiver), Some(Rvalue::Super { .. }));
                let on = self.paths.path(receiver);
                let whole = Path {
                    base: Base::Receiver,
                    steps: Vec::new(),
                };
                if is_super || on.as_ref() == Some(&whole) {
                    self.own_method(name, is_super, args, local);
                    if is_super {
                        return;
                    }
                } else {
                    self.pass(args, name);
                }
                let Some(on) = on else { return };
                self.on_dict(&on, name, args);
                self.called(on.then(Step::Field(name.to_string())), dest);
            }
            Callee::Value(value) => {
                let name = self.callee(callee).unwrap_or_default();
                self.pass(args, &name);
                self.called(self.paths.path(value), dest);
            }
        }
    }

    /// A call whose result nobody looks at is made for what it does.
    fn called(&mut self, path: Option<Path>, dest: Option<LocalId>) {
        let Some(path) = path else { return };
        if dest.is_some_and(|local| self.read.contains(&local) && !self.only_awaited(local)) {
            return;
        }
        let plain = path.steps.iter().all(|step| matches!(step, Step::Field(_)));
        if plain && !matches!(path.base, Base::Local(_)) {
            self.done(Deed::Call(path));
        }
    }

    /// Whether the result of a call is only awaited, and the result of that is not looked at.
    fn only_awaited(&self, local: LocalId) -> bool {
        let awaits = |rvalue: &Rvalue| *rvalue == Rvalue::Await(Operand::Local(local));
        let blocks = self.paths.function.body.blocks.iter();
        let mut ends = blocks.map(|block| &block.terminator.kind);
        ends.any(|kind| matches!(kind, TerminatorKind::Eval { dest: None, rvalue, .. } if awaits(rvalue)))
    }

    /// What a method of a dict stores.
    fn on_dict(&mut self, on: &Path, name: &str, args: &[Arg]) {
        match (name, args) {
            ("update", _) => self.keywords(on, args),
            ("setdefault" | "__setitem__" | "insert", [key, ..]) if args.len() > 1 => {
                self.key(on, &key.value);
            }
            _ => {}
        }
    }

    /// A call of a method of the receiver: does what that does on every path.
    fn own_method(&mut self, name: &Name, is_super: bool, args: &[Arg], dest: Option<Base>) {
        let Some(class) = self.class else {
            self.out.unclear.insert(Base::Receiver);
            return self.pass(args, name);
        };
        let function = self.paths.function;
        let owner = function.class.map(|class| ClassRef {
            module: self.paths.module.id,
            class,
        });
        let after = is_super.then_some(owner).flatten();
        let found = self.finder.program.lookup(class, name, after);
        // An attribute that is called is no method.
        let unknown = !matches!(found, Lookup::Missing);
        let func = match found {
            Lookup::Found(_, defs) => match defs.as_slice() {
                [MemberDef::Func(func)] => Some(*func),
                _ => None,
            },
            Lookup::Missing if is_super => return,
            Lookup::Unknown | Lookup::Missing => None,
        };
        let Some(func) = func else {
            if unknown && !(self.finder.words.harmless)(name) {
                self.out.unclear.insert(Base::Receiver);
            }
            return self.pass(args, name);
        };
        if let Some(facts) = self.finder.facts(Some(class), func, self.depth + 1) {
            self.take_over(func, &facts, args, dest);
        }
    }

    /// Does what a method of the receiver does, with its parameters replaced by the arguments.
    fn take_over(&mut self, func: FuncRef, facts: &Facts, args: &[Arg], dest: Option<Base>) {
        let module = self.finder.program.module(func.module);
        let params = &module.ir.function(func.func).params;
        let skip = usize::from(params.first().is_some_and(|param| param.name == "self"));
        let given = |param: &Name| {
            let at = params.iter().position(|known| known.name == *param)?;
            let arg = args.iter().enumerate().find(|(i, arg)| match &arg.kind {
                ArgKind::Positional => i + skip == at,
                ArgKind::Keyword(name) => name == param,
                ArgKind::Star | ArgKind::DoubleStar => false,
            });
            self.paths.path(&arg?.1.value)
        };
        let here = |path: &Path| match &path.base {
            Base::Receiver => Some(path.clone()),
            Base::Param(name) => {
                let mut out = given(name)?;
                for step in &path.steps {
                    out = out.then(step.clone())?;
                }
                Some(out)
            }
            Base::Global(_) => Some(path.clone()),
            Base::Local(_) => None,
        };
        let mut effects = Vec::new();
        for deed in &facts.always {
            let deed = match deed {
                Deed::Store(path) => here(path).map(Deed::Store),
                Deed::Call(path) => here(path).map(Deed::Call),
                Deed::Return(steps) if steps.is_empty() => None,
                Deed::Return(steps) => dest.clone().map(|base| {
                    let steps = steps.clone();
                    Deed::Store(Path { base, steps })
                }),
            };
            effects.extend(deed.map(Effect::Do));
        }
        let unclear: Vec<Base> = facts
            .unclear
            .iter()
            .filter_map(|base| match base {
                Base::Param(name) => given(name).map(|path| path.base),
                base => Some(base.clone()),
            })
            .collect();
        // What it may do is unclear, not absent.
        for deed in facts.sometimes.difference(&facts.always) {
            if let Deed::Store(path) = deed
                && let Some(path) = here(path)
            {
                self.out.maybe.insert(path);
            }
        }
        self.block.extend(effects);
        self.out.unclear.extend(unclear);
        if let Some(dest) = dest
            && !facts.always.contains(&Deed::Return(Vec::new()))
        {
            self.out.maybe_none.insert(dest);
        }
    }

    /// Unknown code gets these arguments.
    fn pass(&mut self, args: &[Arg], name: &str) {
        let makes = name.chars().next().is_some_and(char::is_uppercase);
        if makes || (self.finder.words.harmless)(name) {
            return;
        }
        for arg in args {
            let Some(path) = self.paths.path(&arg.value) else {
                continue;
            };
            match path.base {
                Base::Receiver if path.is_whole() => {
                    self.out.unclear.insert(Base::Receiver);
                }
                Base::Param(_) => {
                    self.out.unclear.insert(path.base);
                }
                _ => {}
            }
        }
    }
}
