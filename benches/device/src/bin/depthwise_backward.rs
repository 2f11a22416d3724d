//! Backward: kernels of 3 × 3, each of 64 channels by itself.
#![no_std]
#![no_main]

use baregrad::{DepthwiseConv2d, Relu, Same};
use benches_device::{Inner, scratch};
use cortex_m_rt::entry;

type Depthwise = DepthwiseConv2d<64, 3, 3, Same, Relu>;

#[entry]
fn main() -> ! {
    benches_device::backward::<Inner, Depthwise, 8000, 8000, { scratch::<Inner, Depthwise>() }>()
}
