//! The class of an image, by ResNet-8 of MLPerf Tiny.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::{Network, predict_floats};
use catalogue::mlperf_tiny::ResNet8;
use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    let mut memory = [0.0; predict_floats::<ResNet8>()];
    benches_device::predict::<ResNet8>(|network, sample| {
        black_box(network.predict_in(sample, &mut memory).is_ok());
    })
}
