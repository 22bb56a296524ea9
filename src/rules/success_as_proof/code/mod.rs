//! The code of one function, read without running it: definitions, names, constants.

mod computed;
mod constants;

use rustc_hash::{FxHashMap, FxHashSet};

pub use constants::{Constants, MAX_DEPTH, is_constant, is_constant_attribute};

use crate::ir::{
    Arg, BinOp, BlockId, Callee, Data, Function, Literal, LocalId, LocalKind, Name, Operand,
    Rvalue, StatementKind, TerminatorKind,
};
use crate::program::{ClassRef, Def, FuncRef, Lookup, MemberDef};
use crate::rules::success_as_proof::vocabulary::calls::TEXT_OF_ARGUMENT;
use crate::source::Span;

/// How many computations deep names are looked for.
const MAX_COMPUTED: u32 = 4;

/// Stands for a part of a text that is not written down.
const HOLE: &str = "?";

/// A function with an index of its definitions.
pub struct FunctionCode<'f> {
    /// The function.
    pub function: &'f Function,
    /// The lambdas and comprehensions in it.
    pub nested: Vec<FunctionCode<'f>>,
    names: FxHashMap<LocalId, Vec<Name>>,
    defs: FxHashMap<LocalId, Vec<(&'f Rvalue, Span)>>,
}

