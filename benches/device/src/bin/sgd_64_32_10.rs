//! A step of SGD on one digit of 8×8 pixels.
#![no_std]
#![no_main]

use baregrad::{CrossEntropy, Dense, Relu, Sgd, floats};
use cortex_m_rt::entry;

type Net = (Dense<64, 32, Relu>, Dense<32, 10>);

#[entry]
fn main() -> ! {
    benches_device::train::<Net, _, _, u8, 1, { floats::<Net>() }>(Sgd::new(0.1), CrossEntropy, [7])
}
