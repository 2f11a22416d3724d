//! Convolutions: what is added at a place of the kernel, and the sweep over the weights of one tap.
//!
//! A layer says where its kernel lies. Here nothing is known of rows and columns of an image, only of the values of single positions.

use super::tile::{LANES, LANES_OF_ONE, floats, lanes_mut, multiply_add, value};
use super::weight_gradient::{Columns, Ones, update_tile};
use crate::kernels::{Kernels, ThisCpu};
use crate::optimizer::Optimizer;

/// The inputs that a tap of the kernel is multiplied with, each with the `delta` that the product belongs to.
///
/// A sum over them starts from -0, as one that starts with its first product. Without any it is 0: that is added then.
pub(crate) trait Pairs<const IN: usize, const OUT: usize> {
    /// Whether there are none: the tap lies outside at each place.
    fn is_empty(&self) -> bool;

    /// Shows all of them: sample by sample, then place by place.
    fn for_each(&self, each: impl FnMut(&[f32; IN], &[f32; OUT]));
}

/// See [`Kernels::add_run`].
#[inline(always)]
pub(in crate::kernels) fn add_run<const OUT: usize>(x: &[f32], rows: &[[f32; OUT]], z: &mut [f32; OUT]) {
    let mut at = 0_usize;
    if const { OUT >= LANES_OF_ONE } {
        while at.wrapping_add(LANES_OF_ONE) <= OUT {
            run_tile::<LANES_OF_ONE, OUT>(x, rows, z, at);
            at = at.wrapping_add(LANES_OF_ONE);
        }
    }
    #[allow(clippy::modulo_one)] // one lane, where there is no FPU
    match const { OUT % LANES_OF_ONE } {
        1 => run_tile::<1, OUT>(x, rows, z, at),
        2 => run_tile::<2, OUT>(x, rows, z, at),
        3 => run_tile::<3, OUT>(x, rows, z, at),
        4 => run_tile::<4, OUT>(x, rows, z, at),
        5 => run_tile::<5, OUT>(x, rows, z, at),
        6 => run_tile::<6, OUT>(x, rows, z, at),
        7 => run_tile::<7, OUT>(x, rows, z, at),
        _ => {}
    }
}

#[inline(always)]
fn run_tile<const V: usize, const OUT: usize>(x: &[f32], rows: &[[f32; OUT]], z: &mut [f32; OUT], at: usize) {
    if let Some(z) = lanes_mut::<V, OUT, f32>(z, at) {
        let mut sums = *z;
        for (x, row) in x.iter().zip(rows) {
            multiply_add(&mut sums, *x, &floats::<V, OUT>(row, at));
        }
        *z = sums;
    }
}

/// See [`Kernels::add_runs`].
#[inline(always)]
pub(in crate::kernels) fn add_runs<const OUT: usize>(x: [&[f32]; 4], rows: &[[f32; OUT]], z: &mut [[f32; OUT]; 4]) {
    let mut at = 0_usize;
    if const { OUT >= LANES } {
        while at.wrapping_add(LANES) <= OUT {
            runs_tile::<LANES, OUT>(x, rows, z, at);
            at = at.wrapping_add(LANES);
        }
    }
    #[allow(clippy::modulo_one)] // as above
    match const { OUT % LANES } {
        1 => runs_tile::<1, OUT>(x, rows, z, at),
        2 => runs_tile::<2, OUT>(x, rows, z, at),
        3 => runs_tile::<3, OUT>(x, rows, z, at),
        4 => runs_tile::<4, OUT>(x, rows, z, at),
        5 => runs_tile::<5, OUT>(x, rows, z, at),
        6 => runs_tile::<6, OUT>(x, rows, z, at),
        7 => runs_tile::<7, OUT>(x, rows, z, at),
        _ => {}
    }
}

/// Each row of weights is loaded once for four runs.
#[inline(always)]
fn runs_tile<const V: usize, const OUT: usize>(
    [a, b, c, d]: [&[f32]; 4],
    rows: &[[f32; OUT]],
    z: &mut [[f32; OUT]; 4],
    at: usize,
) {
    let mut sums = [[0.0; V]; 4];
    for (sums, z) in sums.iter_mut().zip(&*z) {
        *sums = floats::<V, OUT>(z, at);
    }
    for ((((row, a), b), c), d) in rows.iter().zip(a).zip(b).zip(c).zip(d) {
        let w = floats::<V, OUT>(row, at);
        for (sums, x) in sums.iter_mut().zip([a, b, c, d]) {
            multiply_add(sums, *x, &w);
        }
    }
    for (z, sums) in z.iter_mut().zip(sums) {
        if let Some(z) = lanes_mut::<V, OUT, f32>(z, at) {
            *z = sums;
        }
    }
}

/// `sums[c] += Σ_o delta[o]·rows[c][o]`, `o = 0, 1, …`
#[inline(always)]
pub(crate) fn add_row_sums<const C: usize, const OUT: usize>(
    delta: &[f32; OUT],
    rows: &[[f32; OUT]; C],
    sums: &mut [f32; C],
) {
    for (o, delta) in (0..OUT).zip(delta) {
        let mut w = [0.0; C];
        for (w, row) in w.iter_mut().zip(rows) {
            *w = value(row, o);
        }
        multiply_add(sums, *delta, &w);
    }
}

