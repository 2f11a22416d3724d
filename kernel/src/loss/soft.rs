//! Cross-entropy with probabilities as targets: soft labels, distillation, label smoothing.

// `if` alone leaves the compiler free to branch on the data.
use core::hint::select_unpredictable as select;

use super::{CrossEntropy, Loss, TargetError, check_values};
use crate::activation::Identity;
use crate::data::Index;
use crate::matrix::softmax;
use crate::scalar;
use crate::setting::{Domain, SettingError};
use crate::shape::Features;

/// Softmax and cross-entropy with a probability for each class: `1/B · Σ_samples Σ_k t[k]·(ln Σ_j exp z[j] - z[k])`, the mean over the samples.
///
/// Takes logits: the last layer has no activation. A target is a row of `N` probabilities, `[f32; N]`; of one class with certainty it
/// is [`CrossEntropy`], with the same bits.
///
/// To distil a large network into a small one, the targets are what the large one gives by softmax, of logits that were divided by a temperature
/// above 1 so that the small probabilities count (Hinton, Vinyals and Dean, *Distilling the Knowledge in a Neural Network*, 2015). The logits of
/// the small network aren't divided here, so it learns the divided ones:
///
/// ```
/// use baregrad::{Dense, Network, Vector, Zero};
///
/// let teacher = <(Dense<4, 32>, Dense<32, 3>)>::ZERO;
/// let logits = teacher.predict(&[0.5; 4]);
/// let target: [f32; 3] = *Vector::from_rows([logits.as_array().map(|z| z / 4.0)]).softmax().as_array();
/// # assert_eq!(target, [1.0 / 3.0; 3]);
/// ```
///
/// # Order and rounding
/// `max` and the sum as [`softmax`]; the terms `t[k]·(ln(sum) - (z[k] - max))` in order, from 0; the samples' values in order, then one division
/// by `B`. Delta: `(p[k]·total - t[k])·scale` with `p` by [`softmax`], `total` the sum of the row in order, `scale = 1 / B` rounded once.
///
/// # Special values
/// Safe for any finite logits, as [`CrossEntropy`]; the term of a probability of 0 is 0. A row needn't sum to 1: it counts as much as its sum, and a
/// row of zeros not at all.
///
/// # Errors
/// A step refuses a probability that is negative, infinite or NaN.
///
/// # Differs from PyTorch
/// As `CrossEntropyLoss` with class probabilities, value and gradient, whatever a row sums to. PyTorch takes negative ones too. Keras's
/// `CategoricalCrossentropy(from_logits=True)` has the gradient `p[k] - t[k]`, which is the same if the row sums to 1.
///
/// # Source
/// Goodfellow, Bengio and Courville, *Deep Learning*, 2016, section 6.2.2.3, for a distribution in place of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "CrossEntropyLoss")]
#[doc(alias = "CategoricalCrossentropy")]
#[doc(alias = "distillation")]
pub struct SoftCrossEntropy;

// Not recommended, or the message about a loss that doesn't fit would grow with every loss.
#[diagnostic::do_not_recommend]
impl<const N: usize> Loss<Features<N>, Identity, [f32; N]> for SoftCrossEntropy {
    fn check(&self, target: &[f32; N]) -> Result<(), TargetError> {
        check_values(target, Domain::NonNegative)
    }

    fn scale(&self, samples: usize) -> f32 {
        1.0 / samples as f32
    }

    fn value(&self, output: &[f32; N], target: &[f32; N]) -> f32 {
        let mut logits = *output;
        cross_entropy(&mut logits, target)
    }

    fn value_and_delta(&self, output: &mut [f32; N], target: &[f32; N], scale: f32) -> f32 {
        let value = cross_entropy(output, target);
        let mut total = 0.0;
        for t in target {
            total += t;
        }
        for (p, t) in output.iter_mut().zip(target) {
            *p = (*p * total - t) * scale;
        }
        value
    }

    fn total(&self, sum: f32, samples: usize) -> f32 {
        sum / samples as f32
    }
}

