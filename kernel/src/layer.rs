//! Layers: parameters, a forward pass and a backward pass that updates as it goes.
//!
//! [`Parameters`] is what of a layer learns; [`Layer`] is its passes over samples of a shape. [`Dense`] is the fully connected layer;
//! [`HardSwish`] is a function of each value; [`Dropout`] drops some of them in training; [`LayerNorm`] normalizes each position, [`BatchNorm`] each channel; [`Residual`] adds two branches of layers; [`Frozen`] layers
//! predict and do not learn; those in a [`Recompute`] run forward twice for less memory. A layer knows the interface of optimizers and
//! activations, and nothing of losses, batches or training.
//!
//! On images and sequences:
//!
//! | layer | what it gives out |
//! | --- | --- |
//! | [`Dense`] | the same positions, other channels |
//! | [`Conv2d`], [`Conv1d`] | a position for each [`Window`], other channels |
//! | [`PooledConv2d`] | a position for each window of places, other channels, without the map in between |
//! | [`DepthwiseConv2d`], [`DepthwiseConv1d`] | a position for each [`Window`], the same channels, each by itself |
//! | [`MaxPool2d`], [`MaxPool1d`], [`AveragePool2d`], [`AveragePool1d`] | a position for each [`Window`], the same channels |
//! | [`GlobalMaxPool`], [`GlobalAveragePool`] | a feature for each channel |
//! | [`Flatten`] | a feature for each value |
//!
//! A [`Window`] is [`Same`], [`Strided`], [`Centered`] or [`Valid`].

mod batch_norm;
mod convolution;
mod dense;
mod dropout;
mod flatten;
mod frozen;
mod hard_swish;
mod inputs;
mod layer_norm;
pub(crate) mod memory;
pub(crate) mod misfit;
mod order;
mod parameters;
mod pass;
mod pool;
mod pooled_convolution;
mod recompute;
mod residual;
mod slots;
mod tensor;
pub(crate) mod window;

pub use all::*;
pub use batch_norm::{BatchNormSlots, Fold};
pub use convolution::{Conv2dSlots, DepthwiseConv2dSlots};
pub use dense::DenseSlots;
pub use frozen::Body;
pub use inputs::{InputGradient, Inputs, Stacked};
pub use layer_norm::LayerNormSlots;
pub use memory::End;
pub use order::ChannelOrder;
pub use parameters::{Parameters, Slots, Tensors, step_of_layer};
pub use pass::{Backward, Forward, Pass, Place, Whole};
pub use pool::{Average, Global, Maximum, Over, Pool, Region};
pub use residual::{ResidualSlots, SkipSlots};
pub use slots::{Flat, WeightSlots};
pub use tensor::{Form, Initial, StateTensor, Taps, Tensor};
pub use window::{Along, Padding, Window};

pub(crate) use inputs::StartingAt;
pub(crate) use parameters::{begin_step, draw, has_sound_state, state_values, update};
pub(crate) use pass::{Above, Slice};

use core::fmt;

use crate::activation::Activation;
use crate::kernels::{Kernels, ThisCpu};
use crate::optimizer::Optimizer;
use crate::shape::{Positions, Shape};
use memory::cut;

/// What is at the root of the crate too.
pub(crate) mod all {
    pub use super::batch_norm::{BatchNorm, KerasNorm, NormSettings, PyTorchNorm};
    pub use super::convolution::{Conv1d, Conv2d, DepthwiseConv1d, DepthwiseConv2d};
    pub use super::dense::Dense;
    pub use super::dropout::Dropout;
    pub use super::flatten::Flatten;
    pub use super::frozen::Frozen;
    pub use super::hard_swish::HardSwish;
    pub use super::layer_norm::LayerNorm;
    pub use super::pool::{AveragePool1d, AveragePool2d, GlobalAveragePool, GlobalMaxPool, MaxPool1d, MaxPool2d};
    pub use super::pooled_convolution::PooledConv2d;
    pub use super::recompute::Recompute;
    pub use super::residual::{Residual, Skip};
    pub use super::window::{Centered, Same, Strided, Valid};
}

/// A pre-activation was infinite or NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NonFinite {
    /// The layer, counted from 0 at the input.
    pub layer: usize,
}

impl NonFinite {
    /// The same as seen from a network that has `layers` layers in front.
    pub const fn behind(self, layers: usize) -> Self {
        Self { layer: self.layer.saturating_add(layers) }
    }
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pre-activation of layer {} is infinite or NaN", self.layer)
    }
}

