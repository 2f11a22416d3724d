//! How good predictions have lately been.

use crate::setting::{Domain, SettingError};
use crate::sum::Sum;

/// The share of right predictions, where older ones count less: by `fading` for each newer one.
///
/// For test-then-train: predict a sample, record whether that was right, then train on it. With `fading` 0.99 about the last 100 predictions
/// count, with 1 all of them alike. 20 bytes.
///
/// # Order and rounding
/// `S ← fading·S + hit`, `B ← fading·B + 1`; the accuracy is `S / B`. `S` and `B` are pairs of `f32`, a rounded number and what the rounding took, with
/// 48 bits together; the quotient is that of the rounded numbers.
///
/// # Accuracy
/// With `fading` 1 both are whole numbers, exact up to 2⁴⁸ predictions. Below 1 a step rounds by less than 2⁻⁴⁵ of a sum, and such an error fades as
/// the predictions do: with at most `1 / (1 - fading)` of them, which is 2²⁴ at most, the accuracy is right to 2⁻²⁰ after any number of predictions.
///
/// # Source
/// The prequential estimate with a fading factor: J. Gama, R. Sebastião and P. P. Rodrigues, *On Evaluating Stream Learning Algorithms*, 2013.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MovingAccuracy {
    /// What a prediction still counts when one more has come, above 0 and at most 1.
    pub fading: f32,
    hits: Sum,
    weight: Sum,
}

crate::state!(MovingAccuracy { fading: f32, hits: Sum, weight: Sum });

impl MovingAccuracy {
    /// Of no predictions yet.
    pub const fn new(fading: f32) -> Self {
        Self { fading, hits: Sum::ZERO, weight: Sum::ZERO }
    }

    /// Counts a prediction in.
    ///
    /// # Errors
    /// `fading` is outside of its domain; nothing is changed then.
    pub fn record(&mut self, right: bool) -> Result<(), SettingError> {
        Domain::PositiveUpToOne.check("fading", self.fading)?;
        self.hits = self.hits.times(self.fading).plus(f32::from(u8::from(right)));
        self.weight = self.weight.times(self.fading).plus(1.0);
        Ok(())
    }

    /// The accuracy, 0 to 1; `None` before the first prediction.
    pub fn accuracy(&self) -> Option<f32> {
        if self.weight.high > 0.0 { Some(self.hits.high / self.weight.high) } else { None }
    }
}