/// Overwrites logits by probabilities; gives `Σ_k t[k]·(ln Σ_j exp z[j] - z[k])`.
fn cross_entropy<const N: usize>(logits: &mut [f32; N], target: &[f32; N]) -> f32 {
    let z = *logits;
    let (max, sum) = softmax(logits);
    let of_sum = scalar::ln(sum);
    let mut value = 0.0;
    for (z, t) in z.iter().zip(target) {
        // The distance of two logits may be infinite.
        value += select(*t == 0.0, 0.0, t * (of_sum - (z - max)));
    }
    value
}

/// [`CrossEntropy`] that believes a label only so far: of the `smoothing` `ε` each class gets an equal share, `t[k] = (1-ε)·y[k] + ε/N`.
///
/// So the logits have no reason to grow for ever, and a wrong label does less harm.
///
/// # Order and rounding
/// `ε / N`; for the label the sum of `1 - ε` and it. Then as [`SoftCrossEntropy`] with this row.
///
/// # Special values
/// With `ε = 0` it is [`CrossEntropy`], with the same bits.
///
/// # Errors
/// A step refuses a label that is out of range, and a smoothing below 0, above 1 or NaN.
///
/// # Source
/// Szegedy et al., *Rethinking the Inception Architecture for Computer Vision*, 2016, section 7, with their `ε` of 0.1 as the default; as
/// PyTorch's `CrossEntropyLoss(label_smoothing=ε)`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "label_smoothing")]
pub struct LabelSmoothing {
    /// What all classes share, `ε`, 0 to 1.
    pub smoothing: f32,
}

impl Default for LabelSmoothing {
    /// The paper's 0.1.
    fn default() -> Self {
        Self { smoothing: 0.1 }
    }
}

impl LabelSmoothing {
    /// The probabilities that a label stands for.
    fn row<const N: usize>(&self, label: usize) -> [f32; N] {
        let share = self.smoothing / N as f32;
        let chosen = (1.0 - self.smoothing) + share;
        let mut row = [share; N];
        for (k, t) in (0..N).zip(&mut row) {
            *t = select(k == label, chosen, share);
        }
        row
    }
}

#[diagnostic::do_not_recommend]
impl<const N: usize, T: Index> Loss<Features<N>, Identity, T> for LabelSmoothing {
    fn check(&self, target: &T) -> Result<(), TargetError> {
        Loss::<Features<N>, Identity, T>::check(&CrossEntropy, target)
    }

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::UpToOne.check("smoothing", self.smoothing)
    }

    fn scale(&self, samples: usize) -> f32 {
        1.0 / samples as f32
    }

    fn value(&self, output: &[f32; N], target: &T) -> f32 {
        SoftCrossEntropy.value(output, &self.row(target.index()))
    }

    fn value_and_delta(&self, output: &mut [f32; N], target: &T, scale: f32) -> f32 {
        SoftCrossEntropy.value_and_delta(output, &self.row(target.index()), scale)
    }

    fn total(&self, sum: f32, samples: usize) -> f32 {
        sum / samples as f32
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)] // A wrong index fails the test.
mod tests {
    use super::{CrossEntropy, Domain, Features, Identity, LabelSmoothing, Loss, SoftCrossEntropy, TargetError};
    use crate::data::Dataset;
    use crate::train::{Gradients, StepError, Trainer};
    use crate::zero::Zero;
    use crate::{Dense, Sgd, floats};

    const LOGITS: [f32; 3] = [0.5, -1.25, 2.0];

    /// Value and delta of these logits, the value alone being the same.
    fn of<T>(loss: impl Loss<Features<3>, Identity, T>, target: T) -> (f32, [f32; 3]) {
        let mut delta = LOGITS;
        let value = loss.value_and_delta(&mut delta, &target, 0.25);
        assert_eq!(value.to_bits(), loss.value(&LOGITS, &target).to_bits());
        (value, delta)
    }

