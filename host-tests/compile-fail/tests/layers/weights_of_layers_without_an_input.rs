//! Weights for layers that may lie on images of any size: whether channels are put in order behind `Flatten` depends on the image.

use baregrad::safetensors::{Names, file_bytes};
use baregrad::{Conv2d, Dense, Flatten, Valid};

type Layers = (Conv2d<1, 4, 3, 3, Valid>, Flatten<36>, Dense<36, 2>);

fn main() {
    file_bytes::<Layers>(&Names::SEQUENTIAL);
}
