//! Adam: adaptive moment estimation.

use super::{Optimizer, Slot};
use crate::scalar;
use crate::setting::{Domain, SettingError};
use crate::zero::Zero;

/// Adam with bias correction and `ε` outside the root.
///
/// With `t` counting the steps of a parameter's layer from 1:
///
/// ```text
/// m ← β₁·m + (1-β₁)·∇            v ← β₂·v + (1-β₂)·∇²
/// θ ← θ - α/(1-β₁ᵗ) · m / (√v / √(1-β₂ᵗ) + ε)
/// ```
///
/// # Order and rounding
/// Once per step, for each layer: `β₁ᵗ` and `β₂ᵗ` are running products (`β₁ᵗ ← β₁ᵗ⁻¹·β₁`); `rate = α / (1 - β₁ᵗ)`;
/// `correction = 1 / √(1 - β₂ᵗ)`. Per parameter: `m = β₁·m + (1-β₁)·∇`; `v = β₂·v + (1-β₂)·(∇·∇)`;
/// `θ = θ - (rate·m) / (√v·correction + ε)`. Every operation rounds once; so a step costs one root and one division
/// per parameter.
///
/// Each layer has powers of its own, beside its moments ([`LayerPowers`]): a layer may miss steps ([`step_frozen`](crate::train::step_frozen)), get new
/// slots, or share the optimizer with another network.
///
/// # Differs from PyTorch
/// PyTorch computes the two corrections in double precision and divides `√v` by `√(1-β₂ᵗ)`, where this multiplies by the
/// reciprocal; the results differ in the last bits. PyTorch counts steps for each tensor; here a layer is frozen as a whole.
///
/// # Source
/// Kingma and Ba, *Adam: A Method for Stochastic Optimization*, 2015, Algorithm 1, in the reordered form of the end of
/// its section 2 with `ε` where Algorithm 1 has it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Adam {
    /// Learning rate `α`; the paper suggests 0.001.
    pub learning_rate: f32,
    /// Decay of the first moment, `β₁`, 0 to below 1; the paper's 0.9.
    pub beta1: f32,
    /// Decay of the second moment, `β₂`, 0 to below 1; the paper's 0.999.
    pub beta2: f32,
    /// Added to the root, `ε`, above 0; the paper's 1e-8.
    pub epsilon: f32,
    /// `β₁ᵗ` of all steps of this optimizer, 1 before the first. It tells how far a training is; the layers have their own.
    pub beta1_power: f32,
    /// `β₂ᵗ` of all steps of this optimizer, 1 before the first.
    pub beta2_power: f32,
}

crate::state!(Adam { learning_rate: f32, beta1: f32, beta2: f32, epsilon: f32, beta1_power: f32, beta2_power: f32 });

impl Adam {
    /// Adam with this learning rate and the paper's `β₁` 0.9, `β₂` 0.999, `ε` 1e-8.
    pub const fn new(learning_rate: f32) -> Self {
        Self { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, beta1_power: 1.0, beta2_power: 1.0 }
    }
}

impl Default for Adam {
    /// The paper's settings, learning rate 0.001.
    fn default() -> Self {
        Self::new(0.001)
    }
}

/// What [`Adam`] remembers of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(C)] // as a loop in assembly wants it
pub struct Moments {
    /// `m`, the decaying mean of the gradient.
    pub first_moment: f32,
    /// `v`, the decaying mean of its square.
    pub second_moment: f32,
}

/// What all parameters share in one step of [`Adam`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(C)] // as a loop in assembly wants it
pub struct AdamConstants {
    beta1: f32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    correction: f32,
    epsilon: f32,
    rate: f32,
    // What the assembly reads ends here.
    learning_rate: f32,
}

/// What [`Adam`] remembers of a layer: `β₁ᵗ` and `β₂ᵗ` of the steps that the layer has learnt in.
///
/// Both are 1 before the first step. That start has only zero bytes: a power is kept as the bits in which it differs from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LayerPowers {
    beta1: u32,
    beta2: u32,
}

