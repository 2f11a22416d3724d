//! Cortex-M: start-up code and vector table are cortex-m-rt's, which also switches the FPU on.
#![allow(unsafe_code, reason = "exception handlers are linked by name")]

// Linked for the critical section that other crates may ask for on processors without atomic operations.
use cortex_m as _;
use cortex_m_rt::{ExceptionFrame, entry, exception};

use crate::{SMALL_ONLY, machine, print_stages};

#[entry]
fn main() -> ! {
    print_stages(SMALL_ONLY)
}

/// Any fault ends as a failure.
///
/// # Safety
/// Only the processor calls this, by its vector table.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    machine::print(format_args!("hard fault at {:#010x}, lr {:#010x}\n", frame.pc(), frame.lr()));
    machine::exit(false)
}
