//! Weight decay in the gradient, for any rule.

use super::{Optimizer, Slot};
use crate::fingerprint::Fingerprint;
use crate::setting::{Domain, SettingError};
use crate::state::State;

/// L2 weight decay around another rule: its gradient is `∇ + λ·θ`.
///
/// Biases decay like weights, as PyTorch's `weight_decay` does unless told otherwise. Around [`Adam`](super::Adam) this is not
/// [`AdamW`](super::AdamW).
///
/// # Order and rounding
/// The product `λ·θ`, then the sum.
///
/// # Source
/// Krogh and Hertz, *A Simple Weight Decay Can Improve Generalization*, 1991; PyTorch's `weight_decay` of `SGD` and `Adam`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WeightDecay<O> {
    /// Weight decay `λ`.
    pub weight_decay: f32,
    /// The rule that gets the gradient.
    pub optimizer: O,
}

impl<O> WeightDecay<O> {
    /// `optimizer` with weight decay `λ`.
    pub const fn new(weight_decay: f32, optimizer: O) -> Self {
        Self { weight_decay, optimizer }
    }
}

impl<O: Optimizer> Optimizer for WeightDecay<O> {
    type Slot = O::Slot;
    /// `λ`, and the step of the rule within.
    type Step = (f32, O::Step);

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::NonNegative.check("weight_decay", self.weight_decay)?;
        self.optimizer.check_settings()
    }

    fn begin_step(&mut self) -> (f32, O::Step) {
        (self.weight_decay, self.optimizer.begin_step())
    }

    fn begin_layer(&self, layer: &mut <O::Slot as Slot>::Layer, learns: bool) {
        self.optimizer.begin_layer(layer, learns);
    }

    fn layer_without_state(&self) -> <O::Slot as Slot>::Layer {
        self.optimizer.layer_without_state()
    }

    #[inline(always)]
    fn step_of_layer((weight_decay, step): &(f32, O::Step), layer: &<O::Slot as Slot>::Layer) -> (f32, O::Step) {
        (*weight_decay, O::step_of_layer(step, layer))
    }

    #[inline(always)]
    fn update((weight_decay, step): &(f32, O::Step), parameter: f32, gradient: f32, slot: &mut O::Slot) -> f32 {
        O::update(step, parameter, gradient + *weight_decay * parameter, slot)
    }
}

impl<O: State> State for WeightDecay<O> {
    const BYTES: usize = f32::BYTES + O::BYTES;
    const FINGERPRINT: u32 = Fingerprint::of("WeightDecay").part(O::FINGERPRINT).value();

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        let Self { weight_decay, optimizer } = self;
        weight_decay.save(write);
        optimizer.save(write);
    }

    fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
        let Self { weight_decay, optimizer } = self;
        weight_decay.load(read);
        optimizer.load(read);
    }
}
