//! A step of SGD on one row of XOR: sigmoids, mean squared error.
#![no_std]
#![no_main]

use baregrad::{Dense, MeanSquaredError, Sgd, Sigmoid, floats};
use cortex_m_rt::entry;

type Net = (Dense<2, 3, Sigmoid>, Dense<3, 1, Sigmoid>);

#[entry]
fn main() -> ! {
    benches_device::train::<Net, _, _, [f32; 1], 1, { floats::<Net>() }>(Sgd::new(0.1), MeanSquaredError, [[1.0]])
}
