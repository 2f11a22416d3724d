//! `cargo xtask miri`, `cargo xtask fuzz` and `cargo xtask narrow`, which need a nightly compiler. Where there is none, each says SKIPPED and succeeds.

use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::tools::{Run as _, cargo, ensure_miri, have, nightly_cargo, program, target_folder};

/// Has Miri, the interpreter that notices undefined behaviour, run the library on this computer.
///
/// Every public function once (the package whole-image), the unit tests, and small host tests. About two minutes when all is built.
pub(crate) fn miri() -> Result<()> {
    if let Err(error) = ensure_miri() {
        println!("miri: SKIPPED, {error:#}");
        return Ok(());
    }
    with_miri(&mut nightly_cargo()).words("miri setup --quiet").run()?;
    let failed = [
        ("every public function", "run --release --quiet -p whole-image --bin every_function"),
        ("unit tests", "test --quiet -p baregrad --lib --all-features"),
        ("schedules", "test --quiet -p properties --test schedules"),
    ]
    .map(|(what, words)| interpret(what, words))
    .contains(&false);
    ensure!(!failed, "Miri ended with a failure");
    Ok(())
}

/// Has the compiler look at the library, with all features, for processors whose addresses have 16 bits.
///
/// Only checked, not built: there is no `core` to download for them, and no linker to expect. Half a minute.
pub(crate) fn narrow() -> Result<()> {
    const TARGETS: [(&str, &str); 2] = [("msp430-none-elf", "msp430"), ("avr-none", "atmega328p")];
    if !program("rustup").words("run nightly rustc --version").succeeds() {
        println!("narrow: SKIPPED, it needs Rust nightly: rustup toolchain install nightly");
        return Ok(());
    }
    if !program("rustup").words("component add --toolchain nightly rust-src").succeeds() {
        println!("narrow: SKIPPED, rustup can't add rust-src of nightly");
        return Ok(());
    }
    let folder = target_folder().join("narrow");
    for (target, processor) in TARGETS {
        let mut check = nightly_cargo();
        check.env("CARGO_TARGET_DIR", &folder);
        check.env("RUSTFLAGS", format!("-D warnings -C target-cpu={processor}"));
        check.words("check --quiet -Zbuild-std=core -p baregrad --all-features --target").arg(target).run()?;
        println!("narrow: {target}: it compiles");
    }
    std::fs::remove_dir_all(folder).context("what was built can't be removed")
}

/// Runs a row, and prints how it ended. `MIRI_TIMEOUT` is its limit in seconds.
fn interpret(what: &str, words: &str) -> bool {
    let limit = std::env::var("MIRI_TIMEOUT").unwrap_or_else(|_| "900".to_owned());
    let started = Instant::now();
    let mut command = program("timeout");
    command.env_remove("RUSTUP_TOOLCHAIN").args(["--kill-after=5", &limit]).words("cargo +nightly miri").words(words);
    let result = with_miri(&mut command).run();
    let verdict = result.as_ref().map_or_else(|error| format!("FAILED, {error:#}"), |()| "ok".to_owned());
    println!("miri: {what}: {verdict} ({} s)", started.elapsed().as_secs());
    result.is_ok()
}

fn with_miri(command: &mut Command) -> &mut Command {
    command
        // The operations that Miri would make less exact on purpose are what the tests compare bit by bit.
        .env("MIRIFLAGS", "-Zmiri-deterministic-floats")
        // Its own, because a change of flags would build everything anew for everybody.
        .env("CARGO_TARGET_DIR", target_folder().join("miri"))
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true")
}

/// Makes sure of what fuzzes.
pub(crate) fn ensure_fuzzer() -> Result<()> {
    ensure!(
        program("rustup").words("run nightly rustc --version").succeeds(),
        "no nightly compiler (rustup toolchain install nightly)"
    );
    if !have("cargo-fuzz") {
        cargo().words("install --quiet cargo-fuzz").run().context("cargo-fuzz can't be installed")?;
    }
    Ok(())
}

const FUZZ_TARGETS: [&str; 4] = ["checkpoint", "flash", "graph", "safetensors"];

/// Fuzzes what reads bytes of anybody's making: checkpoints, flash at boot, files of weights, the graph.
///
/// The properties are in host-tests/src/hostile.rs. Inputs that were worth keeping stay in host-tests/fuzz/corpus, those that break a property in
/// host-tests/fuzz/artifacts. With 0 `seconds` what was found before runs once more.
pub(crate) fn fuzz(seconds: u32) -> Result<()> {
    if let Err(error) = ensure_fuzzer() {
        println!("fuzz: SKIPPED, {error:#}");
        return Ok(());
    }
    // The library has no unsafe code that a sanitizer could watch; without one the fuzzer runs several times as often.
    nightly_cargo().current_dir("host-tests").words("fuzz build --sanitizer none").run()?;
    let limit = if seconds == 0 { "-runs=0".to_owned() } else { format!("-max_total_time={seconds}") };
    let (waiting, failed) = (Mutex::new(FUZZ_TARGETS.iter()), Mutex::new(Vec::new()));
    let fuzz_one_by_one = || {
        while let Some(target) = waiting.lock().ok().and_then(|mut targets| targets.next()) {
            if let Err(error) = fuzz_target(target, &limit) {
                println!("{error:#}");
                failed.lock().expect("no panic").push(*target);
            }
        }
    };
    // Two at a time.
    std::thread::scope(|scope| {
        scope.spawn(fuzz_one_by_one);
        scope.spawn(fuzz_one_by_one);
    });
    let failed = failed.into_inner()?;
    ensure!(failed.is_empty(), "a property is broken: {}", failed.join(", "));
    Ok(())
}

fn fuzz_target(target: &str, limit: &str) -> Result<()> {
    let output = nightly_cargo()
        .current_dir("host-tests")
        .words("fuzz run --sanitizer none")
        .arg(target)
        .args(["--", limit])
        .words("-max_len=2048 -print_final_stats=1")
        .output()?;
    let log = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{log}\nfuzz {target}: FAILED; the input is in host-tests/fuzz/artifacts/{target}");
    }
    let (runs, edges) = statistics(&log);
    println!("fuzz {target}: {runs} runs, {edges} edges of the code reached, no property broken");
    Ok(())
}

/// The runs and the edges of the code, in what libFuzzer prints.
fn statistics(log: &str) -> (&str, &str) {
    let runs = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let edges = log.lines().filter_map(|line| line.split_once(" cov: ")?.1.split(' ').next()).next_back();
    (runs.map_or("?", str::trim), edges.unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_the_last_ones() {
        let log = "#2 INITED cov: 12 ft: 13 corp: 1/1b\n#99 DONE   cov: 345 ft: 400 corp: 3/9b\nstat::number_of_executed_units: 99\n";
        assert_eq!(statistics(log), ("99", "345"));
    }
}
