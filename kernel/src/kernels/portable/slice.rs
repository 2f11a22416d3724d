//! Backward in slices: the pass of a layer, a few rows of its weights a call.
//!
//! The same tiles as in one go, so the same bits. They are those of processors without vectors on all others too: slices are for
//! the small ones.

use core::marker::PhantomData;

use super::backward::{Parameters, last_rows, row_tile, update_bias};
use super::source::{First, Inner, Source};
use super::tile::{COLUMNS, InputRows};
use crate::activation::Activation;
use crate::kernels::ThisCpu;
use crate::optimizer::Optimizer;

/// Slices of a layer with this many inputs: one for every [`COLUMNS`] rows, and one for the rows that are left and the bias.
pub(crate) const fn slices(inputs: usize) -> usize {
    inputs / COLUMNS + 1
}

/// One slice of [`Kernels::backward_first`](crate::kernels::Kernels::backward_first).
#[inline(never)] // one body per shape
pub(crate) fn backward_first_slice<const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized>(
    slice: usize,
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    backward_slice(slice, &mut First(inputs), delta, parameters, columns, step);
}

/// One slice of [`Kernels::backward_inner`](crate::kernels::Kernels::backward_inner).
#[inline(never)] // one body per shape
pub(crate) fn backward_inner_slice<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    slice: usize,
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    backward_slice(slice, &mut Inner::<IN, Below>(inputs, PhantomData), delta, parameters, columns, step);
}

#[inline(always)]
fn backward_slice<const IN: usize, const OUT: usize, O: Optimizer, F: Source<IN>>(
    slice: usize,
    source: &mut F,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
    let (tiles, rest) = weights.as_chunks_mut::<COLUMNS>();
    let (slot_tiles, slot_rest) = weight_slots.as_chunks_mut::<COLUMNS>();
    let at = slice.wrapping_mul(COLUMNS);
    if let (Some(rows), Some(slots)) = (tiles.get_mut(slice), slot_tiles.get_mut(slice)) {
        row_tile::<ThisCpu, COLUMNS, IN, OUT, O, F>(source, at, delta, rows, slots, columns, step);
    } else if slice == const { IN / COLUMNS } {
        last_rows::<ThisCpu, IN, OUT, O, F>(source, at, delta, rest, slot_rest, columns, step);
        update_bias::<ThisCpu, OUT, O>(delta, bias, bias_slots, step);
    }
}
