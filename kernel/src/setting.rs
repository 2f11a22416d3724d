//! Settings that make no sense.

use core::fmt;

/// A setting is outside of its domain, NaN, or infinite. Nothing has been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SettingError {
    /// `fading` is not above 0 and at most 1.
    Fading,
    /// `tolerance` is not a finite number from 0 on.
    Tolerance,
    /// `threshold` of an alarm is not a finite number above 0, or that of a schedule not from 0 on and below 1.
    Threshold,
    /// `learning_rate` is not a finite number from 0 on.
    LearningRate,
    /// `factor` is not above 0 and below 1.
    Factor,
    /// `floor` is not a finite number from 0 on.
    Floor,
    /// `min_delta` is not a finite number from 0 on.
    MinDelta,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fading => "fading must be above 0, and at most 1",
            Self::Tolerance => "tolerance must be finite, and not below 0",
            Self::Threshold => "threshold must be finite: of an alarm above 0, of a schedule from 0 on and below 1",
            Self::LearningRate => "learning_rate must be finite, and not below 0",
            Self::Factor => "factor must be above 0, and below 1",
            Self::Floor => "floor must be finite, and not below 0",
            Self::MinDelta => "min_delta must be finite, and not below 0",
        })
    }
}

impl core::error::Error for SettingError {}

/// Whether a setting is a finite number from 0 on.
pub(crate) const fn not_negative(setting: f32) -> bool {
    setting >= 0.0 && setting.is_finite()
}

/// Nothing, or what is wrong.
pub(crate) const fn require(sound: bool, error: SettingError) -> Result<(), SettingError> {
    if sound { Ok(()) } else { Err(error) }
}
