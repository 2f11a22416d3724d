//! x86-64: its vectors, which of them this processor has, and `SQRTSS`, so written that the compiler may widen it in a loop.
#![allow(unsafe_code)]

mod detect;

use core::arch::x86_64::*;

use super::vector::{RowsOfFour, Vector, Work};

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
pub(crate) fn run<W: Work>(work: W) -> W::Output {
    if cfg!(target_feature = "avx512f") {
        return work.run::<__m512>();
    }
    if cfg!(feature = "dispatch") {
        return run_at(detect::level(), work);
    }
    if cfg!(target_feature = "avx2") && !NO_FMA { work.run::<__m256>() } else { work.run::<__m128>() }
}

/// Does the work by vectors of four, for rows that would not fill longer ones.
#[inline(always)]
pub(crate) fn run_short<W: Work>(work: W) -> W::Output {
    if NO_FMA { run(work) } else { work.run::<__m128>() }
}

/// Does the work by the vectors of a level, or of a lower one that this processor has.
#[inline(always)]
pub(crate) fn run_at<W: Work>(level: u8, work: W) -> W::Output {
    match level.min(detect::level()) {
        // SAFETY: the processor has it, and its system saves these registers.
        detect::AVX512 => unsafe { avx512(work) },
        // SAFETY: as above.
        detect::AVX2 => unsafe { avx2(work) },
        _ => work.run::<__m128>(),
    }
}

#[target_feature(enable = "avx2")]
#[cfg_attr(feature = "fma", target_feature(enable = "fma"))]
fn avx2<W: Work>(work: W) -> W::Output {
    work.run::<__m256>()
}

#[target_feature(enable = "avx512f,avx512vl")]
fn avx512<W: Work>(work: W) -> W::Output {
    work.run::<__m512>()
}

/// Rows to columns.
#[inline(always)]
pub(crate) fn transpose(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    let mut columns = rows;
    for (column, values) in columns.iter_mut().zip(<__m128 as Vector>::columns(&rows[..])) {
        values.store(column, 0);
    }
    columns
}

// SAFETY of all calls of intrinsics below: an implementation is only used by `run` and its kin, for a processor that has its registers and
// instructions, and by those of longer vectors, whose processors have the shorter ones too; `transpose` and `run_short` use `__m128`. SSE2
// is in all builds for x86-64 that have SSE.
// SAFETY of all loads and stores: `values` has at least as many elements as the instruction touches.

/// A row of four values as a vector.
#[inline(always)]
fn row(rows: &(impl RowsOfFour + ?Sized), index: usize) -> __m128 {
    Vector::load(&rows.row(index), 0)
}

/// Rows `first`, `first + 4`, `first + 8` and `first + 12`.
///
/// # Safety
/// The processor has AVX-512.
#[inline(always)]
unsafe fn each_fourth(rows: &(impl RowsOfFour + ?Sized), first: usize) -> __m512 {
    unsafe {
        let half = _mm512_insertf32x4::<1>(_mm512_castps128_ps512(row(rows, first)), row(rows, first + 4));
        _mm512_insertf32x4::<3>(_mm512_insertf32x4::<2>(half, row(rows, first + 8)), row(rows, first + 12))
    }
}

