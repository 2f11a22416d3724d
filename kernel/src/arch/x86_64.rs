//! x86-64: its vectors, which of them this processor has, and `SQRTSS`, so written that the compiler may widen it in a loop.
//!
//! A type of vectors is a token: this file alone can name one, and hands it to a [`WithSimd`] only where the build or [`detect`] says that the
//! processor has its registers and instructions. So whoever is generic over a [`Vector`] may call its methods.
#![allow(unsafe_code)]

mod detect;
mod vectors;

#[cfg(target_feature = "fma")]
use core::arch::x86_64::_mm_fmadd_ss;
use core::arch::x86_64::{_mm_cvtss_f32, _mm_set_ss, _mm_sqrt_ss};

use super::vector::{Vector, WithSimd};
use vectors::{Avx2, Avx512, Sse2};

/// Square root by the processor's instruction.
#[inline(always)]
pub(crate) fn sqrt(x: f32) -> f32 {
    // SAFETY: the intrinsics ask for SSE, which every x86-64 build has; the `cfg` on this module demands it.
    unsafe { _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))) }
}

/// `x·w + sum`, rounded once: by the processor's instruction where the build knows of it.
#[inline(always)]
pub(crate) fn fused(x: f32, w: f32, sum: f32) -> f32 {
    #[cfg(target_feature = "fma")]
    // SAFETY: the build has FMA.
    unsafe {
        _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(x), _mm_set_ss(w), _mm_set_ss(sum)))
    }
    #[cfg(not(target_feature = "fma"))]
    super::portable::fused(x, w, sum)
}

/// With feature `fma`, but in a build that may not use the instruction everywhere.
const NO_FMA: bool = cfg!(all(feature = "fma", not(target_feature = "fma")));

/// Does the work by the longest vectors that the build knows of or, with feature `dispatch`, that the processor has.
///
/// Without feature `fma` nothing here fuses: products and sums round by themselves on every path.
#[inline(always)]
pub(crate) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    if cfg!(target_feature = "avx512f") {
        return work.with_simd::<Avx512>();
    }
    if cfg!(feature = "dispatch") {
        return dispatch_at(detect::level(), work);
    }
    if cfg!(target_feature = "avx2") && !NO_FMA { work.with_simd::<Avx2>() } else { work.with_simd::<Sse2>() }
}

/// Does the work by vectors of four, for rows that would not fill longer ones.
#[inline(always)]
pub(crate) fn dispatch_short<W: WithSimd>(work: W) -> W::Output {
    if NO_FMA { dispatch(work) } else { work.with_simd::<Sse2>() }
}

/// Does the work by the vectors of a level, or of a lower one that this processor has.
#[inline(always)]
pub(crate) fn dispatch_at<W: WithSimd>(level: u8, work: W) -> W::Output {
    match level.min(detect::level()) {
        // SAFETY: the processor has it, and its system saves these registers.
        detect::AVX512 => unsafe { avx512(work) },
        // SAFETY: as above.
        detect::AVX2 => unsafe { avx2(work) },
        _ => work.with_simd::<Sse2>(),
    }
}

#[target_feature(enable = "avx2")]
#[cfg_attr(feature = "fma", target_feature(enable = "fma"))]
fn avx2<W: WithSimd>(work: W) -> W::Output {
    work.with_simd::<Avx2>()
}

#[target_feature(enable = "avx512f,avx512vl")]
fn avx512<W: WithSimd>(work: W) -> W::Output {
    work.with_simd::<Avx512>()
}

/// Rows to columns.
#[inline(always)]
pub(crate) fn transpose(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    let mut columns = rows;
    for (column, values) in columns.iter_mut().zip(<Sse2 as Vector>::columns(&rows[..])) {
        values.store(column, 0);
    }
    columns
}
