//! An alarm for a mean that has risen.

use super::{NonFiniteValue, StreamError};
use crate::setting::Domain;
use crate::sum::{Mean, Sum};

/// Page and Hinkley's test: whether the mean of a stream of values, such as errors or losses, has risen.
///
/// An alarm comes when the values have lain above their mean so far, by more than `tolerance` each, for a sum of more than `threshold`. A larger
/// `threshold` gives fewer false alarms and later true ones. After an alarm [`restart`](Self::restart) forgets everything.
///
/// # How to choose
/// For values in a range of width `R` that do not depend on each other:
///
/// | what | choose |
/// | --- | --- |
/// | `tolerance`, `δ` | half of the smallest rise that matters |
/// | `threshold`, `λ` | `R²·ln(n) / (8·δ)`, where one false alarm in `n` values is few enough |
/// | values from a rise to its alarm | about `λ / (rise - δ)` |
///
/// Errors are 0 or 1, so `R` is 1. [`OF_ERRORS`](Self::OF_ERRORS) has `δ` = 0.05 and `λ` = 50: less than one false alarm in `e²⁰`, some 480 million values, at
/// any steady share of errors. A rise from 10 % to 50 % rings after some 140. In contrast `δ` = 0.01 and `λ` = 10 gives `n = e^0.8`, about 2:
/// it rings at a steady share of 10 %, over and over. Losses have no range: take twice their standard deviation for `R`. Values that follow each other, such as
/// the minutes of a day, need a larger `λ`: try it on a recorded stream.
///
/// The reason: with `s = 8·δ/R²` the mean of `exp(s·(x - mean - δ))` is at most 1, by Hoeffding's lemma. So from any value on the sum ever exceeds `λ` with
/// a probability of at most `exp(-s·λ)`, by Ville's inequality.
///
/// # Order and rounding
/// With `n` the count including this value: `mean ← mean + (x - mean) / n`, `G ← max(G + ((x - mean) - tolerance), 0)` with the new mean; alarm if
/// `G > threshold`, from the value number `least_count` on. `G` is `m - M` of the texts, where `m` is the sum of all the differences and `M` its least value so
/// far; it stays small where `m` falls without end. The mean is kept in three `f32` and `G` in two, so that no term is lost; it is not rounded
/// before it is compared.
///
/// # Accuracy
/// Right for 2³² values and more: each addition to `G` rounds by at most 2⁻⁴⁷ of it, each difference by less than 2⁻²¹ of the distance from the mean.
///
/// # Source
/// E. S. Page, *Continuous Inspection Schemes*, 1954; in this form J. Gama, R. Sebastião and P. P. Rodrigues, *On Evaluating Stream Learning
/// Algorithms*, 2013.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PageHinkley {
    /// How much above the mean is still as usual: finite, from 0 on.
    pub tolerance: f32,
    /// `λ`: the sum that gives an alarm; finite, above 0.
    pub threshold: f32,
    /// No alarm before so many values: of few there is no mean to speak of.
    pub least_count: u32,
    count: u64,
    mean: Mean,
    /// `G`.
    excess: Sum,
}

crate::state!(PageHinkley { tolerance: f32, threshold: f32, least_count: u32, count: u64, mean: Mean, excess: Sum });

impl PageHinkley {
    /// For errors, 0 or 1: a tolerance of 0.05 and a threshold of 50, for a rise by 0.1 or more.
    pub const OF_ERRORS: Self = Self::new(0.05, 50.0);

    /// Of no values yet; no alarm before 30.
    pub const fn new(tolerance: f32, threshold: f32) -> Self {
        Self { tolerance, threshold, least_count: 30, count: 0, mean: Mean::ZERO, excess: Sum::ZERO }
    }

    /// Counts a value in; whether there is an alarm.
    ///
    /// # Errors
    /// A setting makes no sense, or the value is not finite, or so large that the sum would not be; nothing is changed then.
    pub fn observe(&mut self, value: f32) -> Result<bool, StreamError> {
        Domain::NonNegative.check("tolerance", self.tolerance)?;
        Domain::Positive.check("threshold", self.threshold)?;
        let count = self.count.saturating_add(1);
        let mean = self.mean.with(value, count);
        let excess = self.excess.plus(mean.below(value) - self.tolerance);
        if !(mean.is_finite() && excess.is_finite()) {
            return Err(NonFiniteValue { index: 0 }.into());
        }
        let excess = if excess.high > 0.0 { excess } else { Sum::ZERO };
        (self.count, self.mean, self.excess) = (count, mean, excess);
        Ok(count >= u64::from(self.least_count) && excess.plus(-self.threshold).high > 0.0)
    }

    /// Forgets all values.
    pub const fn restart(&mut self) {
        (self.count, self.mean, self.excess) = (0, Mean::ZERO, Sum::ZERO);
    }

    /// The mean of the values, rounded; 0 before the first.
    pub const fn mean(&self) -> f32 {
        self.mean.high
    }
}
