//! Convolutions: one kernel for all positions.

mod depthwise;
mod input_gradient;
mod taps;

pub use depthwise::{DepthwiseConv1d, DepthwiseConv2d, DepthwiseConv2dSlots};

use core::marker::PhantomData;

use super::memory::{cut, rows};
use super::misfit::{Channels, first_of, refuse};
use super::parameters::{pair, pair_mut};
use super::slots::{Flat, WeightSlots};
use super::window::axis::{Axes, Covered, Places};
use super::window::{Along, Same, Window};
use super::{ChannelOrder, InputGradient, Inputs, Layer, NonFinite, Parameters, Pass, Taps, Tensor, Tensors, activate};
use crate::activation::{Activation, Identity};
use crate::fingerprint::Fingerprint;
use crate::kernels::{self, COLUMNS, Kernels, Runs, ThisCpu};
use crate::optimizer::{Optimizer, Slot};
use crate::shape::{Grid, Positions, Shape};
use crate::zero::Zero;
use taps::UnderTap;

/// Convolution of an image with kernels of `KH × KW`: `IN` channels in, `OUT` out, with an activation `g`.
///
/// ```text
/// y[p][o] = g(b[o] + Σ_kh Σ_kw Σ_i x[p·stride + (kh, kw) - before][i]·W[kh][kw][i][o])
/// ```
///
/// The window `W` says where the kernel is put: at each position ([`Same`], the default), inside only ([`Valid`](crate::Valid)), or with strides
/// ([`Strided`](crate::Strided), [`Centered`](crate::Centered)). Taps outside of the image are left out of the sum.
///
/// With a max pool behind it, [`PooledConv2d`](crate::PooledConv2d) does both in less memory.
///
/// As in all of this field the kernel is not turned around; a mathematician calls it a correlation. A kernel of 1 × 1 with stride 1 is a
/// [`Dense`](crate::Dense) layer on an image, which is faster.
///
/// ```
/// # use baregrad::{Conv2d, Dense, Flatten, Image, MaxPool2d, Model, Relu, Valid};
/// type Net = Model<Image<28, 28, 1>, (
///     Conv2d<1, 8, 3, 3, Valid, Relu>, // 26 × 26 positions of 8 channels
///     MaxPool2d<2>,
///     Conv2d<8, 16, 3, 3, Valid, Relu>,
///     MaxPool2d<2>,
///     Flatten<400>,
///     Dense<400, 10>,
/// )>;
/// const _: usize = baregrad::floats::<Net>();
/// ```
///
/// # Order and rounding
/// Forward: each output starts from `b[o]`, then adds the taps inside, row by row of the kernel, and of each tap the input channels in their order;
/// the activation last.
///
/// Backward, from `δ = ∂L/∂z`, with the old `W`:
///
/// ```text
/// ∂L/∂x[q][i] = Σ_kh Σ_kw Σ_o δ[p][o]·W[kh][kw][i][o]    over the taps under which q lies at some place p, row by row of the kernel; then o = 0, 1, …
/// ∂L/∂W[kh][kw][i][o] = Σ_s Σ_p x[q][i]·δ[p][o]           sample by sample, then over the places p where the tap is inside, row by row
/// ∂L/∂b[o] = Σ_s Σ_p δ[p][o]                              likewise
/// ```
///
/// Each starts with its first term; a position in no window has the gradient 0. Every product and every sum rounds to nearest `f32` by itself.
///
/// # Special values
/// Arithmetic is IEEE 754's. A tap outside is no product with 0: an infinite weight does not make a NaN at an edge.
///
/// # Learning rate
/// Let it fall, by [`Cosine`](crate::schedule::Cosine): with momentum at a constant rate a network that has learnt may forget again. The docs there
/// have figures.
///
/// # Differs from PyTorch
/// `Conv2d` of PyTorch keeps `W` as `[o][i][kh][kw]`, takes in `[channel][row][column]`, and adds in no promised order. Keras has the order of this
/// library. PyTorch draws weights and biases from `±1/√(IN·KH·KW)`; here the [`initializer`](crate::initializer) says from what.
///
/// # Source
/// LeCun et al., *Gradient-based learning applied to document recognition*, 1998, section II.
#[derive(Debug, PartialEq)]
pub struct Conv2d<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W = Same, A = Identity> {
    /// `W`: by row and column of the kernel, a row for each input channel.
    pub weights: [[[[f32; OUT]; IN]; KW]; KH],
    /// `b`.
    pub bias: [f32; OUT],
    kind: PhantomData<(W, A)>,
}

