//! The inner loops, and all that knows a processor: its registers, its assembly, its vectors.
//!
//! [`Kernels`] is what a processor may do in its own way. Its default bodies are [`portable`] loops, which run everywhere; `ThisCpu`, chosen
//! in [`processor`], overrides some of them. Every body does the operations of the formula in the order of the formula, so which of them runs
//! changes the speed and never a bit: tests hold each against plain loops.
//!
//! `README.md` in this folder has the table "build → body", a drawing of each tile, and how to add a processor.

mod portable;
mod processor;
mod rules;
#[cfg(test)]
mod tests;
#[allow(dead_code)] // on processors without any
mod vector;

use crate::activation::Activation;
use crate::optimizer::Optimizer;

pub(crate) use portable::{
    COLUMNS, Capacity, InputRows, Pairs, Parameters, add_input_gradient, add_row_sums, backward_first_slice,
    backward_inner_slice, for_each_channel_sum, slices, update_bias, update_channels, update_tap,
};
pub(crate) use processor::ThisCpu;
pub use processor::sqrt;
pub(crate) use rules::running_sum;

/// The loops of a layer and their parts, as a processor has them. The defaults are portable.
///
/// Layers call the first group, for at least one sample. The portable bodies of the first group call the second, for a processor that has
/// such a part in assembly.
pub(crate) trait Kernels: Sized {
    /// Whether a call takes longer than many an operation, because it saves the registers of an FPU. Small work is then part of its caller.
    const CALLS_ARE_DEAR: bool = false;

    // What layers call.

