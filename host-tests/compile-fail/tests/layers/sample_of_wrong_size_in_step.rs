//! Samples of three values for a network of four inputs.

use baregrad::{Adam, CrossEntropy, Dataset, Dense, Relu, Trainer, floats};

type Net = (Dense<4, 16, Relu>, Dense<16, 3>);

static INPUTS: [[f32; 3]; 2] = [[5.1, 3.5, 1.4], [4.9, 3.0, 1.4]];
static LABELS: [u8; 2] = [0, 1];

fn main() {
    let mut trainer = Trainer::<Net, Adam, 16, { floats::<Net>() }>::NEW;
    let data = Dataset::from_arrays(&INPUTS, &LABELS);
    let _ = trainer.step(&data, CrossEntropy, &mut Adam::new(0.01));
}
