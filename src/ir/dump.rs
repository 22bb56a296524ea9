//! Prints bodies: as text for reading and comparing, and as Mermaid flowcharts.

use std::fmt::Write as _;

use crate::ir::{
    Arg, ArgKind, BinOp, Body, Callee, CmpOp, Data, DictItem, Element, Function, ImportPath,
    Literal, LocalId, LocalKind, Name, Operand, Rvalue, StatementKind, TerminatorKind, Unwind,
};
use crate::source::Span;

/// The maximum length of a source excerpt beside a terminator, in characters.
const MAX_EXCERPT: usize = 48;

/// The body as text: a statement on each line, and the source beside the terminators.
#[must_use]
pub fn text(function: &Function, source: &str) -> String {
    let printer = Printer::new(&function.body);
    let mut out = String::new();
    out.push_str(&header(function, &printer));
    for (index, block) in function.body.blocks.iter().enumerate() {
        let head = if block.loop_head { " (loop)" } else { "" };
        let _ = writeln!(out, "bb{index}{head}:");
        for statement in &block.statements {
            let _ = writeln!(out, "    {}", printer.statement(&statement.kind));
        }
        let line = printer.terminator(&block.terminator.kind);
        match excerpt(block.terminator.span, source) {
            Some(text) => {
                let _ = writeln!(out, "    {line:<60} # {text}");
            }
            None => {
                let _ = writeln!(out, "    {line}");
            }
        }
    }
    out
}

/// The body as a Mermaid flowchart. Exceptions take dotted edges.
#[must_use]
pub fn mermaid(function: &Function, source: &str) -> String {
    let printer = Printer::new(&function.body);
    let mut out = String::from("flowchart TD\n");
    let mut links = String::new();
    for (index, block) in function.body.blocks.iter().enumerate() {
        let mut lines: Vec<String> = block
            .statements
            .iter()
            .map(|s| printer.statement(&s.kind))
            .collect();
        let kind = &block.terminator.kind;
        lines.extend(printer.action(kind));
        if lines.is_empty() {
            lines.extend(excerpt(block.terminator.span, source));
        }
        let label: Vec<String> = lines.iter().map(|line| escape(line)).collect();
        let label = label.join("<br>");
        let (open, close) = if block.loop_head {
            ("{{", "}}")
        } else {
            ("[", "]")
        };
        let _ = writeln!(out, "    bb{index}{open}\"bb{index}<br>{label}\"{close}");
        for (target, label, exceptional) in edges(kind) {
            let arrow = if exceptional { "-.->" } else { "-->" };
            let label = if label.is_empty() {
                String::new()
            } else {
                format!("|{}|", escape(&label))
            };
            let _ = writeln!(links, "    bb{index} {arrow}{label} bb{target}");
        }
    }
    out + &links
}

