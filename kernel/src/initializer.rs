//! Initial weights.
//!
//! An [`Initializer`] turns random words into the weights of one layer. The words come from the user's generator, so the seed
//! is always the user's, and the same seed gives the same weights on every processor. Biases start at zero unless an
//! initializer says otherwise.

use crate::scalar;
use crate::setting::{Domain, SettingError};

/// How many inputs and outputs the weights of a layer connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fan {
    /// Values that one output is made of.
    pub inputs: usize,
    /// Values that one input goes to.
    pub outputs: usize,
}

/// A distribution of initial weights.
///
/// Weights are drawn in storage order (for a dense layer input 0's row from left to right, then input 1's …), then the
/// biases.
pub trait Initializer {
    /// One weight. `random` gives uniformly distributed 32-bit words.
    fn weight(&self, fan: Fan, random: &mut impl FnMut() -> u32) -> f32;

    /// One bias; zero, without using a random word, unless an initializer says otherwise.
    fn bias(&self, _fan: Fan, _random: &mut impl FnMut() -> u32) -> f32 {
        0.0
    }

    /// Whether each setting of the initializer is in its domain.
    ///
    /// Where one is not, [`initialize_with`](crate::Network::initialize_with) draws nothing and makes every parameter NaN, which the first step
    /// refuses. Unless written, every value is accepted.
    ///
    /// # Errors
    /// The first that is not; see [`setting`](crate::setting).
    fn check_settings(&self) -> Result<(), SettingError> {
        Ok(())
    }
}

/// A random word as `low + (high - low)·u`, with `u = ⌊word / 2⁸⌋ / 2²⁴` exactly.
///
/// # Order and rounding
/// The difference, the product, the sum. `u < 1`; `high` itself can come out by the last rounding only. Ends that are not finite or not in order are not
/// looked at.
pub fn uniform(low: f32, high: f32, word: u32) -> f32 {
    let unit = (word >> 8) as f32 * (1.0 / 16_777_216.0);
    low + (high - low) * unit
}

/// Uniform in `[low, high)`; the biases zero, or drawn likewise.
///
/// Both ends are finite, `high` is at least `low`, and their difference is finite. With equal ends every draw is that number.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Uniform {
    /// Lower end.
    pub low: f32,
    /// Upper end.
    pub high: f32,
    /// Whether biases are drawn too.
    pub biases: bool,
}

impl Uniform {
    /// Weights uniform in `[low, high)`, biases zero.
    pub const fn weights(low: f32, high: f32) -> Self {
        Self { low, high, biases: false }
    }

    /// Weights and biases uniform in `[low, high)`.
    pub const fn weights_and_biases(low: f32, high: f32) -> Self {
        Self { low, high, biases: true }
    }
}

impl Initializer for Uniform {
    fn weight(&self, _fan: Fan, random: &mut impl FnMut() -> u32) -> f32 {
        uniform(self.low, self.high, random())
    }

    fn bias(&self, _fan: Fan, random: &mut impl FnMut() -> u32) -> f32 {
        if self.biases { uniform(self.low, self.high, random()) } else { 0.0 }
    }

    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::Finite.check("low", self.low)?;
        Domain::Finite.check("high", self.high)?;
        Domain::NonNegative.check("high - low", self.high - self.low)
    }
}

/// Xavier/Glorot: uniform in `±√(6 / (inputs + outputs))`; for sigmoid, tanh and layers without activation.
///
/// # Source
/// Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks*, 2010, equation 16;
/// Keras's default, PyTorch's `xavier_uniform_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "Xavier")]
#[doc(alias = "xavier_uniform_")]
pub struct GlorotUniform;

impl Initializer for GlorotUniform {
    fn weight(&self, fan: Fan, random: &mut impl FnMut() -> u32) -> f32 {
        symmetric(6.0, fan.inputs.saturating_add(fan.outputs), random())
    }
}

/// He/Kaiming: uniform in `±√(6 / inputs)`; for ReLU.
///
/// # Source
/// He, Zhang, Ren and Sun, *Delving Deep into Rectifiers*, 2015, equation 10 (variance `2 / inputs`); Keras's `he_uniform`,
/// PyTorch's `kaiming_uniform_(nonlinearity="relu")`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "Kaiming")]
#[doc(alias = "kaiming_uniform_")]
pub struct HeUniform;

impl Initializer for HeUniform {
    fn weight(&self, fan: Fan, random: &mut impl FnMut() -> u32) -> f32 {
        symmetric(6.0, fan.inputs, random())
    }
}

/// What PyTorch's `Linear` starts with: weights and biases uniform in `±1/√inputs`.
///
/// # Source
/// PyTorch, `torch.nn.Linear`: "initialized from U(-√k, √k), where k = 1/in_features". It goes back to LeCun, Bottou, Orr and
/// Müller, *Efficient BackProp*, 1998, section 4.6, though with another variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FanInUniform;

impl Initializer for FanInUniform {
    fn weight(&self, fan: Fan, random: &mut impl FnMut() -> u32) -> f32 {
        symmetric(1.0, fan.inputs, random())
    }

    fn bias(&self, fan: Fan, random: &mut impl FnMut() -> u32) -> f32 {
        symmetric(1.0, fan.inputs, random())
    }
}

/// Uniform in `±√(numerator / connections)`: the quotient, the root, then [`uniform`].
fn symmetric(numerator: f32, connections: usize, word: u32) -> f32 {
    let limit = scalar::sqrt(numerator / connections as f32);
    uniform(-limit, limit, word)
}
