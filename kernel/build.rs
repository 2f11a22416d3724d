//! Tells the library whether it is compiled for size: the loops in assembly for Arm cores are then shorter.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(baregrad_small)");
    if matches!(env::var("OPT_LEVEL").as_deref(), Ok("s" | "z")) {
        println!("cargo::rustc-cfg=baregrad_small");
    }
}