impl Vector for __m128 {
    const LANES: usize = 4;
    type Short = Self;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        unsafe { _mm_set1_ps(x) }
    }

    #[inline(always)]
    fn load(row: &[f32], at: usize) -> Self {
        let values = row.get(at..).unwrap_or(&[]);
        match *values {
            [] => Self::splat(0.0),
            [a] => unsafe { _mm_setr_ps(a, 0.0, 0.0, 0.0) },
            [a, b] => unsafe { _mm_setr_ps(a, b, 0.0, 0.0) },
            [a, b, c] => unsafe { _mm_setr_ps(a, b, c, 0.0) },
            _ => unsafe { _mm_loadu_ps(values.as_ptr()) },
        }
    }

    #[inline(always)]
    fn store(self, row: &mut [f32], at: usize) {
        let values = row.get_mut(at..).unwrap_or(&mut []);
        match values.len() {
            0 => {}
            1 => unsafe { _mm_store_ss(values.as_mut_ptr(), self) },
            2 => unsafe { _mm_storeu_si64(values.as_mut_ptr().cast(), _mm_castps_si128(self)) },
            3 => unsafe {
                _mm_storeu_si64(values.as_mut_ptr().cast(), _mm_castps_si128(self));
                _mm_store_ss(values.as_mut_ptr().add(2), _mm_movehl_ps(self, self));
            },
            _ => unsafe { _mm_storeu_ps(values.as_mut_ptr(), self) },
        }
    }

    #[inline(always)]
    fn columns(rows: &(impl RowsOfFour + ?Sized)) -> [Self; 4] {
        let (a, b, c, d) = (row(rows, 0), row(rows, 1), row(rows, 2), row(rows, 3));
        unsafe {
            let (ab_low, ab_high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
            let (cd_low, cd_high) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
            [
                _mm_movelh_ps(ab_low, cd_low),
                _mm_movehl_ps(cd_low, ab_low),
                _mm_movelh_ps(ab_high, cd_high),
                _mm_movehl_ps(cd_high, ab_high),
            ]
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        unsafe { _mm_add_ps(self, other) }
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        unsafe { _mm_sub_ps(self, other) }
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        unsafe { _mm_mul_ps(self, other) }
    }

    #[inline(always)]
    fn fused(self, x: Self, w: Self) -> Self {
        #[cfg(target_feature = "fma")]
        unsafe {
            _mm_fmadd_ps(x, w, self)
        }
        #[cfg(not(target_feature = "fma"))]
        {
            let [mut sums, x, w] = [self, x, w].map(|vector| {
                let mut lanes = [0.0; 4];
                vector.store(&mut lanes, 0);
                lanes
            });
            for (sum, (x, w)) in sums.iter_mut().zip(x.into_iter().zip(w)) {
                *sum = super::portable::fused(x, w, *sum);
            }
            Self::load(&sums, 0)
        }
    }
}

/// All bits set in the first `count` lanes.
#[inline(always)]
unsafe fn first_lanes(count: usize) -> __m256i {
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(count.min(8) as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

impl Vector for __m256 {
    const LANES: usize = 8;
    #[cfg(not(all(feature = "fma", not(target_feature = "fma"))))]
    type Short = __m128;
    // Vectors of four could not fuse by an instruction in this build.
    #[cfg(all(feature = "fma", not(target_feature = "fma")))]
    type Short = Self;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn load(row: &[f32], at: usize) -> Self {
        let values = row.get(at..).unwrap_or(&[]);
        if values.len() >= 8 {
            unsafe { _mm256_loadu_ps(values.as_ptr()) }
        } else if values.is_empty() {
            // A masked load from nowhere traps into microcode, for hundreds of cycles.
            Self::splat(0.0)
        } else {
            unsafe { _mm256_maskload_ps(values.as_ptr(), first_lanes(values.len())) }
        }
    }

    #[inline(always)]
    fn store(self, row: &mut [f32], at: usize) {
        let values = row.get_mut(at..).unwrap_or(&mut []);
        if values.len() >= 8 {
            unsafe { _mm256_storeu_ps(values.as_mut_ptr(), self) }
        } else {
            // In halves: a masked store of AVX takes many cycles on some processors.
            let (low, high) = unsafe { (_mm256_castps256_ps128(self), _mm256_extractf128_ps::<1>(self)) };
            low.store(values, 0);
            high.store(values, 4);
        }
    }

    #[inline(always)]
    fn columns(rows: &(impl RowsOfFour + ?Sized)) -> [Self; 4] {
        // Rows 0 and 4, 1 and 5, …: then each half by itself.
        unsafe {
            let a = _mm256_set_m128(row(rows, 4), row(rows, 0));
            let b = _mm256_set_m128(row(rows, 5), row(rows, 1));
            let c = _mm256_set_m128(row(rows, 6), row(rows, 2));
            let d = _mm256_set_m128(row(rows, 7), row(rows, 3));
            let ab_low = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
            let ab_high = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
            let cd_low = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
            let cd_high = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
            [
                _mm256_castpd_ps(_mm256_unpacklo_pd(ab_low, cd_low)),
                _mm256_castpd_ps(_mm256_unpackhi_pd(ab_low, cd_low)),
                _mm256_castpd_ps(_mm256_unpacklo_pd(ab_high, cd_high)),
                _mm256_castpd_ps(_mm256_unpackhi_pd(ab_high, cd_high)),
            ]
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        unsafe { _mm256_add_ps(self, other) }
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        unsafe { _mm256_sub_ps(self, other) }
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        unsafe { _mm256_mul_ps(self, other) }
    }

    #[inline(always)]
    fn fused(self, x: Self, w: Self) -> Self {
        unsafe { _mm256_fmadd_ps(x, w, self) }
    }
}

impl Vector for __m512 {
    const LANES: usize = 16;
    #[cfg(not(all(feature = "fma", not(target_feature = "fma"))))]
    type Short = __m128;
    // Vectors of four could not fuse by an instruction in this build.
    #[cfg(all(feature = "fma", not(target_feature = "fma")))]
    type Short = Self;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn load(row: &[f32], at: usize) -> Self {
        let values = row.get(at..).unwrap_or(&[]);
        if values.len() >= 16 {
            unsafe { _mm512_loadu_ps(values.as_ptr()) }
        } else if values.is_empty() {
            Self::splat(0.0)
        } else {
            unsafe { _mm512_maskz_loadu_ps((1 << values.len()) - 1, values.as_ptr()) }
        }
    }

    #[inline(always)]
    fn store(self, row: &mut [f32], at: usize) {
        let values = row.get_mut(at..).unwrap_or(&mut []);
        if values.len() >= 16 {
            unsafe { _mm512_storeu_ps(values.as_mut_ptr(), self) }
        } else {
            // In halves: a masked store that crosses a line of the cache takes many cycles on some processors.
            let (low, high) = unsafe {
                let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self));
                (_mm512_castps512_ps256(self), _mm256_castpd_ps(high))
            };
            low.store(values, 0);
            high.store(values, 8);
        }
    }

    #[inline(always)]
    fn columns(rows: &(impl RowsOfFour + ?Sized)) -> [Self; 4] {
        // Rows 0, 4, 8 and 12, …: then each quarter by itself.
        unsafe {
            let a = each_fourth(rows, 0);
            let b = each_fourth(rows, 1);
            let c = each_fourth(rows, 2);
            let d = each_fourth(rows, 3);
            let ab_low = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
            let ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
            let cd_low = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
            let cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
            [
                _mm512_castpd_ps(_mm512_unpacklo_pd(ab_low, cd_low)),
                _mm512_castpd_ps(_mm512_unpackhi_pd(ab_low, cd_low)),
                _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high)),
                _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high)),
            ]
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        unsafe { _mm512_add_ps(self, other) }
    }

    #[inline(always)]
    fn subtract(self, other: Self) -> Self {
        unsafe { _mm512_sub_ps(self, other) }
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        unsafe { _mm512_mul_ps(self, other) }
    }

    #[inline(always)]
    fn fused(self, x: Self, w: Self) -> Self {
        unsafe { _mm512_fmadd_ps(x, w, self) }
    }
}
