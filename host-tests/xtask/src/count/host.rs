//! Instructions of training steps and predictions on x86-64, by valgrind's callgrind.
//!
//! The program is built for x86-64 as it was in the beginning (SSE2) and linked with musl, whose `memcpy` does not depend on the processor as
//! glibc's does: the counts are the same on every computer. Exact, but no measure of time.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::Mode;
use super::compare::{self, Figures};
use crate::table;
use crate::tools::{Run as _, cargo, ensure_program, ensure_targets, program, target_folder};

const TARGET: &str = "x86_64-unknown-linux-musl";
const EXPECTED: &str = "benches/host.expected";

/// Counts, and does with the counts what `mode` says.
pub(super) fn run(mode: Mode) -> Result<()> {
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "the counts are for Linux on x86-64, which this computer has not"
    );
    ensure_targets(&[TARGET])?;
    ensure_program("valgrind")?;
    let program = build()?;
    let cases = table::rows(include_str!("../../tables/host.table"));
    let counts =
        cases.into_iter().map(|[case]| Ok((format!("{case} instructions"), vec![instructions(&program, case)?])));
    let figures = Figures(counts.collect::<Result<_>>()?);
    match mode {
        Mode::Table | Mode::Report => print!("{}", figures.text("")),
        Mode::Check => compare::check(&figures, EXPECTED)?,
        Mode::Write => {
            let comment = "Made by `cargo xtask count --write`, checked by `cargo xtask count --check`.";
            std::fs::write(EXPECTED, figures.text(comment))?;
            eprintln!("count: wrote {EXPECTED}");
        }
    }
    Ok(())
}

/// Builds the program. The counts are of these flags and no others.
fn build() -> Result<PathBuf> {
    let folder = target_folder().join("host");
    cargo()
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("RUSTFLAGS", "-C target-cpu=x86-64")
        .words("build --quiet --release -p benches --bin instructions --target")
        .arg(TARGET)
        .arg("--target-dir")
        .arg(&folder)
        .run()?;
    Ok(folder.join(TARGET).join("release/instructions"))
}

fn instructions(counted: &Path, case: &str) -> Result<u64> {
    let options = "--tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=instructions::counted*";
    let output = program("valgrind").words(options).arg(counted).arg(case).output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{case} failed: {log}");
    let collected = log.lines().find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok()).filter(|&count| count > 0);
    count.with_context(|| format!("{case}: callgrind has counted nothing: {log}"))
}
