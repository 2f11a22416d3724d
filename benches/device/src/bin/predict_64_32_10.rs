//! The class of a digit of 8×8 pixels.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::{Dense, Network, Relu};
use cortex_m_rt::entry;

type Net = (Dense<64, 32, Relu>, Dense<32, 10>);

#[entry]
fn main() -> ! {
    benches_device::predict::<Net>(|network, sample| {
        black_box(network.predict(sample).argmax());
    })
}
