//! What can go wrong in a step.

use core::fmt;

use crate::data::DataError;
use crate::layer::NonFinite;
use crate::loss::TargetError;
use crate::setting::{Domain, SettingError};

/// Why a batch was refused. Samples are counted within the batch, layers from 0 at the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StepError {
    /// The batch has no samples.
    NoSamples,
    /// The batch has more samples than the workspace, or a mean goes over more than a sum in `f32` can take.
    TooManySamples {
        /// Samples of the batch, or of the mean.
        samples: usize,
        /// How many it may be.
        capacity: usize,
    },
    /// The batch has no such sample, though its length says that it has.
    MissingSample {
        /// The sample.
        sample: usize,
    },
    /// A class label is not below the number of outputs.
    LabelOutOfRange {
        /// The sample.
        sample: usize,
        /// Its label.
        label: usize,
        /// Number of outputs.
        classes: usize,
    },
    /// An input is infinite or NaN.
    NonFiniteInput {
        /// The sample.
        sample: usize,
    },
    /// A target is infinite or NaN.
    NonFiniteTarget {
        /// The sample.
        sample: usize,
    },
    /// A target is finite, but not one that the loss takes: no probability, for a loss on probabilities.
    TargetOutOfRange {
        /// The sample.
        sample: usize,
        /// What a target must be.
        domain: Domain,
    },
    /// With finite inputs, a pre-activation is infinite or NaN: training has diverged, or the weights were bad.
    ///
    /// The remedy for divergence is a smaller learning rate, and the last good weights.
    NonFinitePreActivation {
        /// The first layer where it shows.
        layer: usize,
    },
    /// With finite outputs, the loss is infinite or NaN: the outputs are far too large, or a loss of one's own has settings that make no sense.
    NonFiniteLoss,
    /// The gradient at the output, or a stored gradient, is infinite or NaN.
    NonFiniteGradient,
    /// A parameter or a slot of the optimizer is infinite or NaN, or the state of a layer is outside of its domain, as a negative variance is.
    NonFiniteState,
    /// No gradient has been stored since the last restart.
    NoGradient,
    /// Every layer was to be frozen, so none is left to train.
    AllFrozen {
        /// Number of layers.
        layers: usize,
    },
    /// A setting of the loss, of the optimizer or of the call is outside of its domain; see [`setting`](crate::setting).
    Setting(SettingError),
    /// The data set, or the order of its samples, is unsound.
    Data(DataError),
}

/// So that `?` takes both in a training loop.
impl From<DataError> for StepError {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}

impl From<SettingError> for StepError {
    fn from(error: SettingError) -> Self {
        Self::Setting(error)
    }
}

impl From<NonFinite> for StepError {
    fn from(error: NonFinite) -> Self {
        Self::NonFinitePreActivation { layer: error.layer }
    }
}

impl StepError {
    pub(super) const fn target(sample: usize, error: TargetError) -> Self {
        match error {
            TargetError::LabelOutOfRange { label, classes } => Self::LabelOutOfRange { sample, label, classes },
            TargetError::NonFinite => Self::NonFiniteTarget { sample },
            TargetError::OutOfRange { domain } => Self::TargetOutOfRange { sample, domain },
        }
    }
}

impl StepError {
    /// The same as seen from a batch that has `samples` samples in front.
    pub(super) const fn behind(self, samples: usize) -> Self {
        match self {
            Self::NonFiniteInput { sample } => Self::NonFiniteInput { sample: sample.saturating_add(samples) },
            Self::NonFiniteTarget { sample } => Self::NonFiniteTarget { sample: sample.saturating_add(samples) },
            Self::TargetOutOfRange { sample, domain } => {
                Self::TargetOutOfRange { sample: sample.saturating_add(samples), domain }
            }
            Self::MissingSample { sample } => Self::MissingSample { sample: sample.saturating_add(samples) },
            Self::LabelOutOfRange { sample, label, classes } => {
                Self::LabelOutOfRange { sample: sample.saturating_add(samples), label, classes }
            }
            other => other,
        }
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoSamples => write!(f, "the batch has no samples"),
            Self::TooManySamples { samples, capacity } => {
                write!(f, "{samples} samples; at most {capacity} are allowed")
            }
            Self::MissingSample { sample } => write!(f, "sample {sample} is missing, though the length counts it"),
            Self::LabelOutOfRange { sample, label, classes } => {
                write!(f, "sample {sample} has label {label}, but the network has {classes} outputs")
            }
            Self::NonFiniteInput { sample } => write!(f, "an input of sample {sample} is infinite or NaN"),
            Self::NonFiniteTarget { sample } => write!(f, "a target of sample {sample} is infinite or NaN"),
            Self::TargetOutOfRange { sample, domain } => write!(f, "a target of sample {sample} must be {domain}"),
            Self::NonFinitePreActivation { layer } => {
                write!(f, "a pre-activation of layer {layer} is infinite or NaN: diverged, or bad weights")
            }
            Self::NonFiniteLoss => write!(f, "the loss is infinite or NaN: the outputs are far too large"),
            Self::NonFiniteGradient => write!(f, "a gradient is infinite or NaN"),
            Self::NonFiniteState => write!(
                f,
                "a parameter, a slot of the optimizer or the state of a layer is infinite, NaN or outside of its domain"
            ),
            Self::NoGradient => write!(f, "no gradient has been accumulated"),
            Self::AllFrozen { layers } => write!(f, "all {layers} layers are frozen, so none is left to train"),
            Self::Setting(error) => error.fmt(f),
            Self::Data(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StepError {}
