//! Layer normalization: each position by its own mean and variance.

use core::marker::PhantomData;

use super::memory::{cut, rows, rows_mut};
use super::misfit::{Channels, refuse};
use super::parameters::{pair, pair_mut};
use super::slots::WeightSlots;
use super::{
    ChannelOrder, End, Initial, InputGradient, Inputs, Layer, NonFinite, Parameters, Pass, Tensor, Tensors,
    activate_normalized,
};
use crate::activation::{Activation, Identity};
use crate::fingerprint::Fingerprint;
use crate::kernels::running_sum;
use crate::optimizer::{Optimizer, Slot};
use crate::scalar;
use crate::shape::{Grid, Positions, Shape};
use crate::zero::Zero;

/// Layer normalization over the `N` channels of each position, with a gain `γ`, a bias `β` and an activation `g`.
///
/// ```text
/// y[p][c] = g((x[p][c] - mean[p]) / √(variance[p] + ε) · γ[c] + β[c])        ε = 1e-5
/// ```
///
/// Mean and variance are those of the `N` channels of one position, so a batch of one sample is normalized as any other, and prediction as training.
/// The variance is the biased one: its sum is divided by `N`. The layer keeps nothing, because the backward pass computes both again.
///
/// [`initialize_with`](crate::Network::initialize_with) sets the gain to 1 and the bias to 0, whatever the initializer. [`Zero::ZERO`] has gain 0, as
/// all that lies in `.bss`: the output of such a layer is `g(0)`.
///
/// It goes behind a layer without activation, or in front of one: `(Dense<3, 8>, LayerNorm<8, Relu>, Dense<8, 2>)`. In a `Sequential` of PyTorch it
/// is one module, `LayerNorm(N)`, and its tensors are `weight` (the gain) and `bias`; PyTorch's goes over the last axis, so on positions it has
/// channels last.
///
/// ```
/// # use baregrad::{LayerNorm, Network};
/// let layer = LayerNorm::<2>::new([1.0, 10.0], [0.0, 5.0]);
/// let output = layer.predict(&[3.0, 7.0]); // mean 5, variance 4
/// assert!((output.as_array()[0] + 1.0).abs() < 1e-5 && (output.as_array()[1] - 15.0).abs() < 1e-4);
/// ```
///
/// # Order and rounding
/// Forward, of each position, with `c = 0, 1, …, N-1` and each sum starting with its first term:
///
/// ```text
/// mean     = Σ_c x[c] / N
/// variance = Σ_c (x[c] - mean)² / N
/// r        = 1 / √(variance + ε)
/// x̂[c]     = (x[c] - mean)·r
/// z[c]     = x̂[c]·γ[c] + β[c]
/// ```
///
/// Backward, from `δ = ∂L/∂z`, with the old `γ`:
///
/// ```text
/// u        = Σ_c δ[c]·γ[c] / N
/// v        = Σ_c (δ[c]·γ[c])·x̂[c] / N
/// ∂L/∂x[c] = ((δ[c]·γ[c] - u) - x̂[c]·v)·r
/// ∂L/∂γ[c] = Σ_s Σ_p δ[c]·x̂[c]        sample by sample, then position by position, starting with the first term
/// ∂L/∂β[c] = Σ_s Σ_p δ[c]             likewise
/// ```
///
/// Every difference, product, sum, quotient and root rounds to nearest `f32` by itself. The backward pass is one slice.
///
/// # Special values
/// Equal channels have variance 0: `x̂` is 0 then, as long as their mean is exact. Infinities and NaN are refused as in any layer. A variance that
/// overflows (channels about 2·10¹⁹ apart) is refused too, although `x̂` would be 0.
///
/// # Differs from PyTorch
/// PyTorch's `LayerNorm` has the same `ε` and the same variance, and adds in another order. Keras's `LayerNormalization` has `ε = 1e-3`: weights that were
/// trained with it give slightly other outputs here, most where the variance is small.
///
/// # Source
/// Ba, Kiros and Hinton, *Layer normalization*, 2016, equations 3 and 4.
#[derive(Debug, PartialEq)]
#[doc(alias = "LayerNormalization")]
#[doc(alias = "layer_norm")]
pub struct LayerNorm<const N: usize, A = Identity> {
    /// `γ`.
    pub gain: [f32; N],
    /// `β`.
    pub bias: [f32; N],
    activation: PhantomData<A>,
}

/// What is added to the variance, `ε`.
const EPSILON: f32 = 1e-5;

// By hand, as `Dense`'s.
impl<const N: usize, A> Clone for LayerNorm<N, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<const N: usize, A> Copy for LayerNorm<N, A> {}

