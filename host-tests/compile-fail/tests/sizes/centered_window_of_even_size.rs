//! PyTorch's `padding = k // 2` of an even `k`.

use baregrad::{Centered, Image, MaxPool2d, Model, Network, Zero};

type Net = Model<Image<4, 4, 1>, (MaxPool2d<2, 2, Centered<2>>, baregrad::Flatten<4>)>;

fn main() {
    let _ = Net::ZERO.predict(&[[[0.5]; 4]; 4]);
}
