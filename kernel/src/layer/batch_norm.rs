//! Batch normalization: each channel by its mean and variance over a batch.

mod fold;
mod tile;

pub use fold::Fold;

use core::marker::PhantomData;

use super::layer_norm::LayerNormSlots;
use super::memory::rows_mut;
use super::misfit::{Channels, refuse};
use super::parameters::{pair, pair_mut};
use super::{
    ChannelOrder, End, Initial, InputGradient, Inputs, Layer, NonFinite, Parameters, Pass, Stacked, StateTensor,
    Tensor, Tensors, activate_normalized,
};
use crate::activation::{Activation, Identity};
use crate::fingerprint::Fingerprint;
use crate::optimizer::{Optimizer, Slot};
use crate::setting::Domain;
use crate::shape::{Grid, Positions, Shape};
use crate::zero::Zero;
use tile::{Line, TILE, tile_mut};

/// Batch normalization of `N` channels, with a gain `γ`, a bias `β` and an activation `g`: BatchNorm1d and BatchNorm2d of PyTorch in one.
///
/// ```text
/// y[s][p][c] = g((x[s][p][c] - mean[c])·(γ[c] / √(variance[c] + ε)) + β[c])
/// ```
///
/// In training, mean and variance of a channel are those of the batch, over all its samples and all their positions. The variance is the biased one:
/// its sum is divided by the number `n` of values. A prediction, an evaluation, and a layer below the first that learns take the running statistics:
///
/// ```text
/// running mean     ← 0.9·running mean     + 0.1·mean
/// running variance ← 0.9·running variance + 0.1·variance·n/(n - 1)
/// ```
///
/// They move in the backward pass, so a step that is refused moves nothing. In the two-phase form each micro-batch moves them, and is normalized by
/// itself. They are [state](Parameters::STATE): no optimizer sees them, and a checkpoint holds them.
///
/// `ε` and the share of the new batch are those of [`NormSettings`], and PyTorch's unless said otherwise: `BatchNorm<8, Relu, KerasNorm>`.
///
/// The layer needs no memory: the backward pass computes mean and variance again. [`initialize_with`](crate::Network::initialize_with) sets gain and
/// running variance to 1, bias and running mean to 0, whatever the initializer. [`Zero::ZERO`] has all of them 0, as all that lies in `.bss`: the
/// output of such a layer is `g(0)`.
///
/// It goes behind a layer without activation. After training, [`fold_into`](Self::fold_into) makes one layer of the two:
///
/// ```
/// # use baregrad::{BatchNorm, Conv1d, Dense, GlobalAveragePool, Identity, Model, Network, Relu, Same, Sequence, Zero};
/// type Net = Model<Sequence<6, 2>, (Conv1d<2, 8, 3>, BatchNorm<8, Relu>, GlobalAveragePool, Dense<8, 3>)>;
/// type Folded = Model<Sequence<6, 2>, (Conv1d<2, 8, 3, Same, Relu>, GlobalAveragePool, Dense<8, 3>)>;
///
/// let mut net = Net::ZERO;
/// # net.initialize_with(baregrad::HeUniform, { let mut word = 1_u32; move || { word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223); word } });
/// # net.layers.1.running_mean = [0.25; 8];
/// // … a training
/// let mut folded = Folded::ZERO;
/// net.layers.1.fold_into(&net.layers.0, &mut folded.layers.0);
/// folded.layers.2 = net.layers.3;
/// # let sample = [[0.5, 1.0], [1.5, -1.0], [0.0, 0.5], [-2.0, 1.0], [0.25, 0.5], [1.0, -1.0]];
/// # for (folded, net) in folded.predict(&sample).as_array().iter().zip(net.predict(&sample).as_array()) {
/// #     assert!((folded - net).abs() < 1e-5);
/// # }
/// ```
///
/// In a `Sequential` of PyTorch it is one module, `BatchNorm1d(N)` or `BatchNorm2d(N)`. Its tensors are `weight` (the gain), `bias`, `running_mean` and
/// `running_var`. PyTorch's `num_batches_tracked` is skipped in a file that is read, and not written. PyTorch then loads such a file and begins to count at 0.
///
/// # Order and rounding
/// Forward in training, of each channel. Each sum goes sample by sample, then position by position, and starts with its first term. `n` is the
/// number of samples times that of positions, rounded to `f32`:
///
/// ```text
/// mean     = Σ x / n
/// squares  = Σ (x - mean)²
/// variance = squares / n
/// k        = γ / √(variance + ε)
/// z        = (x - mean)·k + β
/// ```
///
/// A prediction has the running mean and the running variance in their places. Backward, from `δ = ∂L/∂z`, with the old `γ`:
///
/// ```text
/// S     = Σ δ
/// D     = Σ δ·(x - mean)
/// u     = S / n
/// v     = D / (variance + ε) / n
/// ∂L/∂x = ((δ - u) - (x - mean)·v)·k
/// ∂L/∂γ = D / √(variance + ε)
/// ∂L/∂β = S
/// running mean     ← (1 - m)·running mean     + m·mean
/// running variance ← (1 - m)·running variance + m·(squares / (n - 1))        m = 0.1
/// ```
///
/// A stored gradient is complete before it is added to the one of the micro-batches before. Every difference, product, sum, quotient and root rounds to
/// nearest `f32` by itself; `1 - m` does too. The backward pass is one slice. In a step in slices the forward pass of the whole batch is the slice of the last sample.
///
/// # Special values
/// A channel with a single value in the batch (one sample of one position) has variance 0. Its output is `β`, the gradient of its input is 0, and its
/// running statistics stay as they are. So on features nothing below the layer learns from a batch of one sample: take more, or [`LayerNorm`](crate::LayerNorm).
/// Infinities and NaN are refused as in any layer, and so is a variance that overflows.
///
/// # Differs from PyTorch
/// PyTorch adds in another order, and refuses to train on a single value for each channel. It moves running statistics in its forward pass. In PyTorch
/// parameters that don't learn leave running statistics moving, unless the module is in `.eval()`; in Keras a layer that is not `trainable` leaves
/// them as they are, as here.
///
/// Keras's `BatchNormalization` has `ε = 1e-3` and a momentum of 0.99, which is a share of 0.01 ([`KerasNorm`]). It moves its running variance with the
/// biased variance. So a training goes slightly other ways there, and predictions don't.
///
/// # Source
/// Ioffe and Szegedy, *Batch normalization*, 2015, algorithms 1 and 2.
#[derive(Debug, PartialEq)]
#[doc(alias = "BatchNorm1d")]
#[doc(alias = "BatchNorm2d")]
#[doc(alias = "BatchNormalization")]
#[doc(alias = "batch_norm")]
pub struct BatchNorm<const N: usize, A = Identity, S = PyTorchNorm> {
    /// `γ`.
    pub gain: [f32; N],
    /// `β`.
    pub bias: [f32; N],
    /// The mean of a prediction.
    pub running_mean: [f32; N],
    /// The variance of a prediction.
    pub running_variance: [f32; N],
    kind: PhantomData<(A, S)>,
}

