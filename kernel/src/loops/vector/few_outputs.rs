//! Layers with few outputs, or few inputs, fewer than a vector has lanes.
//!
//! A layer with at most 4 outputs cannot fill a vector with outputs, so other independent values take the lanes: forward, 16 samples; for the
//! weights' gradient, neighbouring inputs; for the gradient of few inputs, 16 samples. Sums and updates are those of the other loops, in the
//! same order.

use core::array;
use core::marker::PhantomData;

use super::update::{start, update};
use super::{LONGEST, Tile, accumulate, in_tiles, load, store, values_at};
use crate::activation::Activation;
use crate::arch::{RowsOfFour, Vector};
use crate::loops::forward::{sample_or_zeros, samples_from};
use crate::loops::tile::InputRows;
use crate::optimizer::Optimizer;

/// Whether the backward sweep of so many outputs and samples is done here: the columns of several outputs have to be gathered, which
/// a small batch does not pay for, and few inputs would not fill a vector.
#[inline(always)]
pub(in crate::loops) const fn are_few(inputs: usize, outputs: usize, samples: usize) -> bool {
    inputs > 4 && (outputs == 1 || (outputs <= 4 && samples >= SIDE_BY_SIDE))
}

/// Whether the forward pass of so many outputs, up to four, is done here: three or four fill a vector of four.
pub(super) const fn are_side_by_side(outputs: usize, lanes: usize) -> bool {
    outputs <= 2 || (outputs <= 4 && lanes > 4)
}

/// Samples that are side by side there, in one vector or in several.
///
/// Not 64 with AVX-512: LLVM spilled the columns of four vectors. One vector leaves a dependent chain, and still measured faster.
pub(in crate::loops) const SIDE_BY_SIDE: usize = 16;

/// Forward for as many whole groups of samples as there are; how many samples that were.
#[inline(always)]
pub(super) fn products<V: Vector, const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
) -> usize {
    match const { V::LANES } {
        16 => groups::<V, 1, IN, OUT, X>(x, weights, bias, z),
        8 => groups::<V, 2, IN, OUT, X>(x, weights, bias, z),
        _ => groups::<V, 4, IN, OUT, X>(x, weights, bias, z),
    }
}

/// The same, where [`SIDE_BY_SIDE`] samples fill `N` vectors.
#[inline(always)]
fn groups<V, const N: usize, const IN: usize, const OUT: usize, X>(
    x: &X,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
) -> usize
where
    V: Vector,
    X: InputRows<IN> + ?Sized,
{
    let (groups, _) = z.as_chunks_mut::<SIDE_BY_SIDE>();
    let mut first = 0;
    for group in groups {
        let samples = samples_from::<SIDE_BY_SIDE, IN, X>(x, first);
        let mut sums = [[V::splat(0.0); N]; OUT];
        for (sums, bias) in sums.iter_mut().zip(bias) {
            *sums = [V::splat(*bias); N];
        }
        let (fours, rest) = weights.as_chunks::<4>();
        for (index, weights) in fours.iter().enumerate() {
            let columns = columns::<V, N, IN>(&samples, index);
            for (k, weights) in weights.iter().enumerate() {
                add(&mut sums, columns, k, weights);
            }
        }
        if const { !IN.is_multiple_of(4) } {
            let columns = columns::<V, N, IN>(&samples, const { IN / 4 });
            for k in 0..const { IN % 4 } {
                if let Some(weights) = rest.get(k) {
                    add(&mut sums, columns, k, weights);
                }
            }
        }
        for (o, sums) in sums.into_iter().enumerate() {
            if const { OUT == 1 } {
                store(sums, group.as_flattened_mut(), 0);
                continue;
            }
            scatter(sums, group, o);
        }
        first += SIDE_BY_SIDE;
    }
    first
}

/// Writes a value to each row, in column `at`.
#[inline(always)]
fn scatter<V: Vector, const N: usize, const WIDTH: usize>(
    values: [V; N],
    rows: &mut [[f32; WIDTH]; SIDE_BY_SIDE],
    at: usize,
) {
    let mut lanes = [0.0; SIDE_BY_SIDE];
    store(values, &mut lanes, 0);
    for (row, lane) in rows.iter_mut().zip(lanes) {
        if let Some(value) = row.get_mut(at) {
            *value = lane;
        }
    }
}

/// Columns `4·four..` of all samples, four of them, or as many as there are.
#[inline(always)]
fn columns<V: Vector, const N: usize, const IN: usize>(
    samples: &[&[f32; IN]; SIDE_BY_SIDE],
    four: usize,
) -> [[V; 4]; N] {
    let mut columns = [[V::splat(0.0); 4]; N];
    for (n, columns) in columns.iter_mut().enumerate() {
        *columns = V::columns(&Fours { samples, first: n * V::LANES, four });
    }
    columns
}

/// Four neighbouring values of each sample from `first` on, and zeros beyond the last value.
struct Fours<'a, const IN: usize> {
    samples: &'a [&'a [f32; IN]; SIDE_BY_SIDE],
    first: usize,
    four: usize,
}

