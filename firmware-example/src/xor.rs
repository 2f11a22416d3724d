//! XOR: the smallest problem that needs a hidden layer.

use baregrad::{BinaryCrossEntropy, Dataset, Dense, Network, Sgd, StepError, Tanh, Trainer, Uniform, floats};
use rand_pcg::Pcg32;

/// 2 inputs, 4 hidden units, one logit: above 0 means "one". 17 parameters.
pub type Net = (Dense<2, 4, Tanh>, Dense<4, 1>);
/// Everything that training needs, in full batches of 4.
pub type XorTrainer = Trainer<Net, Sgd, 4, { floats::<Net>() }>;

/// The four cases.
pub static INPUTS: [[f32; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// Their exclusive or.
pub static TARGETS: [[f32; 1]; 4] = [[0.0], [1.0], [1.0], [0.0]];

/// Learning rate.
pub const LEARNING_RATE: f32 = 0.5;
/// Seed of the initial weights.
pub const SEED: u64 = 1;
/// Steps, each over all four cases.
pub const STEPS: u32 = 400;

/// What a training run reports on the way and at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps taken.
    pub step: u32,
    /// Loss before the last of them.
    pub loss: f32,
    /// How many of the four cases are right.
    pub right: u32,
}

/// Trains from scratch; reports every fiftieth step and returns the last report.
///
/// # Errors
/// None with these data; a [`StepError`] is passed on.
#[inline(never)] // so that `cargo xtask size` can tell training from printing
pub fn train(trainer: &mut XorTrainer, mut report: impl FnMut(Progress)) -> Result<Progress, StepError> {
    trainer.network.initialize(Uniform::weights(-1.0, 1.0), &mut Pcg32::new(SEED, 0));
    let mut optimizer = Sgd::new(LEARNING_RATE);
    let mut progress = Progress { step: 0, loss: f32::NAN, right: 0 };
    while progress.step < STEPS {
        let loss = step(trainer, &mut optimizer)?;
        progress = Progress { step: progress.step + 1, loss, right: right(&trainer.network) };
        if progress.step.is_multiple_of(50) {
            report(progress);
        }
    }
    Ok(progress)
}

/// One step over all four cases.
///
/// # Errors
/// As [`train`].
#[inline(never)] // so that its stack can be measured
pub fn step(trainer: &mut XorTrainer, optimizer: &mut Sgd) -> Result<f32, StepError> {
    trainer.step(&Dataset::from_arrays(&INPUTS, &TARGETS), BinaryCrossEntropy, optimizer)
}

/// How many of the four cases the network gets right.
pub fn right(network: &Net) -> u32 {
    let cases = INPUTS.iter().zip(&TARGETS);
    cases.map(|(input, [target])| u32::from((network.predict(input).as_array()[0] > 0.0) == (*target > 0.5))).sum()
}
