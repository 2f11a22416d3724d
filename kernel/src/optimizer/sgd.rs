//! Stochastic gradient descent.

use super::Optimizer;
use crate::setting::{Domain, SettingError};

/// Stochastic gradient descent: `θ ← θ - α·∇`.
///
/// No slot: training needs no memory beyond the weights and the workspace.
///
/// # Order and rounding
/// The product `α·∇`, then the difference.
///
/// # Source
/// Robbins and Monro, *A Stochastic Approximation Method*, 1951; as PyTorch's `SGD` without momentum and weight decay.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sgd {
    /// Learning rate `α`. It has no default: PyTorch, Keras and the texts each choose another.
    pub learning_rate: f32,
}

crate::state!(Sgd { learning_rate: f32 });

impl Sgd {
    /// Plain gradient descent with this learning rate.
    pub const fn new(learning_rate: f32) -> Self {
        Self { learning_rate }
    }
}

impl Optimizer for Sgd {
    type Slot = ();
    type Step = f32;

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::NonNegative.check("learning_rate", self.learning_rate)
    }

    #[inline(always)]
    fn begin_step(&mut self) -> f32 {
        self.learning_rate
    }

    #[inline(always)]
    fn update(learning_rate: &f32, parameter: f32, gradient: f32, _slot: &mut ()) -> f32 {
        parameter - *learning_rate * gradient
    }
}