impl<const IN: usize> RowsOfFour for Fours<'_, IN> {
    #[inline(always)]
    fn row(&self, index: usize) -> [f32; 4] {
        let (fours, rest) = self.samples[(self.first + index) % SIDE_BY_SIDE].as_chunks::<4>();
        match fours.get(self.four) {
            Some(four) => *four,
            None => Vector::load(rest, 0),
        }
    }
}

/// Adds column `k` times its weights to the sums of all outputs.
#[inline(always)]
fn add<V: Vector, const N: usize, const OUT: usize>(
    sums: &mut [[V; N]; OUT],
    columns: [[V; 4]; N],
    k: usize,
    weights: &[f32; OUT],
) {
    let mut column = [V::splat(0.0); N];
    for (column, columns) in column.iter_mut().zip(&columns) {
        *column = columns[k % 4];
    }
    for (sums, weight) in sums.iter_mut().zip(weights) {
        accumulate(array::from_mut(sums), [*weight], column);
    }
}

/// The other way: the gradients of a few inputs, `FEW` from `at` on, are sums along the outputs, of which there are as many as one likes.
///
/// Takes whole groups of samples, and gives back those that are left.
#[inline(always)]
pub(super) fn input_gradient<'a, V: Vector, const FEW: usize, const IN: usize, const OUT: usize>(
    inputs: &'a mut [[f32; IN]],
    at: usize,
    delta: &'a [[f32; OUT]],
    rows: &[[f32; OUT]; FEW],
) -> (&'a mut [[f32; IN]], &'a [[f32; OUT]]) {
    match const { V::LANES } {
        16 => input_gradients::<V, 1, FEW, IN, OUT>(inputs, at, delta, rows),
        8 => input_gradients::<V, 2, FEW, IN, OUT>(inputs, at, delta, rows),
        _ => input_gradients::<V, 4, FEW, IN, OUT>(inputs, at, delta, rows),
    }
}

/// The same, where [`SIDE_BY_SIDE`] samples fill `N` vectors.
#[inline(always)]
fn input_gradients<'a, V: Vector, const N: usize, const FEW: usize, const IN: usize, const OUT: usize>(
    inputs: &'a mut [[f32; IN]],
    at: usize,
    delta: &'a [[f32; OUT]],
    rows: &[[f32; OUT]; FEW],
) -> (&'a mut [[f32; IN]], &'a [[f32; OUT]]) {
    let (inputs, inputs_left) = inputs.as_chunks_mut::<SIDE_BY_SIDE>();
    let (delta, delta_left) = delta.as_chunks::<SIDE_BY_SIDE>();
    for (inputs, delta) in inputs.iter_mut().zip(delta) {
        let (samples, weights) = (delta.each_ref(), rows.each_ref());
        // A sum that starts from -0 has the bits of one that starts with its first product.
        let mut sums = [[V::splat(-0.0); N]; FEW];
        for four in 0..const { OUT / 4 } {
            let columns = columns::<V, N, OUT>(&samples, four);
            for k in 0..4 {
                add(&mut sums, columns, k, &values_at(&weights, 4 * four + k));
            }
        }
        if const { !OUT.is_multiple_of(4) } {
            let columns = columns::<V, N, OUT>(&samples, const { OUT / 4 });
            for k in 0..const { OUT % 4 } {
                add(&mut sums, columns, k, &values_at(&weights, const { OUT - OUT % 4 } + k));
            }
        }
        for (c, sums) in sums.into_iter().enumerate() {
            scatter(sums, inputs, at + c);
        }
    }
    (inputs_left, delta_left)
}

/// Weights, one row for each input, and the optimizer's slots.
pub(super) struct Rows<'a, const OUT: usize, O: Optimizer> {
    pub(super) weights: &'a mut [[f32; OUT]],
    pub(super) slots: &'a mut [[O::Slot; OUT]],
    pub(super) step: &'a O::Step,
}

