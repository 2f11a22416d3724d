//! An alarm for a mean that has risen.

use super::NonFiniteValue;

/// Page and Hinkley's test: whether the mean of a stream of values, such as errors or losses, has risen.
///
/// An alarm comes when the values have lain above their mean so far, by more than `tolerance` each, for a sum of more than `threshold`. A larger
/// `threshold` gives fewer false alarms and later true ones. After an alarm [`restart`](Self::restart) forgets everything.
///
/// # Order and rounding
/// With `n` the count including this value: `mean ← mean + (x - mean) / n`, `m ← m + ((x - mean) - tolerance)`, `M ← min(M, m)`; alarm if
/// `m - M > threshold`, from the value number `least_count` on. From 2²⁴ values on `n` stands still.
///
/// # Source
/// E. S. Page, *Continuous Inspection Schemes*, 1954; in this form J. Gama, R. Sebastião and P. P. Rodrigues, *On Evaluating Stream Learning
/// Algorithms*, 2013.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PageHinkley {
    /// How much above the mean is still as usual.
    pub tolerance: f32,
    /// `λ`: the sum that gives an alarm.
    pub threshold: f32,
    /// No alarm before so many values: of few there is no mean to speak of.
    pub least_count: u32,
    count: u32,
    mean: f32,
    sum: f32,
    least: f32,
}

crate::state!(PageHinkley {
    tolerance: f32,
    threshold: f32,
    least_count: u32,
    count: u32,
    mean: f32,
    sum: f32,
    least: f32,
});

impl PageHinkley {
    /// Of no values yet; no alarm before 30.
    pub const fn new(tolerance: f32, threshold: f32) -> Self {
        Self { tolerance, threshold, least_count: 30, count: 0, mean: 0.0, sum: 0.0, least: 0.0 }
    }

    /// Counts a value in; whether there is an alarm.
    ///
    /// # Errors
    /// The value is not finite, or so large that the sum would not be; nothing is changed then.
    pub fn observe(&mut self, value: f32) -> Result<bool, NonFiniteValue> {
        let count = self.count.saturating_add(1).min(1 << 24);
        let mean = self.mean + (value - self.mean) / count as f32;
        let sum = self.sum + ((value - mean) - self.tolerance);
        if !(mean.is_finite() && sum.is_finite()) {
            return Err(NonFiniteValue { index: 0 });
        }
        // By comparison, because `min` may give either of -0 and 0.
        let least = if sum < self.least { sum } else { self.least };
        (self.count, self.mean, self.sum, self.least) = (count, mean, sum, least);
        Ok(count >= self.least_count && self.sum - self.least > self.threshold)
    }

    /// Forgets all values.
    pub const fn restart(&mut self) {
        (self.count, self.mean, self.sum, self.least) = (0, 0.0, 0.0, 0.0);
    }

    /// The mean of the values; 0 before the first.
    pub const fn mean(&self) -> f32 {
        self.mean
    }
}
