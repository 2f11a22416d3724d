//! Layers whose forward pass runs again in the backward pass.

use super::memory::max;
use super::misfit::refuse;
use super::{
    Backward, ChannelOrder, End, InputGradient, Inputs, Layer, LayerSummary, NonFinite, Parameters, Pass, Place,
    Stacked, StateTensor, Tensor, Tensors, forward_of,
};
use crate::activation::Activation;
use crate::optimizer::{Optimizer, Slot};
use crate::shape::Shape;
use crate::zero::Zero;

/// Layers that keep only their input, and run forward again in the backward pass (gradient checkpointing): memory for time.
///
/// In training a network keeps the outputs of all its layers until their backward passes. What the layers in a `Recompute` give to each other lies in
/// memory that all layers of the network share, so it counts once. The price is a second forward pass of these layers in each step; the last one is left
/// out where it can be. A prediction takes neither more time nor less memory.
///
/// ```
/// # use baregrad::{Dense, Recompute, Relu, floats};
/// type Plain = (Dense<8, 96, Relu>, Dense<96, 8, Relu>, Dense<8, 96, Relu>, Dense<96, 3>);
/// type Less = (Recompute<(Dense<8, 96, Relu>, Dense<96, 8, Relu>)>, Dense<8, 96, Relu>, Dense<96, 3>);
/// const { assert!(floats::<Plain>() > 200 && floats::<Less>() < 120) }
/// ```
///
/// Put the first layers into one, up to about half of the memory of all outputs: when their backward pass comes, the other outputs are of no use any more.
/// At the end of a network it saves nothing, because its backward pass comes first, when all other outputs are still needed.
///
/// Or give each block of a network one of its own, but the last, whose layers are best in the network's own tuple: the outputs between the blocks are
/// kept then, and what runs again is each block without its last layer. A DS-CNN of four separable blocks is trained in 252,464 bytes so, weights
/// included, instead of 380,464 as one flat tuple, by a fifth of a forward pass more.
///
/// It counts as the layers in it: in errors, in a summary, for [`step_frozen`](crate::train::step_frozen), in a checkpoint and in a file. A network with
/// it and one without have the same checkpoints. In a step in slices one sample through all of its layers is one slice, or all samples if a layer in it
/// is for a [whole batch](Layer::WHOLE_BATCH); the slices that its other layers would have do nothing. The second forward pass, of all samples, is one slice.
///
/// # Order and rounding
/// The bits that the same layers have without it, [`BatchNorm`](crate::BatchNorm) and [`Dropout`](crate::Dropout) included: their second forward pass
/// has the same batch and the same step.
///
/// # Source
/// Chen, Xu, Zhang and Guestrin, *Training deep nets with sublinear memory cost*, 2016, section 4.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "checkpoint")]
pub struct Recompute<L>(pub L);

impl<L: Zero> Zero for Recompute<L> {
    const ZERO: Self = Self(L::ZERO);
}

impl<T, L: Tensors<T>> Tensors<T> for Recompute<L> {
    const COUNT: usize = L::COUNT;

    fn tensor(&self, index: usize) -> &[T] {
        self.0.tensor(index)
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [T] {
        self.0.tensor_mut(index)
    }
}

impl<L: Parameters> Parameters for Recompute<L> {
    const KIND: &'static str = L::KIND;
    type Slots<T: Slot> = L::Slots<T>;
    const PARAMETERS: usize = L::PARAMETERS;
    const LAYERS: usize = L::LAYERS;
    const MODULES: usize = L::MODULES;
    const FINGERPRINT: u32 = L::FINGERPRINT;
    const STATE_COUNT: usize = L::STATE_COUNT;
    const STATE_VALUES: usize = L::STATE_VALUES;

    fn describe_tensor(index: usize) -> Option<(usize, Tensor)> {
        L::describe_tensor(index)
    }

    fn state_tensor(&self, index: usize) -> &[f32] {
        self.0.state_tensor(index)
    }

    fn state_tensor_mut(&mut self, index: usize) -> &mut [f32] {
        self.0.state_tensor_mut(index)
    }