fn header(function: &Function, printer: &Printer<'_>) -> String {
    let params = (0..function.params.len()).map(|i| printer.local(LocalId(number(i))));
    let params: Vec<String> = params.collect();
    let mut out = format!("fn {}({})", function.qualname, params.join(", "));
    let flags = [
        (function.is_async, "async"),
        (function.is_generator, "generator"),
        (function.cells().is_some(), "cells"),
        (function.outer_cells.is_some(), "outer_cells"),
    ];
    for (set, flag) in flags {
        if set {
            out.push(' ');
            out.push_str(flag);
        }
    }
    out.push('\n');
    out
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The source of a span on one line.
fn excerpt(span: Span, source: &str) -> Option<String> {
    let text = span.slice(source);
    if text.is_empty() {
        return None;
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_EXCERPT {
        return Some(line);
    }
    let short: String = line.chars().take(MAX_EXCERPT - 1).collect();
    Some(format!("{short}…"))
}

/// Escapes a label for double quotes in Mermaid.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '&' => out.push_str("#amp;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '|' => out.push_str("#124;"),
            '`' => out.push_str("#96;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// The successors with their labels, and whether the edge is exceptional.
fn edges(kind: &TerminatorKind) -> Vec<(u32, String, bool)> {
    let mut edges = Vec::new();
    let raises = |unwind: &Option<Unwind>, edges: &mut Vec<(u32, String, bool)>| {
        if let Some(unwind) = unwind {
            edges.push((unwind.target.0, "raises".to_owned(), true));
        }
    };
    match kind {
        TerminatorKind::Goto(target) => edges.push((target.0, String::new(), false)),
        TerminatorKind::Branch {
            then, otherwise, ..
        } => {
            edges.push((then.0, "true".to_owned(), false));
            edges.push((otherwise.0, "false".to_owned(), false));
        }
        TerminatorKind::Switch { cases, .. } => {
            for (code, target) in cases {
                edges.push((target.0, literal(code), false));
            }
        }
        TerminatorKind::Eval { normal, unwind, .. }
        | TerminatorKind::DelItem { normal, unwind, .. }
        | TerminatorKind::Yield { normal, unwind, .. } => {
            edges.push((normal.0, String::new(), false));
            raises(unwind, &mut edges);
        }
        TerminatorKind::ForNext {
            body,
            exhausted,
            unwind,
            ..
        } => {
            edges.push((body.0, "next".to_owned(), false));
            edges.push((exhausted.0, "exhausted".to_owned(), false));
            raises(unwind, &mut edges);
        }
        TerminatorKind::Raise { unwind, .. } => raises(unwind, &mut edges),
        TerminatorKind::Return { .. } | TerminatorKind::Unreachable => {}
    }
    edges
}

fn literal(literal: &Literal) -> String {
    match literal {
        Literal::None => "None".to_owned(),
        Literal::Bool(true) => "True".to_owned(),
        Literal::Bool(false) => "False".to_owned(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(bits) => format!("{:?}", f64::from_bits(*bits)),
        Literal::Str(text) => format!("{text:?}"),
        Literal::Bytes(bytes) => format!("b{:?}", String::from_utf8_lossy(bytes)),
        Literal::Ellipsis => "...".to_owned(),
    }
}

fn bin_op(op: BinOp) -> &'static str {
    match op {
        BinOp::Add => "+",
        BinOp::Sub => "-",
        BinOp::Mul => "*",
        BinOp::Div => "/",
        BinOp::FloorDiv => "//",
        BinOp::Mod => "%",
        BinOp::Pow => "**",
        BinOp::MatMul => "@",
        BinOp::BitAnd => "&",
        BinOp::BitOr => "|",
        BinOp::BitXor => "^",
        BinOp::Shl => "<<",
        BinOp::Shr => ">>",
    }
}

fn cmp_op(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => "==",
        CmpOp::NotEq => "!=",
        CmpOp::Lt => "<",
        CmpOp::LtE => "<=",
        CmpOp::Gt => ">",
        CmpOp::GtE => ">=",
        CmpOp::Is => "is",
        CmpOp::IsNot => "is not",
        CmpOp::In => "in",
        CmpOp::NotIn => "not in",
    }
}

fn import(path: &ImportPath) -> String {
    let dots = ".".repeat(path.level as usize);
    let module = path.module.join(".");
    match &path.name {
        Some(name) => format!("import {dots}{module} {name}"),
        None => format!("import {dots}{module}"),
    }
}

struct Printer<'a> {
    body: &'a Body,
}

impl<'a> Printer<'a> {
    fn new(body: &'a Body) -> Self {
        Self { body }
    }

    fn local(&self, local: LocalId) -> String {
        let Some(decl) = self.body.locals.get(local.index()) else {
            return format!("_{}", local.0);
        };
        let prefix = match decl.kind {
            LocalKind::Param | LocalKind::Var => {
                let name = decl.name.clone().unwrap_or_default();
                let same = |other: &&crate::ir::LocalDecl| other.name.as_ref() == Some(&name);
                return if self.body.locals.iter().filter(same).count() > 1 {
                    format!("{name}_{}", local.0)
                } else {
                    name.to_string()
                };
            }
            LocalKind::Temp => "t",
            LocalKind::Exception => "exc",
            LocalKind::Completion => "completion",
            LocalKind::Cells => return "%cells".to_owned(),
            LocalKind::OuterCells => return "%outer_cells".to_owned(),
        };
        format!("%{prefix}{}", local.0)
    }

    fn operand(&self, operand: &Operand) -> String {
        match operand {
            Operand::Local(local) => self.local(*local),
            Operand::Const(value) => literal(value),
        }
    }

    fn list(&self, operands: &[Operand]) -> String {
        let all: Vec<String> = operands.iter().map(|o| self.operand(o)).collect();
        all.join(", ")
    }

    fn elements(&self, elements: &[Element]) -> String {
        let all = elements.iter().map(|element| {
            let star = if element.starred { "*" } else { "" };
            format!("{star}{}", self.operand(&element.value))
        });
        all.collect::<Vec<_>>().join(", ")
    }

    fn arg(&self, arg: &Arg) -> String {
        let value = self.operand(&arg.value);
        match &arg.kind {
            ArgKind::Positional => value,
            ArgKind::Star => format!("*{value}"),
            ArgKind::Keyword(name) => format!("{name}={value}"),
            ArgKind::DoubleStar => format!("**{value}"),
        }
    }

    fn rvalue(&self, rvalue: &Rvalue) -> String {
        let op = |operand: &Operand| self.operand(operand);
        let mark = |is_async: bool| if is_async { "async " } else { "" };
        match rvalue {
            Rvalue::Use(a) => op(a),
            Rvalue::Global(name) => format!("global {name}"),
            Rvalue::GetField(a, name) => format!("{}.{name}", op(a)),
            Rvalue::GetItem(a, key) => format!("{}[{}]", op(a), op(key)),
            Rvalue::Slice { object, bounds } => {
                let [lower, upper, step] = &**bounds;
                let (lower, upper, step) = (op(lower), op(upper), op(step));
                format!("{}[{lower}:{upper}:{step}]", op(object))
            }
            Rvalue::Unpack {
                object,
                index,
                rest_before_end,
            } => match rest_before_end {
                Some(behind) => format!("unpack {} {index}..-{behind}", op(object)),
                None => format!("unpack {} {index}", op(object)),
            },
            Rvalue::Call { callee, args } => self.call(callee, args),
            Rvalue::Not(a) => format!("not {}", op(a)),
            Rvalue::Neg(a) => format!("-{}", op(a)),
            Rvalue::Binary(operator, a, b) => {
                format!("{} {} {}", op(a), bin_op(*operator), op(b))
            }
            Rvalue::InPlace(operator, a, b) => {
                format!("{} {}= {}", op(a), bin_op(*operator), op(b))
            }
            Rvalue::Compare(operator, a, b) => {
                format!("{} {} {}", op(a), cmp_op(*operator), op(b))
            }
            Rvalue::List(e) => format!("[{}]", self.elements(e)),
            Rvalue::Tuple(e) => format!("({})", self.elements(e)),
            Rvalue::Set(e) => format!("set {{{}}}", self.elements(e)),
            Rvalue::Dict(items) => self.dict(items),
            Rvalue::Format(pieces) => format!("format({})", self.list(pieces)),
            Rvalue::Closure(idx) => format!("closure fn#{}", idx.0),
            Rvalue::MakeClass(idx) => format!("class#{}", idx.0),
            Rvalue::Super {
                start,
                lexical,
                receiver,
            } => {
                let lexical = || lexical.map_or("?".to_owned(), |idx| format!("class#{}", idx.0));
                let start = start.as_ref().map_or_else(lexical, op);
                format!("super({start}, {})", op(receiver))
            }
            Rvalue::Iter { object, is_async } => format!("{}iter {}", mark(*is_async), op(object)),
            Rvalue::Enter { manager, is_async } => {
                format!("{}enter {}", mark(*is_async), op(manager))
            }
            Rvalue::Exit {
                manager,
                exc,
                is_async,
            } => format!("{}exit {} with {}", mark(*is_async), op(manager), op(exc)),
            Rvalue::Await(a) => format!("await {}", op(a)),
            Rvalue::Caught { exc, types, group } => self.caught(exc, types, *group),
            Rvalue::MatchSequence {
                object,
                len,
                or_more,
            } => {
                let more = if *or_more { " or more" } else { "" };
                format!("{} is sequence of {len}{more}", op(object))
            }
            Rvalue::MatchMapping(a) => format!("{} is mapping", op(a)),
            Rvalue::MatchClass(a, class) => format!("{} is instance of {}", op(a), op(class)),
            Rvalue::Import(path) => import(path),
            Rvalue::Opaque(operands) => format!("opaque({})", self.list(operands)),
            Rvalue::Path(path) => format!("path {}", path.join("::")),
            Rvalue::Data(data) => self.data(data),
        }
    }

    fn call(&self, callee: &Callee, args: &[Arg]) -> String {
        let callee = match callee {
            Callee::Method { receiver, name, .. } => format!("{}.{name}", self.operand(receiver)),
            Callee::Value(value) => self.operand(value),
        };
        let args: Vec<String> = args.iter().map(|arg| self.arg(arg)).collect();
        format!("call {callee}({})", args.join(", "))
    }

    fn dict(&self, items: &[DictItem]) -> String {
        let op = |operand: &Operand| self.operand(operand);
        let items = items.iter().map(|item| match item {
            DictItem::Pair(key, value) => format!("{}: {}", op(key), op(value)),
            DictItem::Spread(value) => format!("**{}", op(value)),
        });
        format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
    }

    fn caught(&self, exc: &Operand, types: &[Operand], group: bool) -> String {
        let star = if group { "*" } else { "" };
        let types = if types.is_empty() {
            "anything".to_owned()
        } else {
            self.list(types)
        };
        format!("{} caught{star} by {types}", self.operand(exc))
    }

    fn data(&self, data: &Data) -> String {
        let op = |operand: &Operand| self.operand(operand);
        let named = |fields: &[(Name, Operand)]| {
            let all: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name}: {}", op(value)))
                .collect();
            all.join(", ")
        };
        match data {
            Data::Len(a) => format!("len({})", op(a)),
            Data::Range(a, b) => format!("{}..{}", op(a), op(b)),
            Data::Array(items) => format!("array [{}]", self.elements(items)),
            Data::Map(items) => {
                let all = items.iter().map(|(k, v)| format!("{}: {}", op(k), op(v)));
                format!("map {{{}}}", all.collect::<Vec<_>>().join(", "))
            }
            Data::Record {
                class,
                fields,
                base,
            } => {
                let rest = match base {
                    Some(base) => format!(" from {}", op(base)),
                    None => String::new(),
                };
                format!("record {} {{{}}}{rest}", class.join("::"), named(fields))
            }
            Data::Variant { tag, fields } => format!("variant {tag}({})", named(fields)),
            Data::IsVariant { object, tag, .. } => format!("{} is variant {tag}", op(object)),
            Data::Payload { object, tag, field } => format!("{} as {tag}.{field}", op(object)),
            Data::Copy(a) => format!("copy {}", op(a)),
            Data::Lent { object, .. } => format!("lent {}", op(object)),
            Data::Emptied(a) => format!("emptied {}", op(a)),
            Data::Gather { into, item } => format!("gather {} into {}", op(item), op(into)),
        }
    }

    fn statement(&self, kind: &StatementKind) -> String {
        match kind {
            StatementKind::Assign(dest, rvalue) => {
                format!("{} = {}", self.local(*dest), self.rvalue(rvalue))
            }
            StatementKind::SetField {
                object,
                field,
                value,
            } => format!("{}.{field} = {}", self.operand(object), self.operand(value)),
            StatementKind::SetItem { object, key, value } => format!(
                "{}[{}] = {}",
                self.operand(object),
                self.operand(key),
                self.operand(value)
            ),
            StatementKind::Overwrite { object, value } => {
                format!("*{} = {}", self.operand(object), self.operand(value))
            }
            StatementKind::DelField { object, field } => {
                format!("del {}.{field}", self.operand(object))
            }
            StatementKind::SetGlobal { name, value } => {
                format!("global {name} = {}", self.operand(value))
            }
            StatementKind::Declare(local, ty) => {
                format!("{}: {}", self.local(*local), ty.join("."))
            }
            StatementKind::Unbind(local) => format!("unbind {}", self.local(*local)),
            StatementKind::Skip => "skip".to_owned(),
        }
    }

    /// What the terminator does besides passing control on.
    fn action(&self, kind: &TerminatorKind) -> Option<String> {
        let bind = |dest: &Option<LocalId>| {
            dest.map_or(String::new(), |dest| format!("{} = ", self.local(dest)))
        };
        Some(match kind {
            TerminatorKind::Goto(_) => return None,
            TerminatorKind::Branch { cond, role, .. } => {
                format!("{role:?} {}", self.operand(cond))
            }
            TerminatorKind::Switch { on, .. } => format!("switch {}", self.local(*on)),
            TerminatorKind::Eval { dest, rvalue, .. } => {
                format!("{}{}", bind(dest), self.rvalue(rvalue))
            }
            TerminatorKind::DelItem { object, key, .. } => {
                format!("del {}[{}]", self.operand(object), self.operand(key))
            }
            TerminatorKind::ForNext { iter, dest, .. } => {
                format!("{} = next {}", self.local(*dest), self.local(*iter))
            }
            TerminatorKind::Yield { value, dest, .. } => {
                format!("{}yield {}", bind(dest), self.operand(value))
            }
            TerminatorKind::Return { value, implicit } => {
                let how = if *implicit { " (implicit)" } else { "" };
                format!("return {}{how}", self.operand(value))
            }
            TerminatorKind::Raise { exc, .. } => format!("raise {}", self.operand(exc)),
            TerminatorKind::Unreachable => "unreachable".to_owned(),
        })
    }

    fn terminator(&self, kind: &TerminatorKind) -> String {
        let action = self.action(kind).unwrap_or_default();
        let unwind = |unwind: &Option<Unwind>| {
            unwind.map_or(String::new(), |unwind| {
                format!(" unwind bb{} ({})", unwind.target.0, self.local(unwind.exc))
            })
        };
        match kind {
            TerminatorKind::Goto(target) => format!("goto bb{}", target.0),
            TerminatorKind::Branch {
                then, otherwise, ..
            } => format!("{action} -> bb{} else bb{}", then.0, otherwise.0),
            TerminatorKind::Switch { cases, .. } => {
                let cases = cases
                    .iter()
                    .map(|(code, target)| format!("{}: bb{}", literal(code), target.0));
                format!("{action} -> {}", cases.collect::<Vec<_>>().join(", "))
            }
            TerminatorKind::Eval {
                normal, unwind: u, ..
            }
            | TerminatorKind::DelItem {
                normal, unwind: u, ..
            }
            | TerminatorKind::Yield {
                normal, unwind: u, ..
            } => format!("{action} -> bb{}{}", normal.0, unwind(u)),
            TerminatorKind::ForNext {
                body,
                exhausted,
                unwind: u,
                ..
            } => format!(
                "{action} -> bb{} exhausted bb{}{}",
                body.0,
                exhausted.0,
                unwind(u)
            ),
            TerminatorKind::Raise { unwind: u, .. } => format!("{action}{}", unwind(u)),
            TerminatorKind::Return { .. } | TerminatorKind::Unreachable => action,
        }
    }
}
