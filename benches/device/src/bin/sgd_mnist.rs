//! A step of SGD on one digit of 28×28 pixels, by a network of 5,258 parameters.
#![no_std]
#![no_main]

use baregrad::{Conv2d, CrossEntropy, Dense, Flatten, Image, MaxPool2d, Model, Relu, Sgd, Valid, floats};
use cortex_m_rt::entry;

type Net = Model<
    Image<28, 28, 1>,
    (
        Conv2d<1, 8, 3, 3, Valid, Relu>,
        MaxPool2d<2>,
        Conv2d<8, 16, 3, 3, Valid, Relu>,
        MaxPool2d<2>,
        Flatten<400>,
        Dense<400, 10>,
    ),
>;

#[entry]
fn main() -> ! {
    benches_device::train::<Net, _, _, u8, 1, { floats::<Net>() }>(Sgd::new(0.01), CrossEntropy, [7])
}
