//! Networks of MLPerf Tiny that go on learning from their published weights, all of their parameters, in 262,144 bytes of RAM.
//!
//! They learn three kinds of patterns, which a seeded generator makes while the program is compiled: they lie in flash, because the RAM has no room for
//! one of them beside the training.

use baregrad::layer::Tensors;
use baregrad::shape::{Features, SampleOf};
use baregrad::{CrossEntropy, Dataset, Identity, Network, Sgd, StepError, Trainer};

use crate::mlperf_tiny::Example;

/// A network with what it learns.
pub trait Lesson<const CLASSES: usize>: Network<Out = Features<CLASSES>, Activation = Identity> + 'static {
    /// The network with the published weights, which has the same tensors.
    type Published: Example;

    /// The name of its final weights in `expected.txt`.
    const TRAINED: &'static str;
    /// Learning rate.
    const LEARNING_RATE: f32;
    /// Times through the training set.
    const EPOCHS: u32;
    /// The patterns to learn, a kind after the other: a step for each in an epoch.
    const TRAIN: Patterns<Self>;
    /// Patterns of another seed.
    const TEST: Patterns<Self>;
}

/// Patterns with their kinds.
pub type Patterns<N> = Dataset<'static, SampleOf<<N as Network>::In>, u8>;

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
pub fn train<N: Lesson<CLASSES>, const CLASSES: usize, const FLOATS: usize>(
    trainer: &mut Trainer<N, Sgd, 1, FLOATS>,
    mut report: impl FnMut(Progress),
) -> Result<Progress, StepError> {
    begin(&mut trainer.network);
    let mut progress = tested(trainer, 0)?;
    report(progress);
    for epoch in 1..=N::EPOCHS {
        for sample in N::TRAIN.chunks(1)? {
            step(trainer, &sample)?;
        }
        progress = tested(trainer, epoch)?;
        report(progress);
    }
    Ok(progress)
}

/// The published weights.
pub fn begin<N: Lesson<CLASSES>, const CLASSES: usize>(network: &mut N) {
    const { assert!(N::FINGERPRINT == <N::Published as baregrad::Parameters>::FINGERPRINT, "another network") };
    for index in 0..N::COUNT {
        network.tensor_mut(index).copy_from_slice(N::Published::NETWORK.tensor(index));
    }
}

/// One step on one sample.
///
/// # Errors
/// As [`train`].
#[inline(never)] // so that its stack can be measured
pub fn step<N: Lesson<CLASSES>, const CLASSES: usize, const FLOATS: usize>(
    trainer: &mut Trainer<N, Sgd, 1, FLOATS>,
    sample: &Dataset<'_, SampleOf<N::In>, u8>,
) -> Result<f32, StepError> {
    trainer.step(sample, CrossEntropy, &mut Sgd::new(N::LEARNING_RATE))
}

fn tested<N: Lesson<CLASSES>, const CLASSES: usize, const FLOATS: usize>(
    trainer: &mut Trainer<N, Sgd, 1, FLOATS>,
    epoch: u32,
) -> Result<Progress, StepError> {
    let tested = trainer.evaluate(&N::TEST, CrossEntropy, 1)?;
    Ok(Progress { epoch, loss: tested.loss, right: tested.correct })
}

/// One kind after the other.
pub(crate) const fn kinds<const N: usize>() -> [u8; N] {
    let (mut kinds, mut index) = ([0; N], 0);
    while index < N {
        kinds[index] = (index % 3) as u8;
        index += 1;
    }
    kinds
}

/// In each a tone rises (kind 0), falls (1) or stays (2), beginning at one of `FILTERS / 5` filters, amid noise. Values are 0 to 0.94.
pub(crate) const fn patterns<const N: usize, const FILTERS: usize, const MOMENTS: usize>(
    seed: u32,
) -> [[[f32; FILTERS]; MOMENTS]; N] {
    let (mut patterns, mut word, mut index) = ([[[0.0; FILTERS]; MOMENTS]; N], seed, 0);
    let fifth = FILTERS / 5;
    while index < N {
        word = next(word);
        let begins = ((word >> 16) as usize * fifth) >> 16;
        let mut moment = 0;
        while moment < MOMENTS {
            let way = moment * FILTERS / (2 * MOMENTS);
            let tone = match index % 3 {
                0 => fifth + begins + way,
                1 => 4 * fifth - 1 - begins - way,
                _ => 2 * fifth + begins,
            };
            let mut filter = 0;
            while filter < FILTERS {
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