    /// `z[s][o] = b[o] + Σ_i x[s][i]·W[i][o]` for the first `z.len()` samples, up to `C::ROWS`.
    ///
    /// # Order and rounding
    /// Each sum starts from `b[o]` and adds `i = 0, 1, …`; every product and every sum rounds on its own.
    #[inline(always)]
    fn forward<C: Capacity, const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
        x: &X,
        weights: &[[f32; OUT]; IN],
        bias: &[f32; OUT],
        z: &mut [[f32; OUT]],
    ) {
        portable::forward::<Self, C, IN, OUT, X>(x, weights, bias, z);
    }

    /// Updates the parameters of a layer whose input is only read.
    #[inline(always)]
    fn backward_first<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, X: InputRows<IN> + ?Sized>(
        inputs: &X,
        delta: &[[f32; OUT]],
        parameters: Parameters<'_, IN, OUT, O>,
        columns: &mut [[f32; COLUMNS]],
        step: &O::Step,
    ) {
        portable::backward_first::<Self, C, IN, OUT, O, X>(inputs, delta, parameters, columns, step);
    }

    /// The same for any other layer: `inputs`, the outputs of the layer below, become that layer's `delta`.
    #[inline(always)]
    fn backward_inner<C: Capacity, const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
        inputs: &mut [[f32; IN]],
        delta: &[[f32; OUT]],
        parameters: Parameters<'_, IN, OUT, O>,
        columns: &mut [[f32; COLUMNS]],
        step: &O::Step,
    ) {
        portable::backward_inner::<Self, C, IN, OUT, O, Below>(inputs, delta, parameters, columns, step);
    }

    /// Each pre-activation becomes its activation; says whether all were finite before.
    #[inline(always)]
    fn activate<A: Activation>(values: &mut [f32]) -> bool {
        if rules::is_identity::<A>() { Self::all_finite(values) } else { Self::activate_each::<A>(values) }
    }

    /// Each gradient goes back through the activation whose output is beside it.
    #[inline(always)]
    fn activation_backward<A: Activation>(gradients: &mut [f32], outputs: &[f32]) {
        portable::activation_backward::<A>(gradients, outputs);
    }

    /// Whether all values are finite.
    #[inline(always)]
    fn all_finite(values: &[f32]) -> bool {
        portable::all_finite(values)
    }

    /// `z[o] += Σ_r x[r]·rows[r][o]`, `r = 0, 1, …`: what neighbouring taps of a kernel give.
    #[inline(always)]
    fn add_run<const OUT: usize>(x: &[f32], rows: &[[f32; OUT]], z: &mut [f32; OUT]) {
        portable::add_run::<OUT>(x, rows, z);
    }

    /// The same for four places of the kernel side by side.
    #[inline(always)]
    fn add_runs<const OUT: usize>(x: [&[f32]; 4], rows: &[[f32; OUT]], z: &mut [[f32; OUT]; 4]) {
        portable::add_runs::<OUT>(x, rows, z);
    }

    // What these are made of.

    /// [`activate`](Self::activate) of an activation that does something.
    #[inline(always)]
    fn activate_each<A: Activation>(values: &mut [f32]) -> bool {
        portable::activate_each::<A>(values)
    }

    /// All outputs of `S` samples, `V` side by side.
    #[inline(always)]
    fn outputs<const S: usize, const V: usize, const IN: usize, const OUT: usize>(
        samples: [&[f32; IN]; S],
        weights: &[[f32; OUT]; IN],
        bias: &[f32; OUT],
        z: &mut [[f32; OUT]; S],
    ) {
        portable::outputs::<S, V, IN, OUT>(samples, weights, bias, z);
    }

    /// The gradients of input columns `at..at + C`, saved in `saved`, in their place.
    #[inline(always)]
    fn input_gradient<const C: usize, const IN: usize, const OUT: usize, Below: Activation>(
        inputs: &mut [[f32; IN]],
        at: usize,
        rows: &[[f32; OUT]; C],
        delta: &[[f32; OUT]],
        saved: &[[f32; COLUMNS]],
    ) {
        portable::input_gradient::<C, IN, OUT, Below>(inputs, at, rows, delta, saved);
    }

    /// The gradients of `C` rows of weights, each handed to the optimizer.
    #[inline(always)]
    fn update_tile<const C: usize, const OUT: usize, O: Optimizer>(
        columns: &[[f32; COLUMNS]],
        delta: &[[f32; OUT]],
        rows: &mut [[f32; OUT]; C],
        slots: &mut [[O::Slot; OUT]; C],
        step: &O::Step,
    ) {
        portable::update_tile::<Self, C, OUT, O, _>(delta, columns, rows, slots, step);
    }

    /// `sums[c][v] += Σ_s columns[s][c]·delta[s][at + v]`, sample by sample.
    #[inline(always)]
    fn add_products<const C: usize, const V: usize, const OUT: usize>(
        columns: &[[f32; COLUMNS]],
        delta: &[[f32; OUT]],
        at: usize,
        sums: &mut [[f32; V]; C],
    ) {
        portable::add_products::<C, V, OUT, _>(columns, delta, at, sums);
    }

    /// [`backward_first`](Self::backward_first) by a single sample.
    #[inline(always)]
    fn backward_first_by_one<const IN: usize, const OUT: usize, O: Optimizer>(
        x: &[f32; IN],
        delta: &[f32; OUT],
        parameters: Parameters<'_, IN, OUT, O>,
        step: &O::Step,
    ) {
        portable::one_sample::first::<Self, IN, OUT, O>(x, delta, parameters, step);
    }

    /// [`backward_inner`](Self::backward_inner) by a single sample.
    #[inline(always)]
    fn backward_inner_by_one<const IN: usize, const OUT: usize, O: Optimizer, Below: Activation>(
        inputs: &mut [f32; IN],
        delta: &[f32; OUT],
        parameters: Parameters<'_, IN, OUT, O>,
        step: &O::Step,
    ) {
        portable::one_sample::inner::<Self, IN, OUT, O, Below>(inputs, delta, parameters, step);
    }

    /// The gradients of some inputs, saved in `x`, in their place, from the old weights; then the new weights. By a single sample.
    #[inline(always)]
    fn input_gradient_and_update<const OUT: usize, O: Optimizer>(
        x: &[f32],
        delta: &[f32; OUT],
        rows: &mut [[f32; OUT]],
        slots: &mut [[O::Slot; OUT]],
        inputs: &mut [f32],
        step: &O::Step,
    ) {
        portable::one_sample::input_gradient_and_update::<Self, OUT, O>(x, delta, rows, slots, inputs, step);
    }

    /// Rows of parameters, one for each of `x` and as long as `delta`: the gradient of the one at `(i, o)` is `x[i]·delta[o]`.
    #[inline(always)]
    fn update_rows<O: Optimizer>(
        step: &O::Step,
        parameters: &mut [f32],
        slots: &mut [O::Slot],
        x: &[f32],
        delta: &[f32],
    ) {
        portable::one_sample::update_rows::<O>(step, parameters, slots, x, delta);
    }

    /// A bias by a single sample: a row of weights whose input is 1, and `1·delta` is `delta`, bit for bit.
    #[inline(always)]
    fn update_bias_by_one<const OUT: usize, O: Optimizer>(
        delta: &[f32; OUT],
        bias: &mut [f32; OUT],
        slots: &mut [O::Slot; OUT],
        step: &O::Step,
    ) {
        Self::update_rows::<O>(step, bias, slots, &[1.0], delta);
    }
}
