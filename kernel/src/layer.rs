//! Layers: parameters, a forward pass and the one-pass backward sweep.
//!
//! [`Layer`] is what a network asks of its parts; [`Dense`] is the fully connected layer. A layer knows the interface of
//! optimizers and activations, and nothing of losses, batches or training.

mod dense;
mod sliced;

pub use dense::{Dense, DenseSlots};
pub use sliced::SlicedLayer;

use core::fmt;

use crate::activation::Activation;
use crate::initializer::Initializer;
use crate::loops::COLUMNS;
use crate::optimizer::{Optimizer, StoreGradient};
use crate::shape::{BatchOf, Inputs, SampleOf, Shape};
use crate::zero::Zero;

/// Input columns that a backward sweep saves before it overwrites them: `COLUMNS` values of each of `B` samples.
pub type Columns<const B: usize> = [[f32; COLUMNS]; B];

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
}

/// A layer, or a network of layers (a tuple), which is a layer again.
///
/// The forward pass leaves in [`Activations`](Self::Activations) what the backward pass needs; the layer's output is part of
/// it. Before the backward pass, the output has been overwritten by `delta`, the gradient of the loss with respect to
/// the layer's pre-activations.
///
/// `samples` is how many of the `B` samples are in use: exactly those are read and written, so a short batch gives the
/// bits of a workspace of its size. It is at most `B`, and more count as `B`; training refuses more with an error before.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer or a network of layers",
    note = "a network is a tuple of one to eight layers; each takes in the shape that the one before gives out",
    note = "an activation is a parameter of its layer: `Dense<4, 16, Relu>`",
    note = "`const _: () = baregrad::network::check::<Net>();` names the layer that doesn't fit"
)]
pub trait Layer: Zero {
    /// What a sample looks like going in.
    type In: Shape;
    /// What a sample looks like coming out.
    type Out: Shape;
    /// The activation of the output, whose values these are: [`Activation::through`] takes the gradient back.
    type Activation: Activation;
    /// One optimizer slot per parameter.
    type Slots<O: Optimizer>: Zero;
    /// What a pass over `B` samples leaves, the output included.
    type Activations<const B: usize>: Zero;

    /// Number of parameters.
    const PARAMETERS: usize;
    /// Number of layers; 1 except for networks.
    const LAYERS: usize = 1;
    /// Tells architectures apart in a checkpoint: made of the kind of layer, its sizes and its activation's fingerprint
    /// (see [`Fingerprint`](crate::fingerprint::Fingerprint)).
    const FINGERPRINT: u32;

    /// Forward pass over the first `samples` samples.
    ///
    /// # Errors
    /// A pre-activation is infinite or NaN; the first such layer is named. The pass runs to its end all the same.
    fn forward<const B: usize, X: Inputs<SampleOf<Self::In>> + ?Sized>(
        &self,
        inputs: &X,
        samples: usize,
        activations: &mut Self::Activations<B>,
    ) -> Result<(), NonFinite>;

    /// The output that the last forward pass left.
    fn output<const B: usize>(activations: &Self::Activations<B>) -> &BatchOf<Self::Out, B>;

    /// The output, to overwrite by `delta`.
    fn output_mut<const B: usize>(activations: &mut Self::Activations<B>) -> &mut BatchOf<Self::Out, B>;

    /// The output by value: without a copy where the compiler sees that nobody else wants it.
    fn into_output<const B: usize>(activations: Self::Activations<B>) -> BatchOf<Self::Out, B>;

    /// Backward sweep of a layer whose input is data: updates the parameters.
    fn backward_first<const B: usize, O: Optimizer, X: Inputs<SampleOf<Self::In>> + ?Sized>(
        &mut self,
        inputs: &X,
        samples: usize,
        activations: &mut Self::Activations<B>,
        slots: &mut Self::Slots<O>,
        columns: &mut Columns<B>,
        step: &O::Step,
    );

    /// Backward sweep of a layer above another: updates the parameters, and overwrites `inputs`, the output of the layer
    /// below, by that layer's `delta` (the input gradient through `Below` at each output: [`Activation::through`]).
    fn backward<const B: usize, O: Optimizer, Below: Activation>(
        &mut self,
        inputs: &mut BatchOf<Self::In, B>,
        samples: usize,
        activations: &mut Self::Activations<B>,
        slots: &mut Self::Slots<O>,
        columns: &mut Columns<B>,
        step: &O::Step,
    );

    /// Backward sweep of the layers from number `frozen` on: those below it keep their parameters, and no gradient is computed for them.
    ///
    /// `frozen` is below [`LAYERS`](Self::LAYERS); with 0 it is [`backward_first`](Self::backward_first). A single layer has nothing to add.
    #[allow(clippy::too_many_arguments)] // as the other sweeps, and the number
    fn backward_above<const B: usize, O: Optimizer, X: Inputs<SampleOf<Self::In>> + ?Sized>(
        &mut self,
        frozen: usize,
        inputs: &X,
        samples: usize,
        activations: &mut Self::Activations<B>,
        slots: &mut Self::Slots<O>,
        columns: &mut Columns<B>,
        step: &O::Step,
    ) {
        const { assert!(Self::LAYERS == 1, "several layers need a `backward_above` of their own") }
        if frozen == 0 {
            self.backward_first::<B, O, X>(inputs, samples, activations, slots, columns, step);
        }
    }

    /// Second phase of the two-phase form: updates every parameter by its stored gradient.
    fn update<O: Optimizer>(
        &mut self,
        gradients: &Self::Slots<StoreGradient>,
        slots: &mut Self::Slots<O>,
        step: &O::Step,
    );

    /// Draws initial parameters; `random` gives uniformly distributed 32-bit words.
    fn draw_parameters(&mut self, initializer: &impl Initializer, random: &mut impl FnMut() -> u32);

    /// Shows all parameters in storage order, in pieces: for each layer the weights, then the bias.
    fn parameters(&self, visit: &mut impl FnMut(&[f32]));

    /// Hands out all parameters in the same pieces, to write.
    fn parameters_mut(&mut self, visit: &mut impl FnMut(&mut [f32]));

    /// Shows all slots in the order of the parameters, in the same pieces.
    fn slots<O: Optimizer>(slots: &Self::Slots<O>, visit: &mut impl FnMut(&[O::Slot]));

    /// Hands out all slots in the order of the parameters, to write.
    fn slots_mut<O: Optimizer>(slots: &mut Self::Slots<O>, visit: &mut impl FnMut(&mut [O::Slot]));

    /// Describes each layer, from the input on.
    fn describe(visit: &mut impl FnMut(LayerSummary));
}
