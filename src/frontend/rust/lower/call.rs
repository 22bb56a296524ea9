//! Calls of functions, constructors and methods.

use syn::{Expr, ExprCall, ExprMethodCall, ExprPath};

use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::lower::idiom::{borrowed, diverges, is_self};
use crate::frontend::rust::lower::pattern::tag_of;
use crate::frontend::rust::{parse, types};
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{Arg, ArgKind, Callee, Data, Name, Operand, Rvalue};
use crate::source::Span;

impl FunctionLowerer<'_> {
    /// Calls a value.
    pub(super) fn call_value(&mut self, f: Operand, args: Vec<Operand>, span: Span) -> Operand {
        let call = Rvalue::Call {
            callee: Callee::Value(f),
            args: positional(args),
        };
        self.emit(call, span)
    }

    pub(super) fn call(&mut self, x: &ExprCall, span: Span) -> Operand {
        let func = match &*x.func {
            Expr::Paren(p) => &*p.expr,
            other => other,
        };
        if let Expr::Path(path) = func {
            if let Some(value) = self.known_call(path, x, span) {
                return value;
            }
            let args = self.arguments(x.args.iter());
            let result = self.call_path(path, args.clone(), span);
            self.lend_arguments(x.args.iter(), &args, span);
            return result;
        }
        let function = self.expr(func);
        let function = self.keep(function, span);
        let args = self.arguments(x.args.iter());
        let result = self.call_value(function, args.clone(), span);
        self.lend_arguments(x.args.iter(), &args, span);
        result
    }

    /// Marks what is behind `&mut` arguments as possibly changed.
    fn lend_arguments<'e>(
        &mut self,
        exprs: impl Iterator<Item = &'e Expr>,
        with: &[Operand],
        span: Span,
    ) {
        for e in exprs {
            if let Some(place) = borrowed(e) {
                self.lent(place, false, with, span);
            }
        }
    }

    fn arguments<'e>(&mut self, exprs: impl Iterator<Item = &'e Expr>) -> Vec<Operand> {
        let mut values = Vec::new();
        for e in exprs {
            let value = self.expr(e);
            // A later argument may assign to the variable.
            values.push(match e {
                Expr::Path(_) | Expr::Reference(_) | Expr::Lit(_) => value,
                _ => self.keep(value, parse::expr(e)),
            });
        }
        values
    }

    /// Functions of the standard library with a meaning of their own; `None` for any other.
    fn known_call(&mut self, path: &ExprPath, x: &ExprCall, span: Span) -> Option<Operand> {
        let names = types::path(&path.path);
        let (last, owner) = match names.as_slice() {
            [.., owner, last] => (last.as_str(), owner.as_str()),
            [last] => (last.as_str(), ""),
            [] => return None,
        };
        let first = x.args.first();
        match (owner, last, x.args.len()) {
            ("mem" | "", "take", 1) => self.take(x, span),
            ("mem" | "", "replace", 2) => self.replace(x, span),
            ("mem" | "", "swap", 2) => self.swap(x, span),
            ("mem", "drop" | "forget", 1) | ("", "drop", 1) => {
                match first? {
                    // A guard, a sender or a file.
                    variable @ (Expr::Path(_) | Expr::Field(_)) => self.effect(variable),
                    result => self.discard(result, span),
                }
                Some(Operand::NONE)
            }
            // A value in a box, and a copy or other form of it, is treated as the value.
            (
                "Box" | "Arc" | "Rc" | "Mutex" | "RwLock" | "RefCell" | "Cell" | "Cow",
                "new" | "pin" | "from" | "clone" | "Owned" | "Borrowed",
                1,
            )
            | ("String" | "PathBuf" | "Value" | "Path" | "OsString", "from" | "new", 1)
            | ("", "identity" | "black_box", 1)
            | ("Pin", "new" | "new_unchecked", 1)
            | ("slice", "from_ref", 1) => Some(self.expr(first?)),
            ("Default", "default", 0) => Some(self.default_of(Vec::new(), span)),
            (owner, "default", 0) if !owner.is_empty() && !owner.ends_with("Map") => {
                let class = names[..names.len() - 1].to_vec();
                Some(self.default_of(class, span))
            }
            // `Self::helper(self, …)` is `self.helper(…)`.
            ("Self", _, n) if n > 0 && is_self(first?) => {
                let args = self.arguments(x.args.iter());
                Some(self.method_on(args, last, path, span))
            }
            _ if path.qself.is_some() && first.is_some_and(is_self) => {
                let args = self.arguments(x.args.iter());
                Some(self.method_on(args, last, path, span))
            }
            _ if diverges(&names) => {
                self.arguments(x.args.iter());
                self.panic(span);
                Some(Operand::NONE)
            }
            _ => None,
        }
    }

    /// `mem::take(&mut a)`
    fn take(&mut self, x: &ExprCall, span: Span) -> Option<Operand> {
        let target = self.target(borrowed(&x.args[0])?);
        let old = self.load_target(&target, span);
        let new = self.data(Data::Emptied(old.clone()), span);
        self.store_target(target, new, span);
        Some(old)
    }

    /// `mem::replace(&mut a, b)`
    fn replace(&mut self, x: &ExprCall, span: Span) -> Option<Operand> {
        let target = self.target(borrowed(&x.args[0])?);
        let old = self.load_target(&target, span);
        let new = self.expr(&x.args[1]);
        self.store_target(target, new, span);
        Some(old)
    }

    /// `mem::swap(&mut a, &mut b)`
    fn swap(&mut self, x: &ExprCall, span: Span) -> Option<Operand> {
        let (a, b) = (borrowed(&x.args[0])?, borrowed(&x.args[1])?);
        let (a, b) = (self.target(a), self.target(b));
        let (old_a, old_b) = (self.load_target(&a, span), self.load_target(&b, span));
        self.store_target(a, old_b, span);
        self.store_target(b, old_a, span);
        Some(Operand::NONE)
    }

    /// The default of a class. If the path is empty, only the context names the class.
    fn default_of(&mut self, class: Vec<Name>, span: Span) -> Operand {
        let (fields, base) = (Vec::new(), None);
        self.data(
            Data::Record {
                class,
                fields,
                base,
            },
            span,
        )
    }

    fn method_on(
        &mut self,
        mut args: Vec<Operand>,
        name: &str,
        path: &ExprPath,
        span: Span,
    ) -> Operand {
        let receiver = args.remove(0);
        let call = Rvalue::Call {
            callee: Callee::Method {
                receiver,
                name: Name::new(name),
                name_span: parse::of(&path.path),
            },
            args: positional(args),
        };
        self.emit(call, span)
    }

    /// Calls what a path names. If its last part is capitalised, it is a constructor.
    pub(super) fn call_path(&mut self, path: &ExprPath, args: Vec<Operand>, span: Span) -> Operand {
        let names = types::path(&path.path);
        let last = names.last().cloned().unwrap_or_default();
        if path.qself.is_none()
            && let Some(ident) = path.path.get_ident()
            && let Some(function) = self.load(&types::plain(ident), span)
        {
            return self.call_value(function, args, span);
        }
        let constructs = last.starts_with(|c: char| c.is_uppercase());
        if constructs {
            let tag = match last.as_str() {
                "Some" | "Ok" => Name::new(SUCCESS),
                "Err" => Name::new(FAILURE),
                _ => tag_of(&names),
            };
            return self.variant(&tag, args, span);
        }
        let mut names = names;
        if let Some(qself) = &path.qself
            && let Some(owner) = types::self_path(&qself.ty)
        {
            names = types::path(owner);
            names.push(last);
        }
        let function = self.emit(Rvalue::Path(names), parse::of(&path.path));
        self.call_value(function, args, span)
    }

    pub(super) fn method_call(&mut self, x: &ExprMethodCall, span: Span) -> Operand {
        if let Some(value) = self.idiom(x, span) {
            return value;
        }
        let receiver = self.expr(&x.receiver);
        let receiver = self.keep_mutable(receiver, &x.receiver);
        let args = self.arguments(x.args.iter());
        let call = Rvalue::Call {
            callee: Callee::Method {
                receiver,
                name: Name::from(types::plain(&x.method)),
                name_span: parse::of(&x.method),
            },
            args: positional(args.clone()),
        };
        let result = self.emit(call, span);
        self.lent(&x.receiver, true, &args, span);
        self.lend_arguments(x.args.iter(), &args, span);
        result
    }

    /// A receiver other than a plain variable is evaluated once, before the arguments.
    fn keep_mutable(&mut self, value: Operand, e: &Expr) -> Operand {
        match e {
            Expr::Path(_) => value,
            _ => self.keep(value, parse::expr(e)),
        }
    }
}

pub(super) fn positional(args: Vec<Operand>) -> Vec<Arg> {
    args.into_iter()
        .map(|value| Arg {
            kind: ArgKind::Positional,
            value,
        })
        .collect()
}
