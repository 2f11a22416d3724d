//! Mean and deviation in one pass.

use super::{NonFiniteValue, check};
use crate::fingerprint::Fingerprint;
use crate::scalar;
use crate::state::State;
use crate::zero::Zero;

/// Mean and variance of each of `N` values over all samples so far, and samples standardised by them.
///
/// `8·N + 4` bytes.
///
/// # Order and rounding
/// With `n` the count including this sample: `d = x - mean`, `mean ← mean + d / n`, `M ← M + d·(x - mean)` with the new mean. Variance is `M / n`, of
/// the samples seen (not an estimate, which divides by `n - 1`). Each operation rounds by itself. From 2²⁴ samples on `n` stands still, so the
/// mean goes on as an exponential one.
///
/// # Source
/// B. P. Welford, *Note on a Method for Calculating Corrected Sums of Squares and Products*, 1962.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Standardizer<const N: usize> {
    count: u32,
    mean: [f32; N],
    /// `M`: the sum of squared differences from the mean.
    squares: [f32; N],
}

/// Whole numbers up to here are `f32`.
const MOST: u32 = 1 << 24;

impl<const N: usize> Zero for Standardizer<N> {
    const ZERO: Self = Self { count: 0, mean: [0.0; N], squares: [0.0; N] };
}

impl<const N: usize> Standardizer<N> {
    /// Of no samples yet, for a `static`.
    pub const NEW: Self = Self::ZERO;

    /// Counts a sample in.
    ///
    /// # Errors
    /// A value is not finite, or so large that mean or variance would not be; nothing is changed then.
    pub fn observe(&mut self, sample: &[f32; N]) -> Result<(), NonFiniteValue> {
        check(sample)?;
        let count = self.count.saturating_add(1).min(MOST);
        let next = |mean: f32, squares: f32, x: f32| {
            let difference = x - mean;
            let mean = mean + difference / count as f32;
            (mean, squares + difference * (x - mean))
        };
        for (index, ((mean, squares), x)) in (0..N).zip(self.mean.iter().zip(&self.squares).zip(sample)) {
            let (mean, squares) = next(*mean, *squares, *x);
            if !(mean.is_finite() && squares.is_finite()) {
                return Err(NonFiniteValue { index });
            }
        }
        for ((mean, squares), x) in self.mean.iter_mut().zip(&mut self.squares).zip(sample) {
            (*mean, *squares) = next(*mean, *squares, *x);
        }
        self.count = count;
        Ok(())
    }

    /// Number of samples, up to 2²⁴.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The mean of each value; 0 before the first sample.
    pub const fn mean(&self) -> &[f32; N] {
        &self.mean
    }

    /// The variance of each value; 0 before the second sample.
    pub fn variance(&self) -> [f32; N] {
        self.squares.map(|squares| squares / self.count.max(1) as f32)
    }

    /// A sample less the mean, divided by the standard deviation; only less the mean where a value has not varied.
    pub fn standardize(&self, sample: &[f32; N]) -> [f32; N] {
        let mut input = self.variance();
        for ((value, x), mean) in input.iter_mut().zip(sample).zip(&self.mean) {
            let deviation = scalar::sqrt(*value);
            *value = (x - mean) / if deviation > 0.0 { deviation } else { 1.0 };
        }
        input
    }
}

impl<const N: usize> State for Standardizer<N> {
    const BYTES: usize = u32::BYTES + 2 * <[f32; N]>::BYTES;
    const FINGERPRINT: u32 = Fingerprint::of("Standardizer").number(N).value();

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        let Self { count, mean, squares } = self;
        count.save(write);
        mean.save(write);
        squares.save(write);
    }

    fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
        let Self { count, mean, squares } = self;
        count.load(read);
        mean.load(read);
        squares.load(read);
    }
}
