//! What the autoencoder of MLPerf Tiny makes of a spectrum.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::{Network, predict_floats};
use catalogue::mlperf_tiny::AutoEncoder;
use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    let mut memory = [0.0; predict_floats::<AutoEncoder>()];
    benches_device::predict::<AutoEncoder>(|network, sample| {
        black_box(network.predict_in(sample, &mut memory).is_ok());
    })
}