impl<const OUT: usize, O: Optimizer> Rows<'_, OUT, O> {
    /// The columns of the weights, `N` vectors of rows from `at` on.
    #[inline(always)]
    fn columns<V: Vector, const N: usize>(&self, at: usize) -> [[V; N]; OUT] {
        if const { OUT == 1 } {
            return [load::<V, N>(self.weights.as_flattened(), at); OUT];
        }
        let mut columns = [[0.0; LONGEST]; OUT];
        // A tile is no longer than LONGEST; the remainders say so to the compiler, here and below.
        for (index, row) in self.weights.iter().skip(at).take(N * V::LANES).enumerate() {
            for (column, weight) in columns.iter_mut().zip(row) {
                column[index % LONGEST] = *weight;
            }
        }
        let mut vectors = [[V::splat(0.0); N]; OUT];
        for (vectors, column) in vectors.iter_mut().zip(&columns) {
            *vectors = load(column, 0);
        }
        vectors
    }

    /// What the sums of the gradients start from.
    #[inline(always)]
    fn start<V: Vector, const N: usize>(&self, at: usize) -> [[V; N]; OUT] {
        if const { OUT == 1 } {
            return [start::<V, N, O>(self.slots.as_flattened(), at, self.step); OUT];
        }
        let mut before = [[-0.0; LONGEST]; OUT];
        for (index, slots) in self.slots.iter().skip(at).take(N * V::LANES).enumerate() {
            for (before, slot) in before.iter_mut().zip(slots) {
                if let Some(sum) = O::running_sum(self.step, slot) {
                    before[index % LONGEST] = sum;
                }
            }
        }
        let mut sums = [[V::splat(0.0); N]; OUT];
        for (sums, before) in sums.iter_mut().zip(&before) {
            *sums = load(before, 0);
        }
        sums
    }

    /// From old values to new ones.
    #[inline(always)]
    fn update<V: Vector, const N: usize>(&mut self, gradients: [[V; N]; OUT], at: usize) {
        if const { OUT == 1 } {
            let (weights, slots) = (self.weights.as_flattened_mut(), self.slots.as_flattened_mut());
            for gradients in gradients {
                update::<V, N, O>(weights, slots, gradients, at, self.step);
            }
            return;
        }
        let mut columns = [[0.0; LONGEST]; OUT];
        for (column, gradients) in columns.iter_mut().zip(gradients) {
            store(gradients, column, 0);
        }
        let rows = self.weights.iter_mut().zip(&mut *self.slots).skip(at).take(N * V::LANES);
        for (index, (row, slots)) in rows.enumerate() {
            for ((weight, slot), column) in row.iter_mut().zip(slots).zip(&columns) {
                *weight = O::update(self.step, *weight, column[index % LONGEST], slot);
            }
        }
    }
}

/// The update of a first layer's weights.
pub(super) struct First<'a, const IN: usize, const OUT: usize, O: Optimizer, X: ?Sized> {
    pub(super) inputs: &'a X,
    pub(super) delta: &'a [[f32; OUT]],
    pub(super) rows: Rows<'a, OUT, O>,
}

impl<const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized> First<'_, IN, OUT, O, X> {
    #[inline(always)]
    pub(super) fn run<V: Vector>(mut self) {
        in_tiles_of_inputs::<V, IN, OUT>(&mut self);
    }
}

/// The sums of one output are as many as those of one row elsewhere, those of four as many as of four rows.
#[inline(always)]
fn in_tiles_of_inputs<V: Vector, const IN: usize, const OUT: usize>(tile: &mut impl Tile<V>) {
    match const { OUT } {
        1 => in_tiles::<V, IN, 1>(tile),
        2 => in_tiles::<V, IN, 2>(tile),
        _ => in_tiles::<V, IN, 4>(tile),
    }
}

impl<V, const IN: usize, const OUT: usize, O: Optimizer, X> Tile<V> for First<'_, IN, OUT, O, X>
where
    V: Vector,
    X: InputRows<IN> + ?Sized,
{
    #[inline(always)]
    fn run<const N: usize>(&mut self, at: usize) {
        let mut sums = self.rows.start::<V, N>(at);
        for (sample, delta) in self.delta.iter().enumerate() {
            let x = load::<V, N>(sample_or_zeros(self.inputs, sample), at);
            accumulate(&mut sums, *delta, x);
        }
        self.rows.update(sums, at);
    }
}

/// The update of any other layer's weights, and the gradient of its inputs in their place.
pub(super) struct Inner<'a, const IN: usize, const OUT: usize, O: Optimizer, Below> {
    pub(super) inputs: &'a mut [[f32; IN]],
    pub(super) delta: &'a [[f32; OUT]],
    pub(super) rows: Rows<'a, OUT, O>,
    pub(super) below: PhantomData<Below>,
}

impl<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation> Inner<'_, IN, OUT, O, Below> {
    #[inline(always)]
    pub(super) fn run<V: Vector>(mut self) {
        in_tiles_of_inputs::<V, IN, OUT>(&mut self);
    }
}

impl<V, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation> Tile<V> for Inner<'_, IN, OUT, O, Below>
where
    V: Vector,
{
    #[inline(always)]
    fn run<const N: usize>(&mut self, at: usize) {
        let old = self.rows.columns::<V, N>(at);
        let mut sums = self.rows.start::<V, N>(at);
        for (input, delta) in self.inputs.iter().zip(self.delta) {
            accumulate(&mut sums, *delta, load(input, at));
        }
        self.rows.update(sums, at);

        let mut saved = [0.0; LONGEST];
        for (input, delta) in self.inputs.iter_mut().zip(self.delta) {
            store(load::<V, N>(input, at), &mut saved, 0);
            // A sum that starts from -0 has the bits of one that starts with its first product.
            let mut gradients = [[V::splat(-0.0); N]];
            for (delta, column) in delta.iter().zip(old) {
                accumulate(&mut gradients, [*delta], column);
            }
            let [gradients] = gradients;
            store(gradients, input, at);
            let gradients = input.get_mut(at..).unwrap_or(&mut []);
            let length = gradients.len().min(N * V::LANES);
            Below::all_through(gradients.get_mut(..length).unwrap_or(&mut []), &saved);
        }
    }
}
