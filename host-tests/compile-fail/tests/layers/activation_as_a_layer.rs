//! An activation in the tuple, as PyTorch's `Sequential` has it; here it belongs to the layer.

use baregrad::{Dense, Relu, Sgd, Trainer, floats};

type Net = (Dense<4, 16>, Relu, Dense<16, 3>);

static mut TRAINER: Trainer<Net, Sgd, 16, { floats::<Net>() }> = Trainer::NEW;

fn main() {}
