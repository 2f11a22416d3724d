//! Convolutions: what is added at a place of the kernel, and the sweep over the weights of one tap.
//!
//! A layer says where its kernel lies. Here nothing is known of rows and columns of an image, only of the values of single positions.

use super::steps::{Runs, Steps};
use super::tile::{LANES, LANES_OF_ONE, floats, lanes_mut, multiply_add, value};
use super::weight_gradient::{Columns, Ones, gradient_tile, update_tile};
use crate::kernels::{Kernels, ThisCpu};
use crate::optimizer::Optimizer;

/// The inputs that a tap of the kernel is multiplied with, each with the `delta` that the product belongs to.
///
/// A sum over them starts from -0, as one that starts with its first product. Without any it is 0: that is added then.
pub(crate) trait Pairs {
    /// Whether there are none: the tap lies outside at each place.
    fn is_empty(&self) -> bool;

    /// Shows those of each sample: its inputs and its `delta`, and which of their rows belong together.
    fn for_each_sample(&self, each: impl FnMut(Steps, &[f32], &[f32]));
}

/// See [`Kernels::one_window`].
#[inline(always)]
pub(in crate::kernels) fn one_window<const OUT: usize>(
    runs: Runs,
    x: &[f32],
    weights: &[[f32; OUT]],
    bias: &[f32; OUT],
    z: &mut [f32; OUT],
) {
    let mut at = 0_usize;
    if const { OUT >= LANES_OF_ONE } {
        while at.wrapping_add(LANES_OF_ONE) <= OUT {
            window_tile::<LANES_OF_ONE, OUT>(runs, x, weights, bias, z, at);
            at = at.wrapping_add(LANES_OF_ONE);
        }
    }
    match const { OUT.wrapping_rem(LANES_OF_ONE) } {
        1 => window_tile::<1, OUT>(runs, x, weights, bias, z, at),
        2 => window_tile::<2, OUT>(runs, x, weights, bias, z, at),
        3 => window_tile::<3, OUT>(runs, x, weights, bias, z, at),
        4 => window_tile::<4, OUT>(runs, x, weights, bias, z, at),
        5 => window_tile::<5, OUT>(runs, x, weights, bias, z, at),
        6 => window_tile::<6, OUT>(runs, x, weights, bias, z, at),
        7 => window_tile::<7, OUT>(runs, x, weights, bias, z, at),
        _ => {}
    }
}

/// The last outputs of it: those behind the last four that are whole.
#[allow(dead_code)] // only some processors ask
#[inline(always)]
pub(in crate::kernels) fn last_of_window<const OUT: usize>(
    runs: Runs,
    x: &[f32],
    weights: &[[f32; OUT]],
    bias: &[f32; OUT],
    z: &mut [f32; OUT],
) {
    let at = const { OUT / 4 * 4 };
    match const { OUT % 4 } {
        1 => window_tile::<1, OUT>(runs, x, weights, bias, z, at),
        2 => window_tile::<2, OUT>(runs, x, weights, bias, z, at),
        3 => window_tile::<3, OUT>(runs, x, weights, bias, z, at),
        _ => {}
    }
}

#[inline(always)]
fn window_tile<const V: usize, const OUT: usize>(
    runs: Runs,
    x: &[f32],
    weights: &[[f32; OUT]],
    bias: &[f32; OUT],
    z: &mut [f32; OUT],
    at: usize,
) {
    let mut sums = floats::<V, OUT>(bias, at);
    for line in 0..runs.lines {
        for (x, row) in runs.run(x, line).iter().zip(runs.rows(weights, line)) {
            multiply_add(&mut sums, *x, &floats::<V, OUT>(row, at));
        }
    }
    if let Some(z) = lanes_mut::<V, OUT, f32>(z, at) {
        *z = sums;
    }
}

