//! A workspace for another network.

use baregrad::{Dataset, Dense, MeanSquaredError, Relu, Sgd, Trainer, floats};

type Net = (Dense<4, 16, Relu>, Dense<16, 3>);

fn main() {
    let mut trainer = Trainer::<Net, Sgd, 16, { floats::<Dense<16, 3>>() }>::NEW;
    let data = Dataset::from_arrays(&[[0.5; 4]], &[[0.5; 3]]);
    let _ = trainer.step(&data, MeanSquaredError, &mut Sgd::new(0.1));
}
