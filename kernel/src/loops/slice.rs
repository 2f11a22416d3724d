//! Backward in slices: the sweep of a layer, a few rows of its weights a call.
//!
//! The same tiles as in one go, so the same bits. They are those of processors without vectors on all others too: slices are for
//! the small ones.

use core::marker::PhantomData;

use super::source::{First, Inner, Source};
use super::sweep::{Parameters, last_rows, row_tile, sweep_bias};
use super::tile::{COLUMNS, InputRows};
use crate::activation::Activation;
use crate::optimizer::Optimizer;

/// Slices of a layer with this many inputs: one for every [`COLUMNS`] rows, and one for the rows that are left and the bias.
pub(crate) const fn slices(inputs: usize) -> usize {
    inputs / COLUMNS + 1
}

/// One slice of the sweep of a first layer.
#[inline(never)] // one body per shape
pub(crate) fn sweep_first_slice<const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized>(
    slice: usize,
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    sweep_slice(slice, &mut First(inputs), delta, parameters, columns, step);
}

/// One slice of the sweep of any other layer.
#[inline(never)] // one body per shape
pub(crate) fn sweep_inner_slice<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    slice: usize,
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    sweep_slice(slice, &mut Inner::<IN, Below>(inputs, PhantomData), delta, parameters, columns, step);
}

#[inline(always)]
fn sweep_slice<const IN: usize, const OUT: usize, O: Optimizer, F: Source<IN>>(
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
        row_tile::<COLUMNS, IN, OUT, O, F>(source, at, delta, rows, slots, columns, step);
    } else if slice == const { IN / COLUMNS } {
        last_rows::<IN, OUT, O, F>(source, at, delta, rest, slot_rest, columns, step);
        sweep_bias::<OUT, O>(delta, bias, bias_slots, step);
    }
}
