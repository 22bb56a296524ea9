//! Macros: well-known ones are lowered by their meaning, any other as an unknown call with the
//! values that its tokens name.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Macro, Pat, Token};

use crate::frontend::rust::attrs::Cfg;
use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::lower::pattern::{Constant, constant};
use crate::frontend::rust::{parse, types};
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{BlockId, BranchRole, CmpOp, Data, Element, Literal, Name, Operand, Rvalue};
use crate::source::Span;

/// Macros that only log or print.
const LOGGING: &[&str] = &[
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "log",
    "event",
    "println",
    "eprintln",
    "print",
    "eprint",
    "span",
    "info_span",
    "debug_span",
    "trace_span",
    "warn_span",
    "error_span",
    "counter",
    "gauge",
    "histogram",
];

/// Macros that make a text or a value from their arguments and cannot fail.
const MAKING: &[&str] = &[
    "anyhow",
    "eyre",
    "format_err",
    "err_msg",
    "write",
    "writeln",
    "format_args",
    "concat",
    "stringify",
    "line",
    "column",
    "file",
    "module_path",
    "env",
    "option_env",
    "include_str",
    "include_bytes",
    "addr_of",
    "addr_of_mut",
    "thread_local",
    "compile_error",
    "pin",
    "smallvec",
    "arrayvec",
    "btreeset",
    "hashset",
    "params",
    "named_params",
    "macro_rules",
];

