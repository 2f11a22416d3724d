//! Build script: puts what the compiler and the linker need into the output folder.

mod tables;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    // Without any such line cargo runs this script again after a change to any file of the package.
    println!("cargo::rerun-if-changed=build.rs");
    let out_dir = PathBuf::from(variable("OUT_DIR"));
    println!("cargo::rerun-if-changed=tables.rs");
    let data = Path::new("../host-tests/data");
    tables::iris(data, &out_dir);
    tables::digits(data, &out_dir);
    // One speaker's weights and recordings fill a quarter of the flash, so an image has one of the six: 0 to 5.
    println!("cargo::rerun-if-env-changed=VOICE_SPEAKER");
    let speaker = env::var("VOICE_SPEAKER").map_or(0, |number| number.parse().expect("VOICE_SPEAKER is a number"));
    println!("cargo::rerun-if-env-changed=VOICE_WEIGHTS");
    let weights = env::var("VOICE_WEIGHTS").unwrap_or_else(|_| "../host-tests/fixtures/voice".to_owned());
    tables::voice(data, Path::new(&weights), speaker, &out_dir);
    // Not for others that only take the training code: their linker would find this file beside their own.
    if variable("CARGO_CFG_TARGET_OS") == "none" && env::var_os("CARGO_FEATURE_BOARD").is_some() {
        give_memory_layout_to_linker(&out_dir);
    }
}

/// Copies the memory layout to where the linker looks for it, whatever folder cargo was started from.
fn give_memory_layout_to_linker(out_dir: &Path) {
    let layout = if env::var_os("CARGO_FEATURE_MPS2_AN386").is_some() { "mps2_an386.x" } else { "memory.x" };
    println!("cargo::rerun-if-changed={layout}");
    fs::copy(layout, out_dir.join("memory.x")).expect("the layout can be copied to OUT_DIR");
    println!("cargo::rustc-link-search={}", out_dir.display());
}

/// A variable that cargo sets for every build script.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}
