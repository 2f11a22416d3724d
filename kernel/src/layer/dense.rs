//! The fully connected layer.

use core::marker::PhantomData;

use super::{Columns, Layer, LayerSummary, NonFinite};
use crate::activation::{Activation, Identity, values_in_a_loop};
use crate::fingerprint::Fingerprint;
use crate::initializer::{Fan, Initializer};
use crate::loops::{self, Parameters};
use crate::matrix::Matrix;
use crate::optimizer::{Optimizer, StoreGradient};
use crate::shape::{Features, Inputs};
use crate::zero::Zero;

/// Fully connected layer: `y = g(x·W + b)`, with `IN` inputs, `OUT` outputs and an activation `g`.
///
/// `W` has `IN` rows of `OUT` columns (PyTorch's `Linear` keeps the transpose); `b` has `OUT` values; a batch `x` has a
/// sample per row. [`Identity`] is the default activation: `Dense<16, 3>` gives logits.
///
/// # Order and rounding
/// Forward: each output starts from `b[o]`, then adds `x[i]·W[i][o]` for `i = 0, 1, …, IN-1`; the activation last.
///
/// Backward, from `δ = ∂L/∂z` of this layer's pre-activations `z`, with the old `W`:
///
/// ```text
/// ∂L/∂x[s][i] = Σ_o δ[s][o]·W[i][o]          o = 0, 1, …, starting with the first product
/// δ of the layer below = ∂L/∂x[s][i] · g'(z below), from the output below, by Activation::through (ReLU's selects, the others multiply)
/// ∂L/∂W[i][o] = Σ_s x[s][i]·δ[s][o]          s = 0, 1, …, starting with the first product
/// ∂L/∂b[o]    = Σ_s δ[s][o]                  s = 0, 1, …, starting with the first term
/// ```
///
/// In matrices, with `⊙` elementwise and a row per sample: `δ` below `= (δ·Wᵀ) ⊙ g'(z below)`, `∂W = xᵀ·δ`, `∂b` = the column sums of
/// `δ`; and for the last layer `δ = ∂L/∂y ⊙ g'(z)`, which the loss makes.
///
/// Every product and every sum rounds to nearest `f32` by itself; nothing is fused (unless by feature `fma`) or reassociated. Same bits on every
/// target.
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DenseSlots<const IN: usize, const OUT: usize, S> {
    /// A slot for each weight.
    pub weights: [[S; OUT]; IN],
    /// A slot for each bias.
    pub bias: [S; OUT],
}

impl<const IN: usize, const OUT: usize, S: Zero> Zero for DenseSlots<IN, OUT, S> {
    const ZERO: Self = Self { weights: Zero::ZERO, bias: Zero::ZERO };
}

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

impl<const IN: usize, const OUT: usize, A: Activation> Dense<IN, OUT, A> {
    /// Forward pass into `outputs`, one row for each of up to `B` samples; says whether every pre-activation was finite.
    pub(super) fn forward_rows<const B: usize, X: Inputs<[f32; IN]> + ?Sized>(
        &self,
        inputs: &X,
        outputs: &mut [[f32; OUT]],
    ) -> bool {
        loops::products::<B, IN, OUT, X>(inputs, &self.weights.rows, &self.bias, outputs);
        // Between loops that are unrolled in place a call for so few values is 6 % of a step of 2-3-1.
        if const { B == 1 && loops::is_tiny_layer(B, IN, OUT) } {
            return values_in_a_loop::<A>(outputs.as_flattened_mut());
        }
        A::values(outputs.as_flattened_mut())
    }

    pub(super) fn with_slots<'a, O: Optimizer>(
        &'a mut self,
        slots: &'a mut DenseSlots<IN, OUT, O::Slot>,
    ) -> Parameters<'a, IN, OUT, O> {
        Parameters {
            weights: &mut self.weights.rows,
            weight_slots: &mut slots.weights,
            bias: &mut self.bias,
            bias_slots: &mut slots.bias,
        }
    }
}

impl<const IN: usize, const OUT: usize, A: Activation> Layer for Dense<IN, OUT, A> {
    type In = Features<IN>;
    type Out = Features<OUT>;
    type Activation = A;
    type Slots<O: Optimizer> = DenseSlots<IN, OUT, O::Slot>;
    type Activations<const B: usize> = Matrix<B, OUT>;

    const PARAMETERS: usize = IN * OUT + OUT;
    const FINGERPRINT: u32 = Fingerprint::of("Dense").number(IN).number(OUT).part(A::FINGERPRINT).value();

