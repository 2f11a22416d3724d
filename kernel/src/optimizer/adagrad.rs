//! AdaGrad: a rate for each parameter, from all its gradients.

use super::Optimizer;
use crate::scalar;
use crate::setting::{Domain, SettingError};

/// AdaGrad with `ε` inside the root: `G ← G + ∇²`, `θ ← θ - α·∇/√(G + ε)`.
///
/// # Order and rounding
/// The square, the sum `G`; the sum `G + ε`, its root; the product `α·∇`, the quotient, the difference.
///
/// # Differs from PyTorch
/// PyTorch's `Adagrad` has `ε` outside the root, `√G + ε`, with 1e-10. Where `G` is far above `ε` the two hardly differ; a first
/// gradient near zero makes a far smaller step here.
///
/// # Accuracy
/// `G` is one `f32`, as in PyTorch. A square below `2⁻²⁵·G` adds nothing to it, one above `2⁻²⁴·G` does. A gradient that adds nothing moves its
/// parameter by less than `α/4,096`.
///
/// # Source
/// Duchi, Hazan and Singer, *Adaptive Subgradient Methods for Online Learning and Stochastic Optimization*, 2011; `ε` inside the
/// root as in Ruder, *An overview of gradient descent optimization algorithms*, 2016, section 4.3, with his 1e-8.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "Adagrad")]
pub struct AdaGrad {
    /// Learning rate `α`.
    pub learning_rate: f32,
    /// Added under the root, `ε`; above 0.
    pub epsilon: f32,
}

crate::state!(AdaGrad { learning_rate: f32, epsilon: f32 });

impl AdaGrad {
    /// AdaGrad with this learning rate and `ε` 1e-8.
    pub const fn new(learning_rate: f32) -> Self {
        Self { learning_rate, epsilon: 1e-8 }
    }
}

impl Optimizer for AdaGrad {
    /// The sum of squares `G`.
    type Slot = f32;
    type Step = Self;

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::NonNegative.check("learning_rate", self.learning_rate)?;
        Domain::Positive.check("epsilon", self.epsilon)
    }

    fn begin_step(&mut self) -> Self {
        *self
    }

    #[inline(always)]
    fn update(step: &Self, parameter: f32, gradient: f32, squares: &mut f32) -> f32 {
        *squares += gradient * gradient;
        parameter - (step.learning_rate * gradient) / scalar::sqrt(*squares + step.epsilon)
    }
}
