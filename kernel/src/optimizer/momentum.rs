//! Momentum in the form of the texts: the learning rate inside the velocity.

use super::Optimizer;
use crate::setting::{Domain, SettingError};

/// Gradient descent with momentum: `v ← β·v - α·∇`, `θ ← θ + v`.
///
/// # Order and rounding
/// The products `β·v` and `α·∇`, their difference, then the sum `θ + v`.
///
/// # Differs from PyTorch
/// PyTorch keeps the learning rate outside ([`SgdMomentum`](super::SgdMomentum)). At a constant rate the two take the same way, up
/// to rounding; when the rate changes, here the old velocity keeps the old rate.
///
/// # Source
/// Polyak, *Some methods of speeding up the convergence of iteration methods*, 1964; this form: Sutskever, Martens, Dahl and
/// Hinton, *On the importance of initialization and momentum in deep learning*, 2013, equations 1 and 2; Keras's `SGD`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Momentum {
    /// Learning rate `α`.
    pub learning_rate: f32,
    /// Momentum `β`, 0 to below 1.
    pub momentum: f32,
}

crate::state!(Momentum { learning_rate: f32, momentum: f32 });

impl Momentum {
    /// Momentum with this learning rate and the usual `β` of 0.9.
    pub const fn new(learning_rate: f32) -> Self {
        Self { learning_rate, momentum: 0.9 }
    }
}

impl Optimizer for Momentum {
    /// The velocity `v`.
    type Slot = f32;
    type Step = Self;

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::NonNegative.check("learning_rate", self.learning_rate)?;
        Domain::BelowOne.check("momentum", self.momentum)
    }

    fn begin_step(&mut self) -> Self {
        *self
    }

    #[inline(always)]
    fn update(step: &Self, parameter: f32, gradient: f32, velocity: &mut f32) -> f32 {
        *velocity = step.momentum * *velocity - step.learning_rate * gradient;
        parameter + *velocity
    }
}
