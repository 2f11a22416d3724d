//! A layer of 16 outputs in front of a layer of 8 inputs.

use baregrad::{Adam, Dense, Relu, Trainer, floats};

type Net = (Dense<4, 16, Relu>, Dense<8, 3>);

static mut TRAINER: Trainer<Net, Adam, 16, { floats::<Net>() }> = Trainer::NEW;

fn main() {}
