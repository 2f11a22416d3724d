//! `defmt::Format` for what a derive would not do well (feature `defmt`).
//!
//! A log line has few bytes, so a thing as large as a model or a batch prints what it is and how large, not its numbers; a [`Matrix`](crate::Matrix)
//! prints them, because the output of a network is one.

use defmt::{Format, Formatter, write};

use crate::activation::Activation;
use crate::data::{Batch, Batches, Dataset, GatherBuffer, Index, Samples};
use crate::graph::{Graph, Node};
use crate::layer::{
    BatchNorm, Conv2d, Dense, DepthwiseConv2d, Flat, InputGradient, LayerNorm, Parameters, PooledConv2d, Residual,
    Stacked, WeightSlots, Window,
};
use crate::loss::Loss;
use crate::network::{Model, Network, Summary};
use crate::optimizer::{Optimizer, Slot};
use crate::shape::{ArrayShape, SampleOf};
use crate::train::{Gradients, Slices, Trainer, Workspace};

/// Kind, sizes and activation: `Dense<4, 16, ReLU>`.
impl<const IN: usize, const OUT: usize, A: Activation> Format for Dense<IN, OUT, A> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Dense<{=usize}, {=usize}, {=str}>", IN, OUT, A::NAME);
    }
}

/// Kind, sizes and activation, without the window: `Conv2d<8, 16, 3, 3, ReLU>`.
impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W: Window, A: Activation> Format
    for Conv2d<IN, OUT, KH, KW, W, A>
{
    fn format(&self, f: Formatter<'_>) {
        let kind = <Self as Parameters>::KIND;
        write!(f, "{=str}<{=usize}, {=usize}, {=usize}, {=usize}, {=str}>", kind, IN, OUT, KH, KW, A::NAME);
    }
}

/// Kind, sizes, those of the pool too, and activation: `PooledConv2d<8, 16, 3, 3, 2, 2, ReLU>`.
impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, const PH: usize, const PW: usize, A> Format
    for PooledConv2d<IN, OUT, KH, KW, PH, PW, A>
where
    A: Activation,
{
    fn format(&self, f: Formatter<'_>) {
        write!(f, "PooledConv2d<{=usize}, {=usize}, {=usize}, {=usize}, ", IN, OUT, KH, KW);
        write!(f, "{=usize}, {=usize}, {=str}>", PH, PW, A::NAME);
    }
}

/// Likewise: `DepthwiseConv2d<8, 3, 3, ReLU>`.
impl<const N: usize, const KH: usize, const KW: usize, W: Window, A: Activation> Format
    for DepthwiseConv2d<N, KH, KW, W, A>
{
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=str}<{=usize}, {=usize}, {=usize}, {=str}>", <Self as Parameters>::KIND, N, KH, KW, A::NAME);
    }
}

/// How many, and the bytes of a slot.
impl<W: Flat<S>, B: Flat<S>, S: Slot> Format for WeightSlots<W, B, S> {
    fn format(&self, f: Formatter<'_>) {
        let (weights, biases) = (self.weights.flat().len(), self.bias.flat().len());
        write!(f, "slots of {=usize} bytes for {=usize} weights and {=usize} biases", size_of::<S>(), weights, biases);
    }
}

/// Number of channels and activation: `LayerNorm<8, identity>`.
impl<const N: usize, A: Activation> Format for LayerNorm<N, A> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "LayerNorm<{=usize}, {=str}>", N, A::NAME);
    }
}

/// Number of channels and activation: `BatchNorm<8, relu>`.
impl<const N: usize, A: Activation, S> Format for BatchNorm<N, A, S> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "BatchNorm<{=usize}, {=str}>", N, A::NAME);
    }
}

/// The branches and the activation.
impl<B: Format, S: Format, A: Activation> Format for Residual<B, S, A> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "Residual<{}, {}, {=str}>", self.body, self.shortcut, A::NAME);
    }
}

