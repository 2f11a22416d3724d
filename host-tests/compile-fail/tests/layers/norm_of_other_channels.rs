//! A normalization of 8 channels behind a layer of 16 outputs.

use baregrad::{BatchNorm, Dense, Relu, floats};

type Net = (Dense<4, 16>, BatchNorm<8, Relu>, Dense<8, 3>);

const _: usize = floats::<Net>();

fn main() {}
