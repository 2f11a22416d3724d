//! A step of SGD on four digits of 8×8 pixels, by a network with batch normalization and a residual.
#![no_std]
#![no_main]

use baregrad::{
    BatchNorm, Conv2d, CrossEntropy, Dense, GlobalAveragePool, Image, Model, Relu, Residual, Same, Sgd, Skip, floats,
};
use cortex_m_rt::entry;

type Net = Model<
    Image<8, 8, 1>,
    (
        Conv2d<1, 8, 3, 3, Same>,
        BatchNorm<8, Relu>,
        Residual<(Conv2d<8, 8, 3, 3, Same>, BatchNorm<8, Relu>, Conv2d<8, 8, 3, 3, Same>, BatchNorm<8>), Skip, Relu>,
        GlobalAveragePool,
        Dense<8, 10>,
    ),
>;

#[entry]
fn main() -> ! {
    benches_device::train::<Net, _, _, u8, 4, { floats::<Net>() }>(Sgd::new(0.01), CrossEntropy, [7, 1, 0, 3])
}
