//! The fully connected layer.

use core::marker::PhantomData;

use super::memory::{rows, rows_mut};
use super::misfit::{Channels, refuse};
use super::parameters::{pair, pair_mut};
use super::slots::WeightSlots;
use super::{ChannelOrder, InputGradient, Inputs, Layer, NonFinite, Parameters, Pass, Tensor, Tensors, activate};
use crate::activation::{Activation, Identity};
use crate::fingerprint::Fingerprint;
use crate::kernels::{self, COLUMNS, Capacity, InputRows, Kernels, ThisCpu};
use crate::matrix::Matrix;
use crate::optimizer::{Optimizer, Slot};
use crate::shape::{Grid, Positions};
use crate::zero::Zero;

/// Fully connected layer: `y = g(x·W + b)`, with `IN` inputs, `OUT` outputs and an activation `g`.
///
/// `W` has `IN` rows of `OUT` columns (PyTorch's `Linear` keeps the transpose); `b` has `OUT` values; a batch `x` has a
/// sample per row. [`Identity`] is the default activation: `Dense<16, 3>` gives logits.
///
/// On samples of several positions it goes over each position by itself, with the same weights: PyTorch's `Linear` on the last axis, a
/// convolution of kernel size 1. The positions of all samples are then the rows of `x`.
///
/// # Order and rounding
/// Forward: each output starts from `b[o]`, then adds `x[i]·W[i][o]` for `i = 0, 1, …, IN-1`; the activation last.
///
/// Backward, from `δ = ∂L/∂z` of this layer's pre-activations `z`, with the old `W`:
///
/// ```text
/// ∂L/∂x[s][i] = Σ_o δ[s][o]·W[i][o]          o = 0, 1, …, starting with the first product
/// δ of the layer below = ∂L/∂x[s][i] · g'(z below), from the output below, by Activation::backward (ReLU's selects, the others multiply)
/// ∂L/∂W[i][o] = Σ_s x[s][i]·δ[s][o]          s = 0, 1, …, starting with the first product
/// ∂L/∂b[o]    = Σ_s δ[s][o]                  s = 0, 1, …, starting with the first term
/// ```
///
/// In matrices, with `⊙` elementwise and a row per sample: `δ` below `= (δ·Wᵀ) ⊙ g'(z below)`, `∂W = xᵀ·δ`, `∂b` = the column sums of
/// `δ`; and for the last layer `δ = ∂L/∂y ⊙ g'(z)`, which the loss makes.
///
/// Every product and every sum rounds to nearest `f32` by itself; nothing is fused or reassociated. Same bits on every target.
///
/// # Special values
/// Arithmetic is IEEE 754's. Never panics.
///
/// # Source
/// Rumelhart, Hinton and Williams, *Learning representations by back-propagating errors*, 1986.
#[derive(Debug, PartialEq)]
#[doc(alias = "Linear")]
#[doc(alias = "fully connected")]
pub struct Dense<const IN: usize, const OUT: usize, A = Identity> {
    /// `W`: a row per input.
    pub weights: Matrix<IN, OUT>,
    /// `b`.
    pub bias: [f32; OUT],
    activation: PhantomData<A>,
}

// By hand: a derive would ask the activation to be `Copy` too. A copy of a network keeps the best weights.
impl<const IN: usize, const OUT: usize, A> Clone for Dense<IN, OUT, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<const IN: usize, const OUT: usize, A> Copy for Dense<IN, OUT, A> {}

/// The optimizer's slots of a [`Dense`] layer.
pub type DenseSlots<const IN: usize, const OUT: usize, S> = WeightSlots<[[S; OUT]; IN], [S; OUT], S>;

impl<const IN: usize, const OUT: usize, A> Zero for Dense<IN, OUT, A> {
    const ZERO: Self = Self::new(Matrix::ZERO, [0.0; OUT]);
}

impl<const IN: usize, const OUT: usize, A> Dense<IN, OUT, A> {
    /// A layer with these parameters.
    pub const fn new(weights: Matrix<IN, OUT>, bias: [f32; OUT]) -> Self {
        const { assert!(IN > 0 && OUT > 0, "a Dense layer needs at least one input and one output") };
        Self { weights, bias, activation: PhantomData }
    }
}

