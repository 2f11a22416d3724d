//! Frozen layers give no gradient to those in front of them.

use baregrad::{Dataset, Dense, Frozen, MeanSquaredError, Relu, Sgd, Trainer, floats};

type Net = (Dense<4, 16, Relu>, Frozen<(Dense<16, 3>,)>);

fn main() {
    let mut trainer = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
    let data = Dataset::from_arrays(&[[0.5; 4]], &[[0.5; 3]]);
    let _ = trainer.step(&data, MeanSquaredError, &mut Sgd::new(0.1));
}
