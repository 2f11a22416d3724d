//! Short timed runs, and the machine's peak.
#![allow(unsafe_code)] // to call a function for the features that all is compiled for

use std::hint::black_box;
use std::time::Instant;

/// The shortest time of one call, in seconds: of `runs` runs of a millisecond or so each.
///
/// On a machine that others use too the shortest run is the one that was disturbed least.
pub fn shortest(runs: usize, mut call: impl FnMut()) -> f64 {
    let mut calls = 1u32;
    loop {
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        if start.elapsed().as_secs_f64() > 0.5e-3 {
            break;
        }
        calls = calls.saturating_mul(2);
    }
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        best = best.min(start.elapsed().as_secs_f64() / f64::from(calls));
    }
    best
}

/// A vector register of the processor that this is compiled for.
///
/// By name: written as loops over arrays, the peak below fell to a fiftieth of itself with some registers.
#[cfg(target_arch = "x86_64")]
mod vector {
    #[cfg(not(target_feature = "avx"))]
    pub(crate) use std::arch::x86_64::{
        __m128 as Vector, _mm_add_ps as add, _mm_mul_ps as multiply, _mm_set1_ps as splat,
    };
    #[cfg(all(target_feature = "avx", not(target_feature = "avx512f")))]
    pub(crate) use std::arch::x86_64::{
        __m256 as Vector, _mm256_add_ps as add, _mm256_mul_ps as multiply, _mm256_set1_ps as splat,
    };
    #[cfg(target_feature = "avx512f")]
    pub(crate) use std::arch::x86_64::{
        __m512 as Vector, _mm512_add_ps as add, _mm512_mul_ps as multiply, _mm512_set1_ps as splat,
    };
}

#[cfg(target_arch = "aarch64")]
mod vector {
    pub(crate) use std::arch::aarch64::{
        float32x4_t as Vector, vaddq_f32 as add, vdupq_n_f32 as splat, vmulq_f32 as multiply,
    };
}

/// Floats in a vector register.
pub const VECTOR: usize = size_of::<vector::Vector>() / size_of::<f32>();

/// Operations per second of multiplications and additions, not fused, all in registers: what no loop can beat.
pub fn peak(runs: usize) -> f64 {
    // SAFETY: the features that it asks for are those that all of this is compiled for.
    let seconds = shortest(runs, || unsafe { chains() });
    (2 * CHAINS * VECTOR * ROUNDS) as f64 / seconds
}

/// So many that none waits for itself, so few that there are registers for all and for two constants.
const CHAINS: usize = if cfg!(any(target_feature = "avx512f", target_arch = "aarch64")) { 24 } else { 12 };
const ROUNDS: usize = 1000;

#[cfg_attr(all(target_arch = "x86_64", not(target_feature = "avx")), target_feature(enable = "sse"))]
#[cfg_attr(all(target_feature = "avx", not(target_feature = "avx512f")), target_feature(enable = "avx"))]
#[cfg_attr(target_feature = "avx512f", target_feature(enable = "avx512f"))]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "neon"))]
fn chains() {
    // Stays near 1: the compiler knows neither factor nor term, and no value leaves the normal range.
    let (factor, term) = black_box((vector::splat(0.999), vector::splat(0.001)));
    let mut chains = [vector::splat(1.0); CHAINS];
    for _ in 0..ROUNDS {
        for chain in &mut chains {
            *chain = vector::add(vector::multiply(*chain, factor), term);
        }
    }
    black_box(chains);
}