impl FunctionLowerer<'_> {
    /// The value of a macro call.
    pub(super) fn macro_value(&mut self, mac: &Macro, span: Span) -> Operand {
        let path = types::path(&mac.path);
        let name = path.last().cloned().unwrap_or_default();
        let own = path.len() == 1 && self.module.macros.contains(&name);
        let known = if own {
            None
        } else {
            self.known_macro(&name, mac, span)
        };
        known.unwrap_or_else(|| self.unknown_macro(mac, path, span))
    }

    /// The value of a well-known macro; `None` for any other, or if its arguments are unusual.
    fn known_macro(&mut self, name: &str, mac: &Macro, span: Span) -> Option<Operand> {
        match name {
            "panic" | "todo" | "unimplemented" | "unreachable" => {
                self.evaluate(mac);
                self.panic(span);
                Some(Operand::NONE)
            }
            "bail" => {
                self.fail(mac, span);
                Some(Operand::NONE)
            }
            "ensure" => {
                self.ensure(mac, span);
                Some(Operand::NONE)
            }
            "assert" | "assert_eq" | "assert_ne" => {
                self.assertion(name, mac, span);
                Some(Operand::NONE)
            }
            "debug_assert" | "debug_assert_eq" | "debug_assert_ne" => {
                let option = Cfg::When("debug_assertions".to_owned());
                self.under(&option, span, |this| {
                    this.assertion(name.trim_start_matches("debug_"), mac, span);
                });
                Some(Operand::NONE)
            }
            "matches" => Some(self.matches_value(mac, span)),
            "cfg" => {
                let cfg = Cfg::of_tokens(mac.tokens.clone());
                Some(self.configured(&cfg, span))
            }
            // Before `?`: `try!(e)`.
            "try" => match arguments(mac).as_deref() {
                Some([one]) => Some(self.question(one, span)),
                _ => None,
            },
            "join" => {
                let values = self.await_all(&arguments(mac)?);
                let elements = values.into_iter().map(element).collect();
                Some(self.emit(Rvalue::Tuple(elements), span))
            }
            "try_join" => {
                let futures = arguments(mac)?;
                Some(self.try_join(&futures, span))
            }
            name if LOGGING.contains(&name) => {
                self.evaluate(mac);
                Some(Operand::NONE)
            }
            name if MAKING.contains(&name) => {
                let given = self.evaluate(mac);
                Some(self.opaque(given, span))
            }
            _ => self.value_macro(name, mac, span),
        }
    }

    /// A macro that makes a text, a list or a map of its arguments.
    fn value_macro(&mut self, name: &str, mac: &Macro, span: Span) -> Option<Operand> {
        Some(match name {
            "format" => self.formatted(mac, span),
            "dbg" => match arguments(mac).as_deref() {
                Some([one]) => self.expr(one),
                Some(many) => {
                    let values = self.operands(many.iter());
                    self.opaque(values, span)
                }
                None => self.opaque(Vec::new(), span),
            },
            "vec" => self.vec(mac, span),
            "hashmap" | "btreemap" | "indexmap" => {
                let pairs = pairs(mac)?;
                self.map_of(&pairs, span)
            }
            "json" => match object(mac) {
                Some(pairs) => self.map_of(&pairs, span),
                None => {
                    let given = self.mentioned(mac.tokens.clone());
                    self.opaque(given, span)
                }
            },
            _ => return None,
        })
    }

    /// `ensure!(test, …)`: returns a failure unless the test holds.
    fn ensure(&mut self, mac: &Macro, span: Span) {
        let Some(test) = first_argument(mac) else {
            return;
        };
        let (good, bad) = (self.body.block(), self.body.block());
        self.cond(&test, good, bad, BranchRole::If);
        self.body.at(bad);
        let error = self.opaque(Vec::new(), span);
        let error = self.variant(FAILURE, vec![error], span);
        self.return_value(error, span);
        self.body.at(good);
    }

    /// `bail!(…)`: returns a failure.
    fn fail(&mut self, mac: &Macro, span: Span) {
        let given = self.evaluate(mac);
        let error = self.opaque(given, span);
        let error = self.variant(FAILURE, vec![error], span);
        self.return_value(error, span);
    }

    fn assertion(&mut self, name: &str, mac: &Macro, span: Span) {
        let (good, bad) = (self.body.block(), self.body.block());
        let Some(args) = arguments(mac) else {
            self.mentioned(mac.tokens.clone());
            return;
        };
        match (name, args.as_slice()) {
            ("assert", [test, ..]) => self.cond(test, good, bad, BranchRole::Assert),
            (_, [left, right, ..]) => {
                let left = self.expr(left);
                let left = self.keep(left, span);
                let right = self.expr(right);
                let op = if name == "assert_ne" {
                    CmpOp::NotEq
                } else {
                    CmpOp::Eq
                };
                let holds = self.emit(Rvalue::Compare(op, left, right), span);
                self.branch(holds, good, bad, BranchRole::Assert, span);
            }
            _ => return,
        }
        self.body.at(bad);
        self.panic(span);
        self.body.at(good);
    }

    /// `matches!(e, pat if guard)`
    pub(super) fn matches_test(&mut self, mac: &Macro, then: BlockId, otherwise: BlockId) {
        let span = parse::of(mac);
        let Ok(test) = mac.parse_body::<MatchesTest>() else {
            let given = self.mentioned(mac.tokens.clone());
            let value = self.opaque(given, span);
            return self.branch(value, then, otherwise, BranchRole::If, span);
        };
        let subject = self.expr(&test.subject);
        let subject = self.keep(subject, span);
        self.match_pattern(&test.pattern, &subject, otherwise);
        match &test.guard {
            Some(guard) => self.cond(guard, then, otherwise, BranchRole::Guard),
            None => self.body.goto(then),
        }
    }

    fn matches_value(&mut self, mac: &Macro, span: Span) -> Operand {
        // A single test is a value, so that a flag is as precise as the test.
        if let Ok(test) = mac.parse_body::<MatchesTest>()
            && test.guard.is_none()
            && let Some(Constant::Path(path)) = constant(&test.pattern)
        {
            let subject = self.expr(&test.subject);
            let subject = self.keep(subject, span);
            let value = self.emit(Rvalue::Path(path), span);
            return self.emit(Rvalue::Compare(CmpOp::Eq, subject, value), span);
        }
        self.truth_of(span, |lowerer, yes, no| lowerer.matches_test(mac, yes, no))
    }

    fn vec(&mut self, mac: &Macro, span: Span) -> Operand {
        match arguments(mac) {
            Some(args) => {
                let elements = self.elements(args.iter());
                self.data(Data::Array(elements), span)
            }
            // `vec![x; n]`
            None => {
                let given = self.mentioned(mac.tokens.clone());
                self.opaque(given, span)
            }
        }
    }

    fn map_of(&mut self, pairs: &[(Expr, Expr)], span: Span) -> Operand {
        let mut items = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let key = self.expr(key);
            let value = self.expr(value);
            items.push((key, value));
        }
        self.data(Data::Map(items), span)
    }

    fn await_all(&mut self, futures: &[Expr]) -> Vec<Operand> {
        let pending: Vec<(Operand, Span)> = futures
            .iter()
            .map(|future| (self.expr(future), parse::expr(future)))
            .collect();
        pending
            .into_iter()
            .map(|(future, span)| self.emit(Rvalue::Await(future), span))
            .collect()
    }

    /// A tuple of all payloads, or the failure of one future.
    fn try_join(&mut self, futures: &[Expr], span: Span) -> Operand {
        let values = self.await_all(futures);
        let result = self.body.temp();
        let (bad, after) = (self.body.block(), self.body.block());
        let mut payloads = Vec::new();
        for value in values {
            let next = self.body.block();
            let test = self.is_success(value.clone(), span);
            self.branch(test, next, bad, BranchRole::Try, span);
            self.body.at(next);
            payloads.push(element(self.payload(value, SUCCESS, "0", span)));
        }
        let all = self.emit(Rvalue::Tuple(payloads), span);
        let all = self.variant(SUCCESS, vec![all], span);
        self.body.assign(result, Rvalue::Use(all), span);
        self.body.goto(after);
        self.body.at(bad);
        let error = self.opaque(Vec::new(), span);
        let error = self.variant(FAILURE, vec![error], span);
        self.body.assign(result, Rvalue::Use(error), span);
        self.body.goto(after);
        self.body.at(after);
        Operand::Local(result)
    }

    /// Evaluates the arguments. If they cannot be parsed, the values that they name are returned.
    fn evaluate(&mut self, mac: &Macro) -> Vec<Operand> {
        match arguments(mac) {
            Some(args) => self.operands(args.iter()),
            None => self.mentioned(mac.tokens.clone()),
        }
    }

    /// The strings and variables that tokens name.
    pub(super) fn mentioned(&mut self, tokens: TokenStream) -> Vec<Operand> {
        let mut given = Vec::new();
        let mut work = vec![tokens];
        while let Some(tokens) = work.pop() {
            for token in tokens {
                match token {
                    TokenTree::Group(group) => work.push(group.stream()),
                    TokenTree::Literal(literal) => {
                        let tokens = TokenStream::from(TokenTree::Literal(literal));
                        if let Ok(syn::Lit::Str(text)) = syn::parse2::<syn::Lit>(tokens) {
                            given.push(Operand::Const(Literal::Str(text.value().into())));
                        }
                    }
                    TokenTree::Ident(ident) => {
                        let span = parse::span(ident.span());
                        if let Some(value) = self.load(&types::plain(&ident), span)
                            && !given.contains(&value)
                        {
                            given.push(value);
                        }
                    }
                    TokenTree::Punct(_) => {}
                }
            }
        }
        given
    }

    /// Calls something unknown with the values that the tokens name.
    fn unknown_macro(&mut self, mac: &Macro, path: Vec<Name>, span: Span) -> Operand {
        let args = match arguments(mac) {
            Some(args) => self.operands(args.iter()),
            None => self.mentioned(mac.tokens.clone()),
        };
        let mut path = path;
        // A function of the program may have the same name.
        if path.len() == 1 {
            path.insert(0, Name::new("<macro>"));
        }
        let function = self.emit(Rvalue::Path(path), span);
        self.call_value(function, args, span)
    }
}

