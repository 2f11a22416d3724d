//! `cargo xtask check`: everything that must hold for a change to land. It installs what it needs.

use std::collections::VecDeque;
use std::fs::File;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::tools::{self, Run as _, cargo, program, target_folder};
use crate::{nightly, on_arm, table};

/// Without an FPU, with one, and another architecture.
const BARE_METAL: [&str; 3] = ["thumbv6m-none-eabi", "thumbv7em-none-eabihf", "riscv32imc-unknown-none-elf"];
/// One for each start-up code of the program `same_bits`.
const START_UPS: [&str; 4] =
    ["thumbv7em-none-eabihf", "riscv32imc-unknown-none-elf", "aarch64-unknown-none", "wasm32-unknown-unknown"];
/// What else some job builds for: of jobs beside each other no two may find something to install.
const OTHER_TARGETS: [&str; 4] =
    ["riscv32imafc-unknown-none-elf", "x86_64-unknown-linux-musl", "thumbv7m-none-eabi", "thumbv8m.main-none-eabihf"];

/// Programs that run beside each other, a command a line: what it is | the command. Lines of one name are one job, in their order.
const JOBS: &str = include_str!("../tables/jobs.table");

pub(crate) fn run() -> Result<()> {
    let check = Check { started: Instant::now() };
    check.step("toolchain, targets and tools")?;
    install()?;

    check.step("format")?;
    cargo().words("fmt --all --check").run()?;
    crate::panic::ensure_image_is_whole()?; // takes no time, and the job that needs it comes late

    check.step("clippy on the host")?;
    let lints = "--all-targets -- -D warnings";
    let own = "clippy --workspace --exclude firmware-example --exclude benches-device --exclude portable --features examples/drawings,examples/progress";
    cargo().words(own).words(lints).run()?;
    cargo().words("clippy -p baregrad --all-features").words(lints).run()?;

    check.step("docs")?;
    let documentation =
        |words: &str| cargo().env("RUSTDOCFLAGS", "-D warnings").words("doc --no-deps").words(words).run();
    documentation("--workspace --exclude firmware-example --exclude benches-device")?;
    documentation("-p baregrad --all-features")?;
    // As docs.rs makes them, see kernel/Cargo.toml.
    documentation("-p baregrad --all-features --target thumbv7em-none-eabihf")?;

    check.step("package")?;
    package()?;

    check.step("tests (the README's command)")?;
    cargo().words("test").run()?;
    cargo().words("test -p xtask").run()?;

    check.step("examples, in their order")?;
    examples()?;

    check.step("bare-metal builds of the library, without and with its features")?;
    for target in BARE_METAL {
        for features in ["", "--all-features"] {
            let mut build = cargo();
            build.env("RUSTFLAGS", "-D warnings").words("build --release -p baregrad --target").arg(target);
            build.words(features).run()?;
        }
    }

    check.step("each feature alone, on the host and on the microcontroller")?;
    for feature in features()? {
        for target in ["--all-targets", "--target thumbv7em-none-eabihf"] {
            let mut clippy = cargo();
            clippy
                .words("clippy --quiet -p baregrad --features")
                .arg(&feature)
                .words(target)
                .words("-- -D warnings")
                .run()?;
        }
    }

    check.step("clippy on the program for other processors")?;
    for target in START_UPS {
        cargo().words("clippy -p same-bits --target").arg(target).words("-- -D warnings").run()?;
    }

    check.step("what keeps one processor busy, beside each other")?;
    check.jobs()?;

    check.step("the same bits on other processors")?;
    crate::bits::run(&[])?;
    check.step("everything passed")
}

struct Check {
    started: Instant,
}

impl Check {
    /// Says what comes, with the disk that is taken and free, because a full one shows as all sorts of other failures.
    fn step(&self, what: &str) -> Result<()> {
        let free = program("df").words("--output=avail -h .").output_text()?;
        let built = program("du").arg("-sh").arg(target_folder()).stderr(Stdio::null()).output()?.stdout;
        let built = String::from_utf8(built)?;
        let built = built.split_whitespace().next().unwrap_or("nothing");
        let free = free.lines().last().unwrap_or("?").trim();
        println!("\n== {} {what} (built: {built}, free: {free})", self.clock());
        Ok(())
    }

    fn clock(&self) -> String {
        let seconds = self.started.elapsed().as_secs();
        format!("{}:{:02}", seconds / 60, seconds % 60)
    }