    fn forward<const B: usize, X: Inputs<[f32; IN]> + ?Sized>(
        &self,
        inputs: &X,
        samples: usize,
        activations: &mut Matrix<B, OUT>,
    ) -> Result<(), NonFinite> {
        if self.forward_rows::<B, X>(inputs, first_mut(&mut activations.rows, samples)) {
            Ok(())
        } else {
            Err(NonFinite { layer: 0 })
        }
    }

    fn output<const B: usize>(activations: &Matrix<B, OUT>) -> &Matrix<B, OUT> {
        activations
    }

    fn output_mut<const B: usize>(activations: &mut Matrix<B, OUT>) -> &mut Matrix<B, OUT> {
        activations
    }

    fn into_output<const B: usize>(activations: Matrix<B, OUT>) -> Matrix<B, OUT> {
        activations
    }

    fn backward_first<const B: usize, O: Optimizer, X: Inputs<[f32; IN]> + ?Sized>(
        &mut self,
        inputs: &X,
        samples: usize,
        activations: &mut Matrix<B, OUT>,
        slots: &mut DenseSlots<IN, OUT, O::Slot>,
        columns: &mut Columns<B>,
        step: &O::Step,
    ) {
        let delta = first_mut(&mut activations.rows, samples);
        let columns = first_mut(columns, samples);
        loops::sweep_first::<B, IN, OUT, O, X>(inputs, delta, self.with_slots::<O>(slots), columns, step);
    }

    fn backward<const B: usize, O: Optimizer, Below: Activation>(
        &mut self,
        inputs: &mut Matrix<B, IN>,
        samples: usize,
        activations: &mut Matrix<B, OUT>,
        slots: &mut DenseSlots<IN, OUT, O::Slot>,
        columns: &mut Columns<B>,
        step: &O::Step,
    ) {
        let inputs = first_mut(&mut inputs.rows, samples);
        let delta = first_mut(&mut activations.rows, samples);
        let columns = first_mut(columns, samples);
        loops::sweep_inner::<B, IN, OUT, O, Below>(inputs, delta, self.with_slots::<O>(slots), columns, step);
    }

    fn update<O: Optimizer>(
        &mut self,
        gradients: &DenseSlots<IN, OUT, <StoreGradient as Optimizer>::Slot>,
        slots: &mut DenseSlots<IN, OUT, O::Slot>,
        step: &O::Step,
    ) {
        let weights = self.weights.rows.as_flattened_mut();
        update_all::<O>(weights, gradients.weights.as_flattened(), slots.weights.as_flattened_mut(), step);
        update_all::<O>(&mut self.bias, &gradients.bias, &mut slots.bias, step);
    }

    fn draw_parameters(&mut self, initializer: &impl Initializer, random: &mut impl FnMut() -> u32) {
        let fan = Fan { inputs: IN, outputs: OUT };
        for weight in self.weights.as_mut_slice() {
            *weight = initializer.weight(fan, random);
        }
        for bias in &mut self.bias {
            *bias = initializer.bias(fan, random);
        }
    }

    fn parameters(&self, visit: &mut impl FnMut(&[f32])) {
        visit(self.weights.as_slice());
        visit(&self.bias);
    }

    fn parameters_mut(&mut self, visit: &mut impl FnMut(&mut [f32])) {
        visit(self.weights.as_mut_slice());
        visit(&mut self.bias);
    }

    fn slots<O: Optimizer>(slots: &Self::Slots<O>, visit: &mut impl FnMut(&[O::Slot])) {
        visit(slots.weights.as_flattened());
        visit(&slots.bias);
    }

    fn slots_mut<O: Optimizer>(slots: &mut Self::Slots<O>, visit: &mut impl FnMut(&mut [O::Slot])) {
        visit(slots.weights.as_flattened_mut());
        visit(&mut slots.bias);
    }

    fn describe(visit: &mut impl FnMut(LayerSummary)) {
        visit(LayerSummary {
            kind: "Dense",
            inputs: IN,
            outputs: OUT,
            activation: A::NAME,
            parameters: Self::PARAMETERS,
        });
    }
}

/// The first `count` rows; all of them where there are fewer.
pub(super) fn first_mut<T>(rows: &mut [T], count: usize) -> &mut [T] {
    let count = count.min(rows.len());
    rows.split_at_mut_checked(count).map_or(&mut [], |(first, _)| first)
}

fn update_all<O: Optimizer>(parameters: &mut [f32], gradients: &[f32], slots: &mut [O::Slot], step: &O::Step) {
    for ((parameter, gradient), slot) in parameters.iter_mut().zip(gradients).zip(slots) {
        *parameter = O::update(step, *parameter, *gradient, slot);
    }
}
