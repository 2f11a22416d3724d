//! A pool keeps the channels, 16 of them, and a layer of 8 inputs stands behind it.

use baregrad::{Dense, Flatten, Image, MaxPool2d, Model, floats};

type Net = Model<Image<8, 8, 1>, (Dense<1, 16>, MaxPool2d<2>, Dense<8, 4>, Flatten<64>, Dense<64, 3>)>;

const _: usize = floats::<Net>();

fn main() {}
