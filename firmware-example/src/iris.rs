//! Iris: three kinds of flowers by four measures; R. A. Fisher, 1936.

use baregrad::data::Batch;
use baregrad::{
    Adam, ConfusionMatrix, CrossEntropy, Dataset, Dense, HeUniform, Network, Order, Relu, StepError, Trainer, floats,
};
use rand_pcg::Pcg32;

// The tables, made from `host-tests/data/iris.csv` by the build script.
mod tables {
    #![allow(missing_docs, clippy::excessive_precision, clippy::unreadable_literal)]
    include!(concat!(env!("OUT_DIR"), "/iris.rs"));
}
pub use tables::{DEVIATION, MEAN, TEST_INPUTS, TEST_LABELS, TRAIN_INPUTS, TRAIN_LABELS};

/// 4 measures, 16 hidden units, 3 logits: 131 parameters.
pub type Net = (Dense<4, 16, Relu>, Dense<16, 3>);
/// Samples in a batch.
pub const BATCH: usize = 16;
/// Everything that training needs.
pub type IrisTrainer = Trainer<Net, Adam, BATCH, { floats::<Net>() }>;

// Weights and the two moments of Adam, the activations of a batch, and at most 512 bytes of anything else.
#[cfg(target_pointer_width = "32")]
const _: () = assert!(IrisTrainer::BYTES <= 3 * IrisTrainer::NETWORK_BYTES + 4 * BATCH * (16 + 3) + 512);

/// 120 training samples, read where they lie.
pub static TRAIN: Dataset<'static, [f32; 4], u8> = Dataset::from_arrays(&TRAIN_INPUTS, &TRAIN_LABELS);
/// 30 test samples: every fifth row of the file.
pub static TEST: Dataset<'static, [f32; 4], u8> = Dataset::from_arrays(&TEST_INPUTS, &TEST_LABELS);

/// Learning rate.
pub const LEARNING_RATE: f32 = 0.01;
/// Seed of the initial weights and of the order of the samples.
pub const SEED: u64 = 1;
/// Times through the training set.
pub const EPOCHS: u32 = 60;

/// What a training run reports on the way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Epochs finished.
    pub epoch: u32,
    /// Loss over the training set.
    pub loss: f32,
    /// Training samples that are right.
    pub train_right: usize,
    /// Test samples that are right.
    pub test_right: usize,
}

/// Trains from scratch; reports after the first epoch and then every tenth, and returns the last report.
///
/// # Errors
/// None with these data; a [`StepError`] is passed on.
#[inline(never)] // so that `cargo xtask size` can tell training from printing
pub fn train(
    trainer: &mut IrisTrainer,
    order: &mut Order<120>,
    mut report: impl FnMut(Progress),
) -> Result<Progress, StepError> {
    let mut generator = Pcg32::new(SEED, 0);
    trainer.network.initialize(HeUniform, &mut generator);
    let mut optimizer = Adam::new(LEARNING_RATE);
    let mut progress = Progress { epoch: 0, loss: f32::NAN, train_right: 0, test_right: 0 };
    for epoch in 1..=EPOCHS {
        order.shuffle(&mut generator);
        for batch in TRAIN.batches(&*order, BATCH)? {
            step(trainer, &batch, &mut optimizer)?;
        }
        if epoch == 1 || epoch.is_multiple_of(10) {
            progress = evaluate(trainer, epoch)?;
            report(progress);
        }
    }
    Ok(progress)
}

/// One step on a batch.
///
/// # Errors
/// As [`train`].
#[inline(never)] // so that its stack can be measured
pub fn step(
    trainer: &mut IrisTrainer,
    batch: &Batch<'_, '_, [f32; 4], u8, u16>,
    optimizer: &mut Adam,
) -> Result<f32, StepError> {
    trainer.step(batch, CrossEntropy, optimizer)
}

fn evaluate(trainer: &mut IrisTrainer, epoch: u32) -> Result<Progress, StepError> {
    let train = trainer.evaluate(&TRAIN, CrossEntropy, 1)?;
    let test = trainer.evaluate(&TEST, CrossEntropy, 1)?;
    Ok(Progress { epoch, loss: train.loss, train_right: train.correct, test_right: test.correct })
}

/// Predictions for the test set by class.
///
/// # Errors
/// As [`train`].
pub fn confusion(trainer: &mut IrisTrainer) -> Result<ConfusionMatrix<3>, StepError> {
    let mut matrix = ConfusionMatrix::NEW;
    trainer.confusion_matrix(&TEST, &mut matrix)?;
    Ok(matrix)
}

/// A flower's four measures in cm as the network wants them: less the mean, divided by the deviation, of the training set.
pub fn standardise(mut flower: [f32; 4]) -> [f32; 4] {
    for (x, (mean, deviation)) in flower.iter_mut().zip(MEAN.iter().zip(DEVIATION)) {
        *x = (*x - mean) / deviation;
    }
    flower
}
