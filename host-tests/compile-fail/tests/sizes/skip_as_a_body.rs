//! `Skip` is a shortcut, not a body.

use baregrad::{Dense, Residual, Skip, floats};

type Net = (Dense<4, 3>, Residual<Skip, Dense<3, 3>>);

const _: usize = floats::<Net>();

fn main() {}
