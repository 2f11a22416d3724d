//! Nesterov's accelerated gradient, in PyTorch's form.

use super::Optimizer;
use crate::setting::{Domain, SettingError};

/// PyTorch's `SGD(momentum=μ, nesterov=True)`: `v ← μ·v + ∇`, `θ ← θ - α·(∇ + μ·v)`.
///
/// # Order and rounding
/// The product `μ·v`, the sum with `∇`: the new `v`. Then `μ·v`, the sum `∇ + μ·v`, the product with `α`, the difference.
///
/// # Source
/// Nesterov, *A method of solving a convex programming problem with convergence rate O(1/k²)*, 1983; this form:
/// PyTorch, `torch.optim.SGD`, which evaluates the gradient at `θ` itself instead of ahead of it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Nesterov {
    /// Learning rate `α`.
    pub learning_rate: f32,
    /// Momentum `μ`, 0 to below 1.
    pub momentum: f32,
}

crate::state!(Nesterov { learning_rate: f32, momentum: f32 });

impl Nesterov {
    /// Nesterov's momentum with this learning rate and the usual `μ` of 0.9.
    pub const fn new(learning_rate: f32) -> Self {
        Self { learning_rate, momentum: 0.9 }
    }
}

impl Optimizer for Nesterov {
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
        let ahead = gradient + step.momentum * *velocity;
        parameter - step.learning_rate * ahead
    }
}
