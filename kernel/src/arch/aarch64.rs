//! AArch64: the fused multiply-add, so written that the compiler may widen it in a loop.
#![allow(unsafe_code)]

use core::arch::aarch64::{vdup_n_f32, vfmas_lane_f32};

pub(crate) use super::portable::sqrt;

/// `x·w + sum`, rounded once.
#[inline(always)]
pub(crate) fn fused(x: f32, w: f32, sum: f32) -> f32 {
    // SAFETY: the intrinsics ask for NEON, which the `cfg` on this module demands.
    unsafe { vfmas_lane_f32::<0>(sum, x, vdup_n_f32(w)) }
}
