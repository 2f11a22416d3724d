//! The streaming wake word of MLPerf Tiny goes on learning, all of its 46,883 parameters, in 262,144 bytes of RAM.
//!
//! It learns three kinds of patterns, which a seeded generator makes while the program is compiled: they lie in flash, because the RAM has no room for
//! one of them beside the training.

use baregrad::{CrossEntropy, Dataset, Sgd, StepError, Trainer, floats};

use crate::mlperf_tiny::{Example, WakeWord};

/// Network and workspace: plain gradient descent has no slots.
pub type WakeWordTrainer = Trainer<WakeWord, Sgd, 1, { floats::<WakeWord>() }>;
/// Its samples: 40 filters at each of 30 moments, and the kind.
pub type Patterns = Dataset<'static, Pattern, u8>;
/// One of them.
pub type Pattern = [[f32; 40]; 30];

/// Learning rate: of a few the one that is best on the test patterns. At 0.01 a step meets numbers that are not finite.
pub const LEARNING_RATE: f32 = 0.0003;
/// Times through the training set.
pub const EPOCHS: u32 = 4;

/// The patterns to learn, a kind after the other: a step for each in an epoch.
pub static TRAIN: Patterns = Dataset::from_arrays(&TRAIN_INPUTS, &TRAIN_KINDS);
/// Patterns of another seed.
pub static TEST: Patterns = Dataset::from_arrays(&TEST_INPUTS, &TEST_KINDS);

/// Values of the patterns to learn.
pub static TRAIN_INPUTS: [Pattern; 48] = patterns(1);
/// Their kinds.
pub static TRAIN_KINDS: [u8; 48] = kinds();
/// Values of the test patterns.
pub static TEST_INPUTS: [Pattern; 12] = patterns(2);
/// Their kinds.
pub static TEST_KINDS: [u8; 12] = kinds();

/// What a training run reports: in front of it, and after each epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Epochs finished.
    pub epoch: u32,
    /// Loss over the test patterns.
    pub loss: f32,
    /// Test patterns that are right.
    pub right: usize,
}

/// Trains from the published weights, and returns the last report.
///
/// # Errors
/// None with these data; a [`StepError`] is passed on.
pub fn train(trainer: &mut WakeWordTrainer, mut report: impl FnMut(Progress)) -> Result<Progress, StepError> {
    trainer.network = *WakeWord::NETWORK;
    let mut progress = tested(trainer, 0)?;
    report(progress);
    for epoch in 1..=EPOCHS {
        for sample in TRAIN.chunks(1)? {
            step(trainer, &sample)?;
        }
        progress = tested(trainer, epoch)?;
        report(progress);
    }
    Ok(progress)
}

/// One step on one sample.
///
/// # Errors
/// As [`train`].
#[inline(never)] // so that its stack can be measured
pub fn step(trainer: &mut WakeWordTrainer, sample: &Dataset<'_, Pattern, u8>) -> Result<f32, StepError> {
    trainer.step(sample, CrossEntropy, &mut Sgd::new(LEARNING_RATE))
}

fn tested(trainer: &mut WakeWordTrainer, epoch: u32) -> Result<Progress, StepError> {
    let tested = trainer.evaluate(&TEST, CrossEntropy, 1)?;
    Ok(Progress { epoch, loss: tested.loss, right: tested.correct })
}

/// One kind after the other.
const fn kinds<const N: usize>() -> [u8; N] {
    let (mut kinds, mut index) = ([0; N], 0);
    while index < N {
        kinds[index] = (index % 3) as u8;
        index += 1;
    }
    kinds
}

/// In each a tone rises (kind 0), falls (1) or stays (2), from any of eight filters on, amid noise. Their range is that of the
/// benchmark's inputs, 0 to 0.94.
const fn patterns<const N: usize>(seed: u32) -> [Pattern; N] {
    let (mut patterns, mut word, mut index) = ([[[0.0; 40]; 30]; N], seed, 0);
    while index < N {
        word = next(word);
        let begins = (word >> 29) as usize;
        let mut moment = 0;
        while moment < 30 {
            let tone = match index % 3 {
                0 => 8 + begins + moment * 2 / 3,
                1 => 31 - begins - moment * 2 / 3,
                _ => 16 + begins,
            };
            let mut filter = 0;
            while filter < 40 {
                word = next(word);
                let noise = 0.4 * (word >> 8) as f32 / 16_777_216.0;
                patterns[index][moment][filter] = if filter.abs_diff(tone) <= 1 { 0.54 + noise } else { noise };
                filter += 1;
            }
            moment += 1;
        }
        index += 1;
    }
    patterns
}

/// Numerical Recipes' linear congruential generator.
const fn next(word: u32) -> u32 {
    word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
}
