//! Settings and their domains: which values a loss, an optimizer, a clip or an initializer takes, and who refuses the others.
//!
//! A constructor takes any value, so it is `const` and has nothing to report. The first function that would use the value refuses it with a
//! [`SettingError`], before it changes anything: the network, slots, optimizer and gradients are as they were. It looks once per step, not once
//! per parameter.
//!
//! # Settings
//!
//! | setting | domain | refused before | PyTorch |
//! | --- | --- | --- | --- |
//! | `learning_rate` of every optimizer | finite, at least 0 | an update | the same, but infinity is accepted, and NaN by `SGD` |
//! | `momentum` of [`Momentum`], [`SgdMomentum`] | 0 to below 1 | an update | at least 0 |
//! | `momentum` of [`Nesterov`] | 0 to below 1 | an update | above 0 |
//! | `beta1`, `beta2` of [`Adam`], [`AdamW`], [`Lion`] | 0 to below 1 | an update | the same for Adam and AdamW; it has no Lion |
//! | `decay` of [`RmsProp`] | 0 to below 1 | an update | at least 0 (`alpha`) |
//! | `epsilon` of [`Adam`], [`AdamW`], [`AdaGrad`], [`RmsProp`] | finite, above 0 | an update | at least 0 |
//! | `beta1_power`, `beta2_power` of [`Adam`], [`AdamW`] | 0 to 1 | an update | it counts steps |
//! | `weight_decay` of [`AdamW`], [`Lion`], [`WeightDecay`] | finite, at least 0 | an update | at least 0 |
//! | `limit` of [`ClipValue`] | finite, above 0 | an update | not checked |
//! | `limit` of [`clip_norm`] | finite, above 0 | the clip | not checked |
//! | `delta` of [`Huber`] | finite, above 0 | a pass with a loss | above 0 |
//! | `weights` of [`WeightedCrossEntropy`] | finite, at least 0 | a pass with a loss | not checked |
//! | `smoothing` of [`LabelSmoothing`] | 0 to 1 | a pass with a loss | at most 1; below 0 counts as 0 |
//! | `mean_over` of [`accumulate`] | 1 to 2²⁴ - 1, else [`NoSamples`] or [`TooManySamples`] | a pass with a loss | |
//! | `k` of [`evaluate`] | any: 0 counts no sample, and more than the outputs count every one | | |
//! | `threshold` of [`binary_confusion_matrix`] | finite | the evaluation | |
//! | `low`, `high` of [`Uniform`] | finite, `low` at most `high`, and `high - low` finite | see below | the same |
//!
//! An update is [`step`], a step in slices (at its first slice), [`step_frozen`] or [`apply`]. A pass with a loss is any of these but
//! [`apply`], and [`accumulate`], [`accumulate_all`], [`mean_loss`] and [`evaluate`]. [`ClipValue`], [`WeightDecay`], [`AdamW`] and
//! [`OneHot`] also look at the rule or the loss within. An optimizer or a loss of one's own has no domains until it writes `check_settings`.
//!
//! -0 counts as 0. An `epsilon` of 0 is refused because a parameter whose gradients are all 0 would then become 0/0. A learning rate of 0 and
//! a class weight of 0 are accepted: nothing is divided by them, and training stands still where they say so. A setting in its domain may still
//! be a bad choice, such as a learning rate of 1000: [`step`] says what it notices then.
//!
//! [`initialize_with`] reports nothing. With an initializer whose settings are refused, it makes every parameter NaN. Each step, each
//! evaluation, [`predict_in`], [`check`] and each save of a checkpoint refuses such a network. [`Initializer::check_settings`] names the setting.
//!
//! Settings of streams and schedules have their tables in [`streaming`](crate::streaming) and [`schedule`](crate::schedule).
//!
//! # Targets
//!
//! | loss | domain of a target | PyTorch |
//! | --- | --- | --- |
//! | [`BinaryCrossEntropy`] | 0 to 1; labels of -1 and 1 are refused | not checked |
//! | [`SoftCrossEntropy`] | finite, at least 0; a row counts as much as its sum | not checked |
//! | [`CrossEntropy`], [`WeightedCrossEntropy`], [`LabelSmoothing`], [`OneHot`] | a label below the number of outputs | the same, or `ignore_index` |
//! | all others | finite | not checked |
//!
//! All targets of a batch are looked at in a pass with a loss, before anything changes; a step in slices looks at each sample in its first slice.
//! [`binary_confusion_matrix`] takes finite targets.
//!
//! # Source
//! The constructors in `torch/optim`, `huber_loss` and `cross_entropy_loss` in ATen, `clip_grad_norm_` and `clip_grad_value_` of PyTorch.
//!
//! [`Momentum`]: crate::Momentum
//! [`SgdMomentum`]: crate::SgdMomentum
//! [`Nesterov`]: crate::Nesterov
//! [`Adam`]: crate::Adam
//! [`AdamW`]: crate::AdamW
//! [`Lion`]: crate::Lion
//! [`RmsProp`]: crate::RmsProp
//! [`AdaGrad`]: crate::AdaGrad
//! [`WeightDecay`]: crate::WeightDecay
//! [`ClipValue`]: crate::ClipValue
//! [`Huber`]: crate::Huber
//! [`WeightedCrossEntropy`]: crate::WeightedCrossEntropy
//! [`LabelSmoothing`]: crate::LabelSmoothing
//! [`OneHot`]: crate::OneHot
//! [`BinaryCrossEntropy`]: crate::BinaryCrossEntropy
//! [`SoftCrossEntropy`]: crate::SoftCrossEntropy
//! [`CrossEntropy`]: crate::CrossEntropy
//! [`Uniform`]: crate::Uniform
//! [`Initializer::check_settings`]: crate::initializer::Initializer::check_settings
//! [`clip_norm`]: crate::Gradients::clip_norm
//! [`step`]: crate::train::step()
//! [`step_frozen`]: crate::train::step_frozen()
//! [`apply`]: crate::train::apply()
//! [`accumulate`]: crate::train::accumulate()
//! [`accumulate_all`]: crate::train::accumulate_all()
//! [`NoSamples`]: crate::StepError::NoSamples
//! [`TooManySamples`]: crate::StepError::TooManySamples
//! [`mean_loss`]: crate::train::mean_loss()
//! [`evaluate`]: crate::train::evaluate()
//! [`check`]: crate::train::check()
//! [`binary_confusion_matrix`]: crate::train::binary_confusion_matrix()
//! [`initialize_with`]: crate::Network::initialize_with
//! [`predict_in`]: crate::Network::predict_in