impl<const IN: usize, const OUT: usize, A> Tensors<f32> for Dense<IN, OUT, A> {
    const COUNT: usize = 2;

    fn tensor(&self, index: usize) -> &[f32] {
        pair(index, self.weights.as_slice(), &self.bias)
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [f32] {
        pair_mut(index, self.weights.as_mut_slice(), &mut self.bias)
    }
}

impl<const IN: usize, const OUT: usize, A: Activation> Parameters for Dense<IN, OUT, A> {
    const KIND: &'static str = "Dense";
    const TENSORS: &'static [Tensor] = &[Tensor::pointwise("weight", IN, OUT), Tensor::bias("bias", IN, OUT)];
    type Slots<T: Slot> = DenseSlots<IN, OUT, T>;
    const MODULES: usize = if A::FINGERPRINT == Identity::FINGERPRINT { 1 } else { 2 };
    const FINGERPRINT: u32 = Fingerprint::of("Dense").number(IN).number(OUT).part(A::FINGERPRINT).value();
}

impl<G: Positions, const GIVEN: usize, const IN: usize, const OUT: usize, A: Activation> Layer<Grid<G, GIVEN>>
    for Dense<IN, OUT, A>
{
    type Out = Grid<G, OUT>;
    type Activation = A;
    const MISFIT: Option<&'static str> = if IN > 0 && OUT > 0 {
        Channels::<Self, IN, OUT, GIVEN>::MISFIT
    } else {
        Some("a Dense layer needs at least one input and one output")
    };
    const ORDER: ChannelOrder = ChannelOrder::Mixed;
    /// Nothing; another number of channels does not compile.
    const KEPT: usize = {
        refuse(<Self as Layer<Grid<G, GIVEN>>>::MISFIT);
        0
    };
    /// The input columns that a backward pass is about to overwrite.
    const SCRATCH: usize = COLUMNS * G::COUNT;
    const SCRATCH_INNER: usize = COLUMNS * G::COUNT;
    const PREDICT: usize = 0;
    const SLICES: usize = kernels::slices(IN);

    #[inline(always)]
    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        _memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        let _ = <Self as Layer<Grid<G, GIVEN>>>::KEPT; // compiles if it fits
        let count = pass.samples().wrapping_mul(G::COUNT);
        let outputs = rows_mut::<OUT>(y, count);
        if const { X::IS_CONTIGUOUS } {
            let x = rows::<IN>(x.contiguous(), count);
            ThisCpu::forward::<AtMost<P, G>, IN, OUT, _>(x, &self.weights.rows, &self.bias, outputs);
        } else if const { G::COUNT == 1 } {
            ThisCpu::forward::<AtMost<P, G>, IN, OUT, _>(x, &self.weights.rows, &self.bias, outputs);
        } else {
            let x = &Positioned::<X, G>(x, PhantomData);
            ThisCpu::forward::<AtMost<P, G>, IN, OUT, _>(x, &self.weights.rows, &self.bias, outputs);
        }
        activate::<A>(outputs.as_flattened_mut())
    }

    #[inline(always)]
    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        dx: InputGradient<'_>,
        memory: &mut [f32],
        slots: &mut DenseSlots<IN, OUT, O::Slot>,
        step: &O::Step,
    ) {
        let count = pass.samples().wrapping_mul(G::COUNT);
        let positioned = &Positioned::<X, G>(x, PhantomData);
        match dx {
            InputGradient::Unwanted => {}
            InputGradient::Write(dx) => {
                // In place over a copy. Slice by slice, the first one copies.
                let dx = rows_mut::<IN>(dx, count);
                if pass.slices(kernels::slices(IN)).start == 0 {
                    for (index, dx) in (0..count).zip(dx.iter_mut()) {
                        *dx = *positioned.row(index).unwrap_or(const { &[0.0; IN] });
                    }
                }
                let dx = dx.as_flattened_mut();
                return Layer::<Grid<G, GIVEN>>::backward_inner::<P, O, Identity>(
                    self, pass, dx, delta, memory, slots, step,
                );
            }
            InputGradient::Add(dx) => {
                // From the old weights, so before any of them is updated.
                if pass.slices(kernels::slices(IN)).start == 0 {
                    kernels::add_input_gradient(rows::<OUT>(delta, count), &self.weights.rows, rows_mut(dx, count));
                }
            }
        }
        let (delta, columns) = (rows::<OUT>(delta, count), rows_mut(memory, count));
        if const { G::COUNT == 1 } {
            self.backward_first::<P, G, O, X>(pass, x, delta, columns, slots, step);
        } else {
            self.backward_first::<P, G, O, _>(pass, positioned, delta, columns, slots, step);
        }
    }

    #[inline(always)]
    fn backward_inner<P: Pass, O: Optimizer, Below: Activation>(
        &mut self,
        pass: P,
        x: &mut [f32],
        delta: &[f32],
        memory: &mut [f32],
        slots: &mut DenseSlots<IN, OUT, O::Slot>,
        step: &O::Step,
    ) {
        let count = pass.samples().wrapping_mul(G::COUNT);
        let (inputs, delta, columns) = (rows_mut(x, count), rows::<OUT>(delta, count), rows_mut(memory, count));
        if const { P::SLICED } {
            for slice in pass.slices(kernels::slices(IN)) {
                let parameters = self.with_slots::<O>(slots);
                kernels::backward_inner_slice::<IN, OUT, O, Below>(slice, inputs, delta, parameters, columns, step);
            }
        } else {
            let parameters = self.with_slots::<O>(slots);
            ThisCpu::backward_inner::<AtMost<P, G>, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
        }
    }
}

