//! The vectors of x86-64 as [`Vector`]s.
//!
//! Each method calls intrinsics that ask for the processor's registers. SAFETY, as the blocks say in short: only `super` can name these types,
//! and it does so where the processor has what they ask for. AVX-512 comes with AVX2, and that with SSE2, which every build for x86-64 with
//! SSE has.

use core::arch::x86_64::*;

use crate::kernels::vector::Vector;

/// Four values: SSE2.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Sse2(__m128);

/// Eight values: AVX2.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Avx2(__m256);

/// Sixteen values: AVX-512 F and VL.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Avx512(__m512);

impl Vector for Sse2 {
    const LANES: usize = 4;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: the processor has SSE2.
        Self(unsafe { _mm_set1_ps(x) })
    }

    #[inline(always)]
    fn load(row: &[f32], at: usize) -> Self {
        let values = row.get(at..).unwrap_or(&[]);
        match *values {
            [] => Self::splat(0.0),
            // SAFETY: the processor has SSE2.
            [a] => Self(unsafe { _mm_setr_ps(a, 0.0, 0.0, 0.0) }),
            // SAFETY: as above.
            [a, b] => Self(unsafe { _mm_setr_ps(a, b, 0.0, 0.0) }),
            // SAFETY: as above.
            [a, b, c] => Self(unsafe { _mm_setr_ps(a, b, c, 0.0) }),
            // SAFETY: as above, and there are four values.
            _ => Self(unsafe { _mm_loadu_ps(values.as_ptr()) }),
        }
    }

    #[inline(always)]
    fn store(self, row: &mut [f32], at: usize) {
        let values = row.get_mut(at..).unwrap_or(&mut []);
        let to = values.as_mut_ptr();
        match values.len() {
            0 => {}
            // SAFETY: the processor has SSE2, and there is one value.
            1 => unsafe { _mm_store_ss(to, self.0) },
            // SAFETY: the processor has SSE2, and there are two values.
            2 => unsafe { _mm_storeu_si64(to.cast(), _mm_castps_si128(self.0)) },
            // SAFETY: the processor has SSE2, and there are three values.
            3 => unsafe {
                _mm_storeu_si64(to.cast(), _mm_castps_si128(self.0));
                _mm_store_ss(to.add(2), _mm_movehl_ps(self.0, self.0));
            },
            // SAFETY: the processor has SSE2, and there are at least four values.
            _ => unsafe { _mm_storeu_ps(to, self.0) },
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the processor has SSE2.
        Self(unsafe { _mm_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        // SAFETY: the processor has SSE2.
        Self(unsafe { _mm_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        // SAFETY: the processor has SSE2.
        Self(unsafe { _mm_mul_ps(self.0, other.0) })
    }
}

/// All bits set in the first `count` lanes.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn first_lanes(count: usize) -> __m256i {
    // SAFETY: the caller's.
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(count.min(8) as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

impl Vector for Avx2 {
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: the processor has AVX2.
        Self(unsafe { _mm256_set1_ps(x) })
    }

    #[inline(always)]
    fn load(row: &[f32], at: usize) -> Self {
        let values = row.get(at..).unwrap_or(&[]);
        if values.len() >= 8 {
            // SAFETY: the processor has AVX2, and there are eight values.
            Self(unsafe { _mm256_loadu_ps(values.as_ptr()) })
        } else if values.is_empty() {
            // A masked load from nowhere traps into microcode, for hundreds of cycles.
            Self::splat(0.0)
        } else {
            // SAFETY: the processor has AVX2, and only lanes that have a value are read.
            Self(unsafe { _mm256_maskload_ps(values.as_ptr(), first_lanes(values.len())) })
        }
    }

    #[inline(always)]
    fn store(self, row: &mut [f32], at: usize) {
        let values = row.get_mut(at..).unwrap_or(&mut []);
        if values.len() >= 8 {
            // SAFETY: the processor has AVX2, and there are eight values.
            unsafe { _mm256_storeu_ps(values.as_mut_ptr(), self.0) }
        } else {
            // In halves: a masked store of AVX takes many cycles on some processors.
            // SAFETY: the processor has AVX2.
            let (low, high) = unsafe { (_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0)) };
            Sse2(low).store(values, 0);
            Sse2(high).store(values, 4);
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2.
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        // SAFETY: the processor has AVX2.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }
}

impl Vector for Avx512 {
    const LANES: usize = 16;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: the processor has AVX-512.
        Self(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    fn load(row: &[f32], at: usize) -> Self {
        let values = row.get(at..).unwrap_or(&[]);
        if values.len() >= 16 {
            // SAFETY: the processor has AVX-512, and there are sixteen values.
            Self(unsafe { _mm512_loadu_ps(values.as_ptr()) })
        } else if values.is_empty() {
            Self::splat(0.0)
        } else {
            // SAFETY: the processor has AVX-512, and only lanes that have a value are read.
            Self(unsafe { _mm512_maskz_loadu_ps((1 << values.len()) - 1, values.as_ptr()) })
        }
    }

    #[inline(always)]
    fn store(self, row: &mut [f32], at: usize) {
        let values = row.get_mut(at..).unwrap_or(&mut []);
        if values.len() >= 16 {
            // SAFETY: the processor has AVX-512, and there are sixteen values.
            unsafe { _mm512_storeu_ps(values.as_mut_ptr(), self.0) }
        } else {
            // In halves: a masked store that crosses a line of the cache takes many cycles on some processors.
            // SAFETY: the processor has AVX-512.
            let (low, high) = unsafe {
                let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self.0));
                (_mm512_castps512_ps256(self.0), _mm256_castpd_ps(high))
            };
            Avx2(low).store(values, 0);
            Avx2(high).store(values, 8);
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }
}
