//! `cargo xtask arm`: tests of the library as a program for Linux on Arm, in QEMU.
//!
//! The cores with a scalar FPU have loops in assembly. This target has the same instructions (Thumb-2, hard-float ABI), so its tests use the
//! same loops, beside the plain textbook ones, with all that a test on a computer may have.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::tools::{Run as _, cargo, ensure_targets, have, program};

const TARGET: &str = "thumbv7neon-unknown-linux-gnueabihf";

/// Runs the tests with one of these words in their names, or those of the library, of `shapes` and of `convolutions`: every width and every
/// remainder.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    install()?;
    let binaries = if names.is_empty() { "--lib --test shapes --test convolutions" } else { "--tests" };
    test(binaries, names, &[])?;
    // Compiled for size, the library has shorter loops.
    test(binaries, names, &["--config", "profile.test.package.baregrad.opt-level=\"s\""])
}

/// Installs what is missing: a linker and a C library for Linux on Arm, QEMU, the target.
pub(crate) fn install() -> Result<()> {
    ensure_packages("arm-linux-gnueabihf-gcc", &["gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross"])?;
    ensure_packages("qemu-arm", &["qemu-user"])?;
    ensure_targets(&[TARGET])
}

fn test(binaries: &str, names: &[&str], options: &[&str]) -> Result<()> {
    let command = || {
        let mut command = cargo();
        command
            .env("CARGO_TARGET_THUMBV7NEON_UNKNOWN_LINUX_GNUEABIHF_LINKER", "arm-linux-gnueabihf-gcc")
            .env("CARGO_TARGET_THUMBV7NEON_UNKNOWN_LINUX_GNUEABIHF_RUNNER", "qemu-arm -L /usr/arm-linux-gnueabihf")
            .words("test --locked -p baregrad -p properties --target")
            .arg(TARGET)
            // Around assembly that says too little of what it changes, unoptimised code would hide it.
            .words("--config profile.test.opt-level=1")
            .words(binaries)
            .args(options)
            .arg("--")
            .args(names);
        command
    };
    ensure_some(command(), names)?;
    command().run()
}

/// Makes sure that a command of `cargo test` has a test to run: a filter that fits none is no failure of its own.
pub(crate) fn ensure_some(mut test: Command, names: &[&str]) -> Result<()> {
    let listed = test.arg("--list").output_text()?;
    ensure!(listed.lines().any(|line| line.ends_with(": test")), "no test is named like {}", names.join(" or "));
    Ok(())
}

fn ensure_packages(name: &str, packages: &[&str]) -> Result<()> {
    if have(name) {
        return Ok(());
    }
    program("bash").args(["firmware-example/install.sh", "install_packages"]).args(packages).run()
}
