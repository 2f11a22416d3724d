//! One row: built, run, compared.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use super::row::Row;
use super::{Settings, output};
use crate::tools::{self, Run};

/// A row's end.
pub(crate) struct Outcome {
    seconds: String,
    stages: String,
    verdict: String,
}

impl Outcome {
    pub(crate) fn cannot_run(obstacle: &anyhow::Error) -> Self {
        Self { seconds: "-".to_owned(), stages: "-".to_owned(), verdict: format!("cannot run: {obstacle}") }
    }

    /// Leaves the row's line of the table in its file, and says how it ended, while others go on.
    pub(crate) fn report(&self, row: &Row, settings: &Settings) -> Result<()> {
        eprintln!("bits: {}: {}", row.name, self.verdict);
        let line = super::line(row.name, row.core, &row.how(), &self.seconds, &self.stages, &self.verdict);
        Ok(fs::write(settings.file(row, "result"), line)?)
    }
}

/// Does everything for a row. One build folder for each `slot`: cargo builds one thing at a time in a folder.
pub(crate) fn run(row: &Row, settings: &Settings, slot: usize) -> Outcome {
    let started = Instant::now();
    let folder = settings.base.join(format!("build-{slot}"));
    let (stages, verdict) = Job { row, settings, folder: &folder }
        .all_parts()
        .unwrap_or_else(|error| ("-".to_owned(), format!("FAILED: {error:#}")));
    // No other row has the same flags and profile, and all rows together fill gigabytes. What is built for this computer stays.
    for built in [row.target, "miri"] {
        let _ = fs::remove_dir_all(folder.join(built));
    }
    Outcome { seconds: started.elapsed().as_secs().to_string(), stages, verdict }
}

struct Job<'a> {
    row: &'a Row,
    settings: &'a Settings,
    folder: &'a Path,
}

impl Job<'_> {
    /// The stages that are equal, and the verdict.
    fn all_parts(&self) -> Result<(String, String)> {
        let log = File::create(self.settings.file(self.row, "log"))?;
        let mut all = String::new();
        for part in self.row.parts(self.settings.miri_full) {
            let printed = if self.row.machine == "miri" {
                self.run_by_miri(part, &log)?
            } else {
                let image = self.build(part, &log)?;
                self.run_image(&image, &log)?
            };
            all += output::complete(&printed).context("the output is cut off")?;
            fs::write(self.settings.file(self.row, "out"), &all)?;
        }
        Ok(output::compare(&output::expected(self.row, self.settings.miri_full)?, &all))
    }

    /// Builds a part of the program, and says where it is.
    fn build(&self, part: &str, log: &File) -> Result<PathBuf> {
        let row = self.row;
        let mut command = self.measured("building", part, log)?;
        command.env("RUSTFLAGS", row.flags).env("SAME_BITS_MACHINE", row.machine);
        command.words("cargo build --locked --package same-bits --target").arg(row.target);
        let built = if row.profile == "debug" {
            "debug"
        } else {
            command.arg("--release").env("CARGO_PROFILE_RELEASE_DEBUG", "false");
            for (setting, value) in row.profile.split(' ').filter_map(|change| change.split_once('=')) {
                command.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
            }
            "release"
        };
        command.args(row.feature().map(|feature| format!("--features={feature}")));
        ensure!(command.status()?.success(), "it does not build");
        let suffix = if row.machine == "node" { ".wasm" } else { "" };
        let image = self.settings.file(row, "image");
        fs::copy(self.folder.join(row.target).join(built).join(format!("same_bits{suffix}")), &image)?;
        Ok(image)
    }

    /// Runs a program; what it prints comes back.
    fn run_image(&self, image: &Path, log: &File) -> Result<String> {
        let mut command = self.measured("running", "", log)?;
        command.words("timeout --kill-after=5").arg(self.settings.run_timeout.to_string());
        if let Some(qemu) = self.row.qemu() {
            command.arg(qemu).args(["-M", self.row.qemu_machine()]).words(match self.row.machine {
                // No network card, because its start-up code is in a package that nothing else needs.
                "aarch64-virt" => "-cpu cortex-a53 -nic none",
                "riscv32-virt" => "-bios none",
                _ => "",
            });
            command.words("-nographic -semihosting-config enable=on,target=native -kernel");
        } else if self.row.machine == "node" {
            command.words("node firmware-example/same-bits/run.mjs");
        }
        self.printed(command.arg(image))
    }

    /// Miri builds and runs in one. Only the bits are asked for here, so its checks of memory are off: twice as fast.
    fn run_by_miri(&self, part: &str, log: &File) -> Result<String> {
        let mut command = self.measured("Miri", part, log)?;
        command.env_remove("RUSTUP_TOOLCHAIN").env_remove("SAME_BITS_MACHINE");
        command.env("MIRIFLAGS", "-Zmiri-disable-stacked-borrows -Zmiri-disable-validation");
        command.words("timeout --kill-after=5").arg((10 * self.settings.run_timeout).to_string());
        command.words("cargo +nightly miri run --release --locked --package same-bits --target").arg(self.row.target);
        self.printed(command.args(["--", "small"]))
    }

    /// A command that writes to the log how long it took. Its words are still to come.
    fn measured(&self, what: &str, part: &str, log: &File) -> Result<Command> {
        let mut command = tools::program("bash");
        // An absolute time misleads where others use the processors, so both are said.
        command.args(["-c", r#"TIMEFORMAT="$0 took %R s, %U s of a processor"; time "$@""#]);
        command.arg(format!("bits: {what} {part}").trim_end());
        command.env("CARGO_TARGET_DIR", self.folder).env_remove("SAME_BITS_PARTS");
        if !part.is_empty() {
            command.env("SAME_BITS_PARTS", part);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
        Ok(command)
    }

    /// What a command prints; it must end well.
    fn printed(&self, command: &mut Command) -> Result<String> {
        let output = command.stdout(Stdio::piped()).output()?;
        let raw = self.settings.file(self.row, "raw");
        File::create(raw)?.write_all(&output.stdout)?;
        match output.status.code() {
            Some(0) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            Some(124 | 137) => bail!("stopped at the end of its time"),
            Some(code) => bail!("exit code {code}"),
            None => bail!("{}", output.status),
        }
    }
}
