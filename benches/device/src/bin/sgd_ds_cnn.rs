//! A step of SGD on one spoken word, all layers of keyword spotting of MLPerf Tiny.
#![no_std]
#![no_main]

use baregrad::{CrossEntropy, Sgd, floats};
use catalogue::mlperf_tiny::KeywordSpotting;
use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    benches_device::train::<KeywordSpotting, _, _, u8, 1, { floats::<KeywordSpotting>() }>(
        Sgd::new(0.01),
        CrossEntropy,
        [7],
    )
}
