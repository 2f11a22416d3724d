//! Targets of two values for a network of one output.

use baregrad::{Dataset, Dense, MeanSquaredError, Sgd, Tanh, Trainer, floats};

type Net = (Dense<2, 4, Tanh>, Dense<4, 1>);

static INPUTS: [[f32; 2]; 2] = [[0.0, 1.0], [1.0, 0.0]];
static TARGETS: [[f32; 2]; 2] = [[0.0, 1.0], [1.0, 0.0]];

fn main() {
    let mut trainer = Trainer::<Net, Sgd, 2, { floats::<Net>() }>::NEW;
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    let _ = trainer.step(&data, MeanSquaredError, &mut Sgd::new(0.1));
}