impl<'f> FunctionCode<'f> {
    /// Reads a function; `nested` are the lambdas and comprehensions in it.
    pub fn new(function: &'f Function, nested: &[&'f Function]) -> Self {
        let mut defs: FxHashMap<LocalId, Vec<(&Rvalue, Span)>> = FxHashMap::default();
        let mut names: FxHashMap<LocalId, Vec<Name>> = FxHashMap::default();
        for block in &function.body.blocks {
            for s in &block.statements {
                if let StatementKind::Assign(d, r) = &s.kind {
                    defs.entry(*d).or_default().push((r, s.span));
                    if let (Rvalue::Use(Operand::Local(from)), Some(name)) =
                        (r, &function.body.locals[d.index()].name)
                    {
                        names.entry(*from).or_default().push(name.clone());
                    }
                }
            }
            if let TerminatorKind::Eval {
                dest: Some(d),
                rvalue,
                ..
            } = &block.terminator.kind
            {
                defs.entry(*d)
                    .or_default()
                    .push((rvalue, block.terminator.span));
            }
        }
        FunctionCode {
            function,
            nested: nested.iter().map(|f| FunctionCode::new(f, &[])).collect(),
            names,
            defs,
        }
    }

    /// Whether the function is a lambda, a comprehension or the like.
    pub fn is_unnamed(&self) -> bool {
        is_unnamed(self.function)
    }

    /// Calls `f` with every rvalue of the function.
    pub fn for_each_rvalue(&self, mut f: impl FnMut(&Rvalue)) {
        self.function.body.for_each_rvalue(|_, _, r| f(r));
    }

    /// The call at the end of a block.
    fn call_at(&self, block: BlockId) -> Option<(&'f Callee, &'f [Arg])> {
        match &self.function.body.block(block).terminator.kind {
            TerminatorKind::Eval {
                rvalue: Rvalue::Call { callee, args },
                ..
            } => Some((callee, args)),
            _ => None,
        }
    }

    /// The blocks whose call passes a test.
    pub fn blocks_with(&self, test: impl Fn(&Callee, &[Arg]) -> bool) -> FxHashSet<BlockId> {
        let blocks = (0u32..).zip(&self.function.body.blocks);
        let blocks = blocks.map(|(at, _)| BlockId(at));
        let passes = |at: &BlockId| self.call_at(*at).is_some_and(|(c, args)| test(c, args));
        blocks.filter(passes).collect()
    }

    /// The heads of the loops.
    pub fn loop_heads(&self) -> Vec<BlockId> {
        let blocks = (0u32..).zip(&self.function.body.blocks);
        let heads = blocks.filter(|(_, block)| block.loop_head);
        heads.map(|(at, _)| BlockId(at)).collect()
    }

    /// The fields and keys that the function reads.
    pub fn fields(&self) -> impl Iterator<Item = &Name> {
        self.defs.values().flatten().filter_map(|(r, _)| match r {
            Rvalue::GetField(_, n) | Rvalue::GetItem(_, Operand::Const(Literal::Str(n))) => Some(n),
            _ => None,
        })
    }

    /// What a local is assigned, and where.
    pub fn definitions(&self, local: LocalId) -> &[(&'f Rvalue, Span)] {
        self.defs.get(&local).map_or(&[], |d| d.as_slice())
    }

    /// The variables that a local is, or is assigned to.
    pub fn variables(&self, local: LocalId) -> Vec<Name> {
        let mut out: Vec<Name> = self.function.body.locals[local.index()]
            .name
            .iter()
            .cloned()
            .collect();
        out.extend(self.names.get(&local).into_iter().flatten().cloned());
        out
    }

    /// The last name of an operand: of a variable, a global, a field, or of what is called.
    pub fn name(&self, o: &Operand) -> Option<Name> {
        let Operand::Local(l) = o else { return None };
        let decl = &self.function.body.locals[l.index()];
        if matches!(decl.kind, LocalKind::Var | LocalKind::Param) {
            return decl.name.clone();
        }
        match self.definitions(*l).last()?.0 {
            Rvalue::GetItem(_, Operand::Const(Literal::Str(n))) => Some(n.clone()),
            Rvalue::Call { callee, .. } => self.callee(callee),
            Rvalue::Use(o)
            | Rvalue::Await(o)
            | Rvalue::Data(Data::Copy(o) | Data::Payload { object: o, .. }) => self.name(o),
            other => other.name().cloned(),
        }
    }

    /// The names of an operand and of all that it is computed from.
    pub fn all_names(&self, o: &Operand) -> Vec<Name> {
        let mut out = Vec::new();
        let mut work = vec![(o.clone(), 0)];
        while let Some((o, depth)) = work.pop() {
            let Operand::Local(local) = o else { continue };
            out.extend(self.variables(local));
            for (rvalue, _) in self.definitions(local) {
                out.extend(Self::read_name(rvalue));
                if depth < MAX_COMPUTED {
                    rvalue.for_each_operand(|o| work.push((o.clone(), depth + 1)));
                }
            }
        }
        out
    }

    /// The name of the field or key that an rvalue reads.
    pub fn read_name(rvalue: &Rvalue) -> Option<Name> {
        match rvalue {
            Rvalue::GetField(_, name) | Rvalue::GetItem(_, Operand::Const(Literal::Str(name))) => {
                Some(name.clone())
            }
            Rvalue::Call { args, .. } => match args.first().map(|a| &a.value) {
                Some(Operand::Const(Literal::Str(name))) => Some(name.clone()).filter(is_key),
                _ => None,
            },
            _ => None,
        }
    }

    /// The last part of a callee's name.
    pub fn callee(&self, callee: &Callee) -> Option<Name> {
        match callee {
            Callee::Method { name, .. } => Some(name.clone()),
            Callee::Value(o) => self.name(o),
        }
    }

    /// The name of the object whose method is called.
    pub fn receiver(&self, callee: &Callee) -> Option<Name> {
        match callee {
            Callee::Method { receiver, .. } => self.name(receiver),
            Callee::Value(Operand::Local(l)) => match self.definitions(*l).last()?.0 {
                Rvalue::GetField(o, _) => self.name(o),
                _ => None,
            },
            Callee::Value(Operand::Const(_)) => None,
        }
    }

    /// A text as far as it is written down here; `?` stands for what is not.
    pub fn written(&self, o: &Operand) -> Option<String> {
        self.written_at(o, 0)
    }

    fn written_at(&self, o: &Operand, depth: u32) -> Option<String> {
        if depth > MAX_DEPTH {
            return None;
        }
        let go = |o: &Operand| self.written_at(o, depth + 1);
        match o {
            Operand::Const(Literal::Str(s)) => Some(s.to_string()),
            Operand::Const(_) => None,
            Operand::Local(l) => match self.definitions(*l) {
                [(Rvalue::Format(pieces), _)] => {
                    let pieces = pieces.iter();
                    let texts = pieces.map(|piece| match piece {
                        Operand::Const(Literal::Str(s)) => s.to_string(),
                        _ => HOLE.to_owned(),
                    });
                    Some(texts.collect())
                }
                [(Rvalue::Binary(BinOp::Add, a, b), _)] => {
                    let (a, b) = (go(a), go(b));
                    let known = a.is_some() || b.is_some();
                    let hole = || HOLE.to_owned();
                    known.then(|| a.unwrap_or_else(hole) + &b.unwrap_or_else(hole))
                }
                // `text("…")`, `"…".format(…)`
                [(Rvalue::Call { callee, args }, _)] => match callee {
                    Callee::Method {
                        receiver: Operand::Const(Literal::Str(s)),
                        name,
                        ..
                    } if name == "format" => Some(s.to_string()),
                    Callee::Value(_) => {
                        let name = self.callee(callee)?;
                        let [first] = args.as_slice() else {
                            return None;
                        };
                        let wraps = TEXT_OF_ARGUMENT.contains(&name.as_str());
                        wraps.then(|| go(&first.value))?
                    }
                    Callee::Method { .. } => None,
                },
                [(Rvalue::Use(o), _)] => go(o),
                _ => None,
            },
        }
    }

    /// The literal texts among arguments.
    pub fn texts(args: &[Arg]) -> impl Iterator<Item = &Name> {
        args.iter().filter_map(|a| match &a.value {
            Operand::Const(Literal::Str(s)) => Some(s),
            _ => None,
        })
    }

    /// The values stored in the cells of the function, if the local holds these cells. What the
    /// cells of an enclosing function hold is not known here.
    pub fn cell_values(&self, local: LocalId) -> Option<Vec<&Operand>> {
        match self.function.body.locals[local.index()].kind {
            LocalKind::Cells => {
                let statements = self.function.body.blocks.iter().flat_map(|b| &b.statements);
                let stored = statements.filter_map(|s| match &s.kind {
                    StatementKind::SetField { object, value, .. }
                        if *object == Operand::Local(local) =>
                    {
                        Some(value)
                    }
                    _ => None,
                });
                Some(stored.collect())
            }
            LocalKind::OuterCells if !self.is_unnamed() => Some(Vec::new()),
            _ => None,
        }
    }

    /// The functions of the program that a call surely leads to.
    pub fn callees(&self, constants: Constants<'_>, callee: &Callee) -> Vec<FuncRef> {
        match callee {
            Callee::Method {
                receiver: Operand::Local(LocalId(0)),
                name,
                ..
            } => {
                let lookup = constants
                    .class
                    .map(|c| constants.program.lookup(c, name, None));
                match lookup {
                    Some(Lookup::Found(_, defs)) => functions(&defs),
                    _ => Vec::new(),
                }
            }
            Callee::Value(Operand::Local(l)) => {
                let defs = self.definitions(*l).iter();
                let funcs = defs.filter_map(|(rvalue, _)| {
                    let path = match rvalue {
                        Rvalue::Global(name) => std::slice::from_ref(name),
                        Rvalue::Path(path) => path,
                        _ => return None,
                    };
                    match constants.resolve(path) {
                        Def::Func(func) => Some(func),
                        _ => None,
                    }
                });
                funcs.collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Whether a text may be the key under which something is kept, and not a sentence.
fn is_key(text: &Name) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Whether a function is a lambda, a comprehension or the like.
pub fn is_unnamed(function: &Function) -> bool {
    function.name.starts_with('<')
}

/// The functions among definitions of a member.
pub fn functions(defs: &[MemberDef]) -> Vec<FuncRef> {
    let funcs = defs.iter().filter_map(|def| match def {
        MemberDef::Func(func) | MemberDef::Def(Def::Func(func)) => Some(*func),
        _ => None,
    });
    funcs.collect()
}

/// The class that a function of a module is a method of.
pub fn class_of(func: FuncRef, function: &Function) -> Option<ClassRef> {
    function.class.map(|class| ClassRef {
        module: func.module,
        class,
    })
}
