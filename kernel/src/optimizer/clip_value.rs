//! Clipping each gradient by its value, for any rule.

// `if` alone leaves the compiler free to branch on the data.
use crate::fingerprint::Fingerprint;
use crate::setting::{Domain, SettingError};
use crate::state::State;
use core::hint::select_unpredictable as select;

use super::{Optimizer, Slot};

/// Clips each gradient to `[-limit, limit]` before another rule gets it.
///
/// Clipping by the norm of the whole gradient needs the whole gradient: see
/// [`Gradients::clip_norm`](crate::train::Gradients::clip_norm).
///
/// # Special values
/// A NaN stays NaN. An infinity becomes the limit, so a gradient that overflowed is not noticed.
///
/// # Source
/// As PyTorch's `clip_grad_value_`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "clip_grad_value_")]
#[doc(alias = "clipvalue")]
pub struct ClipValue<O> {
    /// The largest absolute value; finite and above 0.
    pub limit: f32,
    /// The rule that gets the gradient.
    pub optimizer: O,
}

impl<O> ClipValue<O> {
    /// `optimizer` with gradients clipped to `[-limit, limit]`.
    pub const fn new(limit: f32, optimizer: O) -> Self {
        Self { limit, optimizer }
    }
}

impl<O: Optimizer> Optimizer for ClipValue<O> {
    type Slot = O::Slot;
    /// The limit, and the step of the rule within.
    type Step = (f32, O::Step);

    #[inline]
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::Positive.check("limit", self.limit)?;
        self.optimizer.check_settings()
    }

    fn begin_step(&mut self) -> (f32, O::Step) {
        (self.limit, self.optimizer.begin_step())
    }

    fn begin_layer(&self, layer: &mut <O::Slot as Slot>::Layer, learns: bool) {
        self.optimizer.begin_layer(layer, learns);
    }

    fn layer_without_state(&self) -> <O::Slot as Slot>::Layer {
        self.optimizer.layer_without_state()
    }

    #[inline(always)]
    fn step_of_layer((limit, step): &(f32, O::Step), layer: &<O::Slot as Slot>::Layer) -> (f32, O::Step) {
        (*limit, O::step_of_layer(step, layer))
    }

    #[inline(always)]
    fn update((limit, step): &(f32, O::Step), parameter: f32, gradient: f32, slot: &mut O::Slot) -> f32 {
        let below = select(gradient > *limit, *limit, gradient);
        let clipped = select(below < -*limit, -*limit, below);
        O::update(step, parameter, clipped, slot)
    }
}

impl<O: State> State for ClipValue<O> {
    const BYTES: usize = f32::BYTES + O::BYTES;
    const FINGERPRINT: u32 = Fingerprint::of("ClipValue").part(O::FINGERPRINT).value();

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        let Self { limit, optimizer } = self;
        limit.save(write);
        optimizer.save(write);
    }

    fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
        let Self { limit, optimizer } = self;
        limit.load(read);
        optimizer.load(read);
    }
}
