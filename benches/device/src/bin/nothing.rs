//! The image of `training` without the library: what is left after subtracting it is the library's code.
#![no_std]
#![no_main]

use core::hint::black_box;

use benches_device as _;
use cortex_m_rt::entry;

static INPUTS: [[f32; 4]; 1] = [[0.1, 0.2, 0.3, 0.4]];
static LABELS: [u8; 1] = [2];

#[entry]
fn main() -> ! {
    loop {
        black_box(&INPUTS);
        black_box(&LABELS);
    }
}
