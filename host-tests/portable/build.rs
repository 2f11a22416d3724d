//! Forces the portable loops.

fn main() {
    // Of a `cfg` that is unknown the compiler would say nothing, and the tests would run vectors once more.
    const CFG: &str = "baregrad_vectors = \"none\"";
    let source = std::fs::read_to_string("../../kernel/src/kernels/processor.rs")
        .expect("the library chooses a processor there");
    assert!(source.contains(&format!("not({CFG})")), "kernel/src/kernels/processor.rs does not ask for {CFG}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../kernel/src/kernels/processor.rs");
    println!("cargo::rustc-cfg=baregrad_vectors=\"none\"");
}
