//! A layer of no inputs; seen when its value is made.

use baregrad::{Dense, Relu, Sgd, Trainer};

static mut TRAINER: Trainer<(Dense<0, 16, Relu>, Dense<16, 3>), Sgd, 16> = Trainer::NEW;

fn main() {}
