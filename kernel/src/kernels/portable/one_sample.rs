//! Backward by a single sample on a processor without vectors: row by row, with no tile to gather.
//!
//! The same sums and updates as [`backward`](super::backward) does for a batch of one, in the same order.

use super::backward::Parameters;
use crate::activation::Activation;
use crate::kernels::{Kernels, rules};
use crate::optimizer::Optimizer;

/// Rows whose inputs are saved, on the stack, before they are overwritten.
const ROWS: usize = 32;

/// See [`Kernels::backward_first_by_one`].
#[inline(always)]
pub(in crate::kernels) fn first<K: Kernels, const IN: usize, const OUT: usize, O: Optimizer>(
    x: &[f32; IN],
    delta: &[f32; OUT],
    parameters: Parameters<'_, IN, OUT, O>,
    step: &O::Step,
) {
    let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
    K::update_rows::<O>(step, weights.as_flattened_mut(), weight_slots.as_flattened_mut(), x, delta);
    K::update_bias_by_one::<OUT, O>(delta, bias, bias_slots, step);
}

/// See [`Kernels::backward_inner_by_one`].
#[inline(always)]
pub(in crate::kernels) fn inner<K: Kernels, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [f32; IN],
    delta: &[f32; OUT],
    parameters: Parameters<'_, IN, OUT, O>,
    step: &O::Step,
) {
    let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
    let update = |saved: &[f32], inputs: &mut [f32], rows: &mut [[f32; OUT]], slots: &mut [[O::Slot; OUT]]| {
        K::input_gradient_and_update::<OUT, O>(saved, delta, rows, slots, inputs, step);
        K::activation_backward::<Below>(inputs, saved);
    };
    if IN <= ROWS {
        let saved = *inputs;
        update(&saved, inputs, weights, weight_slots);
    } else {
        let mut saved = [0.0; ROWS];
        let (mut rows, mut slots, mut inputs) = (&mut weights[..], &mut weight_slots[..], &mut inputs[..]);
        // Not by zipped `chunks_mut`: at `opt-level = "z"` a division by their length may stay, and its panic with it.
        while let (false, Some(inputs), Some(rows), Some(slots)) =
            (inputs.is_empty(), first_rows(&mut inputs), first_rows(&mut rows), first_rows(&mut slots))
        {
            for (saved, input) in saved.iter_mut().zip(&*inputs) {
                *saved = *input;
            }
            update(&saved, inputs, rows, slots);
        }
    }
    K::update_bias_by_one::<OUT, O>(delta, bias, bias_slots, step);
}

/// Takes up to [`ROWS`] off the front.
#[inline(always)]
fn first_rows<'a, T>(rest: &mut &'a mut [T]) -> Option<&'a mut [T]> {
    rest.split_off_mut(..rest.len().min(ROWS))
}

/// See [`Kernels::input_gradient_and_update`].
#[inline(always)]
pub(in crate::kernels) fn input_gradient_and_update<K: Kernels, const OUT: usize, O: Optimizer>(
    x: &[f32],
    delta: &[f32; OUT],
    rows: &mut [[f32; OUT]],
    slots: &mut [[O::Slot; OUT]],
    inputs: &mut [f32],
    step: &O::Step,
) {
    for (input, row) in inputs.iter_mut().zip(&*rows) {
        *input = product_sum(row, delta);
    }
    K::update_rows::<O>(step, rows.as_flattened_mut(), slots.as_flattened_mut(), x, delta);
}

/// `Σ_o delta[o]·w[o]`, `o = 0, 1, …`, from the first product on.
#[inline(never)] // one small loop for all layers
pub(in crate::kernels) fn product_sum(weights: &[f32], delta: &[f32]) -> f32 {
    // A sum that starts from -0 has the bits of one that starts with its first product, whatever that is.
    let mut sum = -0.0;
    for (weight, delta) in weights.iter().zip(delta) {
        sum += *delta * *weight;
    }
    sum
}

/// See [`Kernels::update_rows`].
#[inline(never)] // one small loop for all layers
pub(in crate::kernels) fn update_rows<O: Optimizer>(
    step: &O::Step,
    mut parameters: &mut [f32],
    mut slots: &mut [O::Slot],
    x: &[f32],
    delta: &[f32],
) {
    for x in x {
        // Not by zipped `chunks_exact_mut`: at `opt-level = "s"` a division by their length stays, and its panic with it.
        let rows = (parameters.split_off_mut(..delta.len()), slots.split_off_mut(..delta.len()));
        let (Some(row), Some(slots)) = rows else { return };
        for ((parameter, slot), delta) in row.iter_mut().zip(slots).zip(delta) {
            let gradient = gradient_of_one::<O>(step, slot, *x, *delta);
            *parameter = O::update(step, *parameter, gradient, slot);
        }
    }
}

/// The product, or the sum so far and the product.
#[inline(always)]
pub(in crate::kernels) fn gradient_of_one<O: Optimizer>(step: &O::Step, slot: &O::Slot, x: f32, delta: f32) -> f32 {
    match rules::running_sum::<O>(step, slot) {
        Some(before) => before + x * delta,
        None => x * delta,
    }
}
