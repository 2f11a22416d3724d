//! Backward: 64 channels to 64 at each position.
#![no_std]
#![no_main]

use baregrad::{Dense, Relu};
use benches_device::{Inner, scratch};
use cortex_m_rt::entry;

type Pointwise = Dense<64, 64, Relu>;

#[entry]
fn main() -> ! {
    benches_device::backward::<Inner, Pointwise, 8000, 8000, { scratch::<Inner, Pointwise>() }>()
}
