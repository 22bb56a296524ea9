//! Calls of functions from outside the program: builtins, the standard library, other packages.
//!
//! A table assigns models ([`builtins`](super::builtins)) to functions. A call without a model is
//! unknown: it may raise, and returns something new.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::engine::calls::args::Args;
use crate::engine::calls::builtins as model;
use crate::engine::calls::call::{is_log_method, is_logger_name};
use crate::engine::flow::Evaluated;
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::state::State;
use crate::engine::values::value::Site;
use crate::engine::{Engine, FnContext};
use crate::ir::Name;
use crate::program::exceptions::is_builtin_exception;

/// A call of a function from outside the program.
pub(in crate::engine) struct ExternalCall<'a> {
    pub(in crate::engine) cx: &'a FnContext,
    pub(in crate::engine) state: State,
    /// The dotted path of the function.
    pub(in crate::engine) path: &'a Name,
    pub(in crate::engine) args: Args,
    pub(in crate::engine) site: Site,
}

/// A model of a function: all ways in which a call of it can end.
type Model = fn(&mut Engine<'_>, ExternalCall<'_>) -> Vec<Evaluated>;

/// The models, and the functions that each of them stands for.
const MODELS: &[(&[&str], Model)] = &[
    (&["len"], model::len),
    (&["bool"], model::bool),
    (&["str"], model::str),
    (&["int"], model::int),
    (&["isinstance"], model::isinstance),
    (&["issubclass"], model::issubclass),
    (
        &[
            "inspect.isgeneratorfunction",
            "inspect.isasyncgenfunction",
            "inspect.iscoroutinefunction",
            "asyncio.iscoroutinefunction",
        ],
        model::is_of_nature,
    ),
    (&["callable", "hasattr"], model::some_bool),
    (&["any", "all"], model::any_or_all),
    (&["range"], model::range),
    (&["enumerate"], model::enumerate),
    (&["zip"], model::zip),
    (&["map"], model::map),
    (
        &["list", "tuple", "sorted", "reversed", "set", "frozenset"],
        model::copy_sequence,
    ),
    (
        &["copy.copy", "copy.deepcopy", "collections.deque"],
        model::copy_object,
    ),
    (
        &[
            "dict",
            "collections.OrderedDict",
            "collections.defaultdict",
            "collections.Counter",
        ],
        model::dict,
    ),
    (&["type"], model::type_of),
    (&["vars"], model::vars),
    (&["getattr"], model::getattr),
    (&["setattr"], model::setattr),
    (&["next"], model::next),
    (&["operator.setitem"], model::setitem),
    (&["functools.partial"], model::partial),
    (&["functools.wraps"], model::wraps),
    (
        &[
            model::IDENTITY,
            "concurrent.futures.as_completed",
            "asyncio.as_completed",
        ],
        model::identity,
    ),
    (&["sys.exit", "exit", "quit"], model::exit),
    (&["os._exit", "os.abort"], model::abort),
    (
        &[
            "typing.assert_never",
            "typing_extensions.assert_never",
            "typing.NoReturn",
        ],
        model::assert_never,
    ),
    (&["typing.cast"], model::cast),
    (
        &["logging.getLogger", "structlog.get_logger"],
        model::logger,
    ),
    (&["contextlib.suppress"], model::suppress),
    (
        &["contextlib.ExitStack", "contextlib.AsyncExitStack"],
        model::exit_stack,
    ),
    (
        &[
            "asyncio.gather",
            "asyncio.wait",
            "asyncio.create_task",
            "asyncio.ensure_future",
            "asyncio.wait_for",
            "asyncio.shield",
            "asyncio.run",
        ],
        model::asyncio,
    ),
];

/// Modules of the standard library whose import does not fail.
const STANDARD_MODULES: &[&str] = &[
    "abc",
    "asyncio",
    "base64",
    "collections",
    "concurrent",
    "contextlib",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "io",
    "itertools",
    "json",
    "logging",
    "math",
    "operator",
    "os",
    "pathlib",
    "pickle",
    "queue",
    "random",
    "re",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "statistics",
    "string",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "traceback",
    "types",
    "typing",
    "urllib",
    "uuid",
    "warnings",
    "weakref",
    "zlib",
    "gzip",
    "unittest",
    "atexit",
    "textwrap",
    "glob",
    "heapq",
    "bisect",
    "inspect",
];

/// Modules whose functions neither raise nor keep their arguments.
const QUIET_MODULES: &[&str] = &[
    "time", "datetime", "uuid", "warnings", "random", "math", "typing", "gc",
];

