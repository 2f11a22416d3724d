//! The class of a spoken word, by keyword spotting of MLPerf Tiny.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::{Network, predict_floats};
use catalogue::mlperf_tiny::KeywordSpotting;
use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    let mut memory = [0.0; predict_floats::<KeywordSpotting>()];
    benches_device::predict::<KeywordSpotting>(|network, sample| {
        black_box(network.predict_in(sample, &mut memory).is_ok());
    })
}
