//! An activation in the tuple, as PyTorch's `Sequential` has it; here it belongs to the layer.

use baregrad::{Dense, Relu, Sgd, Trainer};

static mut TRAINER: Trainer<(Dense<4, 16>, Relu, Dense<16, 3>), Sgd, 16> = Trainer::NEW;

fn main() {}