fn element(value: Operand) -> Element {
    Element {
        value,
        starred: false,
    }
}

struct MatchesTest {
    subject: Expr,
    pattern: Pat,
    guard: Option<Expr>,
}

impl Parse for MatchesTest {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let subject = input.parse()?;
        input.parse::<Token![,]>()?;
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let guard = if input.peek(Token![if]) {
            input.parse::<Token![if]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        let _ = input.parse::<Option<Token![,]>>()?;
        Ok(Self {
            subject,
            pattern,
            guard,
        })
    }
}

/// An argument: `name = value`, a field of `tracing` with its marks, or an expression.
struct Argument(Expr);

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        while input.peek(Token![%]) || input.peek(Token![?]) {
            input.parse::<TokenTree>()?;
        }
        let fork = input.fork();
        if fork.parse::<Expr>().is_ok() && (fork.is_empty() || fork.peek(Token![,])) {
            let e: Expr = input.parse()?;
            // `name = value` parses as an assignment.
            return Ok(Self(match e {
                Expr::Assign(assign)
                    if !matches!(
                        &*assign.left,
                        Expr::Field(_) | Expr::Index(_) | Expr::Unary(_)
                    ) =>
                {
                    *assign.right
                }
                e => e,
            }));
        }
        // `target: "x"`, `a.b = %value`, `name = ?value`
        while !input.is_empty() && !input.peek(Token![,]) {
            let marked = (input.peek(Token![=]) || input.peek(Token![:]))
                && !input.peek(Token![==])
                && !input.peek(Token![=>]);
            input.parse::<TokenTree>()?;
            if marked && !input.peek(Token![:]) {
                return input.call(Argument::parse);
            }
        }
        Err(input.error("no argument"))
    }
}

