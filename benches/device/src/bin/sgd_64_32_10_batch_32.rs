//! A step of SGD on 32 digits of 8×8 pixels.
#![no_std]
#![no_main]

use baregrad::{CrossEntropy, Dense, Relu, Sgd, floats};
use cortex_m_rt::entry;

type Net = (Dense<64, 32, Relu>, Dense<32, 10>);

#[entry]
fn main() -> ! {
    let labels: [u8; 32] = core::array::from_fn(|sample| (sample % 10) as u8);
    benches_device::train::<Net, _, _, u8, 32, { floats::<Net>() }>(Sgd::new(0.1), CrossEntropy, labels)
}
