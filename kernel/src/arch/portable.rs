//! The bodies for processors without a square-root instruction that we use and without loops of their own; compiled
//! everywhere, so that tests can compare.
#![allow(dead_code)] // unused where the processor has its own

use super::{AdamConstants, Moments, WithSimd};

/// Square root by `libm`'s correctly rounded routine.
#[inline]
pub(crate) fn sqrt(x: f32) -> f32 {
    libm::sqrtf(x)
}

/// Does the work by what the compiler makes of four values side by side.
#[inline(always)]
pub(crate) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    work.with_simd::<[f32; 4]>()
}

/// Rows to columns.
#[inline(always)]
pub(crate) fn transpose(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    let [[a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3], [d0, d1, d2, d3]] = rows;
    [[a0, b0, c0, d0], [a1, b1, c1, d1], [a2, b2, c2, d2], [a3, b3, c3, d3]]
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
