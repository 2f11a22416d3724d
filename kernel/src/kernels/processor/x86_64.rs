//! x86-64: its vectors, which of them this processor has, and `SQRTSS`, so written that the compiler may widen it in a loop.
//!
//! A type of vectors is a token: this file alone can name one, and hands it to a [`WithSimd`] only where the build or [`detect`] says that the
//! processor has its registers and instructions. So whoever is generic over a [`Vector`] may call its methods.
#![allow(unsafe_code)]

mod detect;
mod vectors;

use core::arch::x86_64::{_mm_cvtss_f32, _mm_set_ss, _mm_sqrt_ss};

use crate::kernels::vector::{Dispatch, WithSimd};
use vectors::{Avx2, Avx512, Sse2};

/// Square root by the processor's instruction.
#[inline(always)]
pub(crate) fn sqrt(x: f32) -> f32 {
    // SAFETY: the intrinsics ask for SSE, which comes with SSE2, and the `cfg` on this module demands that.
    unsafe { _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))) }
}

/// The longest vectors that the build knows of or, with feature `dispatch`, that the processor has.
pub(crate) struct Longest;

impl Dispatch for Longest {
    #[inline(always)]
    fn dispatch<W: WithSimd>(work: W) -> W::Output {
        if cfg!(target_feature = "avx512f") {
            work.with_simd::<Avx512>()
        } else if cfg!(feature = "dispatch") {
            dispatch_at(detect::level(), work)
        } else if cfg!(target_feature = "avx2") {
            work.with_simd::<Avx2>()
        } else {
            work.with_simd::<Sse2>()
        }
    }
}

/// The vectors of a level, for tests.
#[cfg(test)]
pub(crate) struct Level<const LEVEL: u8>;

#[cfg(test)]
impl<const LEVEL: u8> Dispatch for Level<LEVEL> {
    fn dispatch<W: WithSimd>(work: W) -> W::Output {
        dispatch_at(LEVEL, work)
    }
}

/// Does the work by the vectors of a level, or of a lower one that this processor has.
#[inline(always)]
fn dispatch_at<W: WithSimd>(level: u8, work: W) -> W::Output {
    match level.min(detect::level()) {
        // SAFETY: the processor has it, and its system saves these registers.
        detect::AVX512 => unsafe { avx512(work) },
        // SAFETY: as above.
        detect::AVX2 => unsafe { avx2(work) },
        _ => work.with_simd::<Sse2>(),
    }
}

#[target_feature(enable = "avx2")]
fn avx2<W: WithSimd>(work: W) -> W::Output {
    work.with_simd::<Avx2>()
}

#[target_feature(enable = "avx512f,avx512vl")]
fn avx512<W: WithSimd>(work: W) -> W::Output {
    work.with_simd::<Avx512>()
}
