//! A tuple of more than sixteen layers.

use baregrad::{Dense, floats};

type D = Dense<2, 2>;
type Net = (D, D, D, D, D, D, D, D, D, D, D, D, D, D, D, D, D);

const _: usize = floats::<Net>();

fn main() {}
