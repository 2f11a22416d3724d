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
mod momentum;
mod nesterov;
mod rmsprop;
mod sgd;
mod sgd_momentum;
mod weight_decay;

pub use adam::Moments;
pub use all::*;
pub use gradient::StoreGradient;

use crate::zero::Zero;

/// What is at the root of the crate too.
pub(crate) mod all {
    pub use super::adagrad::AdaGrad;
    pub use super::adam::Adam;
    pub use super::adamw::AdamW;
    pub use super::clip_value::ClipValue;
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
pub trait Optimizer {
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

    /// Where the sum over the samples of a gradient goes on from; `None` (the usual): it starts with the first product.
    ///
    /// Only a rule that accumulates the gradients of several batches gives a value here.
    #[inline(always)]
    fn running_sum(_step: &Self::Step, _slot: &Self::Slot) -> Option<f32> {
        None
    }

    /// The learning rate of plain gradient descent; `None` (the usual) for every other rule.
    ///
    /// A rule that gives a rate here says that its [`update`](Self::update) is `parameter - rate·gradient` and nothing else. On some
    /// processors a loop in assembly then does it, with the same bits.
    #[inline(always)]
    fn plain_rate(_step: &Self::Step) -> Option<f32> {
        None
    }

    /// Rows of parameters, one for each of `x` and as long as `delta`: the gradient of the one at `(i, o)` is `x[i]·delta[o]`, and goes on from
    /// its [`running_sum`](Self::running_sum).
    ///
    /// Only a rule with a faster loop of the same bits has its own.
    #[inline(always)]
    fn update_rows(step: &Self::Step, parameters: &mut [f32], slots: &mut [Self::Slot], x: &[f32], delta: &[f32])
    where
        Self: Sized,
    {
        update_each::<Self>(step, parameters, slots, x, delta);
    }
}

/// [`Optimizer::update_rows`] by [`Optimizer::update`]: one small loop for all layers.
#[inline(never)]
fn update_each<O: Optimizer>(
    step: &O::Step,
    mut parameters: &mut [f32],
    mut slots: &mut [O::Slot],
    x: &[f32],
    delta: &[f32],
) {
    for x in x {
        // Not by zipped `chunks_exact_mut`: at `opt-level = "s"` a division by their length stays, and its panic with it.
        let rows = (parameters.split_off_mut(..delta.len()), slots.split_off_mut(..delta.len()));
        let (Some(row), Some(slots)) = rows else { return };
        for ((parameter, slot), delta) in row.iter_mut().zip(slots).zip(delta) {
            let gradient = match O::running_sum(step, slot) {
                Some(before) => before + *x * delta,
                None => *x * delta,
            };
            *parameter = O::update(step, *parameter, gradient, slot);
        }
    }
}