    fn describe_state(index: usize) -> Option<(usize, StateTensor)> {
        L::describe_state(index)
    }
}

impl<In: Shape, L: Layer<In>> Layer<In> for Recompute<L> {
    type Out = L::Out;
    type Activation = L::Activation;
    /// What the layers keep, for the time of a pass.
    const SCRATCH: usize = L::KEPT + max(L::SCRATCH, L::RECOMPUTE);
    const SCRATCH_INNER: usize = L::KEPT + max(L::SCRATCH_INNER, L::RECOMPUTE);
    /// The second forward pass comes before those of the layers.
    const SLICES: usize = 1 + L::SLICES;
    const GIVES_INPUT_GRADIENT: bool = L::GIVES_INPUT_GRADIENT;
    const WHOLE_BATCH: bool = L::WHOLE_BATCH;
    const ORDER: ChannelOrder = L::ORDER;
    const MISFIT: Option<&'static str> =
        if L::LAYERS == 0 { Some("`Recompute` holds layers, and `Skip` is none") } else { L::MISFIT };
    /// Nothing.
    const KEPT: usize = {
        refuse(<Self as Layer<In>>::MISFIT);
        0
    };
    const UNTRAINABLE: Option<&'static str> = L::UNTRAINABLE;

    #[inline(always)]
    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        // Nothing is left in memory from slice to slice: the one of the last layer makes all of them.
        let (before, layers) = const { (L::LAYERS - 1, 1) };
        let Some(part) = pass.forward_part(before, layers, L::WHOLE_BATCH) else { return Ok(()) };
        forward_of(&self.0, part, 0, x, y, memory)
    }

    #[inline(always)]
    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        dx: InputGradient<'_>,
        memory: &mut [f32],
        slots: &mut L::Slots<O::Slot>,
        step: &O::Step,
    ) {
        if matches!(dx, InputGradient::Unwanted) && const { L::PARAMETERS == 0 && L::STATE_COUNT == 0 } {
            return; // There is nothing to learn or to count, and nobody asks for a gradient.
        }
        self.again::<In, P, X>(pass, x, memory);
        if let Backward::Inner(pass) | Backward::First(pass) = pass.backward_part(const { Self::layers::<In>() }) {
            self.0.backward::<P, O, X>(pass, x, delta, dx, memory, slots, step);
        }
    }

    #[inline(always)]
    fn backward_inner<P: Pass, O: Optimizer, Below: Activation>(
        &mut self,
        pass: P,
        x: &mut [f32],
        delta: &[f32],
        memory: &mut [f32],
        slots: &mut L::Slots<O::Slot>,
        step: &O::Step,
    ) {
        self.again::<In, P, _>(pass, &Stacked::<In>::new(x), memory);
        if let Backward::Inner(pass) | Backward::First(pass) = pass.backward_part(const { Self::layers::<In>() }) {
            self.0.backward_inner::<P, O, Below>(pass, x, delta, memory, slots, step);
        }
    }

    /// There is nothing to make.
    fn recompute<P: Pass, X: Inputs + ?Sized>(&self, _pass: P, _x: &X, _memory: &mut [f32]) {}

    const PREDICT: usize = L::PREDICT;

    #[inline(always)]
    fn predict_into(&self, x: &[f32], y: &mut [f32], memory: &mut [f32]) -> Result<(), NonFinite> {
        self.0.predict_into(x, y, memory)
    }

    const ALONG: usize = L::ALONG;
    const FROM_OUTSIDE: usize = L::FROM_OUTSIDE;

    #[inline(always)]
    fn predict_along(&self, from: End, outside: &[f32], memory: &mut [f32]) -> (End, Result<(), NonFinite>) {
        self.0.predict_along(from, outside, memory)
    }

    fn describe(visit: &mut impl FnMut(LayerSummary)) {
        L::describe(visit);
    }
}

impl<L: Parameters> Recompute<L> {
    /// Where the backward passes of the layers are.
    const fn layers<In: Shape>() -> Place
    where
        L: Layer<In>,
    {
        Place { before: 0, layers: L::LAYERS, slices_before: 1, slices: L::SLICES }
    }

    /// The second forward pass, if it is due. It can't fail: the first has not.
    #[inline(always)]
    fn again<In: Shape, P: Pass, X: Inputs + ?Sized>(&self, pass: P, x: &X, memory: &mut [f32])
    where
        L: Layer<In>,
    {
        let place = const { Place { before: 0, layers: L::LAYERS, slices_before: 0, slices: 1 } };
        if let Backward::Inner(pass) | Backward::First(pass) = pass.backward_part(place) {
            self.0.recompute(pass, x, memory);
        }
    }
}
