//! Training in batches of none.

use baregrad::{Dense, Relu, Sgd, Trainer, floats};

type Net = (Dense<4, 16, Relu>, Dense<16, 3>);

static mut TRAINER: Trainer<Net, Sgd, 0, { floats::<Net>() }> = Trainer::NEW;

fn main() {}