/// The arguments of a macro that is called like a function; for `name = value`, the value.
fn arguments(mac: &Macro) -> Option<Vec<Expr>> {
    let parsed = Punctuated::<Argument, Token![,]>::parse_terminated
        .parse2(mac.tokens.clone())
        .ok()?;
    let separated = !mac
        .tokens
        .clone()
        .into_iter()
        .any(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ';'));
    separated.then(|| parsed.into_iter().map(|a| a.0).collect())
}

fn first_argument(mac: &Macro) -> Option<Expr> {
    let mut args = arguments(mac)?;
    (!args.is_empty()).then(|| args.swap_remove(0))
}

struct Pair(Expr, Expr);

impl Parse for Pair {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input.parse()?;
        input.parse::<Token![=>]>()?;
        Ok(Self(key, input.parse()?))
    }
}

/// `{ key => value, … }`
fn pairs(mac: &Macro) -> Option<Vec<(Expr, Expr)>> {
    let parsed = Punctuated::<Pair, Token![,]>::parse_terminated
        .parse2(mac.tokens.clone())
        .ok()?;
    Some(parsed.into_iter().map(|pair| (pair.0, pair.1)).collect())
}

struct Entry(syn::LitStr, Expr);

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input.parse()?;
        input.parse::<Token![:]>()?;
        Ok(Self(key, input.parse()?))
    }
}

/// `json!({ "key": value, … })`, if all values are expressions.
fn object(mac: &Macro) -> Option<Vec<(Expr, Expr)>> {
    let mut tokens = mac.tokens.clone().into_iter();
    let (Some(TokenTree::Group(group)), None) = (tokens.next(), tokens.next()) else {
        return None;
    };
    if group.delimiter() != proc_macro2::Delimiter::Brace {
        return None;
    }
    let parsed = Punctuated::<Entry, Token![,]>::parse_terminated
        .parse2(group.stream())
        .ok()?;
    let literal = |lit: syn::LitStr| {
        Expr::Lit(syn::ExprLit {
            attrs: Vec::new(),
            lit: syn::Lit::Str(lit),
        })
    };
    Some(
        parsed
            .into_iter()
            .map(|entry| (literal(entry.0), entry.1))
            .collect(),
    )
}
