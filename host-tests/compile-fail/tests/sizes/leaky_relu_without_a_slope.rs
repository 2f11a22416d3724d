//! A leaky ReLU of slope 0 would hide the sign that its slope is read from.

use baregrad::LeakyRelu;

const ALPHA: f32 = LeakyRelu::<0>::ALPHA;

fn main() {
    let _ = ALPHA;
}
