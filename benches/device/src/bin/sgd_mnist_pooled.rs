//! A step of SGD on one digit of 28×28 pixels, by the network of `sgd_mnist` with each convolution and its pool in one layer.
#![no_std]
#![no_main]

use baregrad::{CrossEntropy, Dense, Flatten, Image, Model, PooledConv2d, Sgd, floats};
use cortex_m_rt::entry;

type Net = Model<Image<28, 28, 1>, (PooledConv2d<1, 8, 3, 3>, PooledConv2d<8, 16, 3, 3>, Flatten<400>, Dense<400, 10>)>;

#[entry]
fn main() -> ! {
    benches_device::train::<Net, _, _, u8, 1, { floats::<Net>() }>(Sgd::new(0.01), CrossEntropy, [7])
}