impl<const N: usize, A> LayerNorm<N, A> {
    /// A layer with these parameters.
    pub const fn new(gain: [f32; N], bias: [f32; N]) -> Self {
        const { assert!(N > 0, "a LayerNorm layer needs at least one channel") };
        Self { gain, bias, activation: PhantomData }
    }
}

impl<const N: usize, A> Zero for LayerNorm<N, A> {
    const ZERO: Self = Self::new([0.0; N], [0.0; N]);
}

/// The optimizer's slots of a [`LayerNorm`] layer; the gain's are called `weights`.
pub type LayerNormSlots<const N: usize, S> = WeightSlots<[S; N], [S; N], S>;

impl<const N: usize, A> Tensors<f32> for LayerNorm<N, A> {
    const COUNT: usize = 2;

    fn tensor(&self, index: usize) -> &[f32] {
        pair(index, &self.gain, &self.bias)
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [f32] {
        pair_mut(index, &mut self.gain, &mut self.bias)
    }
}

impl<const N: usize, A: Activation> Parameters for LayerNorm<N, A> {
    const KIND: &'static str = "LayerNorm";
    const TENSORS: &'static [Tensor] =
        &[Tensor::last_axis("weight", N, Initial::Ones), Tensor::last_axis("bias", N, Initial::Zeros)];
    type Slots<T: Slot> = LayerNormSlots<N, T>;
    const MODULES: usize = if A::FINGERPRINT == Identity::FINGERPRINT { 1 } else { 2 };
    const FINGERPRINT: u32 = Fingerprint::of("LayerNorm").number(N).part(A::FINGERPRINT).value();
}

impl<G: Positions, const GIVEN: usize, const N: usize, A: Activation> Layer<Grid<G, GIVEN>> for LayerNorm<N, A> {
    type Out = Grid<G, N>;
    type Activation = A;
    const ORDER: ChannelOrder = ChannelOrder::Kept;
    const MISFIT: Option<&'static str> = Channels::<Self, N, N, GIVEN>::MISFIT;
    /// Nothing; another number of channels does not compile.
    const KEPT: usize = {
        refuse(<Self as Layer<Grid<G, GIVEN>>>::MISFIT);
        0
    };
    /// The sums of the two gradients.
    const SCRATCH: usize = 2 * N;
    /// In place.
    const SCRATCH_INNER: usize = 2 * N;
    const PREDICT: usize = 0;

    #[inline(always)]
    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        _memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        let _ = <Self as Layer<Grid<G, GIVEN>>>::KEPT; // compiles if it fits
        let (mut is_finite, mut rest) = (true, &mut *y);
        for sample in 0..pass.samples() {
            let (y, others) = cut(rest, Grid::<G, N>::SIZE);
            rest = others;
            for (x, y) in x.sample(sample).unwrap_or(&[]).as_chunks::<N>().0.iter().zip(rows_mut::<N>(y, G::COUNT)) {
                let moments = Moments::of(x);
                is_finite &= moments.variance.is_finite();
                for (((y, x), gain), bias) in y.iter_mut().zip(x).zip(&self.gain).zip(&self.bias) {
                    *y = moments.normalized(*x) * gain + bias;
                }
            }
        }
        activate_normalized::<A>(is_finite, y)
    }

