//! Layers put on an input.

use core::marker::PhantomData;

use super::Entry;
use crate::activation::Activation;
use crate::layer::{
    ChannelOrder, End, InputGradient, Inputs, Layer, LayerSummary, NonFinite, Parameters, Pass, StateTensor, Tensor,
    Tensors,
};
use crate::optimizer::{Optimizer, Slot};
use crate::shape::ArrayShape;
use crate::zero::Zero;

/// A network of layers that takes in samples of shape `In`: `Model<Sequence<50, 3>, (Dense<3, 8, Relu>, …)>`.
///
/// A layer for samples of any size does not know what it will be put on. A tuple that begins with [`Dense`](crate::Dense) is meant for
/// [`Features`](crate::Features), unless a model says otherwise.
pub struct Model<In, L> {
    /// The layers: a tuple of them.
    pub layers: L,
    input: PhantomData<In>,
}

// By hand: a derive would ask `In` to be `Copy` too.
impl<In, L: Clone> Clone for Model<In, L> {
    fn clone(&self) -> Self {
        Self::new(self.layers.clone())
    }
}

impl<In, L: Copy> Copy for Model<In, L> {}

impl<In, L> Model<In, L> {
    /// These layers.
    pub const fn new(layers: L) -> Self {
        Self { layers, input: PhantomData }
    }
}

impl<In, L: Zero> Zero for Model<In, L> {
    const ZERO: Self = Self::new(L::ZERO);
}

impl<In: ArrayShape, L> Entry for Model<In, L> {
    type In = In;
}

impl<In, T, L: Tensors<T>> Tensors<T> for Model<In, L> {
    const COUNT: usize = L::COUNT;

    fn tensor(&self, index: usize) -> &[T] {
        self.layers.tensor(index)
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [T] {
        self.layers.tensor_mut(index)
    }
}

impl<In, L: Parameters> Parameters for Model<In, L> {
    const KIND: &'static str = L::KIND;
    type Slots<T: Slot> = L::Slots<T>;
    const PARAMETERS: usize = L::PARAMETERS;
    const LAYERS: usize = L::LAYERS;
    const MODULES: usize = L::MODULES;
    const FINGERPRINT: u32 = L::FINGERPRINT;

    fn describe_tensor(index: usize) -> Option<(usize, Tensor)> {
        L::describe_tensor(index)
    }

    const STATE_COUNT: usize = L::STATE_COUNT;
    const STATE_VALUES: usize = L::STATE_VALUES;

    fn state_tensor(&self, index: usize) -> &[f32] {
        self.layers.state_tensor(index)
    }

    fn state_tensor_mut(&mut self, index: usize) -> &mut [f32] {
        self.layers.state_tensor_mut(index)
    }

    fn describe_state(index: usize) -> Option<(usize, StateTensor)> {
        L::describe_state(index)
    }
}

impl<In: ArrayShape, L: Layer<In>> Layer<In> for Model<In, L> {
    type Out = L::Out;
    type Activation = L::Activation;
    const MISFIT: Option<&'static str> = L::MISFIT;
    const UNTRAINABLE: Option<&'static str> = L::UNTRAINABLE;
    const KEPT: usize = L::KEPT;
    const SCRATCH: usize = L::SCRATCH;
    const SLICES: usize = L::SLICES;
    const GIVES_INPUT_GRADIENT: bool = L::GIVES_INPUT_GRADIENT;
    const WHOLE_BATCH: bool = L::WHOLE_BATCH;
    const ORDER: ChannelOrder = L::ORDER;
    const SCRATCH_INNER: usize = L::SCRATCH_INNER;
    const RECOMPUTE: usize = L::RECOMPUTE;
    const PREDICT: usize = L::PREDICT;
    const ALONG: usize = L::ALONG;
    const FROM_OUTSIDE: usize = L::FROM_OUTSIDE;

    #[inline(always)]
    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        self.layers.forward(pass, x, y, memory)
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
        self.layers.backward::<P, O, X>(pass, x, delta, dx, memory, slots, step);
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
        self.layers.backward_inner::<P, O, Below>(pass, x, delta, memory, slots, step);
    }

    fn recompute<P: Pass, X: Inputs + ?Sized>(&self, pass: P, x: &X, memory: &mut [f32]) {
        self.layers.recompute(pass, x, memory);
    }

    #[inline(always)]
    fn predict_into(&self, x: &[f32], y: &mut [f32], memory: &mut [f32]) -> Result<(), NonFinite> {
        self.layers.predict_into(x, y, memory)
    }

    #[inline(always)]
    fn predict_along(&self, from: End, outside: &[f32], memory: &mut [f32]) -> (End, Result<(), NonFinite>) {
        self.layers.predict_along(from, outside, memory)
    }

    fn describe(visit: &mut impl FnMut(LayerSummary)) {
        L::describe(visit);
    }
}
