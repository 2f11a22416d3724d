//! A step of SGD on one digit of 28×28 pixels, by the network of `sgd_mnist` with each convolution and its pool in one layer.
#![no_std]
#![no_main]

use baregrad::{CrossEntropy, Sgd, floats};
use catalogue::measured::MnistPooled;
use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    benches_device::train::<MnistPooled, _, _, u8, 1, { floats::<MnistPooled>() }>(Sgd::new(0.01), CrossEntropy, [7])
}