impl core::error::Error for NonFinite {}

/// The end of a forward pass: replaces pre-activations by activations.
///
/// # Errors
/// A pre-activation is infinite or NaN. All are replaced all the same.
#[inline(always)]
pub fn activate<A: Activation>(values: &mut [f32]) -> Result<(), NonFinite> {
    if ThisCpu::activate::<A>(values) { Ok(()) } else { Err(NonFinite { layer: 0 }) }
}

/// The end of a forward pass of a norm, whose variances are finite or not: it is an error too if not.
#[inline(always)]
fn activate_normalized<A: Activation>(are_finite: bool, values: &mut [f32]) -> Result<(), NonFinite> {
    let result = activate::<A>(values);
    if are_finite { result } else { Err(NonFinite { layer: 0 }) }
}

/// Forward pass of a layer whose slices come behind those of `before` layers: the part that is due.
#[inline(always)]
pub(crate) fn forward_due<In: Shape, L: Layer<In>, P: Pass, X: Inputs + ?Sized>(
    layer: &L,
    pass: P,
    before: usize,
    x: &X,
    y: &mut [f32],
    memory: &mut [f32],
) -> Result<(), NonFinite> {
    let Some(part) = pass.forward_part(before, L::LAYERS, L::WHOLE_BATCH) else { return Ok(()) };
    forward_of(layer, part, L::KEPT, x, y, memory)
}

/// A part of the forward pass of a layer that has `kept` floats of each sample in memory.
#[inline(always)]
pub(crate) fn forward_of<In: Shape, L: Layer<In>, P: Pass, X: Inputs + ?Sized>(
    layer: &L,
    Forward { pass, first }: Forward<P>,
    kept: usize,
    x: &X,
    y: &mut [f32],
    memory: &mut [f32],
) -> Result<(), NonFinite> {
    if const { P::SLICED } {
        let (_, y) = cut(y, first.wrapping_mul(L::Out::SIZE));
        let (y, _) = cut(y, pass.samples().wrapping_mul(L::Out::SIZE));
        let (_, memory) = cut(memory, first.wrapping_mul(kept));
        layer.forward(pass, &StartingAt { inputs: x, first }, y, memory)
    } else {
        layer.forward(pass, x, y, memory)
    }
}

/// The default of [`Layer::backward_inner`]: the gradient of `x` lies apart until the last slice of the layer is made.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // as a backward pass
pub(crate) fn backward_apart<In: Shape, L: Layer<In>, P: Pass, O: Optimizer, Below: Activation>(
    layer: &mut L,
    pass: P,
    x: &mut [f32],
    delta: &[f32],
    memory: &mut [f32],
    slots: &mut L::Slots<O::Slot>,
    step: &O::Step,
) {
    let at = memory.len().wrapping_sub(x.len());
    let (memory, dx) = cut(memory, at);
    let inputs = &Stacked::<In>::new(x);
    layer.backward::<P, O, _>(pass, inputs, delta, InputGradient::Write(&mut *dx), memory, slots, step);
    if makes_last_slice::<In, L, P>(pass) {
        ThisCpu::activation_gradients::<Below>(x, dx);
    }
}

/// Whether the last slice of a layer's backward pass is due, or all of them.
#[inline(always)]
pub(crate) fn makes_last_slice<In: Shape, L: Layer<In>, P: Pass>(pass: P) -> bool {
    pass.slices(L::SLICES).end == L::SLICES
}

/// What one layer looks like, for a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LayerSummary {
    /// The kind of layer, such as `Dense`.
    pub kind: &'static str,
    /// Values in.
    pub inputs: usize,
    /// Values out.
    pub outputs: usize,
    /// Name of the activation.
    pub activation: &'static str,
    /// Number of weights and biases.
    pub parameters: usize,
    /// Number of tensors that these lie in.
    pub tensors: usize,
    /// Number of tensors of state.
    pub state_tensors: usize,
    /// Rows of the positions that it takes in.
    pub height: usize,
    /// Positions in a row of them.
    pub width: usize,
    /// What it does to the order of channels.
    pub order: ChannelOrder,
    /// Whether it is part of a branch, whose output is added to that of another.
    pub is_in_branch: bool,
}