/// The gradient of some weights of one tap, a row for each of the input channels `at..`, summed over all pairs, and their update with it.
#[inline(always)]
pub(crate) fn update_tap<const C: usize, const IN: usize, const OUT: usize, O: Optimizer, S: Pairs<IN, OUT>>(
    pairs: &S,
    at: usize,
    rows: &mut [[f32; OUT]; C],
    slots: &mut [[O::Slot; OUT]; C],
    step: &O::Step,
) {
    update_tile::<ThisCpu, C, OUT, O, _>(&[], &Tap::<IN, S> { pairs, at }, rows, slots, step);
}

/// The bias of a convolution: the sum of all `delta`.
#[inline(always)]
pub(crate) fn update_bias<const OUT: usize, O: Optimizer>(
    delta: &[[f32; OUT]],
    bias: &mut [f32; OUT],
    slots: &mut [O::Slot; OUT],
    step: &O::Step,
) {
    let (bias, slots) = (core::array::from_mut(bias), core::array::from_mut(slots));
    update_tile::<ThisCpu, 1, OUT, O, _>(delta, &Ones, bias, slots, step);
}

/// The gradient of one tap's weights of each channel, which has its own, summed over all pairs, and their update with it.
#[inline(always)]
pub(crate) fn update_channels<const N: usize, O: Optimizer, S: Pairs<N, N>>(
    pairs: &S,
    weights: &mut [f32; N],
    slots: &mut [O::Slot; N],
    step: &O::Step,
) {
    let (weights, slots) = (core::array::from_mut(weights), core::array::from_mut(slots));
    update_tile::<ThisCpu, 1, N, O, _>(&[], &Channels(pairs), weights, slots, step);
}

/// `start[c] + Σ a[c]·w[c]` over the taps, in their order, a few channels at a time: `each` gets the first of them, and their sums.
#[inline(always)]
pub(crate) fn for_each_channel_sum<'a, const N: usize>(
    start: &[f32; N],
    taps: impl Iterator<Item = (&'a [f32; N], &'a [f32; N])> + Clone,
    mut each: impl FnMut(usize, &[f32]),
) {
    let mut at = 0_usize;
    if const { N >= LANES_OF_ONE } {
        while at.wrapping_add(LANES_OF_ONE) <= N {
            each(at, &channel_sums::<LANES_OF_ONE, N>(start, taps.clone(), at));
            at = at.wrapping_add(LANES_OF_ONE);
        }
    }
    while at < N {
        each(at, &channel_sums::<1, N>(start, taps.clone(), at));
        at = at.wrapping_add(1);
    }
}

#[inline(always)]
fn channel_sums<'a, const V: usize, const N: usize>(
    start: &[f32; N],
    taps: impl Iterator<Item = (&'a [f32; N], &'a [f32; N])>,
    at: usize,
) -> [f32; V] {
    let mut sums = floats::<V, N>(start, at);
    taps.for_each(|(a, w)| add_by_channel(&mut sums, &floats::<V, N>(a, at), &floats::<V, N>(w, at)));
    sums
}

/// `sums[v] += a[v]·w[v]`, all products first.
#[inline(always)]
fn add_by_channel<const V: usize>(sums: &mut [f32; V], a: &[f32; V], w: &[f32; V]) {
    let mut products = *a;
    for (product, w) in products.iter_mut().zip(w) {
        *product *= w;
    }
    for (sum, product) in sums.iter_mut().zip(products) {
        *sum += product;
    }
}

/// All channels, each with the `delta` of its own.
struct Channels<'a, S>(&'a S);

impl<const N: usize, S: Pairs<N, N>> Columns<1, N> for Channels<'_, S> {
    #[inline(always)]
    fn add_samples<K: Kernels, const V: usize>(&self, _: &[[f32; N]], at: usize, [sums]: &mut [[f32; V]; 1]) {
        let mut all = if self.0.is_empty() { sums.map(|sum| sum + 0.0) } else { *sums };
        self.0.for_each(|x, delta| add_by_channel(&mut all, &floats::<V, N>(x, at), &floats::<V, N>(delta, at)));
        *sums = all;
    }
}

/// Input channels from `at` on.
struct Tap<'a, const IN: usize, S> {
    pairs: &'a S,
    at: usize,
}

impl<const C: usize, const IN: usize, const OUT: usize, S: Pairs<IN, OUT>> Columns<C, OUT> for Tap<'_, IN, S> {
    #[inline(always)]
    fn add_samples<K: Kernels, const V: usize>(&self, _: &[[f32; OUT]], at: usize, sums: &mut [[f32; V]; C]) {
        let mut all = if self.pairs.is_empty() { sums.map(|sums| sums.map(|sum| sum + 0.0)) } else { *sums };
        self.pairs.for_each(|x, delta| {
            let delta = floats::<V, OUT>(delta, at);
            for (sums, x) in all.iter_mut().zip(floats::<C, IN>(x, self.at)) {
                multiply_add(sums, x, &delta);
            }
        });
        *sums = all;
    }
}
