//! Gives the module a stack for code that is nested deeply. What the browser adds per call has a
//! limit of its own, which no module can move.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg-cdylib=-zstack-size=16777216");
}
