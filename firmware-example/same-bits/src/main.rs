//! Prints a line `case stage crc32` for every stage of every case of [`firmware_example::same_bits`], on any processor.
//!
//! Where the processor or the build doesn't keep the promised arithmetic, there is one line instead, `float_environment` and
//! what is wrong. The last line is `end` and the number of lines, so that an output cut off is not taken for a short one. Whether the
//! lines are the right ones is judged elsewhere: `cargo xtask bits` compares them with `same_bits.expected`.
#![cfg_attr(target_os = "none", no_std, no_main)]

mod machine;

use firmware_example::same_bits;

// FROM and TO, the parts in this image: all, or those that `SAME_BITS_PARTS` named when it was built.
include!(concat!(env!("OUT_DIR"), "/parts.rs"));

/// Leave out the digits, for which 16 KB of RAM are too few.
const SMALL_ONLY: bool = cfg!(small_only);

/// Trains, prints, and ends the program: well only if there was a line.
fn print_stages(small_only: bool) -> ! {
    let mut printed = 0_u32;
    match baregrad::float_environment() {
        Ok(()) => same_bits::run_parts::<FROM, TO>(small_only, &mut |case, stage, crc| {
            machine::print(format_args!("{case} {stage} {crc:08x}\n"));
            printed += 1;
        }),
        Err(error) => {
            machine::print(format_args!("float_environment {error:?}\n"));
            printed += 1;
        }
    }
    machine::print(format_args!("end {printed}\n"));
    machine::exit(printed > 0)
}

/// The program on a computer: `same_bits [small]`. On WebAssembly there are no arguments.
#[cfg(not(target_os = "none"))]
fn main() {
    print_stages(SMALL_ONLY || std::env::args().any(|argument| argument == "small"))
}
