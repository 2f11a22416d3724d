//! Both passes of a few samples through a layer of a few weights, on a processor with vectors: none would be filled, so all of it
//! is done in place, value by value, the loop over the samples alone rolled.
//!
//! The same sums and updates as those of the other loops, in the same order.

use super::forward::sample_or_zeros;
use super::sweep::Parameters;
use super::tile::{Capacity, InputRows, is_tiny};
use crate::activation::Activation;
use crate::arch;
use crate::optimizer::Optimizer;

/// Whether a layer of these sizes and up to so many samples is done here.
pub(crate) const fn takes(samples: usize, inputs: usize, outputs: usize) -> bool {
    arch::VECTORS && samples <= 4 && is_tiny(inputs, outputs)
}

/// Whether a batch of up to `C::ROWS` has samples for the loops over them. Of a batch of one the compiler knows then that it is one, and
/// unrolls these loops too. (Unrolled for four, a step took longer.)
#[inline(always)]
fn has_samples<C: Capacity>(samples: usize) -> bool {
    C::ROWS > 1 || samples == 1
}

/// `z[s][o] = b[o] + Σ_i x[s][i]·W[i][o]`.
#[inline(always)]
pub(super) fn forward<C: Capacity, const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
) {
    if !has_samples::<C>(z.len()) {
        return;
    }
    for (sample, z) in z.iter_mut().enumerate() {
        *z = *bias;
        for (x, row) in sample_or_zeros(x, sample).iter().zip(weights) {
            for (z, w) in z.iter_mut().zip(row) {
                *z = arch::multiply_add(*z, *x, *w);
            }
        }
    }
}

/// Updates the parameters of a first layer.
#[inline(always)]
pub(super) fn first<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized>(
    inputs: &X,
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    step: &O::Step,
) {
    if !has_samples::<C>(delta.len()) {
        return;
    }
    let mut gradients = Gradients::start(&parameters, step);
    for (sample, delta) in delta.iter().enumerate() {
        gradients.add(sample_or_zeros(inputs, sample), delta);
    }
    gradients.update(parameters, step);
}

/// Updates the parameters of any other layer, and overwrites its input by the `delta` of the layer below.
#[inline(always)]
pub(super) fn inner<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
    inputs: &mut [[f32; IN]],
    delta: &[[f32; OUT]],
    parameters: Parameters<'_, IN, OUT, O>,
    step: &O::Step,
) {
    if !has_samples::<C>(delta.len()) {
        return;
    }
    let mut gradients = Gradients::start(&parameters, step);
    for (inputs, delta) in inputs.iter_mut().zip(delta) {
        let saved = *inputs;
        for (input, row) in inputs.iter_mut().zip(&*parameters.weights) {
            // A sum that starts from -0 has the bits of one that starts with its first product, whatever that is.
            let sum = delta.iter().zip(row).fold(-0.0, |sum, (delta, w)| arch::multiply_add(sum, *delta, *w));
            *input = Below::through(sum, *input);
        }
        gradients.add(&saved, delta);
    }
    gradients.update(parameters, step);
}

/// The gradients of all weights and of the bias: a row of weights whose input is 1, and `1·delta` is `delta`, bit for bit.
struct Gradients<const IN: usize, const OUT: usize> {
    weights: [[f32; OUT]; IN],
    bias: [f32; OUT],
}

impl<const IN: usize, const OUT: usize> Gradients<IN, OUT> {
    /// What the sums start from: -0, as above, or the sum so far.
    #[inline(always)]
    fn start<O: Optimizer>(parameters: &Parameters<'_, IN, OUT, O>, step: &O::Step) -> Self {
        let before = |slot: &O::Slot| O::running_sum(step, slot).unwrap_or(-0.0);
        let mut sums = Self { weights: [[-0.0; OUT]; IN], bias: [-0.0; OUT] };
        for (sum, slot) in sums.weights.as_flattened_mut().iter_mut().zip(parameters.weight_slots.as_flattened()) {
            *sum = before(slot);
        }
        for (sum, slot) in sums.bias.iter_mut().zip(&*parameters.bias_slots) {
            *sum = before(slot);
        }
        sums
    }

    #[inline(always)]
    fn add(&mut self, x: &[f32; IN], delta: &[f32; OUT]) {
        for (sums, x) in self.weights.iter_mut().zip(x) {
            for (sum, delta) in sums.iter_mut().zip(delta) {
                *sum = arch::multiply_add(*sum, *x, *delta);
            }
        }
        for (sum, delta) in self.bias.iter_mut().zip(delta) {
            *sum += delta;
        }
    }

    #[inline(always)]
    fn update<O: Optimizer>(self, parameters: Parameters<'_, IN, OUT, O>, step: &O::Step) {
        let Parameters { weights, weight_slots, bias, bias_slots } = parameters;
        let weights = weights.as_flattened_mut().iter_mut().zip(weight_slots.as_flattened_mut());
        let biases = bias.iter_mut().zip(bias_slots);
        for ((parameter, slot), gradient) in weights.zip(self.weights.as_flattened()) {
            *parameter = O::update(step, *parameter, *gradient, slot);
        }
        for ((parameter, slot), gradient) in biases.zip(self.bias) {
            *parameter = O::update(step, *parameter, gradient, slot);
        }
    }
}
