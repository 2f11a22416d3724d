//! As `training`, in batches of up to 16 samples.
#![no_std]
#![no_main]

use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    benches_device::train_forever::<16>()
}
