//! AdamW: Adam with weight decay beside the gradient.

use super::{Adam, AdamConstants, LayerPowers, Moments, Optimizer};
use crate::setting::{Domain, SettingError};

/// AdamW: `θ ← (1 - α·λ)·θ`, then [`Adam`]'s step with the plain gradient.
///
/// Biases decay like weights, as PyTorch does unless told otherwise.
///
/// # Order and rounding
/// Once per step `1 - α·λ` (the product, the difference). Per parameter the product with it, then as [`Adam`].
///
/// # Accuracy
/// `1 - α·λ` is one `f32`. A product `α·λ` up to 2⁻²⁵ decays nothing, and one of 3e-6 is right to 1 % of itself.
///
/// # Source
/// Loshchilov and Hutter, *Decoupled Weight Decay Regularization*, 2019, Algorithm 2, in PyTorch's form, where the learning
/// rate scales the decay.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AdamW {
    /// The rule for the gradient, with the learning rate.
    pub adam: Adam,
    /// Weight decay `λ`.
    pub weight_decay: f32,
}

crate::state!(AdamW { adam: Adam, weight_decay: f32 });

impl AdamW {
    /// AdamW with this learning rate, [`Adam::new`]'s other settings, and PyTorch's `λ` of 0.01.
    pub const fn new(learning_rate: f32) -> Self {
        Self { adam: Adam::new(learning_rate), weight_decay: 0.01 }
    }
}

impl Optimizer for AdamW {
    type Slot = Moments;
    /// Adam's step, and `1 - α·λ`.
    type Step = (AdamConstants, f32);

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::NonNegative.check("weight_decay", self.weight_decay)?;
        self.adam.check_settings()
    }

    fn begin_step(&mut self) -> (AdamConstants, f32) {
        (self.adam.begin_step(), 1.0 - self.adam.learning_rate * self.weight_decay)
    }

    fn begin_layer(&self, layer: &mut LayerPowers, learns: bool) {
        self.adam.begin_layer(layer, learns);
    }

    fn layer_without_state(&self) -> LayerPowers {
        self.adam.layer_without_state()
    }

    #[inline(always)]
    fn step_of_layer((step, keep): &(AdamConstants, f32), layer: &LayerPowers) -> (AdamConstants, f32) {
        (Adam::step_of_layer(step, layer), *keep)
    }

    #[inline(always)]
    fn update((step, keep): &(AdamConstants, f32), parameter: f32, gradient: f32, slot: &mut Moments) -> f32 {
        Adam::update(step, parameter * *keep, gradient, slot)
    }
}
