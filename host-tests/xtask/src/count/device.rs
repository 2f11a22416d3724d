//! What predictions and training steps cost on an emulated Cortex-M4F: instructions, cycles, RAM and code.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::tables::{self, Counts};
use super::{Mode, compare, cycles};
use crate::tools::{Run as _, cargo, ensure_program, ensure_targets, objdump, program, target_folder};

const CORTEX_M4: (&str, &str) = ("thumbv7em-none-eabihf", "cortex-m4");
const CORTEX_M0PLUS: (&str, &str) = ("thumbv6m-none-eabi", "cortex-m0plus");
const EXPECTED: &str = "benches/device.expected";
const README: &str = "benches/README.md";

/// Counts, and does with the counts what `mode` says.
pub(super) fn run(mode: Mode) -> Result<()> {
    ensure_targets(&[CORTEX_M4.0, CORTEX_M0PLUS.0])?;
    ensure_program("qemu-system-arm")?;
    let with_cycles = mode != Mode::Check;
    let counts = [measure("3", with_cycles)?, measure("s", with_cycles)?];
    match mode {
        Mode::Check => compare::check(&tables::figures(&counts), EXPECTED),
        Mode::Write => write(&counts),
        Mode::Table | Mode::Report => {
            let table = tables::table(&counts);
            print!("{table}");
            ensure!(mode == Mode::Report || !table.contains("| over |\n"), "a row is over its limit");
            Ok(())
        }
    }
}

/// Prints the instructions and cycles of the programs that have a word in their names.
pub(super) fn some(word: &str) -> Result<()> {
    ensure_targets(&[CORTEX_M4.0])?;
    ensure_program("qemu-system-arm")?;
    let is_named = |row: &&tables::Row| row.program.contains(word);
    ensure!(tables::rows().iter().any(|row| is_named(&row)), "no program has {word} in its name");
    let objdump = objdump()?;
    for opt_level in ["3", "s"] {
        let images = build(opt_level, CORTEX_M4)?;
        for row in tables::rows().iter().filter(is_named) {
            let image = images.join(row.program);
            let (counted, cycles) =
                (instructions(&run_image(&image)?)?, cycles::of_last_call(&mut qemu(), &image, &objdump)?);
            println!("{}", row.line(opt_level, counted, cycles));
        }
    }
    Ok(())
}

/// Prints microseconds on real clocks.
pub(super) fn clocks() -> Result<()> {
    ensure_targets(&[CORTEX_M4.0, CORTEX_M0PLUS.0])?;
    ensure_program("qemu-system-arm")?;
    print!("{}", tables::clocks(&measure("3", true)?, &measure_soft()?));
    Ok(())
}

fn write(counts: &[Counts; 2]) -> Result<()> {
    let clocks = tables::clocks(&counts[0], &measure_soft()?);
    let readme = std::fs::read_to_string(README)?;
    let readme = tables::put(&readme, "table", &tables::table(counts)).with_context(|| README)?;
    let readme = tables::put(&readme, "clocks", &clocks).with_context(|| README)?;
    let comment =
        "Made by `cargo xtask count --write`, checked by `cargo xtask count --check`: at opt-level 3, and at s.";
    std::fs::write(EXPECTED, tables::figures(counts).text(comment))?;
    std::fs::write(README, readme)?;
    eprintln!(
        "count: wrote {EXPECTED} and the tables of {README}; `cargo run -p examples --bin memory` takes the stacks from there"
    );
    Ok(())
}

/// Measures all at an opt-level.
fn measure(opt_level: &'static str, with_cycles: bool) -> Result<Counts> {
    let images = build(opt_level, CORTEX_M4)?;
    let objdump = objdump()?;
    let mut counts = Counts::new();
    for row in tables::rows() {
        let image = images.join(row.program);
        let printed = run_image(&image)?;
        counts.insert((row.program, "instructions"), instructions(&printed)?);
        if let Some((placed, stack)) = ram(&printed) {
            counts.insert((row.program, "bytes of RAM"), placed + stack);
            counts.insert((row.program, "bytes of stack"), stack);
        }
        if with_cycles {
            counts.insert((row.program, "cycles"), cycles::of_last_call(&mut qemu(), &image, &objdump)?);
        }
    }
    let text_of = |name: &str| text_section(&objdump.with_file_name("llvm-size"), &images.join(name));
    let nothing = text_of("nothing")?;
    for row in tables::code() {
        // The images differ by what trains and by nothing else.
        counts.insert((row.program, "bytes of code"), text_of(row.program)? - nothing);
    }
    Ok(counts)
}

/// The instructions of each row without an FPU, where floats are subroutines.
fn measure_soft() -> Result<Counts> {
    let images = build("3", CORTEX_M0PLUS)?;
    let mut counts = Counts::new();
    for row in tables::rows().iter().filter(|row| row.has_clock()) {
        let printed = run_image(&images.join(row.program))?;
        counts.insert((row.program, "instructions"), instructions(&printed)?);
    }
    Ok(counts)
}

/// Builds all programs, and gives the folder with their images. The counts are of these flags and no others.
fn build(opt_level: &str, (target, processor): (&str, &str)) -> Result<PathBuf> {
    eprintln!("count: building for {processor} at opt-level {opt_level}");
    let folder = target_folder().join("device").join(opt_level);
    cargo()
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", opt_level)
        .env("RUSTFLAGS", format!("-C target-cpu={processor}"))
        .words("build --quiet --release -p benches-device --bins --target")
        .arg(target)
        .arg("--target-dir")
        .arg(&folder)
        .run()?;
    Ok(folder.join(target).join("release"))
}

/// The emulator, that lets every instruction last 256 ns, without an image. `RUN_TIMEOUT` is its limit in seconds.
fn qemu() -> Command {
    let limit = std::env::var("RUN_TIMEOUT").unwrap_or_else(|_| "300".to_owned());
    let mut command = program("timeout");
    command.args(["--kill-after=5", &limit, "qemu-system-arm"]);
    command.words("-M mps2-an386 -nographic -icount shift=8 -semihosting-config enable=on,target=native");
    command
}

/// What a program prints, which must end by saying that all went well.
fn run_image(image: &Path) -> Result<String> {
    let output = qemu().arg("-kernel").arg(image).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success() && printed.ends_with("\nend\n"),
        "{} failed, {}: {printed}",
        image.display(),
        output.status
    );
    Ok(printed)
}

/// The instructions of the program's row: `count|row|417`.
fn instructions(printed: &str) -> Result<u64> {
    let count = printed
        .lines()
        .find_map(|line| line.strip_prefix("count|row|"))
        .with_context(|| format!("no count: {printed}"))?;
    count.parse().with_context(|| format!("no count: {count}"))
}

/// The bytes of what trains or predicts, and of the stack: `ram|9640|460`.
fn ram(printed: &str) -> Option<(u64, u64)> {
    let (placed, stack) = printed.lines().find_map(|line| line.strip_prefix("ram|"))?.split_once('|')?;
    Some((placed.parse().ok()?, stack.parse().ok()?))
}

/// The bytes of an image's section `.text`.
fn text_section(size: &Path, image: &Path) -> Result<u64> {
    let sections = program(size).arg("-A").arg(image).output_text()?;
    let bytes = sections.lines().find_map(|line| line.strip_prefix(".text ")?.split_whitespace().next());
    bytes
        .with_context(|| format!("{} has no .text", image.display()))?
        .parse()
        .context("the size of .text is no number")
}
