//! Backward: one sweep over the rows of the weights does everything.
//!
//! Row `i` of the weights and column `i` of the input batch are touched by nobody else. So for a few rows at a time:
//! (1) their input columns are saved, (2) the input gradient of those columns is made from the *old* rows and, through
//! the activation of the layer below, written over the columns, (3) each row's weight gradient is summed over the samples and
//! (4) handed to the optimizer at once. Each weight is read and written once, and no gradient is ever stored.

use core::marker::PhantomData;

use super::source::{First, Inner, Source};
use super::tile::{COLUMNS, Capacity, InputRows, is_part_of_caller, is_tiny};
use super::weight_gradient::{Ones, update_tile};
use crate::activation::Activation;
use crate::kernels::Kernels;
use crate::kernels::processor::{SCALAR, no_unroll};
use crate::optimizer::Optimizer;

/// Weights and bias of a dense layer with the optimizer's slots of each.
pub(crate) struct Parameters<'a, const IN: usize, const OUT: usize, O: Optimizer> {
    pub(crate) weights: &'a mut [[f32; OUT]; IN],
    pub(crate) weight_slots: &'a mut [[O::Slot; OUT]; IN],
    pub(crate) bias: &'a mut [f32; OUT],
    pub(crate) bias_slots: &'a mut [O::Slot; OUT],
}

/// See [`Kernels::backward_first`]: nobody asks for the gradient of the input, which may lie in flash.
///
/// `delta` holds the gradient of the loss with respect to the pre-activations, one row per sample.
#[inline(always)]
pub(in crate::kernels) fn backward_first<
    K: Kernels,
    C: Capacity,
    const IN: usize,
    const OUT: usize,
    O: Optimizer,
    X: InputRows<IN> + ?Sized,
>(
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if const { is_part_of_caller::<K>(C::ROWS, IN, OUT) } {
        first_inlined::<K, true, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
    } else if const { C::ROWS == 1 } {
        first_outlined::<K, true, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
    } else {
        first_outlined::<K, false, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
    }
}

#[inline(never)] // as `forward`
fn first_outlined<
    K: Kernels,
    const ONE: bool,
    const IN: usize,
    const OUT: usize,
    O: Optimizer,
    X: InputRows<IN> + ?Sized,
>(
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    first_inlined::<K, ONE, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
}

#[inline(always)]
fn first_inlined<
    K: Kernels,
    const ONE: bool,
    const IN: usize,
    const OUT: usize,
    O: Optimizer,
    X: InputRows<IN> + ?Sized,
>(
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if const { SCALAR && !is_tiny(IN, OUT) } {
        if let ([delta], Some(x)) = (delta, inputs.row(0)) {
            K::backward_first_by_one::<IN, OUT, O>(x, delta, parameters, step);
            return;
        }
        if const { ONE } {
            return; // There is no sample at all, and no need of the code below.
        }
    }
    backward::<K, IN, OUT, O, _>(&mut First(inputs), delta, parameters, columns, step);
}

/// See [`Kernels::backward_inner`].
#[inline(always)]
pub(in crate::kernels) fn backward_inner<
    K: Kernels,
    C: Capacity,
    const IN: usize,
    const OUT: usize,
    O: Optimizer,
    Below: Activation,
>(
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if const { is_part_of_caller::<K>(C::ROWS, IN, OUT) } {
        inner_inlined::<K, true, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
    } else if const { C::ROWS == 1 } {
        inner_outlined::<K, true, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
    } else {
        inner_outlined::<K, false, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
    }
}

#[inline(never)] // as `forward`
fn inner_outlined<K: Kernels, const ONE: bool, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    inner_inlined::<K, ONE, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
}

#[inline(always)]
fn inner_inlined<K: Kernels, const ONE: bool, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    if const { SCALAR && !is_tiny(IN, OUT) } {
        if let ([delta], [inputs]) = (delta, &mut *inputs) {
            K::backward_inner_by_one::<IN, OUT, O, Below>(inputs, delta, parameters, step);
            return;
        }
        if const { ONE } {
            return; // As above.
        }
    }
    backward::<K, IN, OUT, O, _>(&mut Inner::<IN, Below>(inputs, PhantomData), delta, parameters, columns, step);
}

#[inline(always)]
fn backward<K: Kernels, const IN: usize, const OUT: usize, O: Optimizer, F: Source<IN>>(
    source: &mut F,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
    let mut at = 0_usize;
    let (tiles, rest) = weights.as_chunks_mut::<COLUMNS>();
    let (slot_tiles, slot_rest) = weight_slots.as_chunks_mut::<COLUMNS>();
    for (rows, slots) in tiles.iter_mut().zip(slot_tiles) {
        no_unroll();
        row_tile::<K, COLUMNS, IN, OUT, O, F>(source, at, delta, rows, slots, columns, step);
        at = at.wrapping_add(COLUMNS);
    }
    last_rows::<K, IN, OUT, O, F>(source, at, delta, rest, slot_rest, columns, step);
    update_bias::<K, OUT, O>(delta, bias, bias_slots, step);
}

/// The rows from `at` on that are left of the tiles, of constant length: at most one tile of two rows and one of one row; without
/// vectors, single rows.
#[inline(always)]
pub(super) fn last_rows<K: Kernels, const IN: usize, const OUT: usize, O: Optimizer, F: Source<IN>>(
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
            row_tile::<K, 2, IN, OUT, O, F>(source, at, delta, rows, slots, columns, step);
            at = at.wrapping_add(2);
        }
    }
    if const { !IN.is_multiple_of(if SCALAR { COLUMNS } else { 2 }) } {
        for (row, slots) in last.iter_mut().zip(slot_last) {
            no_unroll();
            let (row, slots) = (core::array::from_mut(row), core::array::from_mut(slots));
            row_tile::<K, 1, IN, OUT, O, F>(source, at, delta, row, slots, columns, step);
            at = at.wrapping_add(1);
        }
    }
}

/// The bias is a row of weights whose input is 1: `1 · delta` is `delta`, bit for bit.
#[inline(always)]
pub(super) fn update_bias<K: Kernels, const OUT: usize, O: Optimizer>(
    delta: &[[f32; OUT]],
    bias: &mut [f32; OUT],
    bias_slots: &mut [O::Slot; OUT],
    step: &O::Step,
) {
    update_tile::<K, 1, OUT, O, _>(delta, &Ones, core::array::from_mut(bias), core::array::from_mut(bias_slots), step);
}

/// Rows `at..at + C` of the weights, from old values to new ones.
#[inline(always)]
pub(super) fn row_tile<K: Kernels, const C: usize, const IN: usize, const OUT: usize, O: Optimizer, F: Source<IN>>(
    source: &mut F,
    at: usize,
    delta: &[[f32; OUT]],
    rows: &mut [[f32; OUT]; C],
    slots: &mut [[O::Slot; OUT]; C],
    columns: &mut [[f32; COLUMNS]],
    step: &O::Step,
) {
    source.save::<C>(at, columns);
    source.gradient::<K, C, OUT>(at, rows, delta, columns);
    K::update_tile::<C, OUT, O>(columns, delta, rows, slots, step);
}
