//! `cargo xtask peers`: the tables of benches/README.md, section "Beside other libraries": this library and others on this machine, in one thread.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::tools::{Run as _, cargo, program, target_folder};

/// Measures the rows that the words name, as benches/peers understands them.
///
/// Builds the peers (some minutes the first time), and sets up a Python with NumPy under the target folder. `BENCH_PYTHON` names a Python that
/// has NumPy and PyTorch, to measure both. Without a Python the table says "not measured".
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let python = python()?;
    peers("build", &python).run()?;
    let version = program("rustc").arg("--version").output_text()?;
    println!("{}; target-cpu=native, release, one thread.", version.trim());
    peers("run", &python).args(["--quiet", "--"]).args(words).run()?;
    if words.is_empty() && cfg!(target_arch = "x86_64") {
        shares_of_the_peak()?;
    }
    Ok(())
}

/// Cargo in the peers' workspace.
fn peers(subcommand: &str, python: &Path) -> Command {
    let mut command = single_threaded(cargo());
    command
        .current_dir("benches/peers")
        .env("CARGO_TARGET_DIR", target_folder().join("peers"))
        .env("RUSTFLAGS", "-C target-cpu=native")
        .env("BENCH_PYTHON", python)
        .args([subcommand, "--release"]);
    command
}

/// One thread for everybody: rayon's pool (dfdx, candle), and the libraries below NumPy and PyTorch.
fn single_threaded(mut command: Command) -> Command {
    for variable in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] {
        command.env(variable, "1");
    }
    command
}

/// A Python with NumPy; an empty path if there is none.
fn python() -> Result<PathBuf> {
    let named = std::env::var("BENCH_PYTHON").unwrap_or_default();
    if named.contains('/') {
        // The peers run in another folder.
        return Ok(std::path::absolute(named)?);
    }
    if !named.is_empty() {
        return Ok(named.into());
    }
    let environment = target_folder().join("benches-python");
    let python = environment.join("bin/python");
    if program(&python).args(["-c", "import numpy"]).succeeds() {
        return Ok(python);
    }
    let made = program("python3").args(["-m", "venv"]).arg(&environment).run();
    if made.and_then(|()| program(&python).words("-m pip install --quiet numpy").run()).is_err() {
        eprintln!("peers: no Python with NumPy to be had: not measured");
        return Ok(PathBuf::new());
    }
    Ok(python)
}

/// The share of the peak, at each level that this processor has.
fn shares_of_the_peak() -> Result<()> {
    println!("\nShare of the peak of multiplications and additions (not fused) in the products above: GFLOP/s.\n");
    println!(
        "| built for | peak | forward | weight gradient | both gradients | share of the peak, all three | limit | |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    for (level, needed) in [("x86-64", ""), ("x86-64-v3", "avx2"), ("x86-64-v4", "avx512vl")] {
        if !cpuinfo.contains(needed) {
            continue;
        }
        single_threaded(cargo())
            .env("RUSTFLAGS", format!("-C target-cpu={level}"))
            .words("run --quiet --release -p benches --bin products --target-dir")
            .arg(target_folder().join("levels").join(level))
            .run()?;
    }
    Ok(())
}
