//! What a row needs: installed before the rows run, one after another.

use anyhow::{Result, bail, ensure};

use super::row::Row;
use crate::tools::{self, Run};

/// Installs what the row needs. The error says why the row can't be run.
pub(crate) fn ensure(row: &Row) -> Result<()> {
    match row.machine {
        "native" => native(row)?,
        "node" => program("node")?,
        "miri" => return tools::ensure_miri(),
        _ => qemu(row)?,
    }
    target(row.target)
}

fn program(name: &str) -> Result<()> {
    // Why it could not be installed has been said.
    tools::ensure_program(name).or_else(|_| bail!("no {name}"))
}

fn qemu(row: &Row) -> Result<()> {
    let Some(qemu) = row.qemu() else { return Ok(()) };
    program(qemu)?;
    let machines = tools::program(qemu).args(["-M", "help"]).output_text()?;
    let known = machines.lines().any(|line| line.split(' ').next() == Some(row.qemu_machine()));
    ensure!(known, "this {qemu} has no machine {}", row.qemu_machine());
    Ok(())
}

fn target(target: &str) -> Result<()> {
    let libraries = tools::program("rustc").args(["--print", "target-libdir", "--target", target]).output_text()?;
    if std::path::Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    eprintln!("bits: installing by rustup: the target {target}");
    tools::ensure_targets(&[target]).or_else(|_| bail!("rustup has no {target} for this Rust"))
}

/// What target-cpu=x86-64-v3 adds, in the names of /proc/cpuinfo (LZCNT is abm there).
const V3: [&str; 8] = ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"];
/// What target-cpu=x86-64-v4 adds to that.
const V4: [&str; 5] = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"];

fn native(row: &Row) -> Result<()> {
    use std::env::consts::{ARCH, OS};
    ensure!((OS, ARCH) == ("linux", "x86_64"), "this computer is {OS} {ARCH}");
    let v4 = row.flags.contains("x86-64-v4");
    let mut missing: Vec<&str> = if v4 { V4.to_vec() } else { Vec::new() };
    if v4 || row.flags.contains("x86-64-v3") {
        missing.extend(V3);
    }
    missing.retain(|feature| !tools::processor_has(feature));
    ensure!(missing.is_empty(), "this processor has no {}", missing.join(" "));
    if row.target.starts_with("i686-") && !links_32_bits() {
        // Not gcc-multilib, which can't be there beside the compiler that `cargo xtask arm` needs.
        let version = tools::program("cc").arg("-dumpversion").output_text()?;
        let package = format!("gcc-{}-multilib", version.trim().split('.').next().unwrap_or_default());
        // Why it could not be installed has been said.
        let _ = tools::program("bash").words("firmware-example/install.sh install_packages").arg(&package).run();
        ensure!(links_32_bits(), "no 32-bit C library ({package})");
    }
    Ok(())
}

fn links_32_bits() -> bool {
    tools::program("bash").args(["-c", "echo 'int main(void) { return 0; }' | cc -m32 -x c - -o /dev/null"]).succeeds()
}
