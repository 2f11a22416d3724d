//! A step of SGD on one iris: softmax cross-entropy.
#![no_std]
#![no_main]

use baregrad::{CrossEntropy, Dense, Relu, Sgd, floats};
use cortex_m_rt::entry;

type Net = (Dense<4, 16, Relu>, Dense<16, 3>);

#[entry]
fn main() -> ! {
    benches_device::train::<Net, _, _, u8, 1, { floats::<Net>() }>(Sgd::new(0.1), CrossEntropy, [2])
}
