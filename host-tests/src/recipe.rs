//! How the networks whose accuracies stand beside a reference are trained: softmax and cross-entropy, a new order each epoch, the last short batch
//! kept, no weight decay.

use baregrad::optimizer::Optimizer;
use baregrad::schedule::{Cosine, Schedule};
use baregrad::shape::{Features, SampleOf};
use baregrad::{CrossEntropy, Dataset, Identity, Network, Sgd, SgdMomentum, StepError, Trainer};
use rand_core::Rng;
use rand_pcg::Pcg32;

use crate::textbook::shuffle;

/// The learning rate.
#[derive(Clone, Copy, Debug)]
pub enum Rate {
    /// The same at every step.
    Constant(f32),
    /// From this one down to 0 along half a cosine, step by step.
    Cosine(f32),
}

/// An optimizer of no setting but its rate.
pub trait Rule: Optimizer {
    /// With this rate.
    fn at(rate: f32) -> Self;
    /// The rate, to change.
    fn rate(&mut self) -> &mut f32;
}

impl Rule for Sgd {
    fn at(rate: f32) -> Self {
        Self::new(rate)
    }

    fn rate(&mut self) -> &mut f32 {
        &mut self.learning_rate
    }
}

impl Rule for SgdMomentum {
    fn at(rate: f32) -> Self {
        Self::new(rate)
    }

    fn rate(&mut self) -> &mut f32 {
        &mut self.learning_rate
    }
}

/// Trains in batches of `B`.
///
/// # Errors
/// As a step's; none with sound data.
pub fn train<N, O: Rule, const B: usize, const FLOATS: usize>(
    trainer: &mut Trainer<N, O, B, FLOATS>,
    data: &Dataset<'_, SampleOf<N::In>, u8>,
    rate: Rate,
    epochs: u32,
    generator: &mut Pcg32,
) -> Result<(), StepError>
where
    N: Network<Out = Features<10>, Activation = Identity>,
{
    let samples = data.inputs().len();
    let steps = epochs * samples.div_ceil(B) as u32;
    let (mut rule, mut step) = (O::at(0.0), 0);
    let mut order: Vec<u16> = (0..samples).map(|sample| u16::try_from(sample).expect("at most 65,536")).collect();
    for _ in 0..epochs {
        shuffle(&mut order, || generator.next_u32());
        for batch in data.batches::<u16>(order.as_slice(), B)? {
            *rule.rate() = match rate {
                Rate::Constant(rate) => rate,
                Rate::Cosine(peak) => Cosine { learning_rate: peak, floor: 0.0, warm_up: 0, steps }.learning_rate(step),
            };
            trainer.step(&batch, CrossEntropy, &mut rule)?;
            step += 1;
        }
    }
    Ok(())
}

/// Percent of a test set that a network gets right.
///
/// # Errors
/// As a step's.
pub fn accuracy<N, O: Optimizer, const B: usize, const FLOATS: usize>(
    trainer: &mut Trainer<N, O, B, FLOATS>,
    test: &Dataset<'_, SampleOf<N::In>, u8>,
) -> Result<f64, StepError>
where
    N: Network<Out = Features<10>, Activation = Identity>,
{
    let found = trainer.evaluate(test, CrossEntropy, 1)?;
    Ok(100.0 * found.correct as f64 / test.inputs().len() as f64)
}

/// What `train` gives for seeds 0 to 4, each in a thread of its own.
pub fn five_seeds<T: Send>(train: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let train = &train;
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..5).map(|seed| scope.spawn(move || train(seed))).collect();
        runs.into_iter().map(|run| run.join().expect("a training")).collect()
    })
}

/// Prints the mean of some runs beside the reference, and says whether it is at least the limit.
#[must_use]
pub fn reaches(what: &str, reference: f64, least: f64, runs: &[f64]) -> bool {
    let mean = runs.iter().sum::<f64>() / runs.len() as f64;
    println!("{what}: {mean:.2} (reference {reference:.2}, limit {least:.2}); by run {runs:.2?}");
    mean >= least
}
