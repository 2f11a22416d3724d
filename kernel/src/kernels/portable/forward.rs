//! Forward: `z = x·W + b`.

use super::tile::{
    Capacity, InputRows, LANES, LANES_OF_ONE, SAMPLES, floats, is_part_of_caller, lanes_mut, multiply_add, value,
};
use crate::kernels::Kernels;
use crate::kernels::processor::no_unroll;

/// See [`Kernels::forward`].
#[inline(always)]
pub(in crate::kernels) fn forward<
    K: Kernels,
    C: Capacity,
    const IN: usize,
    const OUT: usize,
    X: InputRows<IN> + ?Sized,
>(
    x: &X,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
) {
    if const { is_part_of_caller::<K>(C::ROWS, IN, OUT) } {
        inlined::<K, IN, OUT, X>(x, weights, bias, z);
    } else {
        outlined::<K, IN, OUT, X>(x, weights, bias, z);
    }
}

// Written out, here and in `backward`: by way of a closure code grew by half, and counts by 3 to 39 %.
#[inline(never)] // one body per shape, whatever the caller knows of the batch
fn outlined<K: Kernels, const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
) {
    inlined::<K, IN, OUT, X>(x, weights, bias, z);
}

#[inline(always)]
fn inlined<K: Kernels, const IN: usize, const OUT: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
) {
    let (groups, rest) = z.as_chunks_mut::<SAMPLES>();
    let mut sample = 0_usize;
    for group in groups {
        K::outputs::<SAMPLES, LANES, IN, OUT>(samples_from(x, sample), weights, bias, group);
        sample = sample.wrapping_add(SAMPLES);
    }
    for row in rest {
        no_unroll();
        K::outputs::<1, LANES_OF_ONE, IN, OUT>(samples_from(x, sample), weights, bias, core::array::from_mut(row));
        sample = sample.wrapping_add(1);
    }
}

/// See [`Kernels::outputs`].
#[inline(always)]
pub(in crate::kernels) fn outputs<const S: usize, const V: usize, const IN: usize, const OUT: usize>(
    samples: [&[f32; IN]; S],
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]; S],
) {
    let mut at = 0_usize;
    if const { OUT >= V } {
        while at.wrapping_add(V) <= OUT {
            tile::<S, V, IN, OUT>(samples, weights, bias, z, at);
            at = at.wrapping_add(V);
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
    for (i, row) in (0..IN).zip(weights) {
        let w = floats::<V, OUT>(row, at);
        for (sum, sample) in sums.iter_mut().zip(samples) {
            multiply_add(sum, value(sample, i), &w);
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
pub(in crate::kernels) fn samples_from<const S: usize, const IN: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    first: usize,
) -> [&[f32; IN]; S] {
    let mut samples = [const { &[0.0; IN] }; S];
    for (s, sample) in (0..S).zip(&mut samples) {
        *sample = sample_or_zeros(x, first.wrapping_add(s));
    }
    samples
}

/// A sample, or zeros beyond the last one, which callers never ask for.
#[inline(always)]
pub(in crate::kernels) fn sample_or_zeros<const IN: usize, X: InputRows<IN> + ?Sized>(
    x: &X,
    index: usize,
) -> &[f32; IN] {
    x.row(index).unwrap_or(const { &[0.0; IN] })
}