impl<const IN: usize, const OUT: usize, A> Dense<IN, OUT, A> {
    /// The backward pass of a layer whose input is data, or the slice of it that is due.
    #[inline(always)]
    fn backward_first<P: Pass, G: Positions, O: Optimizer, X: InputRows<IN> + ?Sized>(
        &mut self,
        pass: P,
        inputs: &X,
        delta: &[[f32; OUT]],
        columns: &mut [[f32; COLUMNS]],
        slots: &mut DenseSlots<IN, OUT, O::Slot>,
        step: &O::Step,
    ) {
        if const { P::SLICED } {
            for slice in pass.slices(kernels::slices(IN)) {
                let parameters = self.with_slots::<O>(slots);
                kernels::backward_first_slice::<IN, OUT, O, X>(slice, inputs, delta, parameters, columns, step);
            }
        } else {
            let parameters = self.with_slots::<O>(slots);
            ThisCpu::backward_first::<AtMost<P, G>, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
        }
    }

    fn with_slots<'a, O: Optimizer>(
        &'a mut self,
        slots: &'a mut DenseSlots<IN, OUT, O::Slot>,
    ) -> kernels::Parameters<'a, IN, OUT, O> {
        kernels::Parameters {
            weights: &mut self.weights.rows,
            weight_slots: &mut slots.weights,
            bias: &mut self.bias,
            bias_slots: &mut slots.bias,
        }
    }
}

/// Samples of a single position are rows.
impl<const IN: usize, X: Inputs + ?Sized> InputRows<IN> for X {
    #[inline(always)]
    fn row(&self, index: usize) -> Option<&[f32; IN]> {
        self.sample(index)?.first_chunk()
    }
}

/// The positions of all samples, as rows.
struct Positioned<'a, X: ?Sized, G>(&'a X, PhantomData<G>);

impl<const IN: usize, X: Inputs + ?Sized, G: Positions> InputRows<IN> for Positioned<'_, X, G> {
    #[inline(always)]
    fn row(&self, index: usize) -> Option<&[f32; IN]> {
        let sample = index.checked_div(G::COUNT)?;
        let position = index.wrapping_sub(sample.wrapping_mul(G::COUNT));
        self.0.sample(sample)?.as_chunks().0.get(position)
    }
}

/// The rows of a pass over positions `G`.
struct AtMost<P, G>(PhantomData<(P, G)>);

impl<P: Pass, G: Positions> Capacity for AtMost<P, G> {
    const ROWS: usize = P::CAPACITY * G::COUNT;
}
