//! Depthwise convolutions: each channel by itself.

use core::marker::PhantomData;
use core::ops::Range;

use super::taps::UnderTap;
use super::taps_of;
use crate::activation::{Activation, Identity};
use crate::fingerprint::Fingerprint;
use crate::kernels::{self, COLUMNS, Kernels, Steps, ThisCpu};
use crate::layer::memory::{cut, rows};
use crate::layer::misfit::{Channels, first_of, refuse};
use crate::layer::parameters::{pair, pair_mut};
use crate::layer::slots::{Flat, WeightSlots};
use crate::layer::window::axis::{Axes, Places};
use crate::layer::window::{Along, Same, Window};
use crate::layer::{
    ChannelOrder, InputGradient, Inputs, Layer, NonFinite, Parameters, Pass, Tensor, Tensors, activate,
};
use crate::optimizer::{Optimizer, Slot};
use crate::shape::{Grid, Positions, Shape};
use crate::zero::Zero;

/// Depthwise convolution of an image: a kernel of `KH × KW` for each of `N` channels by itself, with an activation `g`. Each channel gives one: Keras's
/// `depth_multiplier` is 1.
///
/// ```text
/// y[p][c] = g(b[c] + Σ_kh Σ_kw x[p·stride + (kh, kw) - before][c]·W[kh][kw][c])
/// ```
///
/// Windows are those of [`Conv2d`](crate::Conv2d). With a [`Dense`](crate::Dense) layer behind it, which mixes the channels of each position, it is a
/// separable convolution, of `N·(KH·KW + OUT)` weights instead of `N·KH·KW·OUT`.
///
/// ```
/// # use baregrad::{Conv2d, Dense, DepthwiseConv2d, GlobalAveragePool, Image, Model, Relu, Same, Strided};
/// type Separable<const N: usize> = (DepthwiseConv2d<N, 3, 3, Same, Relu>, Dense<N, N, Relu>);
/// type Net = Model<Image<49, 10, 1>, (
///     Conv2d<1, 64, 10, 4, Strided<2>, Relu>,
///     Separable<64>,
///     Separable<64>,
///     GlobalAveragePool,
///     Dense<64, 12>,
/// )>;
/// const _: usize = baregrad::floats::<Net>();
/// ```
///
/// # Order and rounding
/// As [`Conv2d`](crate::Conv2d)'s, without sums over channels: forward from `b[c]`, then the taps inside, row by row of the kernel; the gradients start with their
/// first term.
///
/// # Special values
/// As [`Conv2d`](crate::Conv2d)'s.
///
/// # Differs from PyTorch
/// There it is `Conv2d(N, N, …, groups=N)`, with `W` as `[c][1][kh][kw]`. Keras's `DepthwiseConv2D` has `[kh][kw][c][1]`: the order of this library. Both also give
/// several outputs for each channel; here it is one. An initializer sees `KH·KW` values in and out of a kernel, where PyTorch counts `N·KH·KW` out, and
/// Keras `N·KH·KW` in.
///
/// # Source
/// Sifre, *Rigid-Motion Scattering for Image Classification*, 2014, chapter 6.2; Howard et al., *MobileNets*, 2017, section 3.1.
#[derive(Debug, PartialEq)]
pub struct DepthwiseConv2d<const N: usize, const KH: usize, const KW: usize, W = Same, A = Identity> {
    /// `W`: a weight for each channel, by row and column of the kernel.
    pub weights: [[[f32; N]; KW]; KH],
    /// `b`.
    pub bias: [f32; N],
    kind: PhantomData<(W, A)>,
}

/// [`DepthwiseConv2d`] along a sequence, with kernels of `K` moments.
pub type DepthwiseConv1d<const N: usize, const K: usize, W = Same, A = Identity> =
    DepthwiseConv2d<N, K, 1, Along<W>, A>;

// By hand, as `Dense`'s.
impl<const N: usize, const KH: usize, const KW: usize, W, A> Clone for DepthwiseConv2d<N, KH, KW, W, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<const N: usize, const KH: usize, const KW: usize, W, A> Copy for DepthwiseConv2d<N, KH, KW, W, A> {}

impl<const N: usize, const KH: usize, const KW: usize, W, A> DepthwiseConv2d<N, KH, KW, W, A> {
    /// A layer with these parameters.
    pub const fn new(weights: [[[f32; N]; KW]; KH], bias: [f32; N]) -> Self {
        const { assert!(N > 0, "a convolution needs at least one channel") };
        Self { weights, bias, kind: PhantomData }
    }
}

impl<const N: usize, const KH: usize, const KW: usize, W, A> Zero for DepthwiseConv2d<N, KH, KW, W, A> {
    const ZERO: Self = Self::new(Zero::ZERO, Zero::ZERO);
}

/// The optimizer's slots of a depthwise convolution.
pub type DepthwiseConv2dSlots<const N: usize, const KH: usize, const KW: usize, S> =
    WeightSlots<[[[S; N]; KW]; KH], [S; N], S>;

