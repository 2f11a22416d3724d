//! Forward: `z = x·W + b`.

use super::tile::{
    Capacity, InputRows, LANES, LANES_OF_ONE, SAMPLES, floats, is_inlined, is_tiny, lanes_mut, multiply_add,
};
use super::vector::Products;
use crate::arch;

/// `z[s][o] = b[o] + Σ_i x[s][i]·W[i][o]` for the first `z.len()` samples, up to `C::ROWS`.
///
/// # Order and rounding
/// Each sum starts from `b[o]` and adds `i = 0, 1, …`; every product and every sum rounds on its own.
#[inline(always)]
pub(crate) fn products<C: Capacity, const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
) {
    if const { C::ROWS == 1 && is_inlined(IN, OUT) } {
        products_inlined(x, weights, bias, z);
    } else {
        products_outlined(x, weights, bias, z);
    }
}

// Written out, here and in `sweep`: by way of a closure code grew by half, and counts by 3 to 39 %.
#[inline(never)] // one body per shape, whatever the caller knows of the batch
fn products_outlined<const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
) {
    products_inlined(x, weights, bias, z);
}

#[inline(always)]
fn products_inlined<const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
) {
    if arch::VECTORS {
        arch::dispatch(Products { x, weights, bias, z });
        return;
    }
    let (groups, rest) = z.as_chunks_mut::<SAMPLES>();
    let mut sample = 0;
    for group in groups {
        rows::<SAMPLES, LANES, IN, OUT, X>(x, sample, weights, bias, group);
        sample += SAMPLES;
    }
    for row in rest {
        arch::no_unroll();
        rows::<1, LANES_OF_ONE, IN, OUT, X>(x, sample, weights, bias, core::array::from_mut(row));
        sample += 1;
    }
}

/// All outputs of `S` samples from `first` on, `V` outputs at a time.
#[inline(always)]
fn rows<const S: usize, const V: usize, const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    first: usize,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]; S],
) {
    let samples = samples_from::<S, IN, X>(x, first);
    if !is_tiny(IN, OUT) && arch::forward(samples, weights, bias, z) {
        return;
    }
    let mut at = 0;
    if const { OUT >= V } {
        while at + V <= OUT {
            tile::<S, V, IN, OUT>(samples, weights, bias, z, at);
            at += V;
        }
    }
    // A constant of the layer, and asked for as one: the compiler makes only the arm that is taken.
    match const { OUT % V } {
        1 => tile::<S, 1, IN, OUT>(samples, weights, bias, z, at),
        2 => tile::<S, 2, IN, OUT>(samples, weights, bias, z, at),
        3 => tile::<S, 3, IN, OUT>(samples, weights, bias, z, at),
        4 => tile::<S, 4, IN, OUT>(samples, weights, bias, z, at),
        5 => tile::<S, 5, IN, OUT>(samples, weights, bias, z, at),
        6 => tile::<S, 6, IN, OUT>(samples, weights, bias, z, at),
        7 => tile::<S, 7, IN, OUT>(samples, weights, bias, z, at),
        _ => {}
    }
}

/// Outputs `at..at + V` of `S` samples: the sums stay in registers.
#[inline(always)]
fn tile<const S: usize, const V: usize, const IN: usize, const OUT: usize>(
    samples: [&[f32; IN]; S],
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]; S],
    at: usize,
) {
    let mut sums = [floats::<V, OUT>(bias, at); S];
    for (i, row) in weights.iter().enumerate() {
        let w = floats::<V, OUT>(row, at);
        for (sum, sample) in sums.iter_mut().zip(samples) {
            multiply_add(sum, sample[i], &w);
        }
    }
    for (row, sum) in z.iter_mut().zip(sums) {
        if let Some(outputs) = lanes_mut::<V, OUT, f32>(row, at) {
            *outputs = sum;
        }
    }
}

/// `S` samples from `first` on.
#[inline(always)]
pub(super) fn samples_from<const S: usize, const IN: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    first: usize,
) -> [&[f32; IN]; S] {
    let mut samples = [const { &[0.0; IN] }; S];
    for (s, sample) in samples.iter_mut().enumerate() {
        *sample = sample_or_zeros(x, first + s);
    }
    samples
}

/// A sample, or zeros beyond the last one, which callers never ask for.
#[inline(always)]
pub(super) fn sample_or_zeros<const IN: usize, X: InputRows<IN> + ?Sized>(x: &X, index: usize) -> &[f32; IN] {
    x.row(index).unwrap_or(const { &[0.0; IN] })
}
