//! The body of a residual goes in strides of 2, and its shortcut does not.

use baregrad::{Conv2d, Flatten, Image, Model, Residual, Strided, floats};

type Down = Residual<Conv2d<3, 8, 3, 3, Strided<2>>, Conv2d<3, 8, 1, 1>>;
type Net = Model<Image<8, 8, 3>, (Down, Flatten<128>)>;

const _: usize = floats::<Net>();

fn main() {}
