//! The body of a residual gives out 8 channels, and the shortcut the 4 that come in.

use baregrad::{Dense, Relu, Residual, Skip, floats};

type Net = (Dense<2, 4>, Residual<(Dense<4, 8, Relu>, Dense<8, 8>), Skip>, Dense<8, 3>);

const _: usize = floats::<Net>();

fn main() {}
