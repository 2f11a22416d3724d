//! Backward by a single sample on a processor without vectors: row by row, with no tile to gather.
//!
//! The same sums and updates as [`sweep`](super::sweep) does for a batch of one, in the same order.

use super::sweep::Parameters;
use crate::activation::Activation;
use crate::arch;
use crate::optimizer::Optimizer;

/// Rows whose inputs are saved, on the stack, before they are overwritten.
const ROWS: usize = 32;

/// Updates the parameters of a first layer.
pub(super) fn first<const IN: usize, const OUT: usize, O: Optimizer>(
    x: &[f32; IN],
    delta: &[f32; OUT],
    parameters: Parameters<'_, IN, OUT, O>,
    step: &O::Step,
) {
    let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
    if let Some(rate) = O::plain_rate(step)
        && arch::descend(rate, x, delta, weights, Some(&mut *bias))
    {
        return;
    }
    O::update_rows(step, weights.as_flattened_mut(), weight_slots.as_flattened_mut(), x, delta);
    O::update_rows(step, bias, bias_slots, &[1.0], delta);
}

/// Updates the parameters of any other layer, and overwrites its input by the `delta` of the layer below.
pub(super) fn inner<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [f32; IN],
    delta: &[f32; OUT],
    parameters: Parameters<'_, IN, OUT, O>,
    step: &O::Step,
) {
    let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
    if const { Below::SELECTS }
        && let Some(rate) = O::plain_rate(step)
        && arch::descend_inner(rate, inputs, delta, weights, Some(&mut *bias), true)
    {
        return;
    }
    let update = |saved: &[f32], inputs: &mut [f32], rows: &mut [[f32; OUT]], slots: &mut [[O::Slot; OUT]]| {
        input_gradient_and_update::<OUT, O>(saved, delta, rows, slots, inputs, step);
        Below::all_through(inputs, saved);
    };
    if IN <= ROWS {
        let saved = *inputs;
        update(&saved, inputs, weights, weight_slots);
    } else {
        let mut saved = [0.0; ROWS];
        let rows = weights.chunks_mut(ROWS).zip(weight_slots.chunks_mut(ROWS));
        for (inputs, (rows, slots)) in inputs.chunks_mut(ROWS).zip(rows) {
            for (saved, input) in saved.iter_mut().zip(&*inputs) {
                *saved = *input;
            }
            update(&saved, inputs, rows, slots);
        }
    }
    // The input of a bias is 1: `1·delta` is `delta`, bit for bit.
    if let Some(rate) = O::plain_rate(step)
        && arch::descend(rate, &[], delta, &mut [], Some(&mut *bias))
    {
        return;
    }
    O::update_rows(step, bias, bias_slots, &[1.0], delta);
}

/// The gradient of some inputs, from their rows' old weights, in the place of these inputs, saved as `x`; then the new weights.
#[inline(always)]
fn input_gradient_and_update<const OUT: usize, O: Optimizer>(
    x: &[f32],
    delta: &[f32; OUT],
    rows: &mut [[f32; OUT]],
    slots: &mut [[O::Slot; OUT]],
    gradient: &mut [f32],
    step: &O::Step,
) {
    let rate = O::plain_rate(step);
    if let Some(rate) = rate
        && arch::descend_inner(rate, gradient, delta, rows, None, false)
    {
        return;
    }
    let whole =
        if arch::input_gradient(rows, core::slice::from_ref(delta), gradient, 0) { rows.len() / 4 * 4 } else { 0 };
    for (gradient, row) in gradient.iter_mut().zip(&*rows).skip(whole) {
        *gradient = product_sum(row, delta);
    }
    if let Some(rate) = rate
        && arch::descend(rate, x, delta, rows, None)
    {
        return;
    }
    O::update_rows(step, rows.as_flattened_mut(), slots.as_flattened_mut(), x, delta);
}

/// `Σ_o delta[o]·w[o]`, `o = 0, 1, …`, from the first product on.
#[inline(never)] // one small loop for all layers
pub(super) fn product_sum(weights: &[f32], delta: &[f32]) -> f32 {
    // A sum that starts from -0 has the bits of one that starts with its first product, whatever that is.
    let mut sum = -0.0;
    for (weight, delta) in weights.iter().zip(delta) {
        sum += *delta * *weight;
    }
    sum
}
