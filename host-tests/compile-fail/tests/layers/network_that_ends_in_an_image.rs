//! What a pool leaves of an image is no output of a network: a global pool or `Flatten` is missing.

use baregrad::{Image, MaxPool2d, Model, floats};

type Net = Model<Image<8, 8, 1>, (MaxPool2d<2>,)>;

const _: usize = floats::<Net>();

fn main() {}