    #[test]
    fn certainty_is_a_label() {
        for (label, row) in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].into_iter().enumerate() {
            assert_eq!(of(SoftCrossEntropy, row), of(CrossEntropy, label));
            assert_eq!(of(LabelSmoothing { smoothing: 0.0 }, label), of(CrossEntropy, label));
        }
    }

    #[test]
    fn a_row_counts_as_much_as_its_sum() {
        let (value, delta) = of(SoftCrossEntropy, [0.625, 0.25, 0.125]);
        assert_eq!(of(SoftCrossEntropy, [1.25, 0.5, 0.25]), (2.0 * value, delta.map(|delta| 2.0 * delta)));
        assert_eq!(of(SoftCrossEntropy, [0.0; 3]), (0.0, [0.0; 3]));
        assert!(delta.iter().sum::<f32>().abs() < 1e-7, "of probabilities, all deltas together are 0: {delta:?}");
    }

    #[test]
    fn smoothing_shares_with_all_classes() {
        let quarter = LabelSmoothing { smoothing: 0.75 };
        assert_eq!(of(quarter, 1u8), of(SoftCrossEntropy, [0.25, 0.5, 0.25]));
        assert_eq!(of(LabelSmoothing::default(), 1u8), of(LabelSmoothing { smoothing: 0.1 }, 1u8));
        // All classes alike: the label does not matter any more.
        assert_eq!(of(LabelSmoothing { smoothing: 1.0 }, 0u8), of(LabelSmoothing { smoothing: 1.0 }, 2u8));
    }

    #[test]
    fn a_distance_beyond_all_numbers_is_only_seen_where_it_counts() {
        let apart = [3e38, -3e38];
        assert_eq!(SoftCrossEntropy.value(&apart, &[1.0, 0.0]), 0.0);
        assert_eq!(SoftCrossEntropy.value(&apart, &[0.5, 0.5]), f32::INFINITY);
    }

    #[test]
    fn what_is_no_probability_is_refused_with_its_sample() {
        type Net = Dense<2, 3>;
        let domain = Domain::NonNegative;
        let check = |row: [f32; 3]| SoftCrossEntropy.check(&row);
        assert_eq!([check([0.0, -0.0, 7.0]), check([f32::MIN_POSITIVE; 3])], [Ok(()); 2]);
        for (bad, of_target, of_step) in [
            (-1e-9, TargetError::OutOfRange { domain }, StepError::TargetOutOfRange { sample: 1, domain }),
            (f32::NAN, TargetError::NonFinite, StepError::NonFiniteTarget { sample: 1 }),
            (f32::INFINITY, TargetError::NonFinite, StepError::NonFiniteTarget { sample: 1 }),
            (f32::NEG_INFINITY, TargetError::NonFinite, StepError::NonFiniteTarget { sample: 1 }),
        ] {
            for place in 0..3 {
                let mut targets = [[0.25; 3]; 2];
                targets[1][place] = bad;
                assert_eq!(check(targets[1]), Err(of_target));
                let mut trainer = Trainer::<Net, Sgd, 2, { floats::<Net>() }>::NEW;
                let data = Dataset::from_arrays(&[[1.0; 2]; 2], &targets);
                assert_eq!(trainer.step(&data, SoftCrossEntropy, &mut Sgd::new(0.1)), Err(of_step));
                assert_eq!(trainer.network, Net::ZERO);
                // Batch by batch, each of one sample, but counted over all.
                let mut by_one = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
                let mut gradients = Gradients::<Net>::ZERO;
                assert_eq!(by_one.accumulate_all(&mut gradients, &data, SoftCrossEntropy), Err(of_step));
            }
        }
        let refused = Loss::<Features<3>, Identity, u8>::check(&LabelSmoothing::default(), &3);
        assert_eq!(refused, Err(TargetError::LabelOutOfRange { label: 3, classes: 3 }));
    }

    #[test]
    fn errors_read_as_sentences() {
        extern crate std;
        use std::string::ToString;
        let domain = Domain::NonNegative;
        assert_eq!(TargetError::OutOfRange { domain }.to_string(), "target must be finite and at least 0");
        let error = StepError::TargetOutOfRange { sample: 4, domain };
        assert_eq!(error.to_string(), "a target of sample 4 must be finite and at least 0");
    }
}