/// [`Conv2d`] along a sequence, with kernels of `K` moments.
///
/// ```
/// # use baregrad::{Conv1d, Dense, GlobalAveragePool, Model, Relu, Same, Sequence};
/// type Net = Model<Sequence<24, 13>, (Conv1d<13, 24, 3, Same, Relu>, GlobalAveragePool, Dense<24, 10>)>;
/// const _: usize = baregrad::floats::<Net>();
/// ```
pub type Conv1d<const IN: usize, const OUT: usize, const K: usize, W = Same, A = Identity> =
    Conv2d<IN, OUT, K, 1, Along<W>, A>;

// By hand, as `Dense`'s.
impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W, A> Clone
    for Conv2d<IN, OUT, KH, KW, W, A>
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W, A> Copy for Conv2d<IN, OUT, KH, KW, W, A> {}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W, A> Conv2d<IN, OUT, KH, KW, W, A> {
    /// A layer with these parameters.
    pub const fn new(weights: [[[[f32; OUT]; IN]; KW]; KH], bias: [f32; OUT]) -> Self {
        const { assert!(IN > 0 && OUT > 0, "a convolution needs at least one channel in and one out") };
        Self { weights, bias, kind: PhantomData }
    }
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W, A> Zero for Conv2d<IN, OUT, KH, KW, W, A> {
    const ZERO: Self = Self::new(Zero::ZERO, Zero::ZERO);
}

/// The optimizer's slots of a convolution.
pub type Conv2dSlots<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, S> =
    WeightSlots<[[[[S; OUT]; IN]; KW]; KH], [S; OUT], S>;

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W, A> Tensors<f32>
    for Conv2d<IN, OUT, KH, KW, W, A>
{
    const COUNT: usize = 2;

    fn tensor(&self, index: usize) -> &[f32] {
        pair(index, self.weights.flat(), &self.bias)
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [f32] {
        pair_mut(index, self.weights.flat_mut(), &mut self.bias)
    }
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W: Window, A: Activation> Parameters
    for Conv2d<IN, OUT, KH, KW, W, A>
{
    const KIND: &'static str = if W::IS_ALONG { "Conv1d" } else { "Conv2d" };
    const TENSORS: &'static [Tensor] =
        &[Tensor::kernel("weight", taps_of::<W>(KH, KW), IN, OUT), Tensor::bias("bias", KH * KW * IN, OUT)];
    type Slots<T: Slot> = Conv2dSlots<IN, OUT, KH, KW, T>;
    const MODULES: usize = if A::FINGERPRINT == Identity::FINGERPRINT { 1 } else { 2 };
    const FINGERPRINT: u32 = Fingerprint::of("Conv2d")
        .number(IN)
        .number(OUT)
        .number(KH)
        .number(KW)
        .part(W::FINGERPRINT)
        .part(A::FINGERPRINT)
        .value();
}

/// The taps of a kernel under windows `W`, as files see them.
const fn taps_of<W: Window>(height: usize, width: usize) -> Taps {
    if W::IS_ALONG { Taps::OnSequence { length: height * width } } else { Taps::OnImage { height, width } }
}

impl<P, const GIVEN: usize, const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W, A>
    Layer<Grid<P, GIVEN>> for Conv2d<IN, OUT, KH, KW, W, A>
where
    P: Positions,
    W: Window,
    A: Activation,
{
    type Out = Grid<W::Out<P, KH, KW>, OUT>;
    type Activation = A;
    const ORDER: ChannelOrder = ChannelOrder::Mixed;
    const MISFIT: Option<&'static str> =
        first_of([Channels::<Self, IN, OUT, GIVEN>::MISFIT, Places::<P, W, KH, KW>::MISFIT]);
    /// Nothing; what does not fit does not compile.
    const KEPT: usize = {
        refuse(<Self as Layer<Grid<P, GIVEN>>>::MISFIT);
        0
    };
    /// A row of the input's gradient each, four channels of a tap each, the bias, and the way back through the activation below.
    const SLICES: usize = P::HEIGHT + Self::TILES + 2;

    #[inline(always)]
    fn forward<Q: Pass, X: Inputs + ?Sized>(
        &self,
        pass: Q,
        x: &X,
        y: &mut [f32],
        _memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        let _ = <Self as Layer<Grid<P, GIVEN>>>::KEPT; // compiles if it fits
        let axes = Places::<P, W, KH, KW>::AXES;
        let mut rest = &mut *y;
        for sample in 0..pass.samples() {
            let (y, others) = cut(rest, Self::Out::SIZE);
            rest = others;
            if let Some(x) = x.sample(sample) {
                self.all_places(axes, x, y.as_chunks_mut().0);
            }
        }
        activate::<A>(y)
    }

    #[inline(always)]
    fn backward<Q: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: Q,
        x: &X,
        delta: &[f32],
        mut dx: InputGradient<'_>,
        _memory: &mut [f32],
        slots: &mut Conv2dSlots<IN, OUT, KH, KW, O::Slot>,
        step: &O::Step,
    ) {
        let axes = Places::<P, W, KH, KW>::AXES;
        let samples = pass.samples();
        let due = pass.slices(<Self as Layer<Grid<P, GIVEN>>>::SLICES);
        self.input_gradient_of_rows(axes, due.start..due.end.min(P::HEIGHT), samples, delta, &mut dx);
        for slice in due.start.max(P::HEIGHT)..due.end {
            let tile = slice.wrapping_sub(P::HEIGHT);
            self.update_tile::<O, X>(axes, tile, samples, x, delta, slots, step);
        }
    }
}

impl<const IN: usize, const OUT: usize, const KH: usize, const KW: usize, W, A> Conv2d<IN, OUT, KH, KW, W, A> {
    /// Tiles of up to four input channels of each tap.
    const TILES: usize = KH * KW * IN.div_ceil(COLUMNS);

    /// The pre-activations of one sample: four places at a time, below each other or side by side, where their kernels have the same taps inside.
    #[inline(never)] // one body per shape, whatever calls it
    fn all_places(&self, axes: Axes, x: &[f32], y: &mut [[f32; OUT]]) {
        let Axes { rows, columns } = axes;
        let line = columns.size.wrapping_mul(IN);
        let down = rows.stride.get().wrapping_mul(line);
        let across = columns.stride.get().wrapping_mul(IN);
        let mut row = 0_usize;
        while row < rows.places {
            let are_alike_down = rows.are_alike(row, 4);
            let mut column = 0_usize;
            while column < columns.places {
                let taps = Covered { rows: rows.taps(row), columns: columns.taps(column) };
                let place = row.wrapping_mul(columns.places).wrapping_add(column);
                let Some(z) = y.get_mut(place..) else { return };
                if are_alike_down {
                    self.four_places(taps, axes, x, down, z, columns.places);
                    column = column.wrapping_add(1);
                } else if columns.are_alike(column, 4) {
                    self.four_places(taps, axes, x, across, z, 1);
                    column = column.wrapping_add(4);
                } else if let Some(z) = z.first_mut() {
                    let (runs, x, weights) = self.runs(taps, axes, x);
                    ThisCpu::one_window::<OUT>(runs, x, weights, &self.bias, z);
                    column = column.wrapping_add(1);
                }
            }
            row = row.wrapping_add(if are_alike_down { 4 } else { 1 });
        }
    }

    /// Four places, whose inputs and outputs are so far apart.
    #[inline(always)]
    fn four_places(&self, taps: Covered, axes: Axes, x: &[f32], step: usize, z: &mut [[f32; OUT]], apart: usize) {
        let (runs, mut x, weights) = self.runs(taps, axes, x);
        let mut windows = [x; 4];
        for window in &mut windows {
            *window = x;
            x = x.get(step..).unwrap_or(&[]);
        }
        ThisCpu::four_windows::<OUT>(runs, windows, weights, &self.bias, z, apart);
    }

    /// What the kernel has under it, with the inputs and the weights from its first tap inside on.
    ///
    /// The taps of one row are neighbours in the image and in the weights: one run. So are all of them where a kernel is as wide as the image.
    #[inline(always)]
    fn runs<'a>(&'a self, taps: Covered, axes: Axes, x: &'a [f32]) -> (Runs, &'a [f32], &'a [[f32; OUT]]) {
        let Covered { rows, columns } = taps;
        let width = axes.columns.size;
        let lines = if columns.count == KW && columns.count == width { 1 } else { rows.count };
        let run = if lines == 1 { taps.count() } else { columns.count };
        let runs =
            Runs { lines, run: run.wrapping_mul(IN), apart: width.wrapping_mul(IN), rows_apart: const { KW * IN } };
        let at = rows.position.wrapping_mul(width).wrapping_add(columns.position).wrapping_mul(IN);
        let row = rows.first.wrapping_mul(KW).wrapping_add(columns.first).wrapping_mul(IN);
        let weights = self.weights.as_flattened().as_flattened();
        (runs, x.get(at..).unwrap_or(&[]), weights.get(row..).unwrap_or(&[]))
    }

    /// New weights of up to four channels of a tap; behind the last of them, the new bias.
    #[allow(clippy::too_many_arguments)] // as a backward pass
    #[inline(never)]
    fn update_tile<O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        axes: Axes,
        tile: usize,
        samples: usize,
        x: &X,
        delta: &[f32],
        slots: &mut Conv2dSlots<IN, OUT, KH, KW, O::Slot>,
        step: &O::Step,
    ) {
        if tile == Self::TILES {
            let places = axes.rows.places.wrapping_mul(axes.columns.places);
            let delta = rows::<OUT>(delta, samples.wrapping_mul(places));
            kernels::update_bias::<OUT, O>(delta, &mut self.bias, &mut slots.bias, step);
        }
        let per_tap = const { IN.div_ceil(COLUMNS) };
        let tap = tile.checked_div(per_tap).unwrap_or(0);
        let (row, column) = (tap.checked_div(KW).unwrap_or(0), tap.checked_rem(KW).unwrap_or(0));
        let at = tile.wrapping_sub(tap.wrapping_mul(per_tap)).wrapping_mul(COLUMNS);
        let weights = self.weights.get_mut(row).and_then(|row| row.get_mut(column));
        let slots = slots.weights.get_mut(row).and_then(|row| row.get_mut(column));
        let (Some(weights), Some(slots)) = (weights, slots) else { return };
        let (Some(mut weights), Some(mut slots)) = (weights.get_mut(at..), slots.get_mut(at..)) else { return };
        let pairs = UnderTap::new(axes, [row, column], x, delta, [samples, OUT]);
        if let (Some(weights), Some(slots)) = (weights.first_chunk_mut(), slots.first_chunk_mut()) {
            kernels::update_tap::<COLUMNS, IN, OUT, O, _>(&pairs, at, weights, slots, step);
            return;
        }
        // Three are left where an image has three colours.
        if const { IN % COLUMNS == 3 }
            && let (Some(weights), Some(slots)) = (weights.first_chunk_mut::<3>(), slots.first_chunk_mut::<3>())
        {
            kernels::update_tap::<3, IN, OUT, O, _>(&pairs, at, weights, slots, step);
            return;
        }
        let mut at = at;
        while let (Some((first, others)), Some((slot, other_slots))) =
            (weights.split_first_mut(), slots.split_first_mut())
        {
            kernels::update_tap_row::<IN, OUT, O, _>(&pairs, at, first, slot, step);
            (weights, slots) = (others, other_slots);
            at = at.wrapping_add(1);
        }
    }
}
