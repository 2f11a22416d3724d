//! PyTorch's `padding = k // 2` of an even `k`.

use baregrad::{Centered, Flatten, Image, MaxPool2d, Model, floats};

type Net = Model<Image<4, 4, 1>, (MaxPool2d<2, 2, Centered<2>>, Flatten<4>)>;

const _: usize = floats::<Net>();

fn main() {}
