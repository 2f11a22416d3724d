//! A layer of no inputs; seen when its value is made.

use baregrad::{Dense, Relu, Sgd, Trainer, floats};

type Net = (Dense<0, 16, Relu>, Dense<16, 3>);

static mut TRAINER: Trainer<Net, Sgd, 16, { floats::<Net>() }> = Trainer::NEW;

fn main() {}
