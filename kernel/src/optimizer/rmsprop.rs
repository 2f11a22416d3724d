//! RMSProp: AdaGrad that forgets.

use super::Optimizer;
use crate::scalar;
use crate::setting::{Domain, SettingError};

/// RMSProp with `ε` inside the root: `G ← β·G + (1-β)·∇²`, `θ ← θ - α·∇/√(G + ε)`.
///
/// # Order and rounding
/// Once per step `1-β`. Per parameter: `β·G`, `∇²`, its product with `1-β`, the sum: the new `G`; the sum `G + ε`, its root;
/// the product `α·∇`, the quotient, the difference.
///
/// # Differs from PyTorch
/// PyTorch's `RMSprop` has `ε` outside the root and `β` (there `alpha`) 0.99.
///
/// # Source
/// Tieleman and Hinton, *Lecture 6.5: rmsprop*, Coursera: Neural Networks for Machine Learning, 2012, with `β` 0.9; `ε` inside the
/// root as in Ruder, *An overview of gradient descent optimization algorithms*, 2016, section 4.5, with 1e-8.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "RMSprop")]
pub struct RmsProp {
    /// Learning rate `α`.
    pub learning_rate: f32,
    /// Decay `β`, 0 to below 1.
    pub decay: f32,
    /// Added under the root, `ε`; above 0.
    pub epsilon: f32,
}

crate::state!(RmsProp { learning_rate: f32, decay: f32, epsilon: f32 });

impl RmsProp {
    /// RMSProp with this learning rate, `β` 0.9 and `ε` 1e-8.
    pub const fn new(learning_rate: f32) -> Self {
        Self { learning_rate, decay: 0.9, epsilon: 1e-8 }
    }
}

/// What all parameters share in one step of [`RmsProp`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RmsPropStep {
    rule: RmsProp,
    one_minus_decay: f32,
}

impl Optimizer for RmsProp {
    /// The decaying mean of squares `G`.
    type Slot = f32;
    type Step = RmsPropStep;

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::NonNegative.check("learning_rate", self.learning_rate)?;
        Domain::BelowOne.check("decay", self.decay)?;
        Domain::Positive.check("epsilon", self.epsilon)
    }

    fn begin_step(&mut self) -> RmsPropStep {
        RmsPropStep { rule: *self, one_minus_decay: 1.0 - self.decay }
    }

    #[inline(always)]
    fn update(step: &RmsPropStep, parameter: f32, gradient: f32, squares: &mut f32) -> f32 {
        *squares = step.rule.decay * *squares + step.one_minus_decay * (gradient * gradient);
        parameter - (step.rule.learning_rate * gradient) / scalar::sqrt(*squares + step.rule.epsilon)
    }
}
