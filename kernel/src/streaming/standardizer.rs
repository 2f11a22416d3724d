//! Mean and deviation in one pass.

use super::{NonFiniteValue, check};
use crate::fingerprint::Fingerprint;
use crate::scalar;
use crate::state::State;
use crate::sum::{Mean, Sum};
use crate::zero::Zero;

/// Mean and variance of each of `N` values over all samples so far, and samples standardised by them.
///
/// `20·N + 8` bytes; with an odd `N` 4 more where a `u64` is aligned to 8.
///
/// # Order and rounding
/// With `n` the count including this sample: `d = x - mean`, `mean ← mean + d / n`, `M ← M + d·(x - mean)` with the new mean. Variance is `M / n`, of
/// the samples seen (not an estimate, which divides by `n - 1`). `d`, `n`, the quotient and the product are rounded to `f32`. The sums are not: the
/// mean is kept in three `f32`, `M` in two, and each addition keeps what its rounding took. `d` is `x` less the three in turn.
///
/// # Accuracy
/// Right for 2³² samples and more. The terms of `M` have seven roundings, less than 2⁻²¹ of themselves, and an addition rounds by at most 2⁻⁴⁷ of `M`: the
/// variance after `n` samples is right to `2⁻²¹ + n·2⁻⁴⁷` of itself at worst. That is 2⁻¹⁵ after 2³² samples, if all roundings went the same way. Squares
/// below the smallest `f32` count as 0.
///
/// # Source
/// B. P. Welford, *Note on a Method for Calculating Corrected Sums of Squares and Products*, 1962.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Standardizer<const N: usize> {
    count: u64,
    /// The rounded means, so that they can be lent; what they lack follows.
    mean: [f32; N],
    mean_middle: [f32; N],
    mean_low: [f32; N],
    /// `M`: the sum of squared differences from the mean, and what it lacks.
    squares: [f32; N],
    squares_low: [f32; N],
}

impl<const N: usize> Zero for Standardizer<N> {
    const ZERO: Self = Self {
        count: 0,
        mean: [0.0; N],
        mean_middle: [0.0; N],
        mean_low: [0.0; N],
        squares: [0.0; N],
        squares_low: [0.0; N],
    };
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
        let count = self.count.saturating_add(1);
        let next = |mean: Mean, squares: Sum, x: f32| {
            let after = mean.with(x, count);
            (after, squares.plus(mean.below(x) * after.below(x)))
        };
        for ((index, x), (mean, squares)) in (0..N).zip(sample).zip(self.parts()) {
            let (mean, squares) = next(mean, squares, *x);
            if !(mean.is_finite() && squares.is_finite()) {
                return Err(NonFiniteValue { index });
            }
        }
        let Self { mean, mean_middle, mean_low, squares, squares_low, .. } = self;
        let means = mean.iter_mut().zip(mean_middle).zip(mean_low);
        let sums = squares.iter_mut().zip(squares_low);
        for ((((high, middle), low), (squares_high, squares_low)), x) in means.zip(sums).zip(sample) {
            let mean = Mean { high: *high, middle: *middle, low: *low };
            let (mean, squares) = next(mean, Sum { high: *squares_high, low: *squares_low }, *x);
            (*high, *middle, *low) = (mean.high, mean.middle, mean.low);
            (*squares_high, *squares_low) = (squares.high, squares.low);
        }
        self.count = count;
        Ok(())
    }

    /// Mean and `M` of each value.
    fn parts(&self) -> impl Iterator<Item = (Mean, Sum)> {
        let means = self.mean.iter().zip(&self.mean_middle).zip(&self.mean_low);
        let means = means.map(|((high, middle), low)| Mean { high: *high, middle: *middle, low: *low });
        means.zip(self.squares.iter().zip(&self.squares_low).map(|(high, low)| Sum { high: *high, low: *low }))
    }

    /// Number of samples.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The mean of each value, rounded; 0 before the first sample.
    pub const fn mean(&self) -> &[f32; N] {
        &self.mean
    }

    /// The variance of each value; 0 before the second sample.
    pub fn variance(&self) -> [f32; N] {
        self.squares.map(|squares| squares / self.count.max(1) as f32)
    }

    /// A sample less the mean, divided by the standard deviation; only less the mean where a value has not varied.
    ///
    /// # Order and rounding
    /// `x` less the three `f32` of the mean in turn, then the quotient by the root of the variance.
    ///
    /// # Special values
    /// NaN gives NaN and an infinity gives one, whether the value has varied or not: the step that gets it sees a dead sensor.
    pub fn standardize(&self, sample: &[f32; N]) -> [f32; N] {
        let mut input = self.variance();
        for ((value, x), (mean, _)) in input.iter_mut().zip(sample).zip(self.parts()) {
            let deviation = scalar::sqrt(*value);
            *value = mean.below(*x) / if deviation == 0.0 { 1.0 } else { deviation };
        }
        input
    }
}

impl<const N: usize> State for Standardizer<N> {
    const BYTES: usize = u64::BYTES + 5 * <[f32; N]>::BYTES;
    /// The names of the sums tell it from the one that had a single `f32` for each.
    const FINGERPRINT: u32 =
        Fingerprint::of("Standardizer").number(N).part(Mean::FINGERPRINT).part(Sum::FINGERPRINT).value();

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        let Self { count, mean, mean_middle, mean_low, squares, squares_low } = self;
        count.save(write);
        for part in [mean, mean_middle, mean_low, squares, squares_low] {
            part.save(write);
        }
    }

    fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
        let Self { count, mean, mean_middle, mean_low, squares, squares_low } = self;
        count.load(read);
        for part in [mean, mean_middle, mean_low, squares, squares_low] {
            part.load(read);
        }
    }
}
