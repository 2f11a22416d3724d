//! Backward: kernels of 3 × 3, 16 channels to 16.
#![no_std]
#![no_main]

use baregrad::{Conv2d, Relu, Same};
use benches_device::{Plane, scratch};
use cortex_m_rt::entry;

type Convolution = Conv2d<16, 16, 3, 3, Same, Relu>;

#[entry]
fn main() -> ! {
    benches_device::backward::<Plane, Convolution, 4096, 4096, { scratch::<Plane, Convolution>() }>()
}
