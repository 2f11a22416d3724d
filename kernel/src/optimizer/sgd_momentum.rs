//! Momentum in PyTorch's form: the learning rate outside the velocity.

use super::Optimizer;
use crate::setting::{Domain, SettingError};

/// PyTorch's `SGD(momentum=μ)`: `v ← μ·v + ∇`, `θ ← θ - α·v`.
///
/// # Order and rounding
/// The product `μ·v`, the sum with `∇`, the product `α·v`, the difference. The first velocity is the first gradient.
///
/// # Source
/// PyTorch, `torch.optim.SGD`, with dampening 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SgdMomentum {
    /// Learning rate `α`.
    pub learning_rate: f32,
    /// Momentum `μ`, 0 to below 1.
    pub momentum: f32,
}

crate::state!(SgdMomentum { learning_rate: f32, momentum: f32 });

impl SgdMomentum {
    /// Momentum with this learning rate and the usual `μ` of 0.9.
    pub const fn new(learning_rate: f32) -> Self {
        Self { learning_rate, momentum: 0.9 }
    }
}

impl Optimizer for SgdMomentum {
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
        *velocity = step.momentum * *velocity + gradient;
        parameter - step.learning_rate * *velocity
    }
}
