//! Forward: 64 channels to 64 at each position.
#![no_std]
#![no_main]

use baregrad::{Dense, Relu};
use benches_device::Inner;
use cortex_m_rt::entry;

type Pointwise = Dense<64, 64, Relu>;

#[entry]
fn main() -> ! {
    benches_device::forward::<Inner, Pointwise, 8000, 8000>()
}
