//! Losses on values, output by output: squared, absolute and Huber errors.

// `if` alone leaves the compiler free to branch on the data.
use core::hint::select_unpredictable as select;

use super::{Loss, TargetError, check_values};
use crate::activation::Activation;
use crate::setting::{Domain, SettingError};
use crate::shape::{Features, Shape};

/// By what the sum over all outputs of all samples is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reduction {
    /// By nothing.
    Sum,
    /// By the number of samples `B`.
    MeanOverSamples,
    /// By the number of samples times outputs, `B·N`: the mean of PyTorch and Keras.
    Mean,
}

/// A loss that is a sum of one term for each output: a few lines make one of your own.
///
/// Whatever implements it is a [`Loss`] for networks of any last activation, with a target value for each output.
///
/// # Order and rounding
/// Value: the terms of a sample added in order, from the first; the samples' sums in order; then one division by the
/// reduction's divisor. Delta: `(derivative · scale) · g'`, with `scale = 1 / divisor` rounded once (1 for a sum).
pub trait Pointwise {
    /// By what the sum is divided.
    const REDUCTION: Reduction;

    /// The term of one output.
    fn term(&self, output: f32, target: f32) -> f32;

    /// Its derivative with respect to the output.
    fn derivative(&self, output: f32, target: f32) -> f32;

    /// As [`Loss::check_settings`], for a loss that has settings.
    ///
    /// # Errors
    /// The first setting that is outside of its domain.
    fn check_settings(&self) -> Result<(), SettingError> {
        Ok(())
    }
}

/// Mean squared error: `1/(B·N) · Σ_samples Σ_outputs (a - t)²`, the mean over samples *and* outputs.
///
/// # Order and rounding
/// As [`Pointwise`]: the difference, its square; the gradient is `2·(a - t)`.
///
/// # Source
/// As PyTorch's `MSELoss` and Keras's `MeanSquaredError` with their default mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "MSELoss")]
#[doc(alias = "MSE")]
pub struct MeanSquaredError;

impl Pointwise for MeanSquaredError {
    const REDUCTION: Reduction = Reduction::Mean;

    #[inline(always)]
    fn term(&self, output: f32, target: f32) -> f32 {
        (output - target) * (output - target)
    }

    #[inline(always)]
    fn derivative(&self, output: f32, target: f32) -> f32 {
        2.0 * (output - target)
    }
}

/// Sum of squares: `Σ_samples Σ_outputs (a - t)²`, no mean and no half.
///
/// # Order and rounding
/// As [`MeanSquaredError`] without the division.
///
/// # Source
/// As PyTorch's `MSELoss(reduction="sum")`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SumOfSquares;

impl Pointwise for SumOfSquares {
    const REDUCTION: Reduction = Reduction::Sum;

    #[inline(always)]
    fn term(&self, output: f32, target: f32) -> f32 {
        MeanSquaredError.term(output, target)
    }

    #[inline(always)]
    fn derivative(&self, output: f32, target: f32) -> f32 {
        MeanSquaredError.derivative(output, target)
    }
}

/// Half mean squared error: `1/(2·B) · Σ_samples Σ_outputs (a - t)²`, the mean over samples alone, so that the gradient is the
/// error itself, `(a - t)/B`: the cost of linear regression in many texts.
///
/// # Order and rounding
/// As [`Pointwise`]: the difference, its square, half of it (which is exact).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HalfMeanSquaredError;

impl Pointwise for HalfMeanSquaredError {
    const REDUCTION: Reduction = Reduction::MeanOverSamples;

    #[inline(always)]
    fn term(&self, output: f32, target: f32) -> f32 {
        0.5 * ((output - target) * (output - target))
    }

    #[inline(always)]
    fn derivative(&self, output: f32, target: f32) -> f32 {
        output - target
    }
}

/// Mean absolute error: `1/(B·N) · Σ_samples Σ_outputs |a - t|`, the mean over samples and outputs.
///
/// The gradient is the sign of `a - t`, 0 where they are equal.
///
/// # Source
/// As PyTorch's `L1Loss` and Keras's `MeanAbsoluteError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "L1Loss")]
#[doc(alias = "MAE")]
pub struct MeanAbsoluteError;

