//! A sigmoid in front of a loss that has its own.

use baregrad::{BinaryCrossEntropy, Dataset, Dense, Sgd, Sigmoid, Tanh, Trainer, floats};

type Net = (Dense<2, 4, Tanh>, Dense<4, 1, Sigmoid>);

static INPUTS: [[f32; 2]; 2] = [[0.0, 1.0], [1.0, 0.0]];
static TARGETS: [[f32; 1]; 2] = [[0.0], [1.0]];

fn main() {
    let mut trainer = Trainer::<Net, Sgd, 2, { floats::<Net>() }>::NEW;
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    let _ = trainer.step(&data, BinaryCrossEntropy, &mut Sgd::new(0.1));
}
