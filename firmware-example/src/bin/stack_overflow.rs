//! Overflows the stack on purpose: a recursion without end.
//!
//! You will see a hard fault. `flip-link` puts the stack below the statics, so that what overflows it leaves the RAM, which faults,
//! instead of overwriting weights without a word. `run.sh stack_overflow` is content only if the program ends by that fault.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use defmt::{error, info};
use firmware_example::board;

#[entry]
fn main() -> ! {
    info!("stack_overflow: a recursion without end");
    let depth = recurse(0);
    error!("stack_overflow: it ended, at a depth of {=u32}", depth);
    board::exit(true)
}

/// Calls itself until the 32 bits of the depth are used up, which needs far more stack than there is.
#[inline(never)]
fn recurse(depth: u32) -> u32 {
    let frame = black_box([depth; 16]);
    match depth.checked_add(1) {
        Some(deeper) => recurse(deeper).max(black_box(&frame)[7]),
        None => depth,
    }
}
