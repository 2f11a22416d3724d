//! The image of `training` without what trains: what is left after subtracting it is the library's code.
#![no_std]
#![no_main]

use benches_device as _;
use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    loop {
        core::hint::black_box(());
    }
}
