//! Lion: the sign of a momentum, in half of Adam's memory.

// `if` alone leaves the compiler free to branch on the data.
use core::hint::select_unpredictable as select;

use super::Optimizer;
use crate::setting::{Domain, SettingError};

/// Lion: every parameter moves by the learning rate, up or down, and decays beside the gradient.
///
/// ```text
/// θ ← (1 - α·λ)·θ
/// θ ← θ - α·sign(β₁·m + (1-β₁)·∇)
/// m ← β₂·m + (1-β₂)·∇
/// ```
///
/// A step has the same size whatever the size of the gradient. So the learning rate wants to be smaller than Adam's: the paper suggests a third
/// to a tenth of it, and 3 to 10 times the weight decay, so that `α·λ` stays what it was. Towards the end it wants to fall
/// ([`schedule`](crate::schedule)), because the steps don't become smaller by themselves.
///
/// Biases decay like weights, as with [`AdamW`](super::AdamW).
///
/// # Order and rounding
/// Once per step `1-β₁`, `1-β₂`, and `1 - α·λ` (the product, the difference). Per parameter: its product with `1 - α·λ`; `β₁·m + (1-β₁)·∇`, two
/// products and their sum, of which only the sign is used; minus or plus `α`; then `m` as two products and their sum. Every operation rounds
/// once. The old `m` is in the sign, the new one is kept.
///
/// # Special values
/// The sign of 0 and of -0 is 0: such a parameter only decays. The sign of NaN is NaN, so a gradient that is NaN makes parameter and slot NaN, as
/// with other rules, and the next step refuses them. An infinite gradient moves the parameter by `α` and makes the slot infinite.
///
/// # Accuracy
/// `1 - α·λ` is one `f32`. A product `α·λ` up to 2⁻²⁵ decays nothing, and one of 3e-6 is right to 1 % of itself.
///
/// # Source
/// Chen et al., *Symbolic Discovery of Optimization Algorithms*, 2023, Algorithm 2, with the decay first, as the authors' code for PyTorch has it.
/// The algorithm takes the decay of the old parameter too, in one sum with the sign: `θ - α·(sign + λ·θ)`, the same but for rounding.
///
/// # Differs from PyTorch
/// `torch.optim` has no Lion. Keras's `Lion` has the defaults of [`new`](Self::new); Optax has `lion`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lion {
    /// Learning rate `α`: the size of a step.
    pub learning_rate: f32,
    /// Share of the momentum in the sign, `β₁`, 0 to below 1; the paper's 0.9.
    pub beta1: f32,
    /// Decay of the momentum, `β₂`, 0 to below 1; the paper's 0.99.
    pub beta2: f32,
    /// Weight decay `λ`.
    pub weight_decay: f32,
}

crate::state!(Lion { learning_rate: f32, beta1: f32, beta2: f32, weight_decay: f32 });

impl Lion {
    /// Lion with this learning rate, the paper's `β₁` 0.9 and `β₂` 0.99, and no weight decay.
    pub const fn new(learning_rate: f32) -> Self {
        Self { learning_rate, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }
}

/// The settings of a step, and what follows from them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LionStep {
    rule: Lion,
    keep: f32,
    one_minus_beta1: f32,
    one_minus_beta2: f32,
}

impl Optimizer for Lion {
    /// The momentum `m`.
    type Slot = f32;
    type Step = LionStep;

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::NonNegative.check("learning_rate", self.learning_rate)?;
        Domain::BelowOne.check("beta1", self.beta1)?;
        Domain::BelowOne.check("beta2", self.beta2)?;
        Domain::NonNegative.check("weight_decay", self.weight_decay)
    }

    fn begin_step(&mut self) -> LionStep {
        LionStep {
            rule: *self,
            keep: 1.0 - self.learning_rate * self.weight_decay,
            one_minus_beta1: 1.0 - self.beta1,
            one_minus_beta2: 1.0 - self.beta2,
        }
    }

    #[inline(always)]
    fn update(step: &LionStep, parameter: f32, gradient: f32, momentum: &mut f32) -> f32 {
        let Lion { learning_rate, beta1, beta2, .. } = step.rule;
        let direction = beta1 * *momentum + step.one_minus_beta1 * gradient;
        *momentum = beta2 * *momentum + step.one_minus_beta2 * gradient;
        // 0 and NaN are their own sign.
        let by = select(direction > 0.0, learning_rate, select(direction < 0.0, -learning_rate, direction));
        parameter * step.keep - by
    }
}

#[cfg(test)]
mod tests {
    use super::{Lion, Optimizer};
    use crate::fingerprint::Fingerprint;
    use crate::state::State;

    /// Of a step from parameter 1, with this momentum.
    fn moved(gradient: f32, mut momentum: f32) -> (f32, f32) {
        let step = Lion { weight_decay: 0.5, ..Lion::new(0.25) }.begin_step();
        (Lion::update(&step, 1.0, gradient, &mut momentum), momentum)
    }

    #[test]
    fn a_step_has_the_size_of_the_learning_rate() {
        for gradient in [1e-30, 0.5, 3e38] {
            assert_eq!(moved(gradient, 0.0).0, 0.875 - 0.25, "{gradient}");
            assert_eq!(moved(-gradient, 0.0).0, 0.875 + 0.25, "{gradient}");
        }
        // The momentum decides against a gradient of up to 9 times its size.
        assert_eq!(moved(-8.9, 1.0).0, 0.875 - 0.25);
        assert_eq!(moved(-9.1, 1.0).0, 0.875 + 0.25);
    }

    #[test]
    fn zero_has_no_direction() {
        for zero in [0.0, -0.0] {
            assert_eq!(moved(zero, 0.0), (0.875, 0.0));
        }
    }

    #[test]
    fn nan_stays_nan_and_infinity_moves_one_step() {
        let (parameter, momentum) = moved(f32::NAN, 0.5);
        assert!(parameter.is_nan() && momentum.is_nan());
        assert_eq!(moved(f32::INFINITY, 0.5), (0.875 - 0.25, f32::INFINITY));
    }

    #[test]
    fn a_checkpoint_knows_it_by_these_names() {
        let names = ["learning_rate", "beta1", "beta2", "weight_decay"];
        let of_names = names.iter().fold(Fingerprint::of("Lion"), |all, name| all.name(name).part(f32::FINGERPRINT));
        assert_eq!(Lion::FINGERPRINT, of_names.value());
        assert_eq!((Lion::BYTES, <Lion as Optimizer>::Slot::BYTES), (16, 4), "one number for each parameter, Adam two");
    }
}
