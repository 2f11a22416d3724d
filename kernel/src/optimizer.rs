//! Optimizers: one rule a file, each a scalar formula and its slot.
//!
//! A rule knows one parameter, its gradient and its slot (what it remembers of that parameter); it knows nothing of
//! layers. The backward sweep of a layer calls it for each parameter as soon as that parameter's gradient is
//! complete, so no gradient is ever stored.
//!
//! | rule | slot per parameter | known elsewhere as |
//! | --- | --- | --- |
//! | [`Sgd`] | none | `torch.optim.SGD`, Keras `SGD` |
//! | [`Momentum`] | 4 bytes | Keras `SGD(momentum=…)` |
//! | [`SgdMomentum`] | 4 bytes | `torch.optim.SGD(momentum=…)` |
//! | [`Nesterov`] | 4 bytes | `torch.optim.SGD(momentum=…, nesterov=True)` |
//! | [`AdaGrad`] | 4 bytes | `Adagrad`, `ε` placed otherwise |
//! | [`RmsProp`] | 4 bytes | `RMSprop`, `ε` placed otherwise |
//! | [`Adam`] | 8 bytes | `Adam` |
//! | [`AdamW`] | 8 bytes | `AdamW` |
//! | [`Lion`] | 4 bytes | Keras `Lion`, Optax `lion` |
//! | [`WeightDecay`] | as the rule within | the argument `weight_decay` |
//! | [`ClipValue`] | as the rule within | `clip_grad_value_` |
//!
//! Every rule has its learning rate as a public field, for a [`schedule`](crate::schedule) to set; [`AdamW`], [`WeightDecay`] and
//! [`ClipValue`] have that of the rule within (`adam.learning_rate`, `optimizer.learning_rate`).

mod adagrad;
mod adam;
mod adamw;
mod clip_value;
mod gradient;
mod lion;
mod momentum;
mod nesterov;
mod rmsprop;
mod sgd;
mod sgd_momentum;
mod weight_decay;

pub use adam::{AdamConstants, Moments};
pub use all::*;
pub use gradient::StoreGradient;

use crate::zero::Zero;

/// What is at the root of the crate too.
pub(crate) mod all {
    pub use super::adagrad::AdaGrad;
    pub use super::adam::Adam;
    pub use super::adamw::AdamW;
    pub use super::clip_value::ClipValue;
    pub use super::lion::Lion;
    pub use super::momentum::Momentum;
    pub use super::nesterov::Nesterov;
    pub use super::rmsprop::RmsProp;
    pub use super::sgd::Sgd;
    pub use super::sgd_momentum::SgdMomentum;
    pub use super::weight_decay::WeightDecay;
}

/// What a rule remembers of one parameter.
pub trait Slot: Zero + Copy {
    /// Whether every number in it is finite.
    fn is_finite(&self) -> bool;
}

impl Slot for () {
    fn is_finite(&self) -> bool {
        true
    }
}

impl Slot for f32 {
    fn is_finite(&self) -> bool {
        f32::is_finite(*self)
    }
}

/// A rule that changes one parameter, given its gradient.
///
/// To write one: the hyper-parameters are the fields of the implementing type, what it remembers per parameter is
/// [`Slot`](Self::Slot), what is the same for all parameters of one step is computed once in
/// [`begin_step`](Self::begin_step), and [`update`](Self::update) is the formula. It must not branch on the data: the
/// time of a step is to be the same for every batch.
pub trait Optimizer: 'static {
    /// What the rule remembers of each parameter: `()`, an `f32`, a small struct. It starts as [`Zero::ZERO`].
    type Slot: Slot;

    /// What all parameters share in one step, such as the learning rate.
    type Step: Copy;

    /// Begins a step: counts it, and computes what all parameters share.
    ///
    /// Called once per step, after the batch has been found to be sound.
    fn begin_step(&mut self) -> Self::Step;

    /// The new value of a parameter.
    fn update(step: &Self::Step, parameter: f32, gradient: f32, slot: &mut Self::Slot) -> f32;
}
