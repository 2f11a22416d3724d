//! The same loops for processors with vectors: a tile is a few vectors of outputs for a few samples or rows.
//!
//! Vectors are spelled out, as [`Vector`]s, because the compiler finds them in loops over arrays only most of the time: a tile of
//! another shape, or another processor, and the same source ran at a fiftieth of its speed. All three products are
//! one inner step, [`accumulate`]; the last vector of a row may have lanes that are computed and thrown away.

mod activation;
mod backward;
mod convolution;
mod forward;
mod register;
mod row_tile;
mod update;

use core::marker::PhantomData;

use super::Kernels;
use super::portable::{self, COLUMNS, Capacity, InputRows, Parameters, Steps, TURNED};
use crate::activation::Activation;
use crate::optimizer::Optimizer;

#[allow(unused_imports)] // not each processor uses all of them
pub(crate) use register::{Arrays, Dispatch, Vector, WithSimd};

/// A processor with vectors, which `D` chooses.
pub(crate) struct Vectors<D>(PhantomData<D>);

// Bodies of their own below are functions of the shape alone. They take their arguments one by one: of a work as a whole the compiler would
// not know that its parts lie apart.
impl<D: Dispatch> Kernels for Vectors<D> {
    const TURNS_KERNELS: bool = true;

    #[inline(always)]
    fn forward<C: Capacity, const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
        x: &X,
        weights: &[[f32; OUT]; IN],
        bias: &[f32; OUT],
        z: &mut [[f32; OUT]],
    ) {
        forward::outlined::<D, IN, OUT, X>(x, weights, bias, z);
    }

    #[inline(always)]
    fn backward_first<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized>(
        inputs: &X,
        delta: &[[f32; OUT]],
        parameters: Parameters<'_, IN, OUT, O>,
        columns: &mut [[f32; COLUMNS]],
        step: &O::Step,
    ) {
        backward::first_outlined::<D, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
    }

    #[inline(always)]
    fn backward_inner<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
        inputs: &mut [[f32; IN]],
        delta: &[[f32; OUT]],
        parameters: Parameters<'_, IN, OUT, O>,
        columns: &mut [[f32; COLUMNS]],
        step: &O::Step,
    ) {
        backward::inner_outlined::<D, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
    }

    #[inline(always)]
    fn add_input_gradients<const P: usize, const C: usize, const IN: usize, const OUT: usize>(
        steps: Steps,
        delta: &[[f32; OUT]],
        apart: usize,
        weights: &[[[f32; OUT]; IN]],
        channel: usize,
        sums: &mut [[f32; C]; P],
    ) {
        if const { C != 4 } {
            portable::add_input_gradients::<P, C, IN, OUT>(steps, delta, apart, weights, channel, sums);
            return;
        }
        let mut fours = [[0.0; 4]; P];
        for (four, sums) in fours.iter_mut().zip(&*sums) {
            *four = portable::floats(sums, 0);
        }
        convolution::add_input_gradients_of_four::<P, IN, OUT>(steps, delta, apart, weights, channel, &mut fours);
        for (sums, four) in sums.iter_mut().zip(fours) {
            for (sum, value) in sums.iter_mut().zip(four) {
                *sum = value;
            }
        }
    }

    #[inline(always)]
    fn add_turned_gradients<const P: usize, const OUT: usize>(
        steps: Steps,
        delta: &[[f32; OUT]],
        apart: usize,
        turned: &[[[f32; TURNED]; OUT]],
        sums: &mut [[f32; TURNED]; P],
    ) {
        D::dispatch(convolution::TurnedGradients { steps, delta, apart, turned, sums });
    }

    #[inline(never)] // one body per activation
    fn activate_each<A: Activation>(values: &mut [f32]) -> bool {
        D::dispatch(activation::Activate::<A>(values, PhantomData))
    }

    #[inline]
    fn all_finite(values: &[f32]) -> bool {
        // Fewer would not pay for what a loop of vectors does before and after.
        if values.len() >= 32 { D::dispatch(activation::AllFinite(values)) } else { portable::all_finite(values) }
    }
}

