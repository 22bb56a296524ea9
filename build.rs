//! Gives each build a name of its own, so that no result of one is taken for a result of another:
//! a digest of everything that the program is made of.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What the program is made of, relative to the manifest.
const PARTS: &[&str] = &[
    "build.rs",
    "Cargo.toml",
    "Cargo.lock",
    "rules",
    "src",
    "docs/tallylint.schema.json",
];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut hasher = DefaultHasher::new();
    for part in PARTS {
        println!("cargo:rerun-if-changed={part}");
        digest(&root, Path::new(part), &mut hasher)?;
    }
    for variable in ["TARGET", "PROFILE"] {
        env::var(variable).unwrap_or_default().hash(&mut hasher);
    }
    println!("cargo:rustc-env=TALLYLINT_BUILD={:016x}", hasher.finish());
    Ok(())
}

/// Adds a file, or the files in a folder in the order of their names. A part that is not there
/// (a lock file, say) adds nothing.
fn digest(root: &Path, part: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    let path = root.join(part);
    if path.is_dir() {
        let entries = fs::read_dir(&path)?.map(|entry| Ok(entry?.file_name()));
        let mut names = entries.collect::<io::Result<Vec<_>>>()?;
        names.sort();
        for name in names {
            digest(root, &part.join(name), hasher)?;
        }
    } else if path.is_file() {
        part.hash(hasher);
        fs::read(&path)?.hash(hasher);
    }
    Ok(())
}