/// The two numbers of a [`BatchNorm`].
pub trait NormSettings: 'static {
    /// What is added to the variance, `ε`: above 0.
    const EPSILON: f32;
    /// The share of the new batch in running statistics, 0 to 1: PyTorch's `momentum`, one minus Keras's.
    const MOMENTUM: f32;
}

/// PyTorch's defaults: `ε = 1e-5`, a share of 0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PyTorchNorm;

impl NormSettings for PyTorchNorm {
    const EPSILON: f32 = 1e-5;
    const MOMENTUM: f32 = 0.1;
}

/// Keras's defaults: `ε = 1e-3`, a share of 0.01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KerasNorm;

impl NormSettings for KerasNorm {
    const EPSILON: f32 = 1e-3;
    const MOMENTUM: f32 = 0.01;
}

// By hand, as `Dense`'s.
impl<const N: usize, A, S> Clone for BatchNorm<N, A, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<const N: usize, A, S> Copy for BatchNorm<N, A, S> {}

impl<const N: usize, A, S> BatchNorm<N, A, S> {
    /// A layer with these parameters and these running statistics.
    pub const fn new(gain: [f32; N], bias: [f32; N], running_mean: [f32; N], running_variance: [f32; N]) -> Self {
        const { assert!(N > 0, "a BatchNorm layer needs at least one channel") };
        Self { gain, bias, running_mean, running_variance, kind: PhantomData }
    }
}

impl<const N: usize, A, S> Zero for BatchNorm<N, A, S> {
    const ZERO: Self = Self::new([0.0; N], [0.0; N], [0.0; N], [0.0; N]);
}

/// The optimizer's slots of a [`BatchNorm`] layer; the gain's are called `weights`.
pub type BatchNormSlots<const N: usize, T> = LayerNormSlots<N, T>;

impl<const N: usize, A, S> Tensors<f32> for BatchNorm<N, A, S> {
    const COUNT: usize = 2;

    fn tensor(&self, index: usize) -> &[f32] {
        pair(index, &self.gain, &self.bias)
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [f32] {
        pair_mut(index, &mut self.gain, &mut self.bias)
    }
}

impl<const N: usize, A: Activation, S: NormSettings> Parameters for BatchNorm<N, A, S> {
    const KIND: &'static str = "BatchNorm";
    const TENSORS: &'static [Tensor] =
        &[Tensor::vector("weight", N, Initial::Ones), Tensor::vector("bias", N, Initial::Zeros)];
    const STATE: &'static [StateTensor] = &[
        StateTensor {
            tensor: Tensor::vector("running_mean", N, Initial::Zeros),
            domain: Domain::Finite,
            is_in_files: true,
        },
        StateTensor {
            tensor: Tensor::vector("running_var", N, Initial::Ones),
            domain: Domain::NonNegative,
            is_in_files: true,
        },
    ];
    type Slots<T: Slot> = BatchNormSlots<N, T>;
    const MODULES: usize = if A::FINGERPRINT == Identity::FINGERPRINT { 1 } else { 2 };
    const FINGERPRINT: u32 = {
        assert!(Domain::Positive.contains(S::EPSILON), "`EPSILON` of a BatchNorm must be finite and above 0");
        assert!(Domain::UpToOne.contains(S::MOMENTUM), "`MOMENTUM` of a BatchNorm must be at least 0 and at most 1");
        Fingerprint::of("BatchNorm")
            .number(N)
            .part(A::FINGERPRINT)
            .part(S::EPSILON.to_bits())
            .part(S::MOMENTUM.to_bits())
            .value()
    };

