//! Class probabilities of one iris.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::{Dense, Network, Relu};
use cortex_m_rt::entry;

type Net = (Dense<4, 16, Relu>, Dense<16, 3>);

#[entry]
fn main() -> ! {
    benches_device::predict::<Net>(|network, sample| {
        black_box(network.predict(sample).softmax());
    })
}
