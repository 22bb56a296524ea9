//! `tallylint debug`: looks inside the analysis.

use std::env;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::{Failure, terminal};
use crate::driver::Status;
use crate::fence;
use crate::frontend;
use crate::ir::{Function, dump};
use crate::report::harmless_lines;
use crate::source::{SourceFile, SourceMap, describe_io};
use crate::suggest::did_you_mean;

/// Prints the control-flow graphs of a file, or of one function in it.
pub fn cfg(target: &str) -> Result<u8, Failure> {
    let cwd = env::current_dir().map_err(|error| {
        format!(
            "cannot determine the working directory: {}",
            describe_io(&error)
        )
    })?;
    let (path, symbol) = split(target, &cwd);
    let sources = SourceMap::new(cwd);
    let file = sources
        .load(&path)
        .map_err(|error| match error.position() {
            Some(at) => format!("{}:{}:{}: {error}", path.display(), at.line, at.column),
            None => format!("{}: {error}", path.display()),
        })?;
    let printed = fence::on_big_stack(|| print(&file, symbol));
    let text = match printed {
        Ok(text) => text?,
        Err(bug) => {
            terminal::complain(&format!("internal error: {}: {bug}", file.display));
            return Ok(Status::Bug.code());
        }
    };
    terminal::print(harmless_lines(&text).as_bytes())?;
    Ok(0)
}

fn print(file: &SourceFile, symbol: Option<&str>) -> Result<String, Failure> {
    let module = frontend::lower_module(file.language, &file.text)
        .map_err(|error| (error.message, error.offset))
        .map_err(|(message, offset)| {
            let at = file.position(offset);
            format!("{}:{}:{}: {message}", file.display, at.line, at.column)
        })?;
    let wanted = |function: &&Function| symbol.is_none_or(|name| function.qualname == name);
    let all: Vec<&Function> = module.functions().map(|(_, function)| function).collect();
    let functions: Vec<&Function> = all.iter().copied().filter(wanted).collect();
    if let (Some(name), true) = (symbol, functions.is_empty()) {
        let known = all.iter().map(|known| known.qualname.as_str());
        let hint = did_you_mean(name, known);
        return Err(format!("no function `{name}` in {}{hint}", file.display).into());
    }
    let mut out = String::new();
    for function in functions {
        let (text, mermaid) = graphs(function, &file.text);
        let _ = writeln!(
            out,
            "# {}\n\n{}\n\n```mermaid\n{}\n```\n",
            function.qualname,
            text.trim_end(),
            mermaid.trim_end()
        );
    }
    Ok(out)
}

/// Splits `FILE` or `FILE:Class.method`. If a file has a colon in its name, it is taken for the
/// file.
fn split<'a>(target: &'a str, cwd: &Path) -> (PathBuf, Option<&'a str>) {
    match target.rsplit_once(':') {
        Some((file, symbol)) if !cwd.join(target).exists() && !symbol.contains(['/', '\\']) => {
            (PathBuf::from(file), Some(symbol))
        }
        _ => (PathBuf::from(target), None),
    }
}

fn graphs(function: &Function, text: &str) -> (String, String) {
    (dump::text(function, text), dump::mermaid(function, text))
}
