//! A trainer made for Adam is given SGD, which would leave its moments alone.

use baregrad::{Adam, CrossEntropy, Dataset, Dense, Relu, Sgd, Trainer, floats};

type Net = (Dense<2, 4, Relu>, Dense<4, 3>);

static INPUTS: [[f32; 2]; 2] = [[0.0, 1.0], [1.0, 0.0]];
static LABELS: [u8; 2] = [0, 1];

fn main() {
    let mut trainer = Trainer::<Net, Adam, 2, { floats::<Net>() }>::NEW;
    let data = Dataset::from_arrays(&INPUTS, &LABELS);
    let _ = trainer.step(&data, CrossEntropy, &mut Sgd::new(0.1));
}
