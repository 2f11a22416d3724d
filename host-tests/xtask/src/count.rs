//! `cargo xtask count`: what predictions and training steps cost, by counting, not by a clock.
//!
//! Counts are exact and the same on every computer, so they can be committed, and held against each change.

mod compare;
mod cycles;
mod device;
mod host;
mod prices;
mod tables;

use anyhow::{Result, bail};

/// What is done with the counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The table is printed. A row over its limit is a failure.
    Table,
    /// The same, but a row over its limit is no failure.
    Report,
    /// The counts are held against the committed ones.
    Check,
    /// The counts become the committed ones, and the tables those of benches/README.md.
    Write,
}

const USAGE: &str = "\
cargo xtask count [device|host] [--report|--check|--write|--clocks]
cargo xtask count device WORD

device     instructions, cycles, RAM and code on an emulated Cortex-M4F, each row with its limits; fails if a row is over
           with a WORD only the instructions and cycles of programs that have it in their names, without a limit
host       instructions on x86-64
--report   a row that is over is no failure
--check    no table and no cycles: fails if a count grew by more than 2 % over the committed ones
--write    commits the counts found now: benches/device.expected, benches/host.expected, the tables of benches/README.md
--clocks   microseconds on a device's real clocks, estimated";

pub(crate) fn run(words: &[&str]) -> Result<()> {
    let (device, host, options) = match words {
        ["device", options @ ..] => (true, false, options),
        ["host", options @ ..] => (false, true, options),
        options => (true, true, options),
    };
    let mode = match options {
        [word] if device && !word.starts_with('-') => return device::some(word),
        [] => Mode::Table,
        ["--report"] => Mode::Report,
        ["--check"] => Mode::Check,
        ["--write"] => Mode::Write,
        ["--clocks"] if device => return device::clocks(),
        _ => bail!("{USAGE}"),
    };
    // The host is counted too after a failure of the device.
    let of_device = if device { device::run(mode) } else { Ok(()) };
    let of_host = if host { host::run(mode) } else { Ok(()) };
    match (of_device, of_host) {
        (Err(device), Err(host)) => bail!("device: {device:#}\nhost: {host:#}"),
        (of_device, of_host) => of_device.and(of_host),
    }
}
