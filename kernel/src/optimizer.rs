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
//! Which values the settings may have is in the table of [`setting`](crate::setting).
//!
//! # Accuracy
//! A slot that is a decaying mean, such as a moment of [`Adam`], is one `f32`. It stands still where `(1 - β)·|x - mean|` is below half a unit of its
//! last place: with `β = 0.999` where `x` is closer than 6e-5 of it, with the largest `β` below 1 where `x` is less than twice as large.
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

pub use adam::{AdamConstants, LayerPowers, Moments};
pub use all::*;
pub use gradient::StoreGradient;

use crate::setting::SettingError;
use crate::state::State;
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
    /// What the rule remembers of each layer, which may miss steps ([`step_frozen`](crate::train::step_frozen)); `()` where that is nothing.
    type Layer: Slot + State;

    /// Whether every number in it is finite.
    fn is_finite(&self) -> bool;
}

impl Slot for () {
    type Layer = ();

    fn is_finite(&self) -> bool {
        true
    }
}

impl Slot for f32 {
    type Layer = ();

    fn is_finite(&self) -> bool {
        f32::is_finite(*self)
    }
}

/// A rule that changes one parameter, given its gradient.
///
/// To write one: the hyper-parameters are the fields of the implementing type, what it remembers per parameter is
/// [`Slot`](Self::Slot), what is the same for all parameters of one step is computed once in
/// [`begin_step`](Self::begin_step), [`update`](Self::update) is the formula, and [`check_settings`](Self::check_settings)
/// refuses hyper-parameters that make no sense. The formula must not branch on the data: the
/// time of a step is to be the same for every batch.
pub trait Optimizer: 'static {
    /// What the rule remembers of each parameter: `()`, an `f32`, a small struct. It starts as [`Zero::ZERO`].
    type Slot: Slot;

    /// What all parameters share in one step, such as the learning rate.
    type Step: Copy;

    /// Whether each hyper-parameter is in its domain.
    ///
    /// Called once per step, before anything is changed. A rule around another rule asks that one too. Unless written, every value is accepted.
    ///
    /// ```
    /// use baregrad::optimizer::Optimizer;
    /// use baregrad::setting::{Domain, SettingError};
    ///
    /// struct SignDescent { learning_rate: f32 }
    ///
    /// impl Optimizer for SignDescent {
    ///     type Slot = ();
    ///     type Step = f32;
    ///
    ///     fn check_settings(&self) -> Result<(), SettingError> {
    ///         Domain::NonNegative.check("learning_rate", self.learning_rate)
    ///     }
    ///
    ///     fn begin_step(&mut self) -> f32 {
    ///         self.learning_rate
    ///     }
    ///
    ///     fn update(rate: &f32, parameter: f32, gradient: f32, _slot: &mut ()) -> f32 {
    ///         parameter - rate * gradient.signum()
    ///     }
    /// }
    /// # assert!(SignDescent { learning_rate: f32::NAN }.check_settings().is_err());
    /// ```
    ///
    /// # Errors
    /// The first that is not; see [`setting`](crate::setting).
    fn check_settings(&self) -> Result<(), SettingError> {
        Ok(())
    }

    /// Begins a step: counts it, and computes what all parameters share.
    ///
    /// Called once per step, after settings and batch have been found to be sound.
    fn begin_step(&mut self) -> Self::Step;

    /// Begins a step of one layer, whose parameters are updated if it `learns`, and stay as they are if it is frozen.
    ///
    /// Called for each layer with parameters, before [`begin_step`](Self::begin_step). A rule that counts steps counts those of the layer here. The default
    /// does nothing. A rule around another rule must ask that one, here and in the two functions below.
    fn begin_layer(&self, _layer: &mut <Self::Slot as Slot>::Layer, _learns: bool) {}

    /// What a layer has in a training that was saved before there was anything to remember of layers. The default is the start.
    fn layer_without_state(&self) -> <Self::Slot as Slot>::Layer {
        Zero::ZERO
    }

    /// What the parameters of a layer share in a step. The default is what all parameters share.
    #[inline(always)]
    fn step_of_layer(step: &Self::Step, _layer: &<Self::Slot as Slot>::Layer) -> Self::Step {
        *step
    }

    /// The new value of a parameter.
    fn update(step: &Self::Step, parameter: f32, gradient: f32, slot: &mut Self::Slot) -> f32;
}