/// The passes of a layer over samples of shape `In`. A tuple of layers, a network, is a layer again.
///
/// `x`, `y`, `delta` and the gradient of `x` are samples one after the other, as many as the pass has. `memory` is as large as the
/// constants here ask for, and holds anything when a pass begins, but for what the layer has kept.
///
/// A layer that holds layers passes on what they say: of [`Parameters`] all items about tensors, state, layers and modules; here
/// [`MISFIT`](Self::MISFIT), [`UNTRAINABLE`](Self::UNTRAINABLE), [`WHOLE_BATCH`](Self::WHOLE_BATCH), [`GIVES_INPUT_GRADIENT`](Self::GIVES_INPUT_GRADIENT) and
/// [`ORDER`](Self::ORDER). [`Pass::behind`] says how many layers lie in front of one. `Residual` is an example.
///
/// A layer implements [`Out`](Self::Out), [`Activation`](Self::Activation), [`forward`](Self::forward) and
/// [`backward`](Self::backward), and says what it keeps. All else has a default.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take in `{In}`",
    label = "this layer, or a layer of this network, does not fit",
    note = "`Grid<One, N>` is `Features<N>`; a network is a tuple of 1 to 16 layers; an activation is a parameter: `Dense<4, 16, Relu>`"
)]
pub trait Layer<In: Shape>: Parameters {
    /// What a sample looks like coming out.
    type Out: Shape;
    /// The activation of the output, whose values these are. `delta` is the gradient of what it was given.
    type Activation: Activation;

    /// Floats of each sample that stay at the front of `memory` from the forward pass to the backward pass: those of sample `s` from
    /// `s·KEPT` on. (A step in slices calls [`forward`](Self::forward) for each sample by itself, unless it is for a
    /// [`WHOLE_BATCH`](Self::WHOLE_BATCH).)
    const KEPT: usize = 0;
    /// Further floats of `memory`, for each sample, that a pass may use.
    const SCRATCH: usize = 0;
    /// Slices of the backward pass.
    const SLICES: usize = 1;
    /// Whether [`backward`](Self::backward) gives the gradient of the input where one asks for it; [`Frozen`] layers don't.
    const GIVES_INPUT_GRADIENT: bool = true;
    /// Whether [`forward`](Self::forward) has to see all samples at once, or is this of a layer inside of it. In a step in slices the slice of the last
    /// sample makes them all then.
    const WHOLE_BATCH: bool = false;
    /// What it does to the order of channels; only files of PyTorch need to know.
    ///
    /// Unless the layer says otherwise it is [`Undeclared`](ChannelOrder::Undeclared), or [`Unknown`](ChannelOrder::Unknown) if it makes features of
    /// positions or positions of features.
    const ORDER: ChannelOrder = ChannelOrder::undeclared(In::Positions::COUNT, <Self::Out as Shape>::Positions::COUNT);

    /// Why the layer does not fit what it takes in, if so: [`floats`](crate::floats) and [`predict_floats`](crate::predict_floats) do not compile
    /// then, and their message is this.
    const MISFIT: Option<&'static str> = None;
    /// Why layers in it can predict where they are, but can't be trained there, if so; [`floats`](crate::floats) says it.
    const UNTRAINABLE: Option<&'static str> = None;

