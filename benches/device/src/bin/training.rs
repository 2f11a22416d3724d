//! The smallest program that trains a dense network by SGD on softmax cross-entropy and predicts with it; see `nothing`.
//!
//! One sample a step. The weights are taken as they are: no generator and no initializer is part of it.
#![no_std]
#![no_main]

use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    benches_device::train_forever::<1>()
}
