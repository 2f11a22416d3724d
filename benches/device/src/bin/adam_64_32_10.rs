//! A step of Adam on one digit of 8×8 pixels.
#![no_std]
#![no_main]

use baregrad::{Adam, CrossEntropy, Dense, Relu, floats};
use cortex_m_rt::entry;

type Net = (Dense<64, 32, Relu>, Dense<32, 10>);

#[entry]
fn main() -> ! {
    benches_device::train::<Net, _, _, u8, 1, { floats::<Net>() }>(Adam::new(0.01), CrossEntropy, [7])
}
