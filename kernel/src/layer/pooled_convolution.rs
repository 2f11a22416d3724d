//! Convolution and max pool as one layer, without the map in between.

mod backward;
mod maxima;

// `if` alone leaves the compiler free to branch on the data.
use core::hint::select_unpredictable as select;
use core::marker::PhantomData;

use super::convolution::Conv2dSlots;
use super::memory::{cut, max, rows_mut};
use super::misfit::{Channels, first_of, refuse};
use super::parameters::{pair, pair_mut};
use super::pool::is_greater;
use super::slots::Flat;
use super::window::Valid;
use super::window::axis::Places;
use super::{ChannelOrder, InputGradient, Inputs, Layer, NonFinite, Parameters, Pass, Taps, Tensor, Tensors, activate};
use crate::activation::{Activation, Identity, Relu};
use crate::fingerprint::Fingerprint;
use crate::kernels::{Kernels, Runs, ThisCpu};
use crate::optimizer::{Optimizer, Slot};
use crate::shape::{Grid, Inside, Positions, Shape};
use crate::zero::Zero;
use backward::Back;
use maxima::{Windows, Writer};

/// [`Conv2d`](crate::Conv2d) with [`Valid`](crate::Valid) windows, [`MaxPool2d<PH, PW>`](crate::MaxPool2d) and an activation, as one layer.
///
/// ```text
/// z[p][o] = the largest of b[o] + Σ_kh Σ_kw Σ_i x[q + (kh, kw)][i]·W[kh][kw][i][o] at the PH·PW places q of window p
/// y[p][o] = g(z[p][o])
/// ```
///
/// The map of all places is never in memory: the layer keeps its output, and a byte for each value of it, that says where the largest was. The backward
/// pass has a product for each value of the *output* and each tap, a `PH·PW`-th of those of a convolution, and as many for any data.
///
/// A prediction is that of `Conv2d<IN, OUT, KH, KW, Valid, A>` and `MaxPool2d<PH, PW>`, to the bit, where `g` does not fall (but for the sign of a 0 that
/// a product of `LeakyRelu` underflows to). Gradients are the same sums in another order. The tensors in files are the same; in a `Sequential` of
/// PyTorch it is three modules, two without an activation. A checkpoint of the one does not fit the other.
///
/// ```
/// # use baregrad::{Dense, Flatten, Image, Model, PooledConv2d};
/// type Net = Model<Image<28, 28, 1>, (
///     PooledConv2d<1, 8, 3, 3>, // 13 × 13 positions of 8 channels
///     PooledConv2d<8, 16, 3, 3>,
///     Flatten<400>,
///     Dense<400, 10>,
/// )>;
/// const _: usize = baregrad::floats::<Net>();
/// ```
///
/// # Order and rounding
/// Forward: as `Conv2d`; of the places of a window the first largest counts, row by row, as in `MaxPool2d`.
///
/// Backward, from `δ = ∂L/∂z`, with the old `W`; `q(p, o)` is the place that counted in window `p` of channel `o`:
///
/// ```text
/// ∂L/∂x[r][i]         = Σ_o Σ_p δ[p][o]·W[r - q(p, o)][i][o]           over the windows whose kernel at q(p, o) has r under it
/// ∂L/∂W[kh][kw][i][o] = Σ_s Σ_p x[q(p, o) + (kh, kw)][i]·δ[p][o]       sample by sample, the windows row by row
/// ∂L/∂b[o]            = Σ_s Σ_p δ[p][o]                                likewise
/// ```
///
/// The first goes over `o = 0, 1, …` and over the windows row by row. It starts with 0, because which windows these are depends on the data. The others
/// start with their first term. Every product and every sum rounds to nearest `f32` by itself. Windows that lie inside only have as many taps at each
/// place: so the time does not depend on which place counts.
///
/// A step in slices has a slice for each output channel. In the shortcut of a [`Residual`](crate::Residual) the first slice makes the whole gradient of
/// the input, because a sum is complete before it is added: with a product for each position and each window that reaches it.
///
/// # Special values
/// Arithmetic is IEEE 754's. A NaN counts as the largest. Only what counts is looked at: a pre-activation of `-∞` below a greater one is not refused.
///
/// # Differs from PyTorch
/// PyTorch has three modules, `Conv2d`, the activation and `MaxPool2d`, and keeps both maps.
///
/// # Source
/// LeCun et al., *Gradient-based learning applied to document recognition*, 1998; Ranzato et al., *Unsupervised learning of invariant feature
/// hierarchies*, 2007, for the largest of a window.
#[derive(Debug, PartialEq)]
pub struct PooledConv2d<
    const IN: usize,
    const OUT: usize,
    const KH: usize,
    const KW: usize,
    const PH: usize = 2,
    const PW: usize = PH,
    A = Relu,