    /// Forward pass: writes the output of each sample to `y`. [`Pass::trains`] says whether a backward pass follows.
    ///
    /// # Errors
    /// A pre-activation is infinite or NaN; the first such layer is named. The pass runs to its end all the same.
    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        memory: &mut [f32],
    ) -> Result<(), NonFinite>;

    /// Backward pass: gives the gradient of `x`, made with the old parameters, and updates the parameters. Nothing can be refused any more, so
    /// [state](Parameters::STATE) changes here.
    ///
    /// A layer of several [`SLICES`](Self::SLICES) makes those that [`Pass::slices`] names. `step` is this layer's. A layer that holds layers hands each
    /// the step of its own, by [`step_of_layer`].
    #[allow(clippy::too_many_arguments)] // what a backward pass reads and writes
    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        dx: InputGradient<'_>,
        memory: &mut [f32],
        slots: &mut Self::Slots<O::Slot>,
        step: &O::Step,
    );

    /// [`SCRATCH`](Self::SCRATCH) for [`backward_inner`](Self::backward_inner).
    const SCRATCH_INNER: usize = In::SIZE + Self::SCRATCH;

    /// Backward pass of a layer behind another: `x`, the output of that layer, becomes its `delta` (the gradient of `x` back through
    /// `Below`: [`Activation::backward`]).
    ///
    /// Only a layer that can do so in place has its own. The default makes the gradient of `x` at the back of `memory`, and puts it in the place of `x`
    /// when the last slice is made.
    #[allow(clippy::too_many_arguments)] // as `backward`
    fn backward_inner<P: Pass, O: Optimizer, Below: Activation>(
        &mut self,
        pass: P,
        x: &mut [f32],
        delta: &[f32],
        memory: &mut [f32],
        slots: &mut Self::Slots<O::Slot>,
        step: &O::Step,
    ) {
        const {
            assert!(
                Self::SCRATCH_INNER >= In::SIZE + Self::SCRATCH,
                "SCRATCH_INNER has no room for the input's gradient"
            );
        };
        debug_assert!(
            memory.len() >= x.len().wrapping_add(pass.samples().wrapping_mul(Self::KEPT + Self::SCRATCH)),
            "a plan of memory is too small: SCRATCH_INNER"
        );
        backward_apart::<In, Self, P, O, Below>(self, pass, x, delta, memory, slots, step);
    }

    /// Floats of `memory`, for each sample, behind what the layer keeps, that [`recompute`](Self::recompute) needs in the place of
    /// [`SCRATCH`](Self::SCRATCH), if they are more.
    const RECOMPUTE: usize = if Self::KEPT == 0 { 0 } else { Self::SCRATCH + Self::Out::SIZE };

    /// Makes again what [`forward`](Self::forward) has kept, for a backward pass that follows. Nobody reads the output again.
    ///
    /// For [`Recompute`]. Of this layer it is a whole pass, with the parameters and the state of the forward pass. The default calls `forward`, which has to
    /// give the same bits then. A layer that can leave out its output has its own, with [`RECOMPUTE`](Self::RECOMPUTE).
    fn recompute<P: Pass, X: Inputs + ?Sized>(&self, pass: P, x: &X, memory: &mut [f32]) {
        const {
            let room = Self::SCRATCH + Self::Out::SIZE;
            assert!(Self::KEPT == 0 || Self::RECOMPUTE >= room, "RECOMPUTE has no room for the output");
        };
        if const { Self::KEPT > 0 } {
            let at = memory.len().wrapping_sub(pass.samples().wrapping_mul(Self::Out::SIZE));
            let (memory, y) = cut(memory, at);
            // What is not finite has shown in the first forward pass.
            let _ = self.forward(pass, x, y, memory);
        }
    }

    /// Floats of memory of [`predict_into`](Self::predict_into).
    const PREDICT: usize = Self::KEPT + Self::SCRATCH;

    /// Forward pass of one sample that keeps nothing.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn predict_into(&self, x: &[f32], y: &mut [f32], memory: &mut [f32]) -> Result<(), NonFinite> {
        self.forward(Whole::<1>::inference(1), &Stacked::<In>::new(x), y, memory)
    }

    /// Floats of memory of [`predict_along`](Self::predict_along) for an input inside of it, input and output counted.
    const ALONG: usize = In::SIZE + Self::Out::SIZE + Self::PREDICT;
    /// The same for an input outside.
    const FROM_OUTSIDE: usize = Self::Out::SIZE + Self::PREDICT;

    /// [`predict_into`](Self::predict_into) from one end of memory, which is of no use after it, to the other; says where the output is.
    ///
    /// For networks, which pass memory through their layers.
    fn predict_along(&self, from: End, outside: &[f32], memory: &mut [f32]) -> (End, Result<(), NonFinite>) {
        let (x, y, memory, end) = from.input_and_output(outside, memory, Self::Out::SIZE);
        (end, self.predict_into(x, y, memory))
    }

    /// Describes each layer, from the input on.
    fn describe(visit: &mut impl FnMut(LayerSummary)) {
        visit(LayerSummary {
            kind: Self::KIND,
            inputs: In::SIZE,
            outputs: Self::Out::SIZE,
            activation: Self::Activation::NAME,
            parameters: Self::PARAMETERS,
            tensors: Self::COUNT,
            state_tensors: Self::STATE_COUNT,
            height: In::Positions::HEIGHT,
            width: In::Positions::WIDTH,
            order: Self::ORDER,
            is_in_branch: false,
        });
    }
}