/// Number of values.
impl<S> Format for Stacked<'_, S> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=usize} values", self.values.len());
    }
}

/// Where it goes, and how many values there is room for.
impl Format for InputGradient<'_> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Unwanted => write!(f, "no gradient of the input"),
            Self::Write(all) => write!(f, "a gradient of {=usize} inputs", all.len()),
            Self::Add(all) => write!(f, "another gradient of {=usize} inputs", all.len()),
        }
    }
}

/// Number of samples.
impl<X, T> Format for Dataset<'_, X, T> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=usize} samples", self.len());
    }
}

/// Number of samples.
impl<X, T, I: Index> Format for Batch<'_, '_, X, T, I> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=usize} samples", self.len());
    }
}

/// Number of samples left.
impl<X, T, I: Index> Format for Batches<'_, '_, X, T, I> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "batches of {=usize} samples in all", self.rest.len());
    }
}

/// Number of samples, and how many there is room for.
impl<S: ArrayShape, T, const B: usize> Format for GatherBuffer<S, T, B> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=usize} of {=usize} samples", self.len(), B);
    }
}

/// The number of the node. Its value is the graph's to tell.
impl Format for Node<'_> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "node {=u16}", self.index);
    }
}

/// Number of nodes, and how many there is room for.
impl<const NODES: usize> Format for Graph<NODES> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=usize} of {=usize} nodes", self.nodes(), NODES);
    }
}

/// A line for each layer: kind, inputs, outputs, activation, parameters; then the bytes of the weights.
impl<N: Network> Format for Summary<N> {
    fn format(&self, f: Formatter<'_>) {
        N::describe_layers(&mut |layer| {
            write!(
                f,
                "{=str} {=usize} to {=usize}, {=str}, {=usize} parameters; ",
                layer.kind, layer.inputs, layer.outputs, layer.activation, layer.parameters
            );
        });
        write!(f, "{=usize} bytes", size_of::<N>());
    }
}

/// The layers.
impl<In, L: Format> Format for Model<In, L> {
    fn format(&self, f: Formatter<'_>) {
        self.layers.format(f);
    }
}

/// Bytes.
impl<const B: usize, const FLOATS: usize> Format for Workspace<B, FLOATS> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "workspace of {=usize} bytes for batches of {=usize}", Self::BYTES, B);
    }
}

/// Bytes.
impl<N: Parameters> Format for Gradients<N> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "gradients of {=usize} bytes", Self::BYTES);
    }
}

/// Bytes of weights, slots and workspace.
impl<N: Network, O: Optimizer, const B: usize, const FLOATS: usize> Format for Trainer<N, O, B, FLOATS> {
    fn format(&self, f: Formatter<'_>) {
        write!(
            f,
            "weights {=usize} + optimizer {=usize} + workspace {=usize} bytes",
            Self::NETWORK_BYTES,
            Self::SLOT_BYTES,
            Self::WORKSPACE_BYTES
        );
    }
}

/// What is still to be made, and whether the parameters are touched already.
impl<N, O, L, D, const B: usize, const FLOATS: usize> Format for Slices<'_, N, O, L, D, B, FLOATS>
where
    N: Network,
    O: Optimizer,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=usize} slices left, updating: {=bool}", self.remaining(), self.is_updating());
    }
}

/// Number of places.
#[cfg(feature = "embedded-storage")]
impl<F: embedded_storage::nor_flash::NorFlash> Format for crate::checkpoint::flash::Store<F> {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=u32} places", self.places());
    }
}

/// Number of samples kept, and how many there is room for.
#[cfg(feature = "heapless")]
impl<X, T, const N: usize> Format for crate::replay::ReplayBuffer<X, T, N> {
    fn format(&self, f: Formatter<'_>) {
        let kept = self.dataset().map_or(0, |data| data.len());
        write!(f, "{=usize} of {=usize} samples", kept, N);
    }
}

#[cfg(all(test, feature = "embedded-storage", feature = "heapless", feature = "safetensors"))]
mod tests;
