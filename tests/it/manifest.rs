//! What everybody has to build: nothing twice.

use std::collections::BTreeSet;
use std::path::Path;

use toml::Table;

fn read(name: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

#[test]
fn there_is_one_syn() {
    let lock = read("Cargo.lock");
    let packages = lock["package"].as_array().unwrap().iter();
    let syn: Vec<&str> = packages
        .filter(|package| package["name"].as_str() == Some("syn"))
        .filter_map(|package| package["version"].as_str())
        .collect();
    assert_eq!(
        syn.len(),
        1,
        "{syn:?}: `cargo tree -d` tells who takes which, `cargo update NAME --precise VERSION` \
         chooses another version"
    );
}

#[test]
fn nothing_is_listed_twice() {
    let manifest = read("Cargo.toml");
    let names = |key: &str| -> BTreeSet<&String> {
        let table = manifest[key].as_table().unwrap();
        table.keys().collect()
    };
    let (all, tests) = (names("dependencies"), names("dev-dependencies"));
    assert!(all.is_disjoint(&tests));
}

/// `cargo check` of the fuzz targets finds what was checked here only if the profiles are the same.
#[test]
fn fuzz_targets_are_compiled_like_the_tests() {
    let dev = |manifest: &str| read(manifest)["profile"]["dev"].clone();
    assert_eq!(dev("fuzz/Cargo.toml"), dev("Cargo.toml"));
}
