//! `Flatten` of 8 values on 4 × 4 × 2 of them.

use baregrad::{Dense, Flatten, Image, Model, floats};

type Net = Model<Image<4, 4, 2>, (Flatten<8>, Dense<8, 2>)>;

const _: usize = floats::<Net>();

fn main() {}
