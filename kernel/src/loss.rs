//! Losses: value and gradient next to each other.
//!
//! A loss sees the output of one sample and its target. It gives the sample's share of the loss, and overwrites the output by
//! `delta`, the gradient of the loss with respect to the *pre-activations* of the last layer. Losses that take logits only go
//! with a last layer without activation; anything else does not compile.
//!
//! | loss | target | takes | known elsewhere as |
//! | --- | --- | --- | --- |
//! | [`MeanSquaredError`] | a value for each output | any output | `MSELoss`, Keras `MeanSquaredError` |
//! | [`HalfMeanSquaredError`] | a value for each output | any output | the cost of many texts |
//! | [`SumOfSquares`] | a value for each output | any output | `MSELoss(reduction="sum")` |
//! | [`MeanAbsoluteError`] | a value for each output | any output | `L1Loss`, Keras `MeanAbsoluteError` |
//! | [`Huber`] | a value for each output | any output | `HuberLoss`, Keras `Huber` |
//! | [`BinaryCrossEntropy`] | a probability for each output | logits | `BCEWithLogitsLoss` |
//! | [`CrossEntropy`] | a label | logits | `CrossEntropyLoss`, Keras `SparseCategoricalCrossentropy` |
//! | [`WeightedCrossEntropy`] | a label | logits | `CrossEntropyLoss(weight=…)`, with another divisor |
//! | [`SoftCrossEntropy`] | a probability for each class | logits | `CrossEntropyLoss` with class probabilities |
//! | [`LabelSmoothing`] | a label | logits | `CrossEntropyLoss(label_smoothing=…)` |
//! | [`OneHot`] | a label | as the loss within | `one_hot` in front of a loss |
//!
//! Which values settings and targets may have is in the tables of [`setting`](crate::setting).

mod classification;
mod regression;
mod soft;

pub use all::*;
pub use regression::{Pointwise, Reduction};

use core::fmt;

use crate::activation::Activation;
use crate::setting::{Domain, SettingError};
use crate::shape::{ArrayShape, SampleOf};

/// What is at the root of the crate too.
pub(crate) mod all {
    pub use super::classification::{BinaryCrossEntropy, CrossEntropy, OneHot, WeightedCrossEntropy};
    pub use super::regression::{HalfMeanSquaredError, Huber, MeanAbsoluteError, MeanSquaredError, SumOfSquares};
    pub use super::soft::{LabelSmoothing, SoftCrossEntropy};
}

/// What can be wrong with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TargetError {
    /// A class label is not below the number of outputs.
    LabelOutOfRange {
        /// The label.
        label: usize,
        /// Number of outputs.
        classes: usize,
    },
    /// A target value is infinite or NaN.
    NonFinite,
    /// A target value is finite, but not one that the loss takes.
    OutOfRange {
        /// What it must be.
        domain: Domain,
    },
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LabelOutOfRange { label, classes } => {
                write!(f, "label {label} is out of range: the network has {classes} outputs")
            }
            Self::NonFinite => write!(f, "target is infinite or NaN"),
            Self::OutOfRange { domain } => write!(f, "target must be {domain}"),
        }
    }
}

impl core::error::Error for TargetError {}

/// A loss for networks that end in shape `Out` and activation `A`, with targets of type `Target`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not go with targets of type `{Target}` and an output of `{Out}` with activation `{A}`",
    label = "not a loss for this network and these targets",
    note = "`CrossEntropy` takes class labels (`u8`, `u16`, `u32`, `usize`), the other losses one `f32` per output: `[f32; N]` for an output of `Features<N>`",
    note = "cross-entropy losses take logits: let the last layer have no activation (`Dense<IN, OUT>`)"
)]
pub trait Loss<Out: ArrayShape, A: Activation, Target> {
    /// Whether a target is sound.
    ///
    /// # Errors
    /// A label out of range, or a target that is not finite, or not a probability where it must be one.
    fn check(&self, target: &Target) -> Result<(), TargetError>;

    /// Whether each setting of the loss is in its domain.
    ///
    /// Called once per step or evaluation, before anything is changed. A loss around another loss asks that one too. Unless written, every value
    /// is accepted.
    ///
    /// # Errors
    /// The first that is not; see [`setting`](crate::setting).
    fn check_settings(&self) -> Result<(), SettingError> {
        Ok(())
    }

    /// The factor of the gradient for a batch of `samples`: where `1/B` enters.
    fn scale(&self, samples: usize) -> f32;

    /// One sample's share of the loss, before any mean.
    fn value(&self, output: &SampleOf<Out>, target: &Target) -> f32;

    /// The same value; and `output` is overwritten by `delta`.
    fn value_and_delta(&self, output: &mut SampleOf<Out>, target: &Target, scale: f32) -> f32;

    /// The loss of a batch from the sum of its samples' values, added in the order of the samples.
    fn total(&self, sum: f32, samples: usize) -> f32;
}

/// Whether every value of a target is in a domain. It looks at all values of a sound target in the same way.
fn check_values(target: &[f32], domain: Domain) -> Result<(), TargetError> {
    if target.iter().all(|value| domain.contains(*value)) {
        return Ok(());
    }
    let finite = target.iter().all(|value| Domain::Finite.contains(*value));
    Err(if finite { TargetError::OutOfRange { domain } } else { TargetError::NonFinite })
}
