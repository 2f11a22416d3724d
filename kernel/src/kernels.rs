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
    COLUMNS, Capacity, Chosen, InputRows, Pairs, Parameters, Runs, Steps, TURNED, Walk, add_input_gradient,
    backward_first_slice, backward_inner_slice, slices, update_bias, update_channels, update_tap, update_tap_row,
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
    /// Whether a row of a gradient is best made 16 values at a time.
    const HAS_WIDE_ROWS: bool = false;
    /// Whether kernels of a convolution are turned for the gradient of its input: channels side by side, [`TURNED`] at a time.
    const TURNS_KERNELS: bool = false;

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

    /// The same, but the output becomes it.
    #[inline(always)]
    fn activation_gradients<A: Activation>(outputs: &mut [f32], gradients: &[f32]) {
        portable::activation_gradients::<A>(outputs, gradients);
    }

    /// Whether all values are finite.
    #[inline(always)]
    fn all_finite(values: &[f32]) -> bool {
        portable::all_finite(values)
    }

    /// `z[o] = b[o] + Σ_l Σ_r x[l·apart + r]·W[l·rows_apart + r][o]`, run by run: what a convolution gives at one place.
    #[inline(always)]
    fn one_window<const OUT: usize>(
        runs: Runs,
        x: &[f32],
        weights: &[[f32; OUT]],
        bias: &[f32; OUT],
        z: &mut [f32; OUT],
    ) {
        portable::one_window::<OUT>(runs, x, weights, bias, z);
    }

    /// The same at four places that have the same taps inside. Their outputs are `apart` rows of `z` apart.
    #[inline(always)]
    fn four_windows<const OUT: usize>(
        runs: Runs,
        x: [&[f32]; 4],
        weights: &[[f32; OUT]],
        bias: &[f32; OUT],
        z: &mut [[f32; OUT]],
        apart: usize,
    ) {
        portable::four_windows::<OUT>(runs, x, weights, bias, z, apart, 0);
    }

    /// `z[c] = start[c] + Σ a[…][c]·w[…][c]`, pair by pair: what a depthwise convolution gives at one place.
    #[inline(always)]
    fn channel_sums<const N: usize>(steps: Steps, a: &[[f32; N]], w: &[[f32; N]], start: &[f32; N], z: &mut [f32; N]) {
        portable::channel_sums::<N>(steps, a, w, start, z, 0);
    }

    /// The same twice: once more from `apart[0]` rows of `a` further on, into the row of `z` that is `apart[1]` further.
    #[inline(always)]
    fn two_channel_sums<const N: usize>(
        steps: Steps,
        a: &[[f32; N]],
        w: &[[f32; N]],
        start: &[f32; N],
        z: &mut [[f32; N]],
        apart: [usize; 2],
    ) {
        portable::two_channel_sums::<N>(steps, a, w, start, z, apart, 0);
    }

    /// `y[c]` becomes the first greatest of `x[…][c]`, run by run. Says how many channels, from the first on, are done: the caller does the others. The
    /// default does none.
    #[inline(always)]
    fn greatest<const N: usize>(_runs: Runs, _x: &[[f32; N]], _y: &mut [f32; N]) -> usize {
        0
    }

    /// The first greatest of `x[…][c]` becomes `delta[c]`, back through the activation that gave it, and all others 0. Says how many channels,
    /// from the first on, are done. The default does none.
    #[inline(always)]
    fn greatest_backward<Below: Activation, const N: usize>(
        _runs: Runs,
        _x: &mut [[f32; N]],
        _delta: &[f32; N],
    ) -> usize {
        0
    }

    /// The first greatest values of four rows, of four channels, and which rows have them, a byte each from the lowest on. The default has no answer, and
    /// nobody has one where there is a NaN.
    #[inline(always)]
    fn greatest_of_four<const N: usize>(_z: &[[f32; N]], _channel: usize, _most: &mut [f32; 4]) -> Option<u32> {
        None
    }

    /// `sums[l·run + r] += Σ x[place + l·apart + r]·delta[window][output]` over all windows, row by row, with the place that counts in each.
    ///
    /// Says whether it is done. The default leaves it to the caller. A byte that is the number of no place is read as any place.
    #[inline(always)]
    fn add_chosen<const OUT: usize>(
        _chosen: Chosen<'_>,
        _runs: Runs,
        _output: usize,
        _x: &[f32],
        _delta: &[[f32; OUT]],
        _sums: &mut [f32],
    ) -> bool {
        false
    }

    /// `sums[i] += factor·values[i]`
    #[inline(always)]
    fn add_scaled(sums: &mut [f32], values: &[f32], factor: f32) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += factor * value;
        }
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

    /// Neighbouring parameters from old values to new ones.
    #[inline(always)]
    fn update_values<const V: usize, O: Optimizer>(
        parameters: &mut [f32; V],
        slots: &mut [O::Slot; V],
        gradients: &[f32; V],
        step: &O::Step,
    ) {
        portable::update_values::<O>(parameters, slots, gradients, step);
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

    /// `sums[c][v] += Σ x[…][at[0] + c]·delta[…][at[1] + v]`, pair by pair.
    #[inline(always)]
    fn add_tap_products<const C: usize, const V: usize, const IN: usize, const OUT: usize>(
        steps: Steps,
        x: &[[f32; IN]],
        delta: &[[f32; OUT]],
        at: [usize; 2],
        sums: &mut [[f32; V]; C],
    ) {
        portable::add_tap_products::<C, V, IN, OUT>(steps, x, delta, at, sums);
    }

    /// `sums[p][c] += Σ Σ_o delta[… + p·apart][o]·W[…][channel + c][o]`, pair by pair, `o = 0, 1, …`
    #[inline(always)]
    fn add_input_gradients<const P: usize, const C: usize, const IN: usize, const OUT: usize>(
        steps: Steps,
        delta: &[[f32; OUT]],
        apart: usize,
        weights: &[[[f32; OUT]; IN]],
        channel: usize,
        sums: &mut [[f32; C]; P],
    ) {
        portable::add_input_gradients::<P, C, IN, OUT>(steps, delta, apart, weights, channel, sums);
    }

    /// `sums[p][c] += Σ Σ_o delta[… + p·apart][o]·W[…][o][c]`, pair by pair, `o = 0, 1, …`
    #[inline(always)]
    fn add_turned_gradients<const P: usize, const OUT: usize>(
        steps: Steps,
        delta: &[[f32; OUT]],
        apart: usize,
        turned: &[[[f32; TURNED]; OUT]],
        sums: &mut [[f32; TURNED]; P],
    ) {
        portable::add_turned_gradients::<P, OUT>(steps, delta, apart, turned, sums);
    }

    /// `sums[v] += Σ a[…][channel + v]·w[…][channel + v]`, pair by pair.
    #[inline(always)]
    fn add_channel_products<const V: usize, const N: usize>(
        steps: Steps,
        a: &[[f32; N]],
        w: &[[f32; N]],
        channel: usize,
        sums: &mut [f32; V],
    ) {
        portable::add_channel_products::<V, N>(steps, a, w, channel, sums);
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