use core::fmt;

/// The values that a setting or a target may have. None of them is infinite or NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Domain {
    /// Any finite number.
    Finite,
    /// Finite and at least 0.
    NonNegative,
    /// Finite and above 0.
    Positive,
    /// At least 0 and below 1.
    BelowOne,
    /// At least 0 and at most 1.
    UpToOne,
    /// Above 0 and below 1.
    PositiveBelowOne,
    /// Above 0 and at most 1.
    PositiveUpToOne,
}

/// The bits of infinity, of 1 and of a sign.
const INFINITY: u32 = f32::INFINITY.to_bits();
const ONE: u32 = 1f32.to_bits();
const SIGN: u32 = 1 << 31;

impl Domain {
    /// Whether a value is in it; -0 is where 0 is.
    ///
    /// Numbers that are not negative are ordered as their bits are.
    #[inline(always)]
    pub const fn contains(self, value: f32) -> bool {
        // -0 plus 0 is 0. So each domain is one comparison, and nothing can branch on the zero's sign.
        let bits = (value + 0.0).to_bits();
        match self {
            Self::Finite => bits & !SIGN < INFINITY,
            Self::NonNegative => bits < INFINITY,
            Self::Positive => bits.wrapping_sub(1) < INFINITY - 1,
            Self::BelowOne => bits < ONE,
            Self::UpToOne => bits <= ONE,
            Self::PositiveBelowOne => bits.wrapping_sub(1) < ONE - 1,
            Self::PositiveUpToOne => bits.wrapping_sub(1) < ONE,
        }
    }

    /// Whether a setting is in it, for an implementation of `check_settings`.
    ///
    /// ```
    /// use baregrad::setting::{Domain, SettingError};
    ///
    /// let refused = Domain::BelowOne.check("momentum", 1.0);
    /// assert_eq!(refused, Err(SettingError { setting: "momentum", domain: Domain::BelowOne }));
    /// ```
    ///
    /// # Errors
    /// It is not.
    #[inline(always)]
    pub const fn check(self, setting: &'static str, value: f32) -> Result<(), SettingError> {
        if self.contains(value) { Ok(()) } else { Err(SettingError { setting, domain: self }) }
    }
}

/// What a value must be: "finite and above 0".
impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finite => "finite",
            Self::NonNegative => "finite and at least 0",
            Self::Positive => "finite and above 0",
            Self::BelowOne => "at least 0 and below 1",
            Self::UpToOne => "at least 0 and at most 1",
            Self::PositiveBelowOne => "above 0 and below 1",
            Self::PositiveUpToOne => "above 0 and at most 1",
        })
    }
}

/// A setting is outside of its domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SettingError {
    /// Its name, as the field or the argument has it, or an expression of them.
    pub setting: &'static str,
    /// What it must be.
    pub domain: Domain,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "setting `{}` must be {}", self.setting, self.domain)
    }
}

impl core::error::Error for SettingError {}
