//! A `[[contract]]` table as a contract.

use std::ops::Range;

use super::ConfigError;
use super::at::At;
use super::load::Layer;
use super::raw::RawContract;
use super::texts::{Returns, Texts};
use crate::settings::{
    CallPath, Contract, Demand, NamePattern, NotAPattern, NotAPlace, Origin, Place, Step, Who,
    is_identifier,
};

/// The contract that a table declares.
///
/// # Errors
/// What is wrong, at the character.
pub(super) fn contract(layer: &Layer, table: &At<RawContract>) -> Result<Contract, ConfigError> {
    let raw = table.get();
    let (who, at) = who(layer, table)?;
    let demands = demands(layer, raw, at.clone())?;
    let raising = raw.also_when_raising.as_ref();
    let also_when_raising = raising.is_some_and(|flag| *flag.get());
    let only_returns = demands
        .iter()
        .all(|demand| matches!(demand, Demand::Return(_)));
    if let Some(flag) = raising.filter(|_| also_when_raising && only_returns) {
        let message = "a path that ends in an exception returns nothing; remove `also-when-raising`, \
                       or demand what such a path can do by `sets` or `calls`";
        return Err(layer.error(flag.span(), message.to_owned()));
    }
    Ok(Contract {
        who,
        demands,
        also_when_raising,
        origin: Origin::Declared {
            file: layer.path.clone(),
            line: layer.line(&at),
        },
    })
}

/// Who must keep the contract, and where the table says so.
fn who(layer: &Layer, table: &At<RawContract>) -> Result<(Who, Range<usize>), ConfigError> {
    let raw = table.get();
    let names = [&raw.method, &raw.function, &raw.decorator];
    let given: Vec<&Texts> = names.into_iter().flatten().collect();
    let one = "a contract says by one of `method`, `function` and `decorator` who must keep it";
    let texts = match given.as_slice() {
        [one] => *one,
        [] => return Err(layer.error(table.span(), one.to_owned())),
        [_, second, ..] => {
            let at = second.items.first().map_or_else(|| table.span(), At::span);
            return Err(layer.error(at, one.to_owned()));
        }
    };
    let Some(first) = texts.items.first() else {
        return Err(layer.error(table.span(), format!("{one}; its list is empty")));
    };
    let parse = if raw.method.is_some() {
        NamePattern::name
    } else {
        NamePattern::path
    };
    let mut patterns = Vec::new();
    for text in &texts.items {
        let wrong = |NotAPattern(message)| layer.error(text.span(), message);
        patterns.push(parse(text.get().trim_start_matches('@')).map_err(wrong)?);
    }
    if let (None, Some(base)) = (&raw.method, raw.bases.iter().flatten().next()) {
        let message = "`bases` belongs to a contract about a `method`".to_owned();
        return Err(layer.error(base.span(), message));
    }
    let who = if raw.method.is_some() {
        Who::Methods {
            names: patterns,
            bases: bases(layer, raw)?,
        }
    } else if raw.function.is_some() {
        Who::Functions(patterns)
    } else {
        Who::Decorated(patterns)
    };
    Ok((who, first.span()))
}

fn bases(layer: &Layer, raw: &RawContract) -> Result<Option<Vec<String>>, ConfigError> {
    for base in raw.bases.iter().flatten() {
        let name = base.get();
        if name != "*" && !name.split('.').all(is_identifier) {
            let message = format!("`{name}` is not the name of a class (or `*`)");
            return Err(layer.error(base.span(), message));
        }
    }
    let bases = raw.bases.as_ref();
    Ok(bases.map(|bases| bases.iter().map(|base| base.get().clone()).collect()))
}

/// What must be done. `at` is the place for an error if the table does not say.
fn demands(layer: &Layer, raw: &RawContract, at: Range<usize>) -> Result<Vec<Demand>, ConfigError> {
    let mut out = Vec::new();
    for text in raw.sets.iter().flat_map(|texts| &texts.items) {
        out.push(Demand::Store(parsed(layer, text, Place::parse)?));
    }
    for text in raw.calls.iter().flat_map(|texts| &texts.items) {
        out.push(Demand::Call(parsed(layer, text, CallPath::parse)?));
    }
    match &raw.returns {
        Some(Returns::Flag(flag)) if *flag.get() => out.push(Demand::Return(Vec::new())),
        Some(Returns::Flag(flag)) => {
            let message = "`returns = false` demands nothing; leave it out".to_owned();
            return Err(layer.error(flag.span(), message));
        }
        Some(Returns::Parts(parts)) => {
            for text in &parts.items {
                out.push(Demand::Return(parsed(layer, text, Step::parse_all)?));
            }
        }
        None => {}
    }
    if out.is_empty() {
        let message = "this contract demands nothing; say by `sets`, `calls` or `returns` what must \
                       be done";
        return Err(layer.error(at, message.to_owned()));
    }
    Ok(out)
}

/// Parses a text. An error points at the wrong character of it.
fn parsed<T>(
    layer: &Layer,
    text: &At<String>,
    parse: impl Fn(&str) -> Result<T, NotAPlace>,
) -> Result<T, ConfigError> {
    parse(text.get()).map_err(|NotAPlace { message, at }| {
        let span = text.span();
        // Without escapes, the text stands between its quotes as it is.
        let plain = span.len() == text.get().len() + 2;
        let at = if plain {
            span.start + 1 + at.start..span.start + 1 + at.end
        } else {
            span
        };
        layer.error(at, format!("`{}`: {message}", text.get()))
    })
}
