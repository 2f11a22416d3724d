//! Build script: gives the linker the memory layout of the machine that `SAME_BITS_MACHINE` names.
//!
//! The machine is a file in `memory`. Without the variable it is one that has the target's processor, so that a plain
//! `cargo build --target …` or `cargo clippy --target …` works too; `cargo xtask bits` always sets it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=memory");
    println!("cargo::rerun-if-env-changed=SAME_BITS_MACHINE");
    println!("cargo::rerun-if-env-changed=SAME_BITS_PARTS");
    println!("cargo::rustc-check-cfg=cfg(small_only)");
    let out_dir = PathBuf::from(variable("OUT_DIR"));
    choose_parts(&out_dir);
    if variable("CARGO_CFG_TARGET_OS") == "none" {
        let target = variable("TARGET");
        let machine = env::var("SAME_BITS_MACHINE").unwrap_or_else(|_| machine_of(&target).to_owned());
        give_memory_layout_to_linker(&machine, &out_dir);
        // 16 KB of RAM.
        if machine == "microbit" {
            println!("cargo::rustc-cfg=small_only");
        }
    }
}

/// Writes `parts.rs`, the range of parts in this image: all, or what `SAME_BITS_PARTS` says (`0..5`: the first five).
fn choose_parts(out_dir: &Path) {
    let parts = env::var("SAME_BITS_PARTS").unwrap_or_else(|_| "0..same_bits::PARTS".to_owned());
    let (from, to) = parts.split_once("..").unwrap_or_else(|| panic!("SAME_BITS_PARTS={parts} is not like 0..5"));
    let source = format!("const FROM: usize = {from};\nconst TO: usize = {to};\n");
    fs::write(out_dir.join("parts.rs"), source).expect("OUT_DIR can be written");
}

/// A machine of QEMU with a processor of this target.
fn machine_of(target: &str) -> &'static str {
    let machines = [
        ("aarch64", "aarch64-virt"),
        ("riscv32", "riscv32-virt"),
        ("thumbv6m", "microbit"),
        ("thumbv7m", "mps2-an385"),
        ("thumbv7em", "netduinoplus2"),
        ("thumbv8m", "mps2-an505"),
    ];
    let found = machines.iter().find(|(start, _)| target.starts_with(start));
    found.unwrap_or_else(|| panic!("no machine for {target}; name one in SAME_BITS_MACHINE")).1
}

/// Copies the machine's layout to where the linker looks for it, and names the linker scripts.
fn give_memory_layout_to_linker(machine: &str, out_dir: &Path) {
    let layout = Path::new("memory").join(machine).with_extension("x");
    fs::copy(&layout, out_dir.join("memory.x")).unwrap_or_else(|error| panic!("{}: {error}", layout.display()));
    println!("cargo::rustc-link-search={}", out_dir.display());
    // Arm: `link.x` of cortex-m-rt reads memory.x itself. RISC-V: that of riscv-rt wants it first. AArch64: memory.x is
    // all there is.
    let scripts: &[&str] = match variable("CARGO_CFG_TARGET_ARCH").as_str() {
        "arm" => &["link.x"],
        "riscv32" => &["memory.x", "link.x"],
        _ => &["memory.x"],
    };
    for script in scripts {
        println!("cargo::rustc-link-arg-bins=-T{script}");
    }
    // Sections need not start at a page: there are no pages.
    println!("cargo::rustc-link-arg-bins=--nmagic");
}

/// A variable that cargo sets for every build script.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}