impl<const N: usize, const KH: usize, const KW: usize, W, A> Tensors<f32> for DepthwiseConv2d<N, KH, KW, W, A> {
    const COUNT: usize = 2;

    fn tensor(&self, index: usize) -> &[f32] {
        pair(index, self.weights.flat(), &self.bias)
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [f32] {
        pair_mut(index, self.weights.flat_mut(), &mut self.bias)
    }
}

impl<const N: usize, const KH: usize, const KW: usize, W: Window, A: Activation> Parameters
    for DepthwiseConv2d<N, KH, KW, W, A>
{
    const KIND: &'static str = if W::IS_ALONG { "DepthwiseConv1d" } else { "DepthwiseConv2d" };
    const TENSORS: &'static [Tensor] =
        &[Tensor::depthwise("weight", taps_of::<W>(KH, KW), N), Tensor::bias("bias", KH * KW, N)];
    type Slots<T: Slot> = DepthwiseConv2dSlots<N, KH, KW, T>;
    const MODULES: usize = if A::FINGERPRINT == Identity::FINGERPRINT { 1 } else { 2 };
    const FINGERPRINT: u32 = Fingerprint::of("DepthwiseConv2d")
        .number(N)
        .number(KH)
        .number(KW)
        .part(W::FINGERPRINT)
        .part(A::FINGERPRINT)
        .value();
}

impl<P: Positions, const GIVEN: usize, const N: usize, const KH: usize, const KW: usize, W: Window, A: Activation>
    Layer<Grid<P, GIVEN>> for DepthwiseConv2d<N, KH, KW, W, A>
{
    type Out = Grid<W::Out<P, KH, KW>, N>;
    type Activation = A;
    const ORDER: ChannelOrder = ChannelOrder::Kept;
    const MISFIT: Option<&'static str> =
        first_of([Channels::<Self, N, N, GIVEN>::MISFIT, Places::<P, W, KH, KW>::MISFIT]);
    /// Nothing; what does not fit does not compile.
    const KEPT: usize = {
        refuse(<Self as Layer<Grid<P, GIVEN>>>::MISFIT);
        0
    };
    /// A row of the input's gradient each, a tap each, the bias, and the way back through the activation below.
    const SLICES: usize = P::HEIGHT + KH * KW + 2;

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
                self.all_places(axes, x.as_chunks().0, y.as_chunks_mut().0);
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
        slots: &mut DepthwiseConv2dSlots<N, KH, KW, O::Slot>,
        step: &O::Step,
    ) {
        let axes = Places::<P, W, KH, KW>::AXES;
        let samples = pass.samples();
        let due = pass.slices(<Self as Layer<Grid<P, GIVEN>>>::SLICES);
        self.input_gradient_of_rows(axes, due.start..due.end.min(P::HEIGHT), samples, delta, &mut dx);
        for slice in due.start.max(P::HEIGHT)..due.end {
            self.update_tap::<O, X>(axes, slice.wrapping_sub(P::HEIGHT), samples, x, delta, slots, step);
        }
    }
}

impl<const N: usize, const KH: usize, const KW: usize, W, A> DepthwiseConv2d<N, KH, KW, W, A> {
    /// The pre-activations of one sample: two places at a time, below each other or side by side, where their kernels have the same taps inside.
    #[inline(never)] // one body per shape, whatever calls it
    fn all_places(&self, axes: Axes, x: &[[f32; N]], y: &mut [[f32; N]]) {
        let Axes { rows, columns } = axes;
        let down = rows.stride.get().wrapping_mul(columns.size);
        let mut row = 0_usize;
        while row < rows.places {
            let are_alike_down = rows.are_alike(row, 2);
            let mut column = 0_usize;
            while column < columns.places {
                let steps = axes.taps_at(row, column);
                let place = row.wrapping_mul(columns.places).wrapping_add(column);
                let Some(y) = y.get_mut(place..) else { return };
                let are_alike_across = !are_alike_down && columns.are_alike(column, 2);
                let weights = self.weights.as_flattened();
                if are_alike_down {
                    ThisCpu::two_channel_sums::<N>(steps, x, weights, &self.bias, y, [down, columns.places]);
                } else if are_alike_across {
                    ThisCpu::two_channel_sums::<N>(steps, x, weights, &self.bias, y, [columns.stride.get(), 1]);
                } else if let Some(y) = y.first_mut() {
                    ThisCpu::channel_sums::<N>(steps, x, weights, &self.bias, y);
                }
                column = column.wrapping_add(if are_alike_across { 2 } else { 1 });
            }
            row = row.wrapping_add(if are_alike_down { 2 } else { 1 });
        }
    }

