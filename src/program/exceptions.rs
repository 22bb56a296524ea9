//! The hierarchy of exception classes: Python's own, and those of the program.

use crate::program::{ClassRef, MroEntry, Program};

/// The base of a builtin or standard-library exception (Python library reference, "Exception
/// hierarchy"). `None` for `BaseException` and for names that are not in the table.
#[must_use]
pub fn builtin_parent(name: &str) -> Option<&'static str> {
    Some(match name {
        "Exception"
        | "SystemExit"
        | "KeyboardInterrupt"
        | "GeneratorExit"
        | "BaseExceptionGroup"
        | "asyncio.CancelledError"
        | "asyncio.exceptions.CancelledError" => "BaseException",
        "ArithmeticError"
        | "AssertionError"
        | "AttributeError"
        | "BufferError"
        | "EOFError"
        | "ImportError"
        | "LookupError"
        | "MemoryError"
        | "NameError"
        | "OSError"
        | "ReferenceError"
        | "RuntimeError"
        | "StopIteration"
        | "StopAsyncIteration"
        | "SyntaxError"
        | "SystemError"
        | "TypeError"
        | "ValueError"
        | "Warning"
        | "ExceptionGroup"
        | "subprocess.SubprocessError"
        | "queue.Empty"
        | "queue.Full"
        | "concurrent.futures.CancelledError" => "Exception",
        "FloatingPointError"
        | "OverflowError"
        | "ZeroDivisionError"
        | "decimal.InvalidOperation" => "ArithmeticError",
        "ModuleNotFoundError" => "ImportError",
        "IndexError" | "KeyError" => "LookupError",
        "UnboundLocalError" => "NameError",
        "BlockingIOError"
        | "ChildProcessError"
        | "ConnectionError"
        | "FileExistsError"
        | "FileNotFoundError"
        | "InterruptedError"
        | "IsADirectoryError"
        | "NotADirectoryError"
        | "PermissionError"
        | "ProcessLookupError"
        | "TimeoutError"
        | "socket.error"
        | "socket.gaierror"
        | "urllib.error.URLError"
        | "shutil.Error" => "OSError",
        "IOError" | "EnvironmentError" => "OSError",
        "BrokenPipeError"
        | "ConnectionAbortedError"
        | "ConnectionRefusedError"
        | "ConnectionResetError" => "ConnectionError",
        "asyncio.TimeoutError" | "socket.timeout" | "concurrent.futures.TimeoutError" => {
            "TimeoutError"
        }
        "NotImplementedError" | "RecursionError" => "RuntimeError",
        "IndentationError" => "SyntaxError",
        "TabError" => "IndentationError",
        "UnicodeError" | "json.JSONDecodeError" | "json.decoder.JSONDecodeError" => "ValueError",
        "UnicodeDecodeError" | "UnicodeEncodeError" | "UnicodeTranslateError" => "UnicodeError",
        "subprocess.CalledProcessError" | "subprocess.TimeoutExpired" => {
            "subprocess.SubprocessError"
        }
        "DeprecationWarning"
        | "UserWarning"
        | "RuntimeWarning"
        | "FutureWarning"
        | "PendingDeprecationWarning"
        | "ResourceWarning" => "Warning",
        _ => return None,
    })
}

/// Whether the path names an exception in the table.
#[must_use]
pub fn is_builtin_exception(name: &str) -> bool {
    name == "BaseException" || builtin_parent(name).is_some()
}

/// Whether one exception in the table equals or inherits from the other.
#[must_use]
pub fn builtin_subclass(mut a: &str, b: &str) -> bool {
    let b = match b {
        "IOError" | "EnvironmentError" => "OSError",
        b => b,
    };
    loop {
        if a == b {
            return true;
        }
        match builtin_parent(a) {
            Some(p) => a = p,
            None => return false,
        }
    }
}

/// Whether a class of the program inherits from another; `None` if that is not known.
#[must_use]
pub fn below_class(program: &Program<'_>, c: ClassRef, other: ClassRef) -> Option<bool> {
    let mro = program.mro(c);
    if mro.entries.contains(&MroEntry::Class(other)) {
        return Some(true);
    }
    if mro.entries.contains(&MroEntry::Unknown) {
        None
    } else {
        Some(false)
    }
}

/// Whether a class of the program inherits from an external one; `None` if that is not known.
#[must_use]
pub fn below_external(program: &Program<'_>, c: ClassRef, path: &str) -> Option<bool> {
    if path == "object" {
        return Some(true);
    }
    let mro = program.mro(c);
    let mut unknown = false;
    for e in &mro.entries {
        match e {
            MroEntry::External(x) if x == path => return Some(true),
            MroEntry::External(x) if is_builtin_exception(x) && is_builtin_exception(path) => {
                if builtin_subclass(x, path) {
                    return Some(true);
                }
            }
            MroEntry::External(x) if crate::program::is_transparent_base(x) => {}
            MroEntry::External(_) | MroEntry::Unknown => {
                if path == "BaseException" || path == "Exception" {
                    return Some(true);
                }
                unknown = true;
            }
            MroEntry::Class(_) => {}
        }
    }
    if unknown { None } else { Some(false) }
}
