//! What an entry of the registry expands to.

/// For each rule: declares its type, embeds its catalogue entry, implements [`Rule`], and lists it
/// in [`all`].
macro_rules! registry {
    ($($(#[$doc:meta])* $rule:ident = $id:literal, $scope:expr $(, options $options:expr)?;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $rule;

            impl Rule for $rule {
                fn meta(&self) -> &'static RuleMeta {
                    static META: std::sync::LazyLock<RuleMeta> = std::sync::LazyLock::new(|| {
                        RuleMeta::parse(include_str!(concat!("../../rules/", $id, ".md")))
                            .expect("catalogue entries are valid: a test reads every one")
                    });
                    &META
                }

                fn scope(&self) -> Scope {
                    $scope
                }

                $(
                    fn options(&self) -> Option<&'static dyn OptionTable> {
                        Some(&$options)
                    }
                )?
            }
        )*

        /// Every rule, sorted by id.
        #[must_use]
        pub fn all() -> &'static [&'static dyn Rule] {
            &[$(&$rule),*]
        }

        #[cfg(test)]
        const IDS: &[&str] = &[$($id),*];
    };
}

pub(super) use registry;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::rules::{IDS, all};

    #[test]
    fn every_catalogue_entry_is_registered_under_its_file_name() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let stems: Vec<String> = {
            let mut stems: Vec<String> = folder
                .read_dir()
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.is_file())
                .map(|path| {
                    assert_eq!(path.extension().unwrap(), "md", "{path:?}");
                    path.file_stem().unwrap().to_str().unwrap().to_owned()
                })
                .collect();
            stems.sort();
            stems
        };
        assert_eq!(stems, IDS, "rules/ and the registry differ");
        let ids: Vec<&str> = all().iter().map(|rule| rule.meta().id.as_str()).collect();
        assert_eq!(ids, IDS, "the id in the front matter is the file's stem");
    }

    #[test]
    fn entries_are_complete() {
        for rule in all() {
            let meta = rule.meta();
            let kebab = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            assert!(kebab(&meta.id) && kebab(&meta.category), "{}", meta.id);
            assert!(
                !meta.summary.ends_with('.') && !meta.kinds.is_empty(),
                "{}",
                meta.id
            );
            let kinds: BTreeSet<&str> = meta.kinds.iter().map(|kind| kind.name.as_str()).collect();
            assert_eq!(kinds.len(), meta.kinds.len(), "{}: a kind twice", meta.id);
            for kind in &meta.kinds {
                assert!(kebab(&kind.name), "{}", kind.name);
                assert!(
                    meta.page.contains(&format!("| `{}` |", kind.name)),
                    "{}: the page does not explain `{}`",
                    meta.id,
                    kind.name
                );
            }
            let examples = meta.examples();
            assert!(examples.iter().any(|example| example.bad), "{}", meta.id);
            assert!(examples.iter().any(|example| !example.bad), "{}", meta.id);
            for example in &examples {
                assert_eq!(
                    example.bad,
                    !example.expected.is_empty(),
                    "{}",
                    example.code
                );
                for (_, kind) in &example.expected {
                    assert!(kinds.contains(kind), "{}: no kind `{kind}`", meta.id);
                }
            }
        }
    }
}
