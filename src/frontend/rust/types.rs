//! What the type of a field, parameter or variable says about its values.

use syn::punctuated::Punctuated;
use syn::{GenericArgument, PathArguments, ReturnType, Token, Type, TypeParamBound};

use crate::frontend::rust::parse;
use crate::ir::{Name, StaticExpr, StaticExprKind};

/// Wrappers that are treated like the wrapped value.
const BOXES: &[&str] = &[
    "Box",
    "Mutex",
    "RwLock",
    "RefCell",
    "Cell",
    "Pin",
    "Cow",
    "ManuallyDrop",
    "Reverse",
];

/// Handles: a copy of one refers to the same value.
const HANDLES: &[&str] = &["Arc", "Rc"];

/// Collections other than maps.
const COLLECTIONS: &[&str] = &[
    "Vec",
    "VecDeque",
    "HashSet",
    "BTreeSet",
    "IndexSet",
    "BinaryHeap",
    "LinkedList",
    "FxHashSet",
];

/// The type in terms that the program can resolve; `None` if it says nothing.
pub(super) fn annotation(ty: &Type) -> Option<StaticExpr> {
    let kind = match ty {
        Type::Reference(t) if t.mutability.is_some() && is_bytes(&t.elem) => builtin("buffer"),
        Type::Reference(t) => return annotation(&t.elem),
        Type::Paren(t) => return annotation(&t.elem),
        Type::Group(t) => return annotation(&t.elem),
        Type::Slice(_) | Type::Array(_) => builtin("sized"),
        Type::TraitObject(t) => StaticExprKind::Path(first_trait(&t.bounds)?),
        Type::ImplTrait(t) => StaticExprKind::Path(first_trait(&t.bounds)?),
        Type::Path(t) if t.qself.is_none() => {
            let last = t.path.segments.last()?;
            let name = last.ident.to_string();
            let inner = || match &last.arguments {
                PathArguments::AngleBracketed(list) => list.args.iter().find_map(|arg| match arg {
                    GenericArgument::Type(t) => Some(t),
                    _ => None,
                }),
                _ => None,
            };
            if BOXES.contains(&name.as_str()) {
                return annotation(inner()?);
            }
            if name == "Option" && inner().is_some_and(is_never_zero) {
                return Some(StaticExpr {
                    kind: builtin("positive_option"),
                    span: parse::of(ty),
                });
            }
            if HANDLES.contains(&name.as_str()) {
                let inner = annotation(inner()?).unwrap_or(StaticExpr {
                    kind: StaticExprKind::Opaque,
                    span: parse::of(ty),
                });
                let handle = StaticExpr {
                    kind: builtin("handle"),
                    span: parse::of(ty),
                };
                StaticExprKind::Call(Box::new(handle), vec![inner], Vec::new())
            } else if COLLECTIONS.contains(&name.as_str()) {
                builtin("sized")
            } else if is_map(&name) && inner().is_some() {
                builtin("map")
            } else {
                match name.as_str() {
                    "Option" | "Result" | "String" | "str" | "char" | "f32" | "f64" => return None,
                    "bool" => builtin("bool"),
                    "usize" | "u8" | "u16" | "u32" | "u64" | "u128" => builtin("nat"),
                    "isize" | "i8" | "i16" | "i32" | "i64" | "i128" => builtin("int"),
                    _ => StaticExprKind::Path(path(&t.path)),
                }
            }
        }
        _ => return None,
    };
    Some(StaticExpr {
        kind,
        span: parse::of(ty),
    })
}

/// The first trait among bounds; the others mark it, such as `Send`.
fn first_trait(bounds: &Punctuated<TypeParamBound, Token![+]>) -> Option<Vec<Name>> {
    bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => Some(path(&bound.path)),
        _ => None,
    })
}

/// The names of a path, without its generic arguments.
pub(super) fn path(path: &syn::Path) -> Vec<Name> {
    path.segments
        .iter()
        .map(|segment| Name::from(plain(&segment.ident)))
        .collect()
}

/// An identifier without the `r#` of a raw identifier.
pub(super) fn plain(ident: &syn::Ident) -> String {
    let text = ident.to_string();
    match text.strip_prefix("r#") {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

/// The path to the type that an `impl` is for.
pub(super) fn self_path(ty: &Type) -> Option<&syn::Path> {
    match ty {
        Type::Path(t) if t.qself.is_none() => Some(&t.path),
        Type::Reference(t) => self_path(&t.elem),
        Type::Paren(t) => self_path(&t.elem),
        Type::Group(t) => self_path(&t.elem),
        _ => None,
    }
}

/// Whether the function returns `()` or never.
pub(super) fn returns_nothing(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => {
            matches!(&**ty, Type::Tuple(t) if t.elems.is_empty()) || matches!(&**ty, Type::Never(_))
        }
    }
}

/// Whether the type is a sequence of bytes: `Vec<u8>`, `[u8]`.
fn is_bytes(ty: &Type) -> bool {
    let item = match ty {
        Type::Slice(t) => &t.elem,
        Type::Array(t) => &t.elem,
        Type::Path(t) => {
            let last = t.path.segments.last();
            let Some((last, PathArguments::AngleBracketed(list))) =
                last.map(|last| (last, &last.arguments))
            else {
                return false;
            };
            let collection = COLLECTIONS.contains(&last.ident.to_string().as_str());
            match list.args.first() {
                Some(GenericArgument::Type(item)) if collection => item,
                _ => return false,
            }
        }
        _ => return false,
    };
    matches!(item, Type::Path(t) if t.path.is_ident("u8"))
}

/// Whether the type is never zero, such as `NonZeroU64` or `NonZero<u64>`, including signed ones: a
/// negative number is not a count either.
fn is_never_zero(ty: &Type) -> bool {
    self_path(ty)
        .and_then(|path| path.segments.last())
        .is_some_and(|last| last.ident.to_string().starts_with("NonZero"))
}

fn is_map(name: &str) -> bool {
    name.ends_with("Map")
}

fn builtin(name: &str) -> StaticExprKind {
    StaticExprKind::Path(vec![Name::new("builtins"), Name::new(name)])
}
