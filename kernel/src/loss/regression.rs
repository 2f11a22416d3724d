//! Losses on values: squared errors.

use super::{Loss, TargetError};
use crate::activation::Activation;
use crate::shape::{Features, Shape};

/// Mean squared error: `1/(B·N) · Σ_samples Σ_outputs (a - t)²`, the mean over samples *and* outputs.
///
/// # Order and rounding
/// Value: per sample the difference, its square, the sum over the outputs in order (from the first square); the samples' sums
/// in order; then one division by `B·N`. Delta: `((a - t)·scale)·g'`, with `scale = 2 / (B·N)` rounded once.
///
/// # Source
/// As PyTorch's `MSELoss` and Keras's `MeanSquaredError` with their default mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeanSquaredError;

/// Sum of squares: `Σ_samples Σ_outputs (a - t)²`, no mean and no half.
///
/// # Order and rounding
/// As [`MeanSquaredError`] without the division; `scale` is 2.
///
/// # Source
/// As PyTorch's `MSELoss(reduction="sum")`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumOfSquares;

impl<const N: usize, A: Activation> Loss<Features<N>, A, [f32; N]> for MeanSquaredError {
    fn check(&self, target: &[f32; N]) -> Result<(), TargetError> {
        check_finite(target)
    }

    fn scale(&self, samples: usize) -> f32 {
        2.0 / elements::<Features<N>>(samples)
    }

    fn value(&self, output: &[f32; N], target: &[f32; N]) -> f32 {
        squares(output, target)
    }

    fn value_and_delta(&self, output: &mut [f32; N], target: &[f32; N], scale: f32) -> f32 {
        squares_and_delta::<A, N>(output, target, scale)
    }

    fn total(&self, sum: f32, samples: usize) -> f32 {
        sum / elements::<Features<N>>(samples)
    }
}

impl<const N: usize, A: Activation> Loss<Features<N>, A, [f32; N]> for SumOfSquares {
    fn check(&self, target: &[f32; N]) -> Result<(), TargetError> {
        check_finite(target)
    }

    fn scale(&self, _samples: usize) -> f32 {
        2.0
    }

    fn value(&self, output: &[f32; N], target: &[f32; N]) -> f32 {
        squares(output, target)
    }

    fn value_and_delta(&self, output: &mut [f32; N], target: &[f32; N], scale: f32) -> f32 {
        squares_and_delta::<A, N>(output, target, scale)
    }

    fn total(&self, sum: f32, _samples: usize) -> f32 {
        sum
    }
}

/// Number of output values of a batch, exact in `f32` up to 2²⁴.
pub(super) fn elements<S: Shape>(samples: usize) -> f32 {
    samples.saturating_mul(S::SIZE) as f32
}

pub(super) fn check_finite(target: &[f32]) -> Result<(), TargetError> {
    if target.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(TargetError::NonFinite) }
}

fn squares<const N: usize>(output: &[f32; N], target: &[f32; N]) -> f32 {
    // From 0.0: adding the first square, which is not negative, is exact.
    let mut sum = 0.0;
    for (a, t) in output.iter().zip(target) {
        let error = a - t;
        sum += error * error;
    }
    sum
}

fn squares_and_delta<A: Activation, const N: usize>(output: &mut [f32; N], target: &[f32; N], scale: f32) -> f32 {
    let mut sum = 0.0;
    for (a, t) in output.iter_mut().zip(target) {
        let error = *a - t;
        sum += error * error;
        *a = A::through(error * scale, *a);
    }
    sum
}
