//! The range of values.

use super::{NonFiniteValue, check};
use crate::zero::Zero;

/// Least and largest of each of `N` values over all samples so far, and samples scaled by them to 0 … 1.
///
/// # Order and rounding
/// `(x - least) / (largest - least)`; 0 where a value has not varied. What lies beyond the range seen so far comes out beyond 0 … 1, as in scikit-learn's
/// `MinMaxScaler` without `clip`. Comparisons alone decide on the range, so it is exact after any number of samples.
///
/// # Special values
/// NaN gives NaN and an infinity gives one, whether the value has varied or not: the step that gets it sees a dead sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MinMax<const N: usize> {
    least: [f32; N],
    largest: [f32; N],
    /// Whether there has been a sample: infinities would say it too, but a start has only zero bytes.
    observed: bool,
}

impl<const N: usize> Zero for MinMax<N> {
    const ZERO: Self = Self { least: [0.0; N], largest: [0.0; N], observed: false };
}

impl<const N: usize> MinMax<N> {
    /// Of no samples yet, for a `static`.
    pub const NEW: Self = Self::ZERO;

    /// Counts a sample in.
    ///
    /// # Errors
    /// A value is not finite, or its distance from another is not; nothing is changed then.
    pub fn observe(&mut self, sample: &[f32; N]) -> Result<(), NonFiniteValue> {
        check(sample)?;
        if !self.observed {
            *self = Self { least: *sample, largest: *sample, observed: true };
        }
        for (index, ((least, largest), x)) in (0..N).zip(self.least.iter().zip(&self.largest).zip(sample)) {
            if (x - least) == f32::INFINITY || (largest - x) == f32::INFINITY {
                return Err(NonFiniteValue { index });
            }
        }
        for ((least, largest), x) in self.least.iter_mut().zip(&mut self.largest).zip(sample) {
            // By comparison, because `min` and `max` may give either of -0 and 0.
            *least = if *x < *least { *x } else { *least };
            *largest = if *x > *largest { *x } else { *largest };
        }
        Ok(())
    }

    /// The least of each value, or `None` before the first sample.
    pub const fn least(&self) -> Option<&[f32; N]> {
        if self.observed { Some(&self.least) } else { None }
    }

    /// The largest of each value, or `None` before the first sample.
    pub const fn largest(&self) -> Option<&[f32; N]> {
        if self.observed { Some(&self.largest) } else { None }
    }

    /// A sample scaled by the range. Before the first sample nothing has varied.
    pub fn scale(&self, sample: &[f32; N]) -> [f32; N] {
        let mut input = *sample;
        for ((x, least), largest) in input.iter_mut().zip(&self.least).zip(&self.largest) {
            if largest > least {
                *x = (*x - least) / (largest - least);
            } else if x.is_finite() {
                *x = 0.0;
            }
        }
        input
    }
}

crate::state!(MinMax<const N: usize> { least: [f32; N], largest: [f32; N], observed: bool });
