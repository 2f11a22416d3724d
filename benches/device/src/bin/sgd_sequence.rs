//! A step of SGD on one sequence of 128 moments, by convolutions along it.
#![no_std]
#![no_main]

use baregrad::{CrossEntropy, Sgd, floats};
use catalogue::measured::Recording;
use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    benches_device::train::<Recording, _, _, u8, 1, { floats::<Recording>() }>(Sgd::new(0.01), CrossEntropy, [3])
}
