//! Where the backward pass has its inputs from, and the gradient of them.

use core::marker::PhantomData;

use super::forward::sample_or_zeros;
use super::one_sample;
use super::tile::{COLUMNS, InputRows, SAMPLES, floats, lanes_mut, multiply, multiply_add, value};
use crate::activation::Activation;
use crate::kernels::Kernels;
use crate::kernels::processor::no_unroll;

/// Where the input of a layer comes from, and whether its gradient goes back there.
pub(super) trait Source<const IN: usize> {
    /// Copies input columns `at..at + C` into `columns`, one row per sample.
    fn save<const C: usize>(&self, at: usize, columns: &mut [[f32; COLUMNS]]);

    /// Writes the input gradient of columns `at..at + C` over them.
    fn gradient<K: Kernels, const C: usize, const OUT: usize>(
        &mut self,
        at: usize,
        rows: &[[f32; OUT]; C],
        delta: &[[f32; OUT]],
        columns: &[[f32; COLUMNS]],
    );
}

/// Inputs that are only read.
pub(super) struct First<'a, X: ?Sized>(pub(super) &'a X);

impl<const IN: usize, X: InputRows<IN> + ?Sized> Source<IN> for First<'_, X> {
    #[inline(always)]
    fn save<const C: usize>(&self, at: usize, columns: &mut [[f32; COLUMNS]]) {
        for (sample, saved) in (0..columns.len()).zip(columns) {
            no_unroll();
            copy_columns::<C, IN>(sample_or_zeros(self.0, sample), at, saved);
        }
    }

    #[inline(always)]
    fn gradient<K: Kernels, const C: usize, const OUT: usize>(
        &mut self,
        _at: usize,
        _rows: &[[f32; OUT]; C],
        _delta: &[[f32; OUT]],
        _columns: &[[f32; COLUMNS]],
    ) {
    }
}

/// Activations of the layer below, which become its `delta`.
pub(super) struct Inner<'a, const IN: usize, Below>(pub(super) &'a mut [[f32; IN]], pub(super) PhantomData<Below>);

impl<const IN: usize, Below: Activation> Source<IN> for Inner<'_, IN, Below> {
    #[inline(always)]
    fn save<const C: usize>(&self, at: usize, columns: &mut [[f32; COLUMNS]]) {
        for (sample, saved) in self.0.iter().zip(columns) {
            no_unroll();
            copy_columns::<C, IN>(sample, at, saved);
        }
    }

    #[inline(always)]
    fn gradient<K: Kernels, const C: usize, const OUT: usize>(
        &mut self,
        at: usize,
        rows: &[[f32; OUT]; C],
        delta: &[[f32; OUT]],
        columns: &[[f32; COLUMNS]],
    ) {
        K::input_gradient::<C, IN, OUT, Below>(self.0, at, rows, delta, columns);
    }
}

/// See [`Kernels::input_gradient`].
#[inline(always)]
pub(in crate::kernels) fn input_gradient<const C: usize, const IN: usize, const OUT: usize, Below: Activation>(
    inputs: &mut [[f32; IN]],
    at: usize,
    rows: &[[f32; OUT]; C],
    delta: &[[f32; OUT]],
    saved: &[[f32; COLUMNS]],
) {
    let (deltas, delta_rest) = delta.as_chunks::<SAMPLES>();
    let (groups, input_rest) = inputs.as_chunks_mut::<SAMPLES>();
    let (saved, saved_rest) = saved.as_chunks::<SAMPLES>();
    for ((delta, inputs), saved) in deltas.iter().zip(groups).zip(saved) {
        gradient_tile::<SAMPLES, C, IN, OUT, Below>(inputs, at, rows, delta, saved);
    }
    for ((delta, inputs), saved) in delta_rest.iter().zip(input_rest).zip(saved_rest) {
        let inputs = core::array::from_mut(inputs);
        let (delta, saved) = (core::array::from_ref(delta), core::array::from_ref(saved));
        gradient_tile::<1, C, IN, OUT, Below>(inputs, at, rows, delta, saved);
    }
}

#[inline(always)]
fn copy_columns<const C: usize, const IN: usize>(sample: &[f32; IN], at: usize, saved: &mut [f32; COLUMNS]) {
    let values = floats::<C, IN>(sample, at);
    for (saved, value) in saved.iter_mut().zip(values) {
        *saved = value;
    }
}

/// `x[s][at+c] = (Σ_o delta[s][o]·W[at+c][o]) · slope(x[s][at+c])` for `S` samples and `C` columns.
///
/// # Order and rounding
/// Each sum starts with its first product (`o = 0`) and adds `o = 1, 2, …`; the slope multiplies the finished sum ([`Relu`](crate::Relu)'s
/// selects it).
#[inline(always)]
fn gradient_tile<const S: usize, const C: usize, const IN: usize, const OUT: usize, Below: Activation>(
    inputs: &mut [[f32; IN]; S],
    at: usize,
    rows: &[[f32; OUT]; C],
    delta: &[[f32; OUT]; S],
    saved: &[[f32; COLUMNS]; S],
) {
    let sums = row_sums::<S, C, OUT>(rows, delta);
    for ((input, sum), saved) in inputs.iter_mut().zip(sums).zip(saved) {
        if let Some(outputs) = lanes_mut::<C, IN, f32>(input, at) {
            for ((output, gradient), activation) in outputs.iter_mut().zip(sum).zip(saved) {
                *output = Below::backward(gradient, *activation);
            }
        }
    }
}

/// Adds the gradient of each row of inputs to what is there: each sum complete before it is added.
pub(crate) fn add_input_gradient<const IN: usize, const OUT: usize>(
    delta: &[[f32; OUT]],
    weights: &[[f32; OUT]; IN],
    gradients: &mut [[f32; IN]],
) {
    for (gradients, delta) in gradients.iter_mut().zip(delta) {
        for (gradient, row) in gradients.iter_mut().zip(weights) {
            *gradient += one_sample::product_sum(row, delta);
        }
    }
}

/// `Σ_o delta[s][o]·W[c][o]`.
#[inline(always)]
fn row_sums<const S: usize, const C: usize, const OUT: usize>(
    rows: &[[f32; OUT]; C],
    delta: &[[f32; OUT]; S],
) -> [[f32; C]; S] {
    let mut sums = [[0.0; C]; S];
    if OUT == 0 {
        return sums;
    }
    for (sum, delta) in sums.iter_mut().zip(delta) {
        *sum = multiply(value(delta, 0), &column::<C, OUT>(rows, 0));
    }
    for o in 1..OUT {
        let w = column::<C, OUT>(rows, o);
        for (sum, delta) in sums.iter_mut().zip(delta) {
            multiply_add(sum, value(delta, o), &w);
        }
    }
    sums
}

/// Column `o` of a few rows.
#[inline(always)]
fn column<const C: usize, const OUT: usize>(rows: &[[f32; OUT]; C], o: usize) -> [f32; C] {
    let mut values = [0.0; C];
    for (place, row) in values.iter_mut().zip(rows) {
        *place = value(row, o);
    }
    values
}
