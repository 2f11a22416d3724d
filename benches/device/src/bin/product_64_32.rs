//! One dense layer: 2,048 multiply-accumulates.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::{Dense, Network};
use cortex_m_rt::entry;

type Net = Dense<64, 32>;

#[entry]
fn main() -> ! {
    let mut output = [0.0; 32];
    benches_device::predict::<Net>(|network, sample| {
        let _ = black_box(network.predict_in(sample, &mut output));
    })
}
