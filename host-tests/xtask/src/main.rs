//! The repository's own commands, `cargo xtask COMMAND`: what checks, counts and measures more than `cargo test` does.
//!
//! A command installs what it lacks and says so first. Rows and limits are tables in `tables`, which a person can read and change.

mod bits;
mod check;
mod count;
mod disassembly;
mod fused;
mod nightly;
mod on_arm;
mod panic;
mod peers;
mod size;
mod table;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

check                     all that must hold for a change to land
bits [ROW…|list]          many small trainings on every processor: the bits of each stage
count [device|host] [--report|--check|--write|--clocks]
                          instructions, cycles, RAM and code of predictions and training steps
panic                     no panic is left in whole images
fused                     no fused instruction is in whole images
size                      flash and RAM of the firmware's programs, by part
arm [TEST…]               tests as a program for Linux on Arm, in QEMU: the loops in assembly
narrow                    that the library compiles for processors with addresses of 16 bits
miri                      undefined behaviour, by the interpreter that notices it
fuzz [SECONDS]            hostile bytes, by a fuzzer
peers [--seconds SECONDS] [PART OF A ROW'S NAME]
                          the time of the same work by other libraries
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = std::env::set_current_dir(tools::ROOT).map_err(Into::into).and_then(|()| match words[..] {
        ["check"] => check::run(),
        ["bits", ref rows @ ..] => bits::run(rows),
        ["count", ref what @ ..] => count::run(what),
        ["panic"] => panic::run(),
        ["fused"] => fused::run(),
        ["size"] => size::run(),
        ["arm", ref tests @ ..] => on_arm::run(tests),
        ["narrow"] => nightly::narrow(),
        ["miri"] => nightly::miri(),
        ["fuzz"] => nightly::fuzz(60),
        ["fuzz", seconds] => seconds.parse().map_err(Into::into).and_then(nightly::fuzz),
        ["peers", ref what @ ..] => peers::run(what),
        [] | ["help" | "--help"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => Err(anyhow::anyhow!("no such command\n\n{USAGE}")),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask {}: {error:#}", words.first().unwrap_or(&""));
            ExitCode::FAILURE
        }
    }
}
