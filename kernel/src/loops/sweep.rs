//! Backward: one sweep over the rows of the weights does everything.
//!
//! Row `i` of the weights and column `i` of the input batch are touched by nobody else. So for a few rows at a time:
//! (1) their input columns are saved, (2) the input gradient of those columns is made from the *old* rows and, through
//! the activation of the layer below, written over the columns, (3) each row's weight gradient is summed over the samples and
//! (4) handed to the optimizer at once. Each weight is read and written once, and no gradient is ever stored.

use core::marker::PhantomData;

use super::one_sample;
use super::source::{First, Inner, Source};
use super::tile::{COLUMNS, Capacity, InputRows, SCALAR, is_inlined, is_tiny};
use super::vector;
use super::weight_gradient::{Ones, gradient_tiles};
use crate::activation::Activation;
use crate::arch;
use crate::optimizer::Optimizer;

/// Weights and bias of a dense layer with the optimizer's slots of each.
pub(crate) struct Parameters<'a, const IN: usize, const OUT: usize, O: Optimizer> {
    pub(crate) weights: &'a mut [[f32; OUT]; IN],
    pub(crate) weight_slots: &'a mut [[O::Slot; OUT]; IN],
    pub(crate) bias: &'a mut [f32; OUT],
    pub(crate) bias_slots: &'a mut [O::Slot; OUT],
}

/// The sweep of a first layer, by up to `C::ROWS` samples: nobody asks for the gradient of its input, which may lie in flash.
///
/// `delta` holds the gradient of the loss with respect to the pre-activations, one row per sample.
#[inline(always)]
pub(crate) fn sweep_first<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized>(
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if const { C::ROWS == 1 && is_inlined(IN, OUT) } {
        sweep_first_inlined::<C, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
    } else {
        sweep_first_outlined::<C, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
    }
}

#[inline(never)] // as `products_outlined`
fn sweep_first_outlined<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized>(
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    sweep_first_inlined::<C, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
}

#[inline(always)]
fn sweep_first_inlined<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized>(
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if arch::VECTORS {
        arch::dispatch(vector::First { inputs, delta, parameters, columns, step });
        return;
    }
    if const { SCALAR && !is_tiny(IN, OUT) } {
        if let ([delta], Some(x)) = (delta, inputs.row(0)) {
            one_sample::first(x, delta, parameters, step);
            return;
        }
        if const { C::ROWS == 1 } {
            return; // There is no sample at all, and no need of the code below.
        }
    }
    sweep(&mut First(inputs), delta, parameters, columns, step);
}

/// The sweep of any other layer: `inputs`, the activations of the layer below, become that layer's `delta`.
#[inline(always)]
pub(crate) fn sweep_inner<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if const { C::ROWS == 1 && is_inlined(IN, OUT) } {
        sweep_inner_inlined::<C, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
    } else {
        sweep_inner_outlined::<C, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
    }
}

#[inline(never)] // as `products_outlined`
fn sweep_inner_outlined<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    sweep_inner_inlined::<C, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
}

#[inline(always)]
fn sweep_inner_inlined<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if arch::VECTORS {
        arch::dispatch(vector::Inner { inputs, delta, parameters, columns, step, below: PhantomData::<Below> });
        return;
    }
    if const { SCALAR && !is_tiny(IN, OUT) } {
        if let ([delta], [inputs]) = (delta, &mut *inputs) {
            one_sample::inner::<IN, OUT, O, Below>(inputs, delta, parameters, step);
            return;
        }
        if const { C::ROWS == 1 } {
            return; // As above.
        }
    }
    sweep(&mut Inner::<IN, Below>(inputs, PhantomData), delta, parameters, columns, step);
}

#[inline(always)]
fn sweep<const IN: usize, const OUT: usize, O: Optimizer, F: Source<IN>>(
    source: &mut F,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
    let mut at = 0;
    let (tiles, rest) = weights.as_chunks_mut::<COLUMNS>();
    let (slot_tiles, slot_rest) = weight_slots.as_chunks_mut::<COLUMNS>();
    for (rows, slots) in tiles.iter_mut().zip(slot_tiles) {
        arch::no_unroll();
        row_tile::<COLUMNS, IN, OUT, O, F>(source, at, delta, rows, slots, columns, step);
        at += COLUMNS;
    }
    last_rows::<IN, OUT, O, F>(source, at, delta, rest, slot_rest, columns, step);
    sweep_bias::<OUT, O>(delta, bias, bias_slots, step);
}

/// The rows from `at` on that are left of the tiles, of constant length: at most one tile of two rows and one of one row; without
/// vectors, single rows.
#[inline(always)]
pub(super) fn last_rows<const IN: usize, const OUT: usize, O: Optimizer, F: Source<IN>>(
    source: &mut F,
    mut at: usize,
    delta: &[[f32; OUT]],
    rest: &mut [[f32; OUT]],
    slot_rest: &mut [[O::Slot; OUT]],
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    let (pairs, last) = if SCALAR { (&mut [][..], rest) } else { rest.as_chunks_mut::<2>() };
    let (slot_pairs, slot_last) = if SCALAR { (&mut [][..], slot_rest) } else { slot_rest.as_chunks_mut::<2>() };
    if const { !SCALAR && IN % COLUMNS >= 2 } {
        for (rows, slots) in pairs.iter_mut().zip(slot_pairs) {
            row_tile::<2, IN, OUT, O, F>(source, at, delta, rows, slots, columns, step);
            at += 2;
        }
    }
    if const { !IN.is_multiple_of(if SCALAR { COLUMNS } else { 2 }) } {
        for (row, slots) in last.iter_mut().zip(slot_last) {
            arch::no_unroll();
            let (row, slots) = (core::array::from_mut(row), core::array::from_mut(slots));
            row_tile::<1, IN, OUT, O, F>(source, at, delta, row, slots, columns, step);
            at += 1;
        }
    }
}

/// The bias is a row of weights whose input is 1: `1 · delta` is `delta`, bit for bit.
#[inline(always)]
pub(super) fn sweep_bias<const OUT: usize, O: Optimizer>(
    delta: &[[f32; OUT]],
    bias: &mut [f32; OUT],
    bias_slots: &mut [O::Slot; OUT],
    step: &O::Step,
) {
    gradient_tiles::<1, OUT, O, _>(delta, &Ones, core::array::from_mut(bias), core::array::from_mut(bias_slots), step);
}

/// Rows `at..at + C` of the weights, from old values to new ones.
#[inline(always)]
pub(super) fn row_tile<const C: usize, const IN: usize, const OUT: usize, O: Optimizer, F: Source<IN>>(
    source: &mut F,
    at: usize,
    delta: &[[f32; OUT]],
    rows: &mut [[f32; OUT]; C],
    slots: &mut [[O::Slot; OUT]; C],
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    source.save::<C>(at, columns);
    source.gradient::<C, OUT>(at, rows, delta, columns);
    gradient_tiles::<C, OUT, O, _>(delta, &*columns, rows, slots, step);
}
