//! A few rows of the weights of any layer but the first: the gradients of their inputs, then their update.

use super::Vector;
use super::update::{update_row, update_rows};
use super::{accumulate, load, store, values_at};
use crate::activation::Activation;
use crate::kernels::portable::{activation_backward, floats, lanes, lanes_mut, value};
use crate::optimizer::Optimizer;

/// Outputs of which the weights are transposed at a time.
pub(super) const OUTPUTS: usize = 32;

/// Some rows of the weights, from `at` on.
pub(super) struct RowTile<'a, const R: usize, const IN: usize, const OUT: usize, O: Optimizer> {
    pub(super) at: usize,
    pub(super) delta: &'a [[f32; OUT]],
    pub(super) rows: &'a mut [[f32; OUT]],
    pub(super) slots: &'a mut [[O::Slot; OUT]],
    pub(super) saved: &'a mut [[f32; R]],
    pub(super) transposed: &'a mut [[f32; R]; OUTPUTS],
    pub(super) step: &'a O::Step,
}

impl<const R: usize, const IN: usize, const OUT: usize, O: Optimizer> RowTile<'_, R, IN, OUT, O> {
    /// From old values to new ones, as `N` vectors.
    #[inline(always)]
    pub(super) fn run<V: Vector, const N: usize, Below: Activation>(self, inputs: &mut [[f32; IN]]) {
        let Self { at, delta, rows, slots, saved, transposed, step } = self;
        for (input, saved) in inputs.iter().zip(&mut *saved) {
            store(load::<V, N>(input, at), saved, 0);
        }
        for first in (0..OUT).step_by(OUTPUTS) {
            transpose(rows, first, transposed);
            input_gradient::<V, R, N, IN, OUT>(inputs, at, rows.len(), transposed, delta, first);
        }
        for (input, saved) in inputs.iter_mut().zip(&*saved) {
            let gradients = input.get_mut(at..).unwrap_or(&mut []);
            // A length that the compiler knows, almost always.
            if let Some(gradients) = gradients.first_chunk_mut::<R>() {
                activation_backward::<Below>(gradients, saved);
            } else {
                activation_backward::<Below>(gradients, saved);
            }
        }
        if let ([delta], [x]) = (delta, &*saved) {
            for ((row, slots), x) in rows.iter_mut().zip(slots).zip(x) {
                update_row::<V, OUT, O>(row, slots, *x, delta, step);
            }
        } else {
            update_rows::<V, R, IN, OUT, O>(saved, delta, rows, slots, step);
        }
    }
}

/// `transposed[o][r] = rows[r][first + o]`, as far as there are rows and outputs.
#[inline(always)]
fn transpose<const R: usize, const OUT: usize>(
    rows: &[[f32; OUT]],
    first: usize,
    transposed: &mut [[f32; R]; OUTPUTS],
) {
    let (fours, rest) = rows.as_chunks::<4>();
    for (index, four) in fours.iter().enumerate() {
        let (blocks, _) = transposed.as_chunks_mut::<4>();
        let mut o = first;
        for block in blocks {
            if o + 4 <= OUT {
                let mut values = [[0.0; 4]; 4];
                for (values, row) in values.iter_mut().zip(four) {
                    *values = floats(row, o);
                }
                for (column, values) in block.iter_mut().zip(transpose_four(values)) {
                    if let Some(to) = lanes_mut(column, 4 * index) {
                        *to = values;
                    }
                }
            } else {
                for (column, o) in block.iter_mut().zip(o..OUT) {
                    if let Some(to) = lanes_mut::<4, R, f32>(column, 4 * index) {
                        for (to, row) in to.iter_mut().zip(four) {
                            *to = value(row, o);
                        }
                    }
                }
                break;
            }
            o += 4;
        }
    }
    for (index, row) in rest.iter().enumerate() {
        let values = row.get(first..).unwrap_or(&[]);
        for (column, value) in transposed.iter_mut().zip(values) {
            if let Some(to) = column.get_mut(4 * fours.len() + index) {
                *to = *value;
            }
        }
    }
}

/// Rows to columns.
#[inline(always)]
pub(super) fn transpose_four(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    let [[a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3], [d0, d1, d2, d3]] = rows;
    [[a0, b0, c0, d0], [a1, b1, c1, d1], [a2, b2, c2, d2], [a3, b3, c3, d3]]
}

/// Adds outputs `first..` to the input gradients of rows `at..`, sample by sample.
#[inline(always)]
fn input_gradient<V: Vector, const R: usize, const N: usize, const IN: usize, const OUT: usize>(
    inputs: &mut [[f32; IN]],
    at: usize,
    count: usize,
    transposed: &[[f32; R]; OUTPUTS],
    delta: &[[f32; OUT]],
    first: usize,
) {
    let (inputs, delta) = if const { N == 1 } {
        groups::<V, 8, R, N, IN, OUT>(inputs, at, count, transposed, delta, first)
    } else {
        (inputs, delta)
    };
    let (inputs, delta) = groups::<V, 4, R, N, IN, OUT>(inputs, at, count, transposed, delta, first);
    groups::<V, 1, R, N, IN, OUT>(inputs, at, count, transposed, delta, first);
}

/// Takes `S` samples at a time, and gives back those that are left.
#[inline(always)]
fn groups<'a, V: Vector, const S: usize, const R: usize, const N: usize, const IN: usize, const OUT: usize>(
    inputs: &'a mut [[f32; IN]],
    at: usize,
    count: usize,
    transposed: &[[f32; R]; OUTPUTS],
    delta: &'a [[f32; OUT]],
    first: usize,
) -> (&'a mut [[f32; IN]], &'a [[f32; OUT]]) {
    let (inputs, input_rest) = inputs.as_chunks_mut::<S>();
    let (deltas, delta_rest) = delta.as_chunks::<S>();
    for (inputs, deltas) in inputs.iter_mut().zip(deltas) {
        let mut sums = [[V::splat(-0.0); N]; S];
        if first > 0 {
            for (sums, input) in sums.iter_mut().zip(&*inputs) {
                *sums = load(input, at);
            }
        }
        // By arrays of known length, so that no index has to be looked at within the loop.
        if const { OUT >= OUTPUTS } && first + OUTPUTS <= OUT {
            let mut blocks = [const { &[0.0; OUTPUTS] }; S];
            for (block, delta) in blocks.iter_mut().zip(deltas) {
                *block = lanes(delta, first).unwrap_or(const { &[0.0; OUTPUTS] });
            }
            for (o, row) in transposed.iter().enumerate() {
                accumulate(&mut sums, values_at(&blocks, o), load::<V, N>(row, 0));
            }
        } else if const { !OUT.is_multiple_of(OUTPUTS) } {
            for (o, row) in transposed.iter().take(const { OUT % OUTPUTS }).enumerate() {
                let mut values = [0.0; S];
                for (place, delta) in values.iter_mut().zip(deltas) {
                    *place = value(delta, const { OUT - OUT % OUTPUTS } + o);
                }
                accumulate(&mut sums, values, load::<V, N>(row, 0));
            }
        }
        for (input, sums) in inputs.iter_mut().zip(sums) {
            store(sums, input.get_mut(..at + count).unwrap_or(&mut []), at);
        }
    }
    (input_rest, delta_rest)
}
