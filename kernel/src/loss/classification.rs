//! Losses on classes: cross-entropies, taken on logits.

// `if` alone leaves the compiler free to branch on the data.
use core::hint::select_unpredictable as select;

use super::regression::elements;
use super::{Loss, TargetError, check_values};
use crate::activation::{Activation, Identity};
use crate::data::Index;
use crate::matrix::softmax;
use crate::scalar;
use crate::setting::{Domain, SettingError};
use crate::shape::Features;

/// Softmax and cross-entropy with a class label: `1/B · Σ_samples (ln Σ_k exp z[k] - z[label])`, the mean over the samples.
///
/// Takes logits: the last layer has no activation. Labels are class indices in any of `u8`, `u16`, `u32`, `usize`.
///
/// # Order and rounding
/// `max` and the sum as [`softmax`]; value `ln(sum) - (z[label] - max)`; the samples' values in order, then one division by
/// `B`. Delta: `(p[k] - y[k])·scale` with `p` by [`softmax`], `y` 1 at the label and 0 elsewhere, `scale = 1 / B` rounded once.
///
/// # Special values
/// Safe for any finite logits: the largest is taken off before the exponential.
///
/// # Source
/// Goodfellow, Bengio and Courville, *Deep Learning*, 2016, section 6.2.2.3; as PyTorch's `CrossEntropyLoss` and Keras's
/// `SparseCategoricalCrossentropy(from_logits=True)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "CrossEntropyLoss")]
#[doc(alias = "SparseCategoricalCrossentropy")]
#[doc(alias = "softmax")]
pub struct CrossEntropy;

impl<const N: usize, T: Index> Loss<Features<N>, Identity, T> for CrossEntropy {
    fn check(&self, target: &T) -> Result<(), TargetError> {
        check_label::<N>(target.index())
    }

    fn scale(&self, samples: usize) -> f32 {
        1.0 / samples as f32
    }

    fn value(&self, output: &[f32; N], target: &T) -> f32 {
        let mut logits = *output;
        cross_entropy(&mut logits, target.index())
    }

    fn value_and_delta(&self, output: &mut [f32; N], target: &T, scale: f32) -> f32 {
        let label = target.index();
        let value = cross_entropy(output, label);
        for (k, p) in (0..N).zip(output.iter_mut()) {
            let y = select(k == label, 1.0, 0.0);
            *p = (*p - y) * scale;
        }
        value
    }

    fn total(&self, sum: f32, samples: usize) -> f32 {
        sum / samples as f32
    }
}

/// Overwrites logits by probabilities; gives `ln Σ exp z - z[label]`, or NaN without such a label.
fn cross_entropy<const N: usize>(logits: &mut [f32; N], label: usize) -> f32 {
    let chosen = logits.get(label).copied().unwrap_or(f32::NAN);
    let (max, sum) = softmax(logits);
    scalar::ln(sum) - (chosen - max)
}

/// [`CrossEntropy`] with a weight for each class: `1/B · Σ_samples w[label]·(ln Σ_k exp z[k] - z[label])`.
///
/// # Order and rounding
/// As [`CrossEntropy`]; the sample's value is multiplied by `w[label]`, and so is `scale` before it multiplies `p[k] - y[k]`.
///
/// # Differs from PyTorch
/// PyTorch's `CrossEntropyLoss(weight=…)` divides by the sum of the weights of the batch's labels, so that each batch has another
/// divisor. This divides by the number of samples, as Keras does with `class_weight`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "class_weight")]
pub struct WeightedCrossEntropy<const N: usize> {
    /// The weight of each class; finite and at least 0.
    pub weights: [f32; N],
}

impl<const N: usize> WeightedCrossEntropy<N> {
    fn weight(&self, label: usize) -> f32 {
        self.weights.get(label).copied().unwrap_or(f32::NAN)
    }
}

impl<const N: usize, T: Index> Loss<Features<N>, Identity, T> for WeightedCrossEntropy<N> {
    fn check(&self, target: &T) -> Result<(), TargetError> {
        Loss::<Features<N>, Identity, T>::check(&CrossEntropy, target)
    }

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        self.weights.iter().try_for_each(|weight| Domain::NonNegative.check("weights", *weight))
    }

    fn scale(&self, samples: usize) -> f32 {
        1.0 / samples as f32
    }

    fn value(&self, output: &[f32; N], target: &T) -> f32 {
        self.weight(target.index()) * CrossEntropy.value(output, target)
    }

    fn value_and_delta(&self, output: &mut [f32; N], target: &T, scale: f32) -> f32 {
        let weight = self.weight(target.index());
        weight * CrossEntropy.value_and_delta(output, target, weight * scale)
    }

    fn total(&self, sum: f32, samples: usize) -> f32 {
        sum / samples as f32
    }
}

