//! Whether an image shows a person, by MobileNet of MLPerf Tiny.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::{Network, predict_floats};
use catalogue::mlperf_tiny::MobileNet;
use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    let mut memory = [0.0; predict_floats::<MobileNet>()];
    benches_device::predict::<MobileNet>(|network, sample| {
        black_box(network.predict_in(sample, &mut memory).is_ok());
    })
}
