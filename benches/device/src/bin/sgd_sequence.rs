//! A step of SGD on one sequence of 128 moments, by convolutions along it.
#![no_std]
#![no_main]

use baregrad::{Conv1d, CrossEntropy, Dense, GlobalAveragePool, Model, Relu, Sequence, Sgd, Strided, floats};
use cortex_m_rt::entry;

type Net = Model<
    Sequence<128, 3>,
    (Conv1d<3, 16, 5, Strided<2>, Relu>, Conv1d<16, 16, 5, Strided<2>, Relu>, GlobalAveragePool, Dense<16, 6>),
>;

#[entry]
fn main() -> ! {
    benches_device::train::<Net, _, _, u8, 1, { floats::<Net>() }>(Sgd::new(0.01), CrossEntropy, [3])
}
