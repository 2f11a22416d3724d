//! One-hot targets for a loss that takes class labels.

use baregrad::{CrossEntropy, Dataset, Dense, Relu, Sgd, Trainer, floats};

type Net = (Dense<2, 4, Relu>, Dense<4, 3>);

static INPUTS: [[f32; 2]; 2] = [[0.0, 1.0], [1.0, 0.0]];
static TARGETS: [[f32; 3]; 2] = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]];

fn main() {
    let mut trainer = Trainer::<Net, Sgd, 2, { floats::<Net>() }>::NEW;
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    let _ = trainer.step(&data, CrossEntropy, &mut Sgd::new(0.1));
}