/// See [`Kernels::four_windows`]; the outputs from `at` on, which [`LANES`] divides.
#[inline(always)]
pub(in crate::kernels) fn four_windows<const OUT: usize>(
    runs: Runs,
    x: [&[f32]; 4],
    weights: &[[f32; OUT]],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
    apart: usize,
    mut at: usize,
) {
    if const { OUT >= LANES } {
        while at.wrapping_add(LANES) <= OUT {
            windows_tile::<LANES, OUT>(runs, x, weights, bias, z, apart, at);
            at = at.wrapping_add(LANES);
        }
    }
    #[allow(clippy::modulo_one)] // as above
    match const { OUT % LANES } {
        1 => windows_tile::<1, OUT>(runs, x, weights, bias, z, apart, at),
        2 => windows_tile::<2, OUT>(runs, x, weights, bias, z, apart, at),
        3 => windows_tile::<3, OUT>(runs, x, weights, bias, z, apart, at),
        4 => windows_tile::<4, OUT>(runs, x, weights, bias, z, apart, at),
        5 => windows_tile::<5, OUT>(runs, x, weights, bias, z, apart, at),
        6 => windows_tile::<6, OUT>(runs, x, weights, bias, z, apart, at),
        7 => windows_tile::<7, OUT>(runs, x, weights, bias, z, apart, at),
        _ => {}
    }
}

/// Each row of weights is loaded once for four windows.
#[inline(always)]
fn windows_tile<const V: usize, const OUT: usize>(
    runs: Runs,
    x: [&[f32]; 4],
    weights: &[[f32; OUT]],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
    apart: usize,
    at: usize,
) {
    let mut sums = [floats::<V, OUT>(bias, at); 4];
    for line in 0..runs.lines {
        let [a, b, c, d] = x.map(|x| runs.run(x, line));
        for ((((row, a), b), c), d) in runs.rows(weights, line).iter().zip(a).zip(b).zip(c).zip(d) {
            let w = floats::<V, OUT>(row, at);
            for (sums, x) in sums.iter_mut().zip([a, b, c, d]) {
                multiply_add(sums, *x, &w);
            }
        }
    }
    let mut place = 0_usize;
    for sums in sums {
        if let Some(z) = z.get_mut(place).and_then(|z| lanes_mut::<V, OUT, f32>(z, at)) {
            *z = sums;
        }
        place = place.wrapping_add(apart);
    }
}

/// See [`Kernels::add_input_gradients`].
#[inline(always)]
pub(in crate::kernels) fn add_input_gradients<const P: usize, const C: usize, const IN: usize, const OUT: usize>(
    steps: Steps,
    mut delta: &[[f32; OUT]],
    apart: usize,
    weights: &[[[f32; OUT]; IN]],
    channel: usize,
    sums: &mut [[f32; C]; P],
) {
    for sums in sums {
        let mut all = *sums;
        steps.for_each(delta, weights, |delta, rows| {
            if let Some(rows) = rows.get(channel..).and_then(|rows| rows.first_chunk()) {
                add_row_sums::<C, OUT>(delta, rows, &mut all);
            }
        });
        *sums = all;
        delta = delta.get(apart..).unwrap_or(&[]);
    }
}

/// Input channels side by side in a kernel that is turned.
pub(crate) const TURNED: usize = 8;

/// See [`Kernels::add_turned_gradients`].
#[inline(always)]
pub(in crate::kernels) fn add_turned_gradients<const P: usize, const OUT: usize>(
    steps: Steps,
    mut delta: &[[f32; OUT]],
    apart: usize,
    turned: &[[[f32; TURNED]; OUT]],
    sums: &mut [[f32; TURNED]; P],
) {
    for sums in sums {
        steps.for_each(delta, turned, |delta, rows| {
            for (delta, row) in delta.iter().zip(rows) {
                multiply_add(sums, *delta, row);
            }
        });
        delta = delta.get(apart..).unwrap_or(&[]);
    }
}

/// `sums[c] += Σ_o delta[o]·rows[c][o]`, `o = 0, 1, …`
#[inline(always)]
fn add_row_sums<const C: usize, const OUT: usize>(delta: &[f32; OUT], rows: &[[f32; OUT]; C], sums: &mut [f32; C]) {
    for (o, delta) in (0..OUT).zip(delta) {
        let mut w = [0.0; C];
        for (w, row) in w.iter_mut().zip(rows) {
            *w = value(row, o);
        }
        multiply_add(sums, *delta, &w);
    }
}

/// See [`Kernels::add_tap_products`].
#[inline(always)]
pub(in crate::kernels) fn add_tap_products<const C: usize, const V: usize, const IN: usize, const OUT: usize>(
    steps: Steps,
    x: &[[f32; IN]],
    delta: &[[f32; OUT]],
    [channel, output]: [usize; 2],
    sums: &mut [[f32; V]; C],
) {
    let mut all = *sums;
    steps.for_each(x, delta, |x, delta| {
        let delta = floats::<V, OUT>(delta, output);
        for (sums, x) in all.iter_mut().zip(floats::<C, IN>(x, channel)) {
            multiply_add(sums, x, &delta);
        }
    });
    *sums = all;
}