/// Values of the longest tile: eight vectors of sixteen.
const LONGEST: usize = 128;

/// Neighbouring outputs at `at..`, `N` vectors of them, for all samples or rows of a tile.
trait Tile<V: Vector> {
    fn run<const N: usize>(&mut self, at: usize);
}

/// Covers `OUT` outputs by tiles for `S` samples or rows: as many sums as a processor has registers for, and the rest.
///
/// Only the last tile may reach beyond the row, and where it is is known when it compiles.
#[inline(always)]
fn in_tiles<V: Vector, const OUT: usize, const S: usize>(tile: &mut impl Tile<V>) {
    if const { whole_tiles(OUT, S, V::LANES) > 0 } {
        for index in 0..const { whole_tiles(OUT, S, V::LANES) } {
            match const { most(S) } {
                8 => tile.run::<8>(index * 8 * V::LANES),
                4 => tile.run::<4>(index * 4 * V::LANES),
                2 => tile.run::<2>(index * 2 * V::LANES),
                _ => tile.run::<1>(index * V::LANES),
            }
        }
    }
    // All but one of these arms are gone before they cost anything.
    let at = const { whole_tiles(OUT, S, V::LANES) * most(S) * V::LANES };
    match const { (OUT - whole_tiles(OUT, S, V::LANES) * most(S) * V::LANES).div_ceil(V::LANES) } {
        1 => tile.run::<1>(at),
        2 => tile.run::<2>(at),
        3 => tile.run::<3>(at),
        4 => tile.run::<4>(at),
        5 => tile.run::<5>(at),
        6 => tile.run::<6>(at),
        7 => tile.run::<7>(at),
        8 => tile.run::<8>(at),
        _ => {}
    }
}

/// Tiles of [`most`] vectors, before one of what is left.
///
/// Where there are twice as many registers (AVX-512) a tile of two does not leave one behind, whose few sums would wait for themselves:
/// it takes that along.
const fn whole_tiles(outputs: usize, samples: usize, lanes: usize) -> usize {
    let (whole, left) = (outputs / (most(samples) * lanes), outputs % (most(samples) * lanes));
    if lanes == 16 && most(samples) == 2 && left > 0 && left <= lanes { whole.saturating_sub(1) } else { whole }
}

/// Vectors of the largest tile, with eight sums: so many that none waits for itself, so few that there are registers for all.
const fn most(samples: usize) -> usize {
    match samples {
        1 => 8,
        2 => 4,
        3 | 4 => 2,
        _ => 1,
    }
}

/// `sums[s][n] += x[s] · w[n]`.
#[inline(always)]
fn accumulate<V: Vector, const S: usize, const N: usize>(sums: &mut [[V; N]; S], x: [f32; S], w: [V; N]) {
    for (sums, x) in sums.iter_mut().zip(x) {
        let x = V::splat(x);
        for (sum, w) in sums.iter_mut().zip(w) {
            *sum = sum.add(x.multiply(w));
        }
    }
}

/// Value `index` of each array. (A closure given to `map` is many times the code until it is inlined, and not always is.)
#[inline(always)]
fn values_at<const S: usize, const N: usize>(arrays: &[&[f32; N]; S], index: usize) -> [f32; S] {
    let mut values = [0.0; S];
    for (value, array) in values.iter_mut().zip(arrays) {
        *value = portable::value(array, index);
    }
    values
}

/// `N` vectors of a row from `at` on.
#[inline(always)]
fn load<V: Vector, const N: usize>(row: &[f32], at: usize) -> [V; N] {
    let mut values = [V::splat(0.0); N];
    for (n, value) in values.iter_mut().enumerate() {
        *value = V::load(row, at + n * V::LANES);
    }
    values
}

/// Writes `N` vectors to a row from `at` on.
#[inline(always)]
fn store<V: Vector, const N: usize>(values: [V; N], row: &mut [f32], at: usize) {
    for (n, value) in values.into_iter().enumerate() {
        value.store(row, at + n * V::LANES);
    }
}