impl Pointwise for MeanAbsoluteError {
    const REDUCTION: Reduction = Reduction::Mean;

    #[inline(always)]
    fn term(&self, output: f32, target: f32) -> f32 {
        (output - target).abs()
    }

    #[inline(always)]
    fn derivative(&self, output: f32, target: f32) -> f32 {
        sign(output - target)
    }
}

/// Huber's loss: `½·e²` for `|e| ≤ δ`, else `δ·(|e| - ½·δ)`, with `e = a - t`; the mean over samples and outputs.
///
/// The gradient is `e`, or `δ` times its sign.
///
/// # Order and rounding
/// `½·(e·e)`; `δ·(|e| - ½·δ)`. Both are computed, and one is taken.
///
/// # Source
/// Huber, *Robust Estimation of a Location Parameter*, 1964; as PyTorch's `HuberLoss` and Keras's `Huber`, with their `δ` of 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "HuberLoss")]
#[doc(alias = "SmoothL1Loss")]
pub struct Huber {
    /// Where the square turns into a straight line, `δ`; finite and above 0.
    pub delta: f32,
}

impl Default for Huber {
    fn default() -> Self {
        Self { delta: 1.0 }
    }
}

impl Pointwise for Huber {
    const REDUCTION: Reduction = Reduction::Mean;

    #[inline(always)]
    fn term(&self, output: f32, target: f32) -> f32 {
        let error = output - target;
        let square = 0.5 * (error * error);
        let line = self.delta * (error.abs() - 0.5 * self.delta);
        select(error.abs() > self.delta, line, square)
    }

    #[inline(always)]
    fn derivative(&self, output: f32, target: f32) -> f32 {
        let error = output - target;
        let line = self.delta * sign(error);
        select(error.abs() > self.delta, line, error)
    }

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::Positive.check("delta", self.delta)
    }
}

/// 1, -1, or the value itself if it is ±0 or NaN.
#[inline(always)]
fn sign(x: f32) -> f32 {
    select(x < 0.0, -1.0, select(x > 0.0, 1.0, x))
}

// Not recommended, or the message about a loss that doesn't fit would speak of `Pointwise`.
#[diagnostic::do_not_recommend]
impl<P: Pointwise, const N: usize, A: Activation> Loss<Features<N>, A, [f32; N]> for P {
    fn check(&self, target: &[f32; N]) -> Result<(), TargetError> {
        check_values(target, Domain::Finite)
    }

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Pointwise::check_settings(self)
    }

    fn scale(&self, samples: usize) -> f32 {
        match P::REDUCTION {
            Reduction::Sum => 1.0,
            Reduction::MeanOverSamples => 1.0 / samples as f32,
            Reduction::Mean => 1.0 / elements::<Features<N>>(samples),
        }
    }

    fn value(&self, output: &[f32; N], target: &[f32; N]) -> f32 {
        let mut terms = output.iter().zip(target).map(|(a, t)| self.term(*a, *t));
        let first = terms.next().unwrap_or(0.0);
        terms.fold(first, |sum, term| sum + term)
    }

    fn value_and_delta(&self, output: &mut [f32; N], target: &[f32; N], scale: f32) -> f32 {
        let value = Loss::<Features<N>, A, [f32; N]>::value(self, output, target);
        for (a, t) in output.iter_mut().zip(target) {
            *a = A::backward(self.derivative(*a, *t) * scale, *a);
        }
        value
    }

    fn total(&self, sum: f32, samples: usize) -> f32 {
        match P::REDUCTION {
            Reduction::Sum => sum,
            Reduction::MeanOverSamples => sum / samples as f32,
            Reduction::Mean => sum / elements::<Features<N>>(samples),
        }
    }
}

/// Number of output values of a batch, exact in `f32` up to 2²⁴.
pub(super) fn elements<S: Shape>(samples: usize) -> f32 {
    // In 64 bits, so that it does not stand still where addresses are narrow.
    (samples as u64).saturating_mul(S::SIZE as u64) as f32
}