    fn state_tensor(&self, index: usize) -> &[f32] {
        pair(index, &self.running_mean, &self.running_variance)
    }

    fn state_tensor_mut(&mut self, index: usize) -> &mut [f32] {
        pair_mut(index, &mut self.running_mean, &mut self.running_variance)
    }
}

impl<G: Positions, const GIVEN: usize, const N: usize, A: Activation, S: NormSettings> Layer<Grid<G, GIVEN>>
    for BatchNorm<N, A, S>
{
    type Out = Grid<G, N>;
    type Activation = A;
    const MISFIT: Option<&'static str> = Channels::<Self, N, N, GIVEN>::MISFIT;
    /// Nothing; another number of channels does not compile.
    const KEPT: usize = {
        refuse(<Self as Layer<Grid<G, GIVEN>>>::MISFIT);
        let _ = Self::FINGERPRINT; // looks at the settings
        0
    };
    /// In place.
    const SCRATCH_INNER: usize = 0;
    const WHOLE_BATCH: bool = true;
    const ORDER: ChannelOrder = ChannelOrder::Kept;

    #[inline(always)]
    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        _memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        let _ = <Self as Layer<Grid<G, GIVEN>>>::KEPT; // compiles if it fits
        let count = if pass.trains() { pass.samples().wrapping_mul(G::COUNT) } else { 0 };
        let are_variances = self.normalize(x, pass.samples(), count, y);
        activate_normalized::<A>(are_variances, y)
    }

    #[inline(always)]
    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        mut dx: InputGradient<'_>,
        _memory: &mut [f32],
        slots: &mut BatchNormSlots<N, O::Slot>,
        step: &O::Step,
    ) {
        let count = pass.samples().wrapping_mul(G::COUNT);
        self.learn::<O, X>(x, pass.samples(), count, delta, &mut dx, slots, step);
    }

    #[inline(always)]
    fn backward_inner<P: Pass, O: Optimizer, Below: Activation>(
        &mut self,
        pass: P,
        x: &mut [f32],
        delta: &[f32],
        _memory: &mut [f32],
        slots: &mut BatchNormSlots<N, O::Slot>,
        step: &O::Step,
    ) {
        self.learn_in_place::<O, Below>(x, pass.samples().wrapping_mul(G::COUNT), delta, slots, step);
    }

    fn predict_into(&self, x: &[f32], y: &mut [f32], _memory: &mut [f32]) -> Result<(), NonFinite> {
        let _ = <Self as Layer<Grid<G, GIVEN>>>::KEPT; // compiles if it fits
        let are_variances = self.normalize(&Stacked::<Grid<G, N>>::new(x), 1, 0, y);
        activate_normalized::<A>(are_variances, y)
    }

    /// In place.
    const ALONG: usize = Grid::<G, N>::SIZE;

    fn predict_along(&self, from: End, outside: &[f32], memory: &mut [f32]) -> (End, Result<(), NonFinite>) {
        let _ = <Self as Layer<Grid<G, GIVEN>>>::KEPT; // compiles if it fits
        if let End::Outside = from {
            let (x, y, memory, end) = from.input_and_output(outside, memory, Grid::<G, N>::SIZE);
            return (end, Layer::<Grid<G, GIVEN>>::predict_into(self, x, y, memory));
        }
        let values = from.of(memory);
        let are_variances = self.normalize_in_place(rows_mut::<N>(values, G::COUNT));
        (from, activate_normalized::<A>(are_variances, values))
    }
}

impl<const N: usize, A, S: NormSettings> BatchNorm<N, A, S> {
    /// A prediction in place; whether all variances are finite.
    #[inline(never)] // one body per shape
    fn normalize_in_place(&self, values: &mut [[f32; N]]) -> bool {
        let (mut at, mut finite) = (0_usize, true);
        while at.wrapping_add(TILE) <= N {
            finite &= in_place(self.line_of_running::<TILE>(at), at, values);
            at = at.wrapping_add(TILE);
        }
        while at < N {
            finite &= in_place(self.line_of_running::<1>(at), at, values);
            at = at.wrapping_add(1);
        }
        finite
    }
}

fn in_place<const N: usize, const T: usize>(line: Line<T>, at: usize, values: &mut [[f32; N]]) -> bool {
    for row in values {
        if let Some(values) = tile_mut::<T>(row, at) {
            let x = *values;
            line.write(&x, values);
        }
    }
    line.is_finite
}