crate::state!(LayerPowers { beta1: u32, beta2: u32 });

impl LayerPowers {
    /// These powers.
    pub const fn new(beta1_power: f32, beta2_power: f32) -> Self {
        Self { beta1: beta1_power.to_bits() ^ ONE, beta2: beta2_power.to_bits() ^ ONE }
    }

    /// `β₁ᵗ`.
    pub const fn beta1_power(self) -> f32 {
        f32::from_bits(self.beta1 ^ ONE)
    }

    /// `β₂ᵗ`.
    pub const fn beta2_power(self) -> f32 {
        f32::from_bits(self.beta2 ^ ONE)
    }
}

const ONE: u32 = 1.0_f32.to_bits();

impl Zero for LayerPowers {
    const ZERO: Self = Self { beta1: 0, beta2: 0 };
}

impl Slot for LayerPowers {
    type Layer = ();

    /// Whether both can be powers at all: they are from 0 to 1.
    fn is_finite(&self) -> bool {
        Domain::UpToOne.contains(self.beta1_power()) && Domain::UpToOne.contains(self.beta2_power())
    }
}

crate::state!(Moments { first_moment: f32, second_moment: f32 });

impl Zero for Moments {
    const ZERO: Self = Self { first_moment: 0.0, second_moment: 0.0 };
}

impl Slot for Moments {
    type Layer = LayerPowers;

    fn is_finite(&self) -> bool {
        self.first_moment.is_finite() & self.second_moment.is_finite()
    }
}

fn rate(learning_rate: f32, beta1_power: f32) -> f32 {
    learning_rate / (1.0 - beta1_power)
}

fn correction(beta2_power: f32) -> f32 {
    1.0 / scalar::sqrt(1.0 - beta2_power)
}

impl Optimizer for Adam {
    type Slot = Moments;
    type Step = AdamConstants;

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::NonNegative.check("learning_rate", self.learning_rate)?;
        Domain::BelowOne.check("beta1", self.beta1)?;
        Domain::BelowOne.check("beta2", self.beta2)?;
        Domain::Positive.check("epsilon", self.epsilon)?;
        Domain::UpToOne.check("beta1_power", self.beta1_power)?;
        Domain::UpToOne.check("beta2_power", self.beta2_power)
    }

    fn begin_step(&mut self) -> AdamConstants {
        self.beta1_power *= self.beta1;
        self.beta2_power *= self.beta2;
        AdamConstants {
            rate: rate(self.learning_rate, self.beta1_power),
            correction: correction(self.beta2_power),
            epsilon: self.epsilon,
            beta1: self.beta1,
            beta2: self.beta2,
            one_minus_beta1: 1.0 - self.beta1,
            one_minus_beta2: 1.0 - self.beta2,
            learning_rate: self.learning_rate,
        }
    }

    fn begin_layer(&self, layer: &mut LayerPowers, learns: bool) {
        if learns {
            *layer = LayerPowers::new(layer.beta1_power() * self.beta1, layer.beta2_power() * self.beta2);
        }
    }

    fn layer_without_state(&self) -> LayerPowers {
        LayerPowers::new(self.beta1_power, self.beta2_power)
    }

    #[inline(always)]
    fn step_of_layer(step: &AdamConstants, layer: &LayerPowers) -> AdamConstants {
        let (rate, correction) = (rate(step.learning_rate, layer.beta1_power()), correction(layer.beta2_power()));
        AdamConstants { rate, correction, ..*step }
    }

    #[inline(always)]
    fn update(step: &AdamConstants, parameter: f32, gradient: f32, slot: &mut Moments) -> f32 {
        let first = step.beta1 * slot.first_moment + step.one_minus_beta1 * gradient;
        let second = step.beta2 * slot.second_moment + step.one_minus_beta2 * (gradient * gradient);
        slot.first_moment = first;
        slot.second_moment = second;
        parameter - (step.rate * first) / (scalar::sqrt(second) * step.correction + step.epsilon)
    }
}
