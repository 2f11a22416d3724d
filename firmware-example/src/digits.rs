//! Handwritten digits, 8 × 8 pixels: optdigits, E. Alpaydin and C. Kaynak, 1998.
//!
//! The pixels lie in flash as bytes, so each batch goes through a gather buffer that makes `f32` of them.

use baregrad::data::Samples;
use baregrad::{
    CrossEntropy, Dataset, Dense, Features, GatherBuffer, HeUniform, Network, Order, Relu, Sgd, StepError, Trainer,
    Zero, floats,
};
use rand_pcg::Pcg32;

// The tables, made from `host-tests/data/digits.csv` by the build script.
mod tables {
    #![allow(missing_docs)]
    include!(concat!(env!("OUT_DIR"), "/digits.rs"));
}
pub use tables::{TEST_INPUTS, TEST_LABELS, TRAIN_INPUTS, TRAIN_LABELS};

/// 64 pixels, 32 hidden units, 10 logits: 2410 parameters.
pub type Net = (Dense<64, 32, Relu>, Dense<32, 10>);
/// Samples in a batch.
pub const BATCH: usize = 16;
/// Network, slots (none for SGD) and workspace.
pub type DigitsTrainer = Trainer<Net, Sgd, BATCH, { floats::<Net>() }>;

/// 1438 training digits, a byte a pixel, 0 to 16.
pub static TRAIN: Dataset<'static, [u8; 64], u8> = Dataset::from_arrays(&TRAIN_INPUTS, &TRAIN_LABELS);
/// 359 test digits: every fifth row of the file.
pub static TEST: Dataset<'static, [u8; 64], u8> = Dataset::from_arrays(&TEST_INPUTS, &TEST_LABELS);

/// Learning rate.
pub const LEARNING_RATE: f32 = 0.1;
/// Seed of the initial weights and of the order of the samples.
pub const SEED: u64 = 1;
/// Times through the training set.
pub const EPOCHS: u32 = 10;

/// A batch as `f32`.
pub type Gathered = GatherBuffer<Features<64>, u8, BATCH>;

/// Everything that training needs, to place in a `static`.
pub struct State {
    /// Network and workspace.
    pub trainer: DigitsTrainer,
    /// The batch at hand as `f32`.
    pub gathered: Gathered,
}

impl Zero for State {
    const ZERO: Self = Self { trainer: Zero::ZERO, gathered: Zero::ZERO };
}

/// What a training run reports after each epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Epochs finished.
    pub epoch: u32,
    /// Mean of the batches' losses.
    pub loss: f32,
    /// Test digits that are right.
    pub test_right: usize,
}

/// Trains from scratch; reports after each epoch and returns the last report.
///
/// # Errors
/// None with these data; a [`StepError`] is passed on.
#[inline(never)] // so that `cargo xtask size` can tell training from printing
pub fn train(
    state: &mut State,
    order: &mut Order<1438>,
    mut report: impl FnMut(Progress),
) -> Result<Progress, StepError> {
    let State { trainer, gathered } = state;
    let mut generator = Pcg32::new(SEED, 0);
    trainer.network.initialize(HeUniform, &mut generator);
    let mut optimizer = Sgd::new(LEARNING_RATE);
    let mut progress = Progress { epoch: 0, loss: f32::NAN, test_right: 0 };
    for epoch in 1..=EPOCHS {
        order.shuffle(&mut generator);
        let (mut sum, mut batches) = (0.0, 0.0);
        for batch in TRAIN.batches(&*order, BATCH)? {
            sum += step(trainer, gathered.gather(&batch, scale)?, &mut optimizer)?;
            batches += 1.0;
        }
        let mut test_right = 0;
        for batch in TEST.chunks(BATCH)? {
            test_right += trainer.evaluate(gathered.gather(&batch, scale)?, CrossEntropy, 1)?.correct;
        }
        progress = Progress { epoch, loss: sum / batches, test_right };
        report(progress);
    }
    Ok(progress)
}

/// One step on a batch.
///
/// # Errors
/// As [`train`].
#[inline(never)] // so that its stack can be measured
pub fn step(trainer: &mut DigitsTrainer, batch: &Gathered, optimizer: &mut Sgd) -> Result<f32, StepError> {
    trainer.step(batch, CrossEntropy, optimizer)
}

/// Number of test digits.
pub fn test_samples() -> usize {
    TEST.len()
}

/// Pixels as the network wants them: 0 to 1.
pub fn scale(pixels: &[u8; 64], input: &mut [f32; 64]) {
    for (x, pixel) in input.iter_mut().zip(pixels) {
        *x = f32::from(*pixel) / 16.0;
    }
}
