//! Both passes of one sample through a layer of a few weights, on a processor with vectors: none would be filled, so the compiler
//! unrolls all of it in place, value by value.
//!
//! The same sums and updates as those of the other loops, in the same order.

use super::sweep::Parameters;
use crate::activation::Activation;
use crate::arch;
use crate::optimizer::Optimizer;

/// `z[o] = b[o] + Σ_i x[i]·W[i][o]`.
#[inline(always)]
pub(super) fn forward<const IN: usize, const OUT: usize>(
    x: &[f32; IN],
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [f32; OUT],
) {
    *z = *bias;
    for (x, row) in x.iter().zip(weights) {
        for (z, w) in z.iter_mut().zip(row) {
            *z = arch::multiply_add(*z, *x, *w);
        }
    }
}

/// Updates the parameters of a first layer.
#[inline(always)]
pub(super) fn first<const IN: usize, const OUT: usize, O: Optimizer>(
    x: &[f32; IN],
    delta: &[f32; OUT],
    parameters: Parameters<'_, IN, OUT, O>,
    step: &O::Step,
) {
    let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
    for ((row, slots), x) in weights.iter_mut().zip(weight_slots).zip(x) {
        update::<OUT, O>(row, slots, *x, delta, step);
    }
    // The input of a bias is 1: `1·delta` is `delta`, bit for bit.
    update::<OUT, O>(bias, bias_slots, 1.0, delta, step);
}

/// Updates the parameters of any other layer, and overwrites its input by the `delta` of the layer below.
#[inline(always)]
pub(super) fn inner<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [f32; IN],
    delta: &[f32; OUT],
    parameters: Parameters<'_, IN, OUT, O>,
    step: &O::Step,
) {
    let saved = *inputs;
    for (input, row) in inputs.iter_mut().zip(&*parameters.weights) {
        // A sum that starts from -0 has the bits of one that starts with its first product, whatever that is.
        let sum = delta.iter().zip(row).fold(-0.0, |sum, (delta, w)| arch::multiply_add(sum, *delta, *w));
        *input = Below::through(sum, *input);
    }
    first(&saved, delta, parameters, step);
}

/// A row of weights, from old values to new ones: the gradient of each is one product, or goes on from [`Optimizer::running_sum`].
#[inline(always)]
pub(super) fn update<const OUT: usize, O: Optimizer>(
    row: &mut [f32; OUT],
    slots: &mut [O::Slot; OUT],
    x: f32,
    delta: &[f32; OUT],
    step: &O::Step,
) {
    for ((parameter, slot), delta) in row.iter_mut().zip(slots).zip(delta) {
        let gradient = match O::running_sum(step, slot) {
            Some(before) => arch::multiply_add(before, x, *delta),
            None => x * delta,
        };
        *parameter = O::update(step, *parameter, gradient, slot);
    }
}
