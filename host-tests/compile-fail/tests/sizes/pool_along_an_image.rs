//! A 1-d pool on an image.

use baregrad::{GlobalMaxPool, Image, MaxPool1d, Model, floats};

type Net = Model<Image<4, 4, 1>, (MaxPool1d<2>, GlobalMaxPool)>;

const _: usize = floats::<Net>();

fn main() {}