    /// The gradient of some rows of all input images, from the old weights.
    #[inline(never)]
    fn input_gradient_of_rows(
        &self,
        axes: Axes,
        due: Range<usize>,
        samples: usize,
        delta: &[f32],
        dx: &mut InputGradient<'_>,
    ) {
        if let InputGradient::Unwanted = dx {
            return;
        }
        let Axes { rows, columns } = axes;
        let places = rows.places.wrapping_mul(columns.places);
        let mut rest = delta.as_chunks::<N>().0;
        for sample in 0..samples {
            let Some((delta, others)) = rest.split_at_checked(places) else { return };
            rest = others;
            let first = sample.wrapping_mul(rows.size).wrapping_mul(columns.size);
            // Rows a stride apart are seen alike; two of them are made at a time.
            for phase in 0..rows.stride.get().min(due.len()) {
                let mut row = due.start.wrapping_add(phase);
                while row < due.end {
                    let next = row.wrapping_add(rows.stride.get());
                    let is_pair = next < due.end && rows.are_seen_alike(row, 2);
                    for column in 0..columns.size {
                        let at = first.wrapping_add(row.wrapping_mul(columns.size)).wrapping_add(column);
                        let apart = rows.stride.get().wrapping_mul(columns.size);
                        self.input_gradient(
                            axes.seen_from(row, column),
                            delta,
                            at,
                            is_pair.then_some([columns.places, apart]),
                            dx,
                        );
                    }
                    row = if is_pair { next.wrapping_add(rows.stride.get()) } else { next };
                }
            }
        }
    }

    /// The gradient of position `at`, and of the one so many places and positions further if there is one.
    #[inline(always)]
    fn input_gradient(
        &self,
        steps: Steps,
        delta: &[[f32; N]],
        at: usize,
        apart: Option<[usize; 2]>,
        dx: &mut InputGradient<'_>,
    ) {
        // A sum that starts from -0 has the bits of one that starts with its first product; without any it is 0.
        let start = if steps.is_empty() { const { &[0.0; N] } } else { const { &[-0.0; N] } };
        let weights = self.weights.as_flattened();
        match dx {
            InputGradient::Unwanted => {}
            InputGradient::Write(all) => {
                let Some(dx) = all.as_chunks_mut::<N>().0.get_mut(at..) else { return };
                if let Some(apart) = apart {
                    ThisCpu::two_channel_sums::<N>(steps, delta, weights, start, dx, apart);
                } else if let Some(dx) = dx.first_mut() {
                    ThisCpu::channel_sums::<N>(steps, delta, weights, start, dx);
                }
            }
            InputGradient::Add(_) => {
                self.add_input_gradient(steps, delta, start, at, dx);
                if let Some([places, positions]) = apart {
                    let delta = delta.get(places..).unwrap_or(&[]);
                    self.add_input_gradient(steps, delta, start, at.wrapping_add(positions), dx);
                }
            }
        }
    }

    /// The gradient of position `at`, a few channels at a time: each is complete before it is added.
    #[inline(always)]
    fn add_input_gradient(
        &self,
        steps: Steps,
        delta: &[[f32; N]],
        start: &[f32; N],
        at: usize,
        dx: &mut InputGradient<'_>,
    ) {
        let (weights, at) = (self.weights.as_flattened(), at.wrapping_mul(N));
        let mut channel = 0_usize;
        for start in start.as_chunks::<COLUMNS>().0 {
            let mut sums = *start;
            ThisCpu::add_channel_products::<COLUMNS, N>(steps, delta, weights, channel, &mut sums);
            dx.give(at.wrapping_add(channel), &sums);
            channel = channel.wrapping_add(COLUMNS);
        }
        for start in start.as_chunks::<COLUMNS>().1 {
            let mut sums = [*start];
            ThisCpu::add_channel_products::<1, N>(steps, delta, weights, channel, &mut sums);
            dx.give(at.wrapping_add(channel), &sums);
            channel = channel.wrapping_add(1);
        }
    }

    /// New weights of a tap; behind the last of them, the new bias.
    #[allow(clippy::too_many_arguments)] // as a backward pass
    #[inline(never)]
    fn update_tap<O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        axes: Axes,
        tap: usize,
        samples: usize,
        x: &X,
        delta: &[f32],
        slots: &mut DepthwiseConv2dSlots<N, KH, KW, O::Slot>,
        step: &O::Step,
    ) {
        if tap == const { KH * KW } {
            let places = axes.rows.places.wrapping_mul(axes.columns.places);
            let delta = rows::<N>(delta, samples.wrapping_mul(places));
            kernels::update_bias::<N, O>(delta, &mut self.bias, &mut slots.bias, step);
        }
        let (row, column) = (tap.checked_div(KW).unwrap_or(0), tap.checked_rem(KW).unwrap_or(0));
        let weights = self.weights.get_mut(row).and_then(|row| row.get_mut(column));
        let slots = slots.weights.get_mut(row).and_then(|row| row.get_mut(column));
        if let (Some(weights), Some(slots)) = (weights, slots) {
            let pairs = UnderTap::new(axes, [row, column], x, delta, [samples, N]);
            kernels::update_channels::<N, O, _>(&pairs, weights, slots, step);
        }
    }
}
