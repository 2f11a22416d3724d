//! Optimizers: one rule a file, each a scalar formula and its slot.
//!
//! A rule knows one parameter, its gradient and its slot (what it remembers of that parameter); it knows nothing of
//! layers. The backward sweep of a layer calls it for each parameter as soon as that parameter's gradient is
//! complete, so no gradient is ever stored.

mod adam;
mod gradient;
mod sgd;

pub use adam::{Adam, Moments};
pub use gradient::StoreGradient;
pub use sgd::Sgd;

use crate::zero::Zero;

/// A rule that changes one parameter, given its gradient.
///
/// To write one: the hyper-parameters are the fields of the implementing type, what it remembers per parameter is
/// [`Slot`](Self::Slot), what is the same for all parameters of one step is computed once in
/// [`begin_step`](Self::begin_step), and [`update`](Self::update) is the formula. It must not branch on the data: the
/// time of a step is to be the same for every batch.
pub trait Optimizer {
    /// What the rule remembers of each parameter: `()`, an `f32`, a small struct. It starts as [`Zero::ZERO`].
    type Slot: Zero + Copy;

    /// What all parameters share in one step, such as the learning rate.
    type Step: Copy;

    /// Begins a step: counts it, and computes what all parameters share.
    ///
    /// Called once per step, after the batch has been found to be sound.
    fn begin_step(&mut self) -> Self::Step;

    /// The new value of a parameter.
    fn update(step: &Self::Step, parameter: f32, gradient: f32, slot: &mut Self::Slot) -> f32;

    /// Where the sum over the samples of a gradient goes on from; `None` (the usual): it starts with the first product.
    ///
    /// Only a rule that accumulates the gradients of several batches gives a value here.
    #[inline(always)]
    fn running_sum(_step: &Self::Step, _slot: &Self::Slot) -> Option<f32> {
        None
    }
}
