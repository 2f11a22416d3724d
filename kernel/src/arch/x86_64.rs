//! `SQRTSS` of x86-64, written so that the compiler may widen it to `SQRTPS` in a loop.
#![allow(unsafe_code)]

use core::arch::x86_64::{_mm_cvtss_f32, _mm_set_ss, _mm_sqrt_ss};

/// Square root by the processor's instruction.
#[inline(always)]
pub(crate) fn sqrt(x: f32) -> f32 {
    // SAFETY: the intrinsics ask for SSE, which every x86-64 build has; the `cfg` on this module demands it.
    unsafe { _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))) }
}
