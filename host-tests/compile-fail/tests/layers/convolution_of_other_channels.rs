//! A convolution of 8 channels behind one that gives out 16.

use baregrad::{Conv2d, Dense, Flatten, Image, Model, Relu, Same, floats};

type Net =
    Model<Image<8, 8, 1>, (Conv2d<1, 16, 3, 3, Same, Relu>, Conv2d<8, 4, 3, 3>, Flatten<256>, Dense<256, 10>)>;

const _: usize = floats::<Net>();

fn main() {}
