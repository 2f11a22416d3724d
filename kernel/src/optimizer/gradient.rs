//! The rule that stores the gradient instead of using it.

use super::Optimizer;

/// "Optimizer" that leaves the parameters alone and keeps the gradient in its slot.
///
/// It gives the two-phase form that PyTorch users know (`backward`, then `step`) from the same backward sweep that trains, so
/// what a finite-difference test sees is what ships. See [`Gradients`](crate::train::Gradients).
///
/// # Order and rounding
/// The first batch after [`restart`](Self::restart) stores its sum over the samples; each further batch goes on adding
/// to it, sample by sample, so that several micro-batches give the bits of one batch of all their samples.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StoreGradient {
    continues: bool,
}

crate::state!(StoreGradient { continues: bool });

impl StoreGradient {
    /// A rule whose next batch starts a new gradient.
    pub const NEW: Self = Self { continues: false };

    /// Makes the next batch start a new gradient.
    pub const fn restart(&mut self) {
        self.continues = false;
    }

    /// Whether a gradient has been stored since the last restart.
    pub const fn is_stored(&self) -> bool {
        self.continues
    }
}

impl Optimizer for StoreGradient {
    type Slot = f32;
    /// Whether this batch goes on with the sum of earlier ones.
    type Step = bool;

    fn begin_step(&mut self) -> bool {
        core::mem::replace(&mut self.continues, true)
    }

    #[inline(always)]
    fn update(_continues: &bool, parameter: f32, gradient: f32, slot: &mut f32) -> f32 {
        *slot = gradient;
        parameter
    }
}
