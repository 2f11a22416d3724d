//! Other programs: started, and installed where they are missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// The root of the repository, where each command runs.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Where cargo builds, in full: some commands run elsewhere.
pub(crate) fn target_folder() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    std::path::absolute(&named).unwrap_or(named)
}

/// The number of processors.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// A program, without what cargo or the user's shell has set for builds of their own.
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    let flags =
        ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET", "LD_LIBRARY_PATH"];
    for variable in flags {
        command.env_remove(variable);
    }
    command
}

/// Cargo of the pinned toolchain.
pub(crate) fn cargo() -> Command {
    program("cargo")
}

/// Cargo of nightly.
pub(crate) fn nightly_cargo() -> Command {
    let mut command = program("cargo");
    command.env_remove("RUSTUP_TOOLCHAIN").arg("+nightly");
    command
}

/// What a command may be asked, beyond what [`Command`] has.
pub(crate) trait Run {
    /// Runs it to its end, which must be a success.
    fn run(&mut self) -> Result<()>;
    /// The same, for what it prints. Its errors go where ours go.
    fn output_text(&mut self) -> Result<String>;
    /// Whether it runs and succeeds, silently.
    fn succeeds(&mut self) -> bool;
    /// Adds words.
    fn words(&mut self, words: &str) -> &mut Self;
}

impl Run for Command {
    fn run(&mut self) -> Result<()> {
        let status = self.status().with_context(|| format!("{self:?} can't be started"))?;
        ensure!(status.success(), "{self:?} ended with {status}");
        Ok(())
    }

    fn output_text(&mut self) -> Result<String> {
        let output = self.stderr(Stdio::inherit()).output().with_context(|| format!("{self:?} can't be started"))?;
        ensure!(output.status.success(), "{self:?} ended with {}", output.status);
        String::from_utf8(output.stdout).with_context(|| format!("{self:?} printed no text"))
    }

    fn succeeds(&mut self) -> bool {
        self.stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    fn words(&mut self, words: &str) -> &mut Self {
        self.args(words.split_whitespace())
    }
}

/// Whether a program is on the PATH.
pub(crate) fn have(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

/// Makes sure of a program, by its package (`install.sh` knows how).
pub(crate) fn ensure_program(name: &str) -> Result<()> {
    if !have(name) {
        program("bash").args(["firmware-example/install.sh", "ensure_program_of_package", name]).run()?;
    }
    ensure!(have(name), "there is still no {name}");
    Ok(())
}

/// The toolchain that rust-toolchain.toml names.
pub(crate) fn pinned_toolchain() -> Result<String> {
    let file = std::fs::read_to_string("rust-toolchain.toml")?;
    let channel = file.lines().find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"'));
    Ok(channel.context("rust-toolchain.toml has no channel")?.to_owned())
}

/// Makes sure of targets for the pinned toolchain.
pub(crate) fn ensure_targets(targets: &[&str]) -> Result<()> {
    program("bash").arg("firmware-example/install.sh").arg("ensure_rust_targets").args(targets).run()
}

/// Makes sure of Miri, with the source that it builds its standard library from.
pub(crate) fn ensure_miri() -> Result<()> {
    let nightly = |words: &str| program("rustup").words("run nightly").words(words).succeeds();
    ensure!(nightly("rustc --version"), "Miri needs Rust nightly: rustup toolchain install nightly");
    if !nightly("cargo miri --version") {
        eprintln!("installing by rustup: Miri and rust-src of nightly");
        let add = program("rustup").words("component add --toolchain nightly miri rust-src").run();
        add.context("this nightly has no Miri")?;
    }
    Ok(())
}

/// Makes sure of llvm-objdump, and says where it is.
pub(crate) fn objdump() -> Result<PathBuf> {
    let toolchain = pinned_toolchain()?;
    if !program("rustup").args(["component", "add", "--toolchain", &toolchain, "llvm-tools"]).succeeds() {
        bail!("rustup could not add llvm-tools to Rust {toolchain}");
    }
    let libraries = program("rustc").args(["--print", "target-libdir"]).output_text()?;
    let path = Path::new(libraries.trim()).join("../bin/llvm-objdump");
    ensure!(path.is_file(), "there is no {}", path.display());
    Ok(path)
}

/// Whether this computer's processor has a feature, by Linux's name for it.
pub(crate) fn processor_has(feature: &str) -> bool {
    let file = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = file.lines().find(|line| line.starts_with("flags"));
    flags.is_some_and(|flags| flags.split_whitespace().any(|flag| flag == feature))
}

/// Counts what is not as it must be, for a command that goes on to the end all the same.
#[derive(Default)]
pub(crate) struct Failures(u32);

impl Failures {
    /// Says it, and counts it if it is `wrong`.
    pub(crate) fn note_if(&mut self, wrong: bool, what: &str) {
        if wrong {
            eprintln!("{what}");
            self.0 += 1;
        }
    }

    /// Well only if there was nothing.
    pub(crate) fn end(self) -> Result<()> {
        ensure!(self.0 == 0, "{} things are not as they must be: see above", self.0);
        Ok(())
    }
}