> {
    /// `W`: by row and column of the kernel, a row for each input channel.
    pub weights: [[[[f32; OUT]; IN]; KW]; KH],
    /// `b`.
    pub bias: [f32; OUT],
    activation: PhantomData<A>,
}

// By hand, as `Dense`'s.
impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, const PH: usize, const PW: usize, A> Clone
    for PooledConv2d<IN, OUT, KH, KW, PH, PW, A>
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, const PH: usize, const PW: usize, A> Copy
    for PooledConv2d<IN, OUT, KH, KW, PH, PW, A>
{
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, const PH: usize, const PW: usize, A>
    PooledConv2d<IN, OUT, KH, KW, PH, PW, A>
{
    /// A layer with these parameters.
    pub const fn new(weights: [[[[f32; OUT]; IN]; KW]; KH], bias: [f32; OUT]) -> Self {
        const { assert!(IN > 0 && OUT > 0, "a convolution needs at least one channel in and one out") };
        Self { weights, bias, activation: PhantomData }
    }
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, const PH: usize, const PW: usize, A> Zero
    for PooledConv2d<IN, OUT, KH, KW, PH, PW, A>
{
    const ZERO: Self = Self::new(Zero::ZERO, Zero::ZERO);
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, const PH: usize, const PW: usize, A>
    Tensors<f32> for PooledConv2d<IN, OUT, KH, KW, PH, PW, A>
{
    const COUNT: usize = 2;

    fn tensor(&self, index: usize) -> &[f32] {
        pair(index, self.weights.flat(), &self.bias)
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [f32] {
        pair_mut(index, self.weights.flat_mut(), &mut self.bias)
    }
}

impl<
    const IN: usize,
    const OUT: usize,
    const KH: usize,
    const KW: usize,
    const PH: usize,
    const PW: usize,
    A: Activation,
> Parameters for PooledConv2d<IN, OUT, KH, KW, PH, PW, A>
{
    const KIND: &'static str = "PooledConv2d";
    const TENSORS: &'static [Tensor] = &[
        Tensor::kernel("weight", Taps::OnImage { height: KH, width: KW }, IN, OUT),
        Tensor::bias("bias", KH * KW * IN, OUT),
    ];
    type Slots<T: Slot> = Conv2dSlots<IN, OUT, KH, KW, T>;
    const MODULES: usize = if A::FINGERPRINT == Identity::FINGERPRINT { 2 } else { 3 };
    const FINGERPRINT: u32 = Fingerprint::of("PooledConv2d")
        .number(IN)
        .number(OUT)
        .number(KH)
        .number(KW)
        .number(PH)
        .number(PW)
        .part(A::FINGERPRINT)
        .value();
}

/// All places of the kernel.
type Map<P, const KH: usize, const KW: usize> = Inside<P, KH, KW, 1, 1>;

impl<
    P,
    const GIVEN: usize,
    const IN: usize,
    const OUT: usize,
    const KH: usize,
    const KW: usize,
    const PH: usize,
    const PW: usize,
    A,
> Layer<Grid<P, GIVEN>> for PooledConv2d<IN, OUT, KH, KW, PH, PW, A>
where
    P: Positions,
    A: Activation,
{
    type Out = Grid<Inside<Map<P, KH, KW>, PH, PW, PH, PW>, OUT>;
    type Activation = A;
    const ORDER: ChannelOrder = ChannelOrder::Mixed;
    const MISFIT: Option<&'static str> = first_of([
        Channels::<Self, IN, OUT, GIVEN>::MISFIT,
        Places::<P, Valid, KH, KW>::MISFIT,
        Places::<Map<P, KH, KW>, Valid<PH, PW>, PH, PW>::MISFIT,
        if PH * PW > maxima::MOST { Some("`PooledConv2d` pools at most 127 places") } else { None },
    ]);
    /// A byte for each output.
    const KEPT: usize = {
        refuse(<Self as Layer<Grid<P, GIVEN>>>::MISFIT);
        Self::Out::SIZE.div_ceil(4)
    };
    /// Forward, pre-activations of four places; backward, the weights of one output, then the sums of their gradients.
    const SCRATCH: usize = max(4 * OUT, KH * KW * IN);
    /// An output channel each, and the way back through the activation below.
    const SLICES: usize = OUT + 1;

    #[inline(always)]
    fn forward<Q: Pass, X: Inputs + ?Sized>(
        &self,
        pass: Q,
        x: &X,
        y: &mut [f32],
        memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        let windows = Windows::<PH, PW>::of::<P, Self::Out>();
        // Compiles if it fits.
        let kept = const { <Self as Layer<Grid<P, GIVEN>>>::KEPT };
        let (mut memory, scratch) = cut(memory, pass.samples().wrapping_mul(kept));
        let mut rest = &mut *y;
        for sample in 0..pass.samples() {
            let (y, others) = cut(rest, Self::Out::SIZE);
            let (places, behind) = cut(memory, kept);
            (rest, memory) = (others, behind);
            if let Some(x) = x.sample(sample) {
                self.all_windows(windows, x, y.as_chunks_mut().0, places, rows_mut::<OUT>(scratch, 4));
            }
        }
        activate::<A>(y)
    }

    const PREDICT: usize = {
        refuse(<Self as Layer<Grid<P, GIVEN>>>::MISFIT);
        4 * OUT
    };

    fn predict_into(&self, x: &[f32], y: &mut [f32], memory: &mut [f32]) -> Result<(), NonFinite> {
        let _ = <Self as Layer<Grid<P, GIVEN>>>::PREDICT; // compiles if it fits
        let windows = Windows::<PH, PW>::of::<P, Self::Out>();
        self.all_windows(windows, x, y.as_chunks_mut().0, &mut [], rows_mut::<OUT>(memory, 4));
        activate::<A>(y)
    }

    #[inline(always)]
    fn backward<Q: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: Q,
        x: &X,
        delta: &[f32],
        mut dx: InputGradient<'_>,
        memory: &mut [f32],
        slots: &mut Conv2dSlots<IN, OUT, KH, KW, O::Slot>,
        step: &O::Step,
    ) {
        let windows = Windows::<PH, PW>::of::<P, Self::Out>();
        let samples = pass.samples();
        let (kept, scratch) = cut(memory, samples.wrapping_mul(const { <Self as Layer<Grid<P, GIVEN>>>::KEPT }));
        let back = Back { windows, samples, image: Grid::<P, IN>::SIZE, delta, kept };
        for output in pass.slices(<Self as Layer<Grid<P, GIVEN>>>::SLICES) {
            if output < OUT {
                self.input_gradient_of(output, back, scratch, &mut dx);
                self.update_output::<O, X>(output, back, x, scratch, slots, step);
            }
        }
    }
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, const PH: usize, const PW: usize, A>
    PooledConv2d<IN, OUT, KH, KW, PH, PW, A>
{
    /// Taps of a kernel, all input channels: rows of weights.
    const TAPS: usize = KH * KW * IN;

    /// What the kernel has under it at a place.
    const fn runs(windows: Windows<PH, PW>) -> Runs {
        Runs { lines: KH, run: KW * IN, apart: windows.width.wrapping_mul(IN), rows_apart: KW * IN }
    }

    /// The pre-activations of one sample that count, and which they are.
    #[inline(never)] // one body per shape, whatever calls it
    fn all_windows(
        &self,
        windows: Windows<PH, PW>,
        x: &[f32],
        y: &mut [[f32; OUT]],
        places: &mut [f32],
        z: &mut [[f32; OUT]],
    ) {
        let weights = self.weights.as_flattened().as_flattened();
        let runs = Self::runs(windows);
        let mut writer = Writer::new(places);
        let mut outputs = y.iter_mut();
        windows.for_each(|first| {
            let Some(y) = outputs.next() else { return };
            let from = |place| x.get(windows.offset(place).wrapping_add(first).wrapping_mul(IN)..).unwrap_or(&[]);
            *y = [f32::NEG_INFINITY; OUT];
            let (mut counts, mut place, mut done) = ([0_u8; OUT], 0_usize, 0_usize);
            while place < const { PH * PW } {
                let four = place.wrapping_add(4) <= const { PH * PW };
                if four {
                    let x = [0, 1, 2, 3].map(|other| from(place.wrapping_add(other)));
                    ThisCpu::four_windows::<OUT>(runs, x, weights, &self.bias, z, 1);
                } else if let Some(z) = z.first_mut() {
                    ThisCpu::one_window::<OUT>(runs, from(place), weights, &self.bias, z);
                }
                if const { PH * PW == 4 } {
                    for most in y.as_chunks_mut().0 {
                        let Some(places) = ThisCpu::greatest_of_four(z, done, most) else { break };
                        writer.push_four(places);
                        done = done.wrapping_add(4);
                    }
                }
                for z in z.iter().take(if four { 4 } else { 1 }) {
                    for ((y, counts), z) in y.iter_mut().zip(&mut counts).zip(z).skip(done) {
                        let is_greater = is_greater(*z, *y);
                        *y = select(is_greater, *z, *y);
                        *counts = select(is_greater, place as u8, *counts);
                    }
                    place = place.wrapping_add(1);
                }
            }
            counts.iter().skip(done).for_each(|place| writer.push(*place));
        });
        writer.finish();
    }
}