    #[inline(always)]
    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        mut dx: InputGradient<'_>,
        memory: &mut [f32],
        slots: &mut LayerNormSlots<N, O::Slot>,
        step: &O::Step,
    ) {
        let [of_gain, of_bias] = rows_mut::<N>(memory, 2) else { return };
        begin::<O>(of_gain, &slots.weights, step);
        begin::<O>(of_bias, &slots.bias, step);
        let (mut at, mut deltas) = (0_usize, rows::<N>(delta, pass.samples().wrapping_mul(G::COUNT)).iter());
        for sample in 0..pass.samples() {
            for (x, delta) in x.sample(sample).unwrap_or(&[]).as_chunks::<N>().0.iter().zip(&mut deltas) {
                let back = Back::of(x, delta, &self.gain, of_gain, of_bias);
                for ((x, delta), gain) in x.iter().zip(delta).zip(&self.gain) {
                    dx.give(at, &[back.input_gradient(*x, *delta, *gain)]);
                    at = at.wrapping_add(1);
                }
            }
        }
        finish::<O>(&mut self.gain, &mut slots.weights, of_gain, step);
        finish::<O>(&mut self.bias, &mut slots.bias, of_bias, step);
    }

    #[inline(always)]
    fn backward_inner<P: Pass, O: Optimizer, Below: Activation>(
        &mut self,
        pass: P,
        x: &mut [f32],
        delta: &[f32],
        memory: &mut [f32],
        slots: &mut LayerNormSlots<N, O::Slot>,
        step: &O::Step,
    ) {
        let [of_gain, of_bias] = rows_mut::<N>(memory, 2) else { return };
        begin::<O>(of_gain, &slots.weights, step);
        begin::<O>(of_bias, &slots.bias, step);
        let count = pass.samples().wrapping_mul(G::COUNT);
        for (x, delta) in rows_mut::<N>(x, count).iter_mut().zip(rows::<N>(delta, count)) {
            let back = Back::of(x, delta, &self.gain, of_gain, of_bias);
            for ((x, delta), gain) in x.iter_mut().zip(delta).zip(&self.gain) {
                *x = Below::backward(back.input_gradient(*x, *delta, *gain), *x);
            }
        }
        finish::<O>(&mut self.gain, &mut slots.weights, of_gain, step);
        finish::<O>(&mut self.bias, &mut slots.bias, of_bias, step);
    }

    /// In place.
    const ALONG: usize = Grid::<G, N>::SIZE;

    fn predict_along(&self, from: End, outside: &[f32], memory: &mut [f32]) -> (End, Result<(), NonFinite>) {
        let _ = <Self as Layer<Grid<G, GIVEN>>>::KEPT; // compiles if it fits
        if let End::Outside = from {
            let (x, y, memory, end) = from.input_and_output(outside, memory, Grid::<G, N>::SIZE);
            return (end, Layer::<Grid<G, GIVEN>>::predict_into(self, x, y, memory));
        }
        let (mut is_finite, values) = (true, from.of(memory));
        for values in rows_mut::<N>(values, G::COUNT) {
            let moments = Moments::of(values);
            is_finite &= moments.variance.is_finite();
            for ((value, gain), bias) in values.iter_mut().zip(&self.gain).zip(&self.bias) {
                *value = moments.normalized(*value) * gain + bias;
            }
        }
        (from, activate_normalized::<A>(is_finite, values))
    }
}

/// What normalizes one position.
#[derive(Clone, Copy)]
struct Moments {
    mean: f32,
    variance: f32,
    /// `1 / √(variance + ε)`.
    factor: f32,
}

impl Moments {
    #[inline(always)]
    fn of<const N: usize>(x: &[f32; N]) -> Self {
        // -0 plus the first term is that term, a -0 too.
        let (mut sum, mut squares) = (-0.0, -0.0);
        for x in x {
            sum += x;
        }
        let mean = sum / N as f32;
        for x in x {
            let difference = x - mean;
            squares += difference * difference;
        }
        let variance = squares / N as f32;
        Self { mean, variance, factor: 1.0 / scalar::sqrt(variance + EPSILON) }
    }

    /// `x̂`.
    #[inline(always)]
    fn normalized(self, x: f32) -> f32 {
        (x - self.mean) * self.factor
    }
}

/// What the gradient of one position needs.
#[derive(Clone, Copy)]
struct Back {
    moments: Moments,
    /// `u` and `v` of the docs.
    means: [f32; 2],
}

impl Back {
    /// Adds the position's terms to the sums of the two gradients on the way.
    #[inline(always)]
    fn of<const N: usize>(
        x: &[f32; N],
        delta: &[f32; N],
        gain: &[f32; N],
        of_gain: &mut [f32; N],
        of_bias: &mut [f32; N],
    ) -> Self {
        let moments = Moments::of(x);
        let [mut sum, mut products] = [-0.0; 2];
        for ((((x, delta), gain), of_gain), of_bias) in x.iter().zip(delta).zip(gain).zip(of_gain).zip(of_bias) {
            let (normalized, gradient) = (moments.normalized(*x), delta * gain);
            sum += gradient;
            products += gradient * normalized;
            *of_gain += delta * normalized;
            *of_bias += delta;
        }
        Self { moments, means: [sum / N as f32, products / N as f32] }
    }

    /// `∂L/∂x` of one channel.
    #[inline(always)]
    fn input_gradient(self, x: f32, delta: f32, gain: f32) -> f32 {
        let [mean, of_products] = self.means;
        ((delta * gain - mean) - self.moments.normalized(x) * of_products) * self.moments.factor
    }
}

/// Where the sums of a gradient start from: the first term, or a stored gradient.
#[inline(always)]
fn begin<O: Optimizer>(sums: &mut [f32], slots: &[O::Slot], step: &O::Step) {
    for (sum, slot) in sums.iter_mut().zip(slots) {
        *sum = running_sum::<O>(step, slot).unwrap_or(-0.0);
    }
}

/// New parameters, from the sums of their gradient.
#[inline(always)]
fn finish<O: Optimizer>(parameters: &mut [f32], slots: &mut [O::Slot], sums: &[f32], step: &O::Step) {
    for ((parameter, slot), sum) in parameters.iter_mut().zip(slots).zip(sums) {
        *parameter = O::update(step, *parameter, *sum, slot);
    }
}
