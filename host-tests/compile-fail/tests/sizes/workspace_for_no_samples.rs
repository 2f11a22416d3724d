//! Training in batches of none.

use baregrad::{Dense, Relu, Sgd, Trainer};

static mut TRAINER: Trainer<(Dense<4, 16, Relu>, Dense<16, 3>), Sgd, 0> = Trainer::NEW;

fn main() {}