/// The gradient of some weights of one tap, a row for each of the input channels `at..`, summed over all pairs, and their update with it.
#[inline(always)]
pub(crate) fn update_tap<const C: usize, const IN: usize, const OUT: usize, O: Optimizer, S: Pairs>(
    pairs: &S,
    at: usize,
    rows: &mut [[f32; OUT]; C],
    slots: &mut [[O::Slot; OUT]; C],
    step: &O::Step,
) {
    update_tile::<ThisCpu, C, OUT, O, _>(&[], &Tap::<IN, S> { pairs, at }, rows, slots, step);
}

/// The same for a single channel.
#[inline(always)]
pub(crate) fn update_tap_row<const IN: usize, const OUT: usize, O: Optimizer, S: Pairs>(
    pairs: &S,
    at: usize,
    row: &mut [f32; OUT],
    slots: &mut [O::Slot; OUT],
    step: &O::Step,
) {
    update_row::<OUT, O, _>(&[], &Tap::<IN, S> { pairs, at }, row, slots, step);
}

/// The bias of a convolution: the sum of all `delta`.
#[inline(always)]
pub(crate) fn update_bias<const OUT: usize, O: Optimizer>(
    delta: &[[f32; OUT]],
    bias: &mut [f32; OUT],
    slots: &mut [O::Slot; OUT],
    step: &O::Step,
) {
    update_row::<OUT, O, _>(delta, &Ones, bias, slots, step);
}

/// [`update_tile`] of a single row; where a processor has wide rows, as many side by side as it has at once.
#[inline(always)]
pub(super) fn update_row<const OUT: usize, O: Optimizer, S: Columns<1, OUT>>(
    delta: &[[f32; OUT]],
    columns: &S,
    row: &mut [f32; OUT],
    slots: &mut [O::Slot; OUT],
    step: &O::Step,
) {
    let (row, slots) = (core::array::from_mut(row), core::array::from_mut(slots));
    if const { !ThisCpu::HAS_WIDE_ROWS } {
        return update_tile::<ThisCpu, 1, OUT, O, S>(delta, columns, row, slots, step);
    }
    let mut at = 0_usize;
    if const { OUT >= 16 } {
        while at.wrapping_add(16) <= OUT {
            gradient_tile::<ThisCpu, 1, 16, OUT, O, S>(delta, columns, row, slots, at, step);
            at = at.wrapping_add(16);
        }
    }
    if const { OUT >= LANES_OF_ONE } {
        while at.wrapping_add(LANES_OF_ONE) <= OUT {
            gradient_tile::<ThisCpu, 1, LANES_OF_ONE, OUT, O, S>(delta, columns, row, slots, at, step);
            at = at.wrapping_add(LANES_OF_ONE);
        }
    }
    if const { OUT.wrapping_rem(LANES_OF_ONE) >= 4 } {
        gradient_tile::<ThisCpu, 1, 4, OUT, O, S>(delta, columns, row, slots, at, step);
        at = at.wrapping_add(4);
    }
    while at < OUT {
        gradient_tile::<ThisCpu, 1, 1, OUT, O, S>(delta, columns, row, slots, at, step);
        at = at.wrapping_add(1);
    }
}

/// Input channels from `at` on.
struct Tap<'a, const IN: usize, S> {
    pairs: &'a S,
    at: usize,
}

impl<const C: usize, const IN: usize, const OUT: usize, S: Pairs> Columns<C, OUT> for Tap<'_, IN, S> {
    #[inline(always)]
    fn add_samples<K: Kernels, const V: usize>(&self, _: &[[f32; OUT]], at: usize, sums: &mut [[f32; V]; C]) {
        if self.pairs.is_empty() {
            *sums = sums.map(|sums| sums.map(|sum| sum + 0.0));
        }
        self.pairs.for_each_sample(|steps, x, delta| {
            let (x, delta) = (x.as_chunks().0, delta.as_chunks().0);
            K::add_tap_products::<C, V, IN, OUT>(steps, x, delta, [self.at, at], sums);
        });
    }
}
