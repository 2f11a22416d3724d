//! Learning from a stream: what can be known of data that come one by one and are not kept.
//!
//! A device sees a sample once. To learn from it, it must be scaled by what has been seen so far ([`Standardizer`], [`MinMax`]); whether the network
//! is any good is known by predicting each sample before training on it ([`MovingAccuracy`]); and whether the world has changed, by an
//! alarm on the errors ([`PageHinkley`]). Each is a few numbers with a `const` initial value, a
//! [`State`](crate::checkpoint::State) for a checkpoint, and refuses a value that is not finite with nothing changed.
//!
//! All of them are right for 2³² samples and more: counts are whole numbers, and sums and means keep what each addition rounds off. A NaN or an
//! infinity of a sensor is never scaled to a number: it comes out as it is, and the training step refuses it.
//!
//! | setting | domain | who refuses others |
//! | --- | --- | --- |
//! | [`MovingAccuracy::fading`] | above 0, at most 1 | [`record`](MovingAccuracy::record) |
//! | [`PageHinkley::tolerance`] | finite, from 0 on | [`observe`](PageHinkley::observe) |
//! | [`PageHinkley::threshold`] | finite, above 0 | [`observe`](PageHinkley::observe) |
//! | [`PageHinkley::least_count`] | any | |
//!
//! ```
//! use baregrad::streaming::{MovingAccuracy, PageHinkley, Standardizer, StreamError};
//!
//! let (mut scale, mut accuracy, mut alarm) = (Standardizer::<2>::NEW, MovingAccuracy::new(0.99), PageHinkley::OF_ERRORS);
//! for (sample, right) in [([20.5, 400.0], true), ([21.5, 600.0], false)] {
//!     scale.observe(&sample)?;
//!     let input = scale.standardize(&sample); // predict, then train
//! #   assert!(input.iter().all(|x| x.abs() <= 1.0));
//!     accuracy.record(right)?;
//!     if alarm.observe(f32::from(u8::from(!right)))? { /* the error has risen: learn faster, or from the start */ }
//! }
//! assert_eq!(scale.mean(), &[21.0, 500.0]);
//! # Ok::<(), StreamError>(())
//! ```

mod accuracy;
mod min_max;
mod page_hinkley;
mod standardizer;

pub use accuracy::MovingAccuracy;
pub use min_max::MinMax;
pub use page_hinkley::PageHinkley;
pub use standardizer::Standardizer;

use core::fmt;

use crate::metrics::ClassOutOfRange;
use crate::setting::SettingError;

/// A value of a sample was infinite or NaN, or so large that the statistics would be. Nothing has been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NonFiniteValue {
    /// Which one.
    pub index: usize,
}

impl fmt::Display for NonFiniteValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "value {} is infinite, NaN, or too large", self.index)
    }
}

impl core::error::Error for NonFiniteValue {}

/// Why a value of a stream was not counted in. Nothing has been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StreamError {
    /// The value.
    Value(NonFiniteValue),
    /// A setting.
    Setting(SettingError),
}

/// So that `?` takes all in a loop over a stream.
impl From<NonFiniteValue> for StreamError {
    fn from(error: NonFiniteValue) -> Self {
        Self::Value(error)
    }
}

impl From<SettingError> for StreamError {
    fn from(error: SettingError) -> Self {
        Self::Setting(error)
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(error) => error.fmt(f),
            Self::Setting(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StreamError {}

/// A class as `N` values: 1 at its index, else 0. For a category among a network's inputs, or a target of [`MeanSquaredError`](crate::MeanSquaredError).
///
/// # Errors
/// The class is not below `N`.
pub fn one_hot<const N: usize>(class: usize) -> Result<[f32; N], ClassOutOfRange> {
    let mut values = [0.0; N];
    *values.get_mut(class).ok_or(ClassOutOfRange { class, classes: N })? = 1.0;
    Ok(values)
}

/// Whether all values are finite; else which is not.
fn check(values: &[f32]) -> Result<(), NonFiniteValue> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(NonFiniteValue { index }),
        None => Ok(()),
    }
}
