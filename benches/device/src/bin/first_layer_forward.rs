//! Forward: kernels of 10 × 4 with stride 2, one channel to 64.
#![no_std]
#![no_main]

use baregrad::{Conv2d, Relu, Strided};
use catalogue::mlperf_tiny::Spectrogram;
use cortex_m_rt::entry;

type First = Conv2d<1, 64, 10, 4, Strided<2>, Relu>;

#[entry]
fn main() -> ! {
    benches_device::forward::<Spectrogram, First, 490, 8000>()
}
