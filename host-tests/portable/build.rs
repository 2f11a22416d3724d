//! Forces the portable loops.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cfg=baregrad_vectors=\"none\"");
}
