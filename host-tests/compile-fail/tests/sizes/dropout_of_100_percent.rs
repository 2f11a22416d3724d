//! A dropout that leaves nothing.

use baregrad::{Dense, Dropout, Relu, Sgd, Trainer, Zero, floats};

type Net = (Dense<4, 16, Relu>, Dropout<100>, Dense<16, 3>);

fn main() {
    let trainer = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::ZERO;
    let _ = trainer.network.1;
}
