//! A window of 3 × 3 on an image of 4 × 2.

use baregrad::{Dense, Flatten, Image, MaxPool2d, Model, floats};

type Net = Model<Image<4, 2, 1>, (MaxPool2d<3>, Flatten<1>, Dense<1, 2>)>;

const _: usize = floats::<Net>();

fn main() {}
