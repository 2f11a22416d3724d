//! A step of SGD on one digit of 28×28 pixels, by a network of 5,258 parameters.
#![no_std]
#![no_main]

use baregrad::{CrossEntropy, Sgd, floats};
use catalogue::measured::Mnist;
use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    benches_device::train::<Mnist, _, _, u8, 1, { floats::<Mnist>() }>(Sgd::new(0.01), CrossEntropy, [7])
}
