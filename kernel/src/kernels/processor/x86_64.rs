//! x86-64: its vectors, which of them are fastest, and `SQRTSS`, so written that the compiler may widen it in a loop.
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

/// Whether the build is for Zen 4 (`target-cpu=znver4`, or `native` there), whose 512-bit vectors are two halves.
///
/// Of all processors with AVX-512 only AMD's have SSE4a, and all of AMD's but Zen 4 have AVX-VNNI.
const IS_FOR_ZEN_4: bool = cfg!(all(target_feature = "sse4a", not(target_feature = "avxvnni")));

/// The vectors that are fastest on what the build is for or, with feature `dispatch`, on the processor that it runs on: the longest ones that
/// are whole.
pub(crate) struct Fastest;

impl Dispatch for Fastest {
    #[inline(always)]
    fn dispatch<W: WithSimd>(work: W) -> W::Output {
        if cfg!(feature = "dispatch") {
            // SAFETY: it is a level that the processor has.
            unsafe { dispatch_at(detect::level(), work) }
        } else if cfg!(target_feature = "avx512f") && !IS_FOR_ZEN_4 {
            work.with_simd::<Avx512>()
        } else if cfg!(target_feature = "avx2") {
            work.with_simd::<Avx2>()
        } else {
            work.with_simd::<Sse2>()
        }
    }
}

/// The vectors of a level, or of a lower one that this processor has, for tests.
#[cfg(test)]
pub(crate) struct Level<const LEVEL: u8>;

#[cfg(test)]
impl<const LEVEL: u8> Dispatch for Level<LEVEL> {
    fn dispatch<W: WithSimd>(work: W) -> W::Output {
        // SAFETY: as above.
        unsafe { dispatch_at(LEVEL.min(detect::highest()), work) }
    }
}

/// Does the work by the vectors of a level.
///
/// # Safety
/// The processor has it, and its system saves these registers.
#[inline(always)]
unsafe fn dispatch_at<W: WithSimd>(level: u8, work: W) -> W::Output {
    match level {
        // SAFETY: the caller's.
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
