//! The bodies for processors without a square-root instruction that we use and without loops of their own; compiled
//! everywhere, so that tests can compare.
#![allow(dead_code)] // unused where the processor has its own

use super::{AdamConstants, Moments, Vector, WithSimd};

/// Square root by `libm`'s correctly rounded routine.
#[inline]
pub(crate) fn sqrt(x: f32) -> f32 {
    libm::sqrtf(x)
}

/// `x·w + sum`, rounded once; slow.
///
/// The product is exact in `f64`. Its sum is rounded to odd there, which is the one way to round that a second rounding, to `f32`, can't
/// go wrong after, subnormals included (Boldo and Melquiond, *Emulation of FMA and Correctly Rounded Sums: Proved Algorithms Using
/// Rounding to Odd*, 2008). Not by `libm::fmaf`: version 0.2.16 rounds some subnormal results twice.
#[inline]
pub(crate) fn fused(x: f32, w: f32, sum: f32) -> f32 {
    let (product, term) = (f64::from(x) * f64::from(w), f64::from(sum));
    let rounded = product + term;
    // What the addition has lost, exactly (Knuth's TwoSum); NaN where something is infinite.
    let of_term = rounded - product;
    let lost = (product - (rounded - of_term)) + (term - of_term);
    let bits = rounded.to_bits();
    let odd = if lost.abs() > 0.0 && bits & 1 == 0 {
        // Towards what was lost: away from zero if it has the sign of the sum.
        if (lost > 0.0) == (rounded > 0.0) { bits.wrapping_add(1) } else { bits.wrapping_sub(1) }
    } else {
        bits
    };
    f64::from_bits(odd) as f32
}

/// Does the work by what the compiler makes of four values side by side.
#[inline(always)]
pub(crate) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    work.with_simd::<[f32; 4]>()
}

/// Does the work by vectors of four, for rows that would not fill longer ones.
#[inline(always)]
pub(crate) fn dispatch_short<W: WithSimd>(work: W) -> W::Output {
    work.with_simd::<[f32; 4]>()
}

/// Rows to columns.
#[inline(always)]
pub(crate) fn transpose(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    Vector::columns(&rows[..])
}

/// No-op: on vector targets LLVM may unroll and vectorise.
#[inline(always)]
pub(crate) fn no_unroll() {}

// The loops: here is none, and each says so by `false`, having done nothing.

/// Whether the processor has loops of its own.
pub(crate) const HAS_LOOPS: bool = false;

#[inline(always)]
pub(crate) fn forward<const S: usize, const IN: usize, const OUT: usize>(
    _samples: [&[f32; IN]; S],
    _weights: &[[f32; OUT]; IN],
    _bias: &[f32; OUT],
    _z: &mut [[f32; OUT]; S],
) -> bool {
    false
}

#[inline(always)]
pub(crate) fn input_gradient<const OUT: usize>(
    _rows: &[[f32; OUT]],
    _delta: &[[f32; OUT]],
    _sums: &mut [f32],
    _apart: usize,
) -> bool {
    false
}

#[inline(always)]
pub(crate) fn weight_gradient<const C: usize, const V: usize, const OUT: usize>(
    _columns: &[[f32; 4]],
    _delta: &[[f32; OUT]],
    _at: usize,
    _sums: &mut [[f32; V]; C],
) -> bool {
    false
}

#[inline(always)]
pub(crate) fn descend_batch<const C: usize, const OUT: usize>(
    _rate: f32,
    _columns: &[[f32; 4]],
    _delta: &[[f32; OUT]],
    _rows: &mut [[f32; OUT]; C],
) -> bool {
    false
}

#[inline(always)]
pub(crate) fn descend<const OUT: usize>(
    _rate: f32,
    _x: &[f32],
    _delta: &[f32; OUT],
    _weights: &mut [[f32; OUT]],
    _bias: Option<&mut [f32; OUT]>,
) -> bool {
    false
}

#[inline(always)]
pub(crate) fn descend_inner<const OUT: usize>(
    _rate: f32,
    _inputs: &mut [f32],
    _delta: &[f32; OUT],
    _weights: &mut [[f32; OUT]],
    _bias: Option<&mut [f32; OUT]>,
    _select: bool,
) -> bool {
    false
}

#[inline(always)]
pub(crate) fn adam(
    _constants: &AdamConstants,
    _parameters: &mut [f32],
    _moments: &mut [Moments],
    _x: &[f32],
    _delta: &[f32],
) -> bool {
    false
}

#[inline(always)]
pub(crate) fn relu(_values: &mut [f32]) -> bool {
    false
}

#[inline(always)]
pub(crate) fn relu_backward(_gradients: &mut [f32], _outputs: &[f32]) -> bool {
    false
}