/// A loss on values, given class labels: the target of an output is 1 at the label and 0 elsewhere.
///
/// `OneHot(HalfMeanSquaredError)` trains a classifier by squared errors, as the older texts do.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OneHot<L>(pub L);

impl<const N: usize, A: Activation, T: Index, L: Loss<Features<N>, A, [f32; N]>> Loss<Features<N>, A, T> for OneHot<L> {
    fn check(&self, target: &T) -> Result<(), TargetError> {
        check_label::<N>(target.index())
    }

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        self.0.check_settings()
    }

    fn scale(&self, samples: usize) -> f32 {
        self.0.scale(samples)
    }

    fn value(&self, output: &[f32; N], target: &T) -> f32 {
        self.0.value(output, &one_hot(target.index()))
    }

    fn value_and_delta(&self, output: &mut [f32; N], target: &T, scale: f32) -> f32 {
        self.0.value_and_delta(output, &one_hot(target.index()), scale)
    }

    fn total(&self, sum: f32, samples: usize) -> f32 {
        self.0.total(sum, samples)
    }
}

fn one_hot<const N: usize>(label: usize) -> [f32; N] {
    let mut values = [0.0; N];
    for (k, value) in (0..N).zip(&mut values) {
        *value = select(k == label, 1.0, 0.0);
    }
    values
}

fn check_label<const N: usize>(label: usize) -> Result<(), TargetError> {
    if label < N { Ok(()) } else { Err(TargetError::LabelOutOfRange { label, classes: N }) }
}

/// Sigmoid and binary cross-entropy, each output a yes-or-no of its own:
/// `1/(B·N) · Σ_samples Σ_outputs (max(z, 0) - z·t + ln(1 + exp(-|z|)))`, the mean over samples *and* outputs.
///
/// Takes logits: the last layer has no activation. A target is a probability, 0 to 1; soft targets are allowed.
///
/// # Errors
/// A step refuses a target below 0 or above 1, infinite or NaN. Labels of -1 and 1 must become 0 and 1 first.
///
/// # Order and rounding
/// Value per output: `(max(z, 0) - z·t) + ln_1p(exp(-|z|))` with [`scalar::exp`] and [`scalar::ln_1p`]; the outputs in
/// order (from the first), the samples in order, then one division by `B·N`. Delta: `(sigmoid(z) - t)·scale` with
/// [`scalar::sigmoid`] and `scale = 1 / (B·N)` rounded once.
///
/// # Source
/// As PyTorch's `BCEWithLogitsLoss` and Keras's `BinaryCrossentropy(from_logits=True)`. They take any target; a loss with one outside of 0 to 1 has no
/// lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "BCEWithLogitsLoss")]
#[doc(alias = "BCE")]
pub struct BinaryCrossEntropy;

impl<const N: usize> Loss<Features<N>, Identity, [f32; N]> for BinaryCrossEntropy {
    fn check(&self, target: &[f32; N]) -> Result<(), TargetError> {
        check_values(target, Domain::UpToOne)
    }

    fn scale(&self, samples: usize) -> f32 {
        1.0 / elements::<Features<N>>(samples)
    }

    fn value(&self, output: &[f32; N], target: &[f32; N]) -> f32 {
        let mut sum = 0.0;
        for (z, t) in output.iter().zip(target) {
            sum += binary_cross_entropy(*z, *t);
        }
        sum
    }

    fn value_and_delta(&self, output: &mut [f32; N], target: &[f32; N], scale: f32) -> f32 {
        let mut sum = 0.0;
        for (z, t) in output.iter_mut().zip(target) {
            sum += binary_cross_entropy(*z, *t);
            *z = (scalar::sigmoid(*z) - t) * scale;
        }
        sum
    }

    fn total(&self, sum: f32, samples: usize) -> f32 {
        sum / elements::<Features<N>>(samples)
    }
}

fn binary_cross_entropy(z: f32, t: f32) -> f32 {
    let positive = select(z > 0.0, z, 0.0);
    (positive - z * t) + scalar::ln_1p(scalar::exp(-z.abs()))
}
