//! The activation stands behind the sum of a residual, not at the end of its body.

use baregrad::{Dense, Relu, Residual, floats};

type Net = (Dense<2, 4>, Residual<(Dense<4, 8>, Dense<8, 4, Relu>)>, Dense<4, 3>);

const _: usize = floats::<Net>();

fn main() {}
