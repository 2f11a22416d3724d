//! RISC-V: start-up code and trap vector are riscv-rt's, which also switches the FPU on.
#![allow(unsafe_code, reason = "the exception handler is linked by name")]

use riscv_rt::{TrapFrame, entry};

use crate::{SMALL_ONLY, machine, print_stages};

#[entry]
fn main() -> ! {
    print_stages(SMALL_ONLY)
}

/// Any fault ends as a failure.
// SAFETY: riscv-rt declares a function of this name and signature, and calls it from its trap vector.
#[unsafe(no_mangle)]
extern "C" fn ExceptionHandler(frame: &TrapFrame) -> ! {
    machine::print(format_args!("exception, return address {:#010x}\n", frame.ra));
    machine::exit(false)
}