    /// Runs the jobs, as many at a time as there are processors. What a job prints is shown when it is done; after one that fails no other
    /// begins.
    fn jobs(&self) -> Result<()> {
        let folder = target_folder().join("check");
        std::fs::create_dir_all(&folder)?;
        let (waiting, failed) = (Mutex::new(jobs()), Mutex::new(Vec::new()));
        let work = || {
            while let Some((name, commands)) = waiting.lock().ok().and_then(|mut jobs| jobs.pop_front()) {
                let (path, began) = (folder.join(name), self.clock());
                let result = File::create(&path).map_err(Into::into).and_then(|log| run_logged(&commands, &log));
                let printed = std::fs::read(&path).unwrap_or_default();
                let verdict = result.as_ref().map_or_else(|error| format!("FAILED: {error:#}"), |()| "ok".to_owned());
                print!(
                    "\n-- {name}, from {began} to {}\n{}-- {name}: {verdict}\n",
                    self.clock(),
                    String::from_utf8_lossy(&printed)
                );
                if result.is_err() {
                    failed.lock().expect("no panic").push(name);
                    waiting.lock().expect("no panic").clear();
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..tools::processors() {
                scope.spawn(work);
            }
        });
        let failed = failed.into_inner()?;
        ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
        Ok(())
    }
}

fn install() -> Result<()> {
    let toolchain = tools::pinned_toolchain()?;
    program("rustup").args(["component", "add", "--toolchain", &toolchain]).words("rustfmt clippy llvm-tools").run()?;
    tools::ensure_targets(&[&BARE_METAL[..], &START_UPS, &OTHER_TARGETS].concat())?;
    on_arm::install()?;
    tools::ensure_program("valgrind")?;
    // Where there is no nightly toolchain, the jobs that need one say that they are skipped.
    for result in [tools::ensure_miri(), nightly::ensure_fuzzer()] {
        result.unwrap_or_else(|error| println!("{error:#}"));
    }
    program("bash").words("firmware-example/run.sh tools").run()
}

/// Built from what would be published, work that is not committed included. When there is a release to compare with:
/// cargo semver-checks -p baregrad.
fn package() -> Result<()> {
    let list = cargo().words("package -p baregrad --allow-dirty --list").output_text()?;
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "build.rs", "src/lib.rs"] {
        ensure!(list.lines().any(|line| line == file), "the package lacks {file}");
    }
    cargo().words("package -p baregrad --allow-dirty").run()
}

/// Those with a number, and `graph`: the others are run by the jobs, or make figures.
fn examples() -> Result<()> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir("host-tests/examples/src/bin")? {
        let name = entry?.file_name().into_string().ok().context("a name in UTF-8")?;
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            names.push(name.trim_end_matches(".rs").to_owned());
        }
    }
    names.push("graph".to_owned());
    names.sort();
    ensure!(names.len() >= 10, "only {} examples were found", names.len());
    names.iter().try_for_each(|name| cargo().words("run --quiet -p examples --bin").arg(name).run())
}

/// The features of the library.
fn features() -> Result<Vec<String>> {
    let manifest = std::fs::read_to_string("kernel/Cargo.toml")?;
    let (_, section) = manifest.split_once("[features]\n").context("kernel/Cargo.toml has no features")?;
    let lines = section.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with('#'));
    let features: Vec<String> = lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect();
    ensure!(!features.is_empty(), "kernel/Cargo.toml has no features");
    Ok(features)
}

/// Names and commands of the jobs.
fn jobs() -> VecDeque<(&'static str, Vec<&'static str>)> {
    let mut jobs: VecDeque<(_, Vec<_>)> = VecDeque::new();
    for [name, command] in table::rows::<2>(JOBS) {
        match jobs.back_mut() {
            Some((last, commands)) if *last == name => commands.push(command),
            _ => jobs.push_back((name, vec![command])),
        }
    }
    jobs
}

/// Runs commands one after another, up to the first that fails.
fn run_logged(commands: &[&str], log: &File) -> Result<()> {
    for words in commands {
        let mut words = words.split_whitespace().peekable();
        // Folders that only this job uses, and that together would fill the disk.
        if words.next_if_eq(&"remove").is_some() {
            words.try_for_each(|folder| std::fs::remove_dir_all(target_folder().join(folder)))?;
            continue;
        }
        // `NAME=value` before a command, as in a shell.
        let variables: Vec<_> = std::iter::from_fn(|| words.next_if(|word| word.contains('=')))
            .filter_map(|word| word.split_once('='))
            .collect();
        let mut command = match words.next() {
            Some("xtask") => Command::new(std::env::current_exe()?),
            Some(name) => program(name),
            None => continue,
        };
        let target = target_folder();
        command
            .envs(variables)
            .args(words.map(|word| word.replace("{target}", &target.to_string_lossy())))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .run()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_name_are_one_job() {
        let jobs = jobs();
        assert!(jobs.iter().all(|(name, commands)| !name.is_empty() && !commands.iter().any(|line| line.is_empty())));
        for (index, (name, _)) in jobs.iter().enumerate() {
            assert!(jobs.iter().skip(index + 1).all(|(other, _)| other != name), "{name} stands in two places");
        }
    }
}
