//! What attributes switch off: `cfg`, and tests.

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// The configuration under which something is compiled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Cfg {
    /// Always.
    Always,
    /// Never in the program itself: for tests, documentation and the like.
    Never,
    /// If an option is set, given as text.
    When(String),
    /// If the other is not met.
    Not(Box<Cfg>),
    /// If all are met.
    All(Vec<Cfg>),
    /// If any is met.
    Any(Vec<Cfg>),
}

impl Cfg {
    /// The conjunction of all attributes.
    pub(super) fn of(attrs: &[Attribute]) -> Cfg {
        let mut all = Vec::new();
        for attr in attrs {
            let path = attr.path();
            if path.is_ident("cfg") {
                all.extend(attr.parse_args::<Meta>().map(|meta| Cfg::of_meta(&meta)));
            } else if is_test(attr) {
                all.push(Cfg::Never);
            }
        }
        Cfg::all(all)
    }

    /// The argument of `cfg!`.
    pub(super) fn of_tokens(tokens: TokenStream) -> Cfg {
        syn::parse2::<Meta>(tokens).map_or(Cfg::When(String::new()), |meta| Cfg::of_meta(&meta))
    }

    fn of_meta(meta: &Meta) -> Cfg {
        match meta {
            Meta::Path(path) if path.is_ident("test") || path.is_ident("doctest") => Cfg::Never,
            Meta::Path(path) if path.is_ident("doc") || path.is_ident("miri") => Cfg::Never,
            Meta::List(list) => {
                let parts = Punctuated::<Meta, Token![,]>::parse_terminated
                    .parse2(list.tokens.clone())
                    .map(|parts| parts.iter().map(Cfg::of_meta).collect::<Vec<_>>())
                    .unwrap_or_default();
                if list.path.is_ident("not") {
                    match parts.into_iter().next() {
                        Some(Cfg::Never) => Cfg::Always,
                        Some(Cfg::Always) => Cfg::Never,
                        Some(part) => Cfg::Not(Box::new(part)),
                        None => Cfg::Always,
                    }
                } else if list.path.is_ident("all") {
                    Cfg::all(parts)
                } else if list.path.is_ident("any") {
                    let mut rest: Vec<Cfg> =
                        parts.into_iter().filter(|p| *p != Cfg::Never).collect();
                    match rest.len() {
                        0 => Cfg::Never,
                        _ if rest.contains(&Cfg::Always) => Cfg::Always,
                        1 => rest.swap_remove(0),
                        _ => Cfg::Any(rest),
                    }
                } else {
                    Cfg::When(text(meta))
                }
            }
            Meta::Path(_) | Meta::NameValue(_) => Cfg::When(text(meta)),
        }
    }

    fn all(parts: Vec<Cfg>) -> Cfg {
        let mut rest: Vec<Cfg> = parts.into_iter().filter(|p| *p != Cfg::Always).collect();
        match rest.len() {
            0 => Cfg::Always,
            _ if rest.contains(&Cfg::Never) => Cfg::Never,
            1 => rest.swap_remove(0),
            _ => Cfg::All(rest),
        }
    }
}

fn text(meta: &Meta) -> String {
    let text = quote::ToTokens::to_token_stream(meta).to_string();
    text.split_whitespace().collect()
}

/// `#[test]`, `#[tokio::test]`, `#[bench]`, `#[rstest]`
fn is_test(attr: &Attribute) -> bool {
    attr.path()
        .segments
        .last()
        .is_some_and(|last| last.ident == "test" || last.ident == "bench" || last.ident == "rstest")
}