/// Functions that neither raise nor keep their arguments.
const QUIET_FUNCTIONS: &[&str] = &[
    "print",
    "repr",
    "id",
    "hash",
    "type",
    "format",
    "ascii",
    "callable",
    "iter",
    "hasattr",
    "locals",
    "globals",
    "object",
    "input",
    "abs",
    "round",
    "sum",
    "min",
    "max",
    "any",
    "all",
    "divmod",
    "float",
    "bytes",
    "bytearray",
    "filter",
    "memoryview",
    "property",
    "slice",
    "os.getenv",
    "os.getpid",
    "os.path.join",
    "os.path.basename",
    "os.path.dirname",
    "os.path.exists",
    "sys.exc_info",
    "traceback.format_exc",
    "traceback.print_exc",
    "traceback.format_tb",
    "collections.namedtuple",
    "threading.Lock",
    "threading.RLock",
    "threading.current_thread",
    "pathlib.Path",
    "contextlib.nullcontext",
    "asyncio.Lock",
    "asyncio.Semaphore",
    "atexit.register",
    "atexit.unregister",
    "json.dumps",
    "pprint.pprint",
    "pprint.pformat",
];

/// The model of a function.
fn model_of(path: &str) -> Option<Model> {
    static BY_PATH: LazyLock<FxHashMap<&str, Model>> = LazyLock::new(|| {
        let pairs = MODELS.iter();
        pairs
            .flat_map(|(paths, model)| paths.iter().map(|path| (*path, *model)))
            .collect()
    });
    BY_PATH.get(path).copied()
}

/// Whether a name is that of a standard library module, whose import does not fail.
pub(crate) fn is_standard_module(name: &str) -> bool {
    STANDARD_MODULES.contains(&root(name))
}

/// Whether a function neither raises nor keeps its arguments: clocks, identifiers and the like.
fn is_quiet(path: &str) -> bool {
    QUIET_MODULES.contains(&root(path)) || QUIET_FUNCTIONS.contains(&path)
}

/// Whether a function returns a moment, a duration or an identifier, whose methods do not raise.
fn is_clock(path: &str) -> bool {
    matches!(root(path), "datetime" | "time" | "uuid")
}

/// Whether a class from outside the program is named like an exception.
fn looks_like_exception(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    last.chars().next().is_some_and(char::is_uppercase)
        && (last.ends_with("Error") || last.ends_with("Exception") || last.ends_with("Warning"))
}

fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

impl Engine<'_> {
    /// Calls something from outside the program by its path.
    pub(crate) fn call_external(
        &mut self,
        cx: &FnContext,
        state: State,
        path: &Name,
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
        if let Some(out) = self.call_maker(&state, path, &args, site) {
            return out;
        }
        let call = ExternalCall {
            cx,
            state,
            path,
            args,
            site,
        };
        match model_of(path) {
            Some(model) => model(self, call),
            None => self.call_by_kind(call),
        }
    }

    /// Calls a function that has no model; only the kind of its result may be known.
    fn call_by_kind(&mut self, call: ExternalCall<'_>) -> Vec<Evaluated> {
        let ExternalCall {
            mut state,
            path,
            args,
            site,
            ..
        } = call;
        let (owner, last) = match path.rsplit_once('.') {
            Some((owner, last)) => (owner.rsplit('.').next(), last),
            None => (None, path.as_str()),
        };
        let v = if path.starts_with("logging.") && is_log_method(last) {
            self.terms.none()
        } else if is_builtin_exception(path) || looks_like_exception(path) {
            let class = self.terms.external(path);
            let e = self.exception(&mut state, class, true, site);
            self.note_text(&mut state, e, &args);
            e
        } else if is_quiet(path) {
            let mut fact = match path.as_str() {
                "repr" | "format" | "ascii" => Fact::of_kind(Kind::Str),
                _ => Fact::default(),
            };
            if is_clock(path) {
                fact.is.push(self.terms.external("<clock>"));
            }
            self.fresh_with(&mut state, site, fact)
        } else if owner.is_some_and(is_logger_name) && is_log_method(last) {
            self.terms.none()
        } else {
            let given = self.mentions_watched(&state, &args) && !is_standard_module(path);
            let receiver = owner.map(|r| self.terms.external(r));
            return self.unresolved(state, last, receiver, &args, given, site);
        };
        vec![Evaluated::normal(state, v)]
    }
}
