//! `exp`, `tanh`, `sigmoid`, `ln`, `ln_1p`, `sqrt` and whole powers for f32: the same bits on every processor.
//!
//! Each is one fixed sequence of single-precision `+ - * /` (rounded to nearest, nothing fused), selects and integer
//! operations on the bits: no table, no loop, no branch on the data, so the time doesn't depend on the data where the
//! processor has an FPU, and a loop over a slice becomes vector code with the same bits ([`power`] loops over its exponent). Subnormals are kept, NaN gives
//! NaN (which NaN is not promised), nothing panics. Where a formula below has no parentheses, products come before sums and
//! equal operators run from left to right. `sqrt` is correctly rounded, on x86-64 and on
//! Arm with the hard-float ABI by the processor's instruction.
//!
//! | function | largest error in ULP | at | never decreases |
//! | --- | --- | --- | --- |
//! | [`exp`] | 0.996 | 5.198859 = `0x40a65d0e` | yes |
//! | [`tanh`] | 1.332 | -0.6310442 = `0xbf218c1d` | yes |
//! | [`sigmoid`] | 1.889 | -1.1176914 = `0xbf8f1083` | yes |
//! | [`ln`] | 0.958 | 1.4052736 = `0x3fb3e001` | yes |
//! | [`ln_1p`] | 2.501 | 0.01562482 = `0x3c7fff3f` | no, by at most 2.000 ULP |
//!
//! Measured at all 2³² inputs ([`ln_1p`]: all from 0 to 1) against the double-precision functions of `libm` 0.2, which are not
//! correctly rounded themselves, but whose error is below 0.00001 of these units; rounded up. The unit (ULP) is the spacing of
//! the f32 numbers at the true value. "Never decreases" was checked for every pair of neighbouring inputs.

use core::f32::consts::LOG2_E;
// `if` alone leaves LLVM free to branch, and it did (tanh on Cortex-M4F).
use core::hint::select_unpredictable as select;

pub use crate::kernels::sqrt;

/// ln 2 in 15 bits: its product with a whole number of up to 9 bits is exact.
const LN_2_HIGH: f32 = 0.693_145_75;
/// What [`LN_2_HIGH`] leaves of ln 2.
const LN_2_LOW: f32 = 1.428_606_8e-6;

/// 1.5 · 2²³: a sum with it has no room for a fraction, so the addition rounds to a whole number `n` (ties to even), which
/// then stands in the low bits of the sum.
const ROUND: f32 = 12_582_912.0;
/// With the exponent bias of f32 on top, so that the low bits are those of the exponent field of 2ⁿ.
const ROUND_WITH_BIAS: f32 = ROUND + 127.0;
/// With twice the bias on top: `n` is to be split into the exponents of two powers of two.
const ROUND_WITH_TWO_BIASES: f32 = ROUND + 254.0;

/// Every `x` from here down gives `exp(x) = 0` (the first one is -103.972084).
const EXP_IS_ZERO: f32 = -104.0;
/// Every `x` from here up gives `exp(x) = ∞` (the first one is 88.72284).
const EXP_IS_INFINITE: f32 = 89.0;
/// Every `x` from here up gives `tanh(x) = 1` (the first one is 9.010914).
const TANH_IS_ONE: f32 = 10.0;

/// `exp(r) - 1` for the `r` in `x = n·ln 2 + r`, |r| ≤ 0.347, and the bits of `n + round`.
#[inline(always)]
fn reduced_expm1(x: f32, round: f32) -> (f32, u32) {
    let shifted = x * LOG2_E + round;
    let n = shifted - round;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let r2 = r * r;
    // Pairs rather than Horner's chain: an operation seldom waits for the one before it.
    let q = (0.5 + 0.166_665_17 * r) + r2 * ((0.041_667_648 + 0.008_368_536 * r) + r2 * 0.001_382_134_2);
    (r + r2 * q, shifted.to_bits())
}

/// `exp(x)` for `EXP_IS_ZERO <= x <= EXP_IS_INFINITE`, and for NaN.
#[inline(always)]
fn exp_in_range(x: f32) -> f32 {
    let (expm1_r, biased) = reduced_expm1(x, ROUND_WITH_TWO_BIASES);
    // 2ⁿ itself may be no f32 (n from -150 to 128). The first product is exact, so the result is rounded once.
    let half = biased >> 1;
    let first = f32::from_bits(half << 23);
    let second = f32::from_bits(biased.wrapping_sub(half) << 23);
    (1.0 + expm1_r) * first * second
}

/// The exponential function, `eˣ`.
///
/// # Order and rounding
/// `x` is first clamped to `-104 ..= 89`. Then
///
/// ```text
/// n = (x·LOG2_E + 12582912) - 12582912                 the whole number next to x/ln 2, ties to even
/// r = (x - n·LN_2_HIGH) - n·LN_2_LOW
/// q = (c0 + c1·r) + r²·((c2 + c3·r) + r²·c4)            r² = r·r, rounded
/// m = 1 + (r + r²·q)
/// exp(x) = m · 2^floor(n/2) · 2^(n - floor(n/2))        from left to right; the first product is exact
/// ```
///
/// (The code adds 254 to 12582912, which changes no rounding.) The constants are in the source.
///
/// # Special values
/// `exp(±0) = 1`, `exp(-∞) = +0`, `exp(∞) = ∞`, NaN for NaN. Exactly the inputs whose correctly rounded result is `∞`
/// or `0` give it: from 88.72284 up, and from -103.972084 down. Subnormal results are not flushed. Never panics.
///
/// # Accuracy
/// Within 0.996 ULP on all inputs (worst: 5.198859), and it never decreases.
///
/// # Source
/// Reduction with a two-part ln 2 after Cody and Waite, Software Manual for the Elementary Functions, 1980; the two parts
/// are those of FreeBSD's `e_expf.c`. The polynomial is our own fit (minimax, then a search among the neighbouring f32
/// coefficients for the smallest error as computed).
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Both comparisons are false for NaN, which passes.
    let x = select(x > EXP_IS_INFINITE, EXP_IS_INFINITE, x);
    let x = select(x < EXP_IS_ZERO, EXP_IS_ZERO, x);
    exp_in_range(x)
}

/// [`exp`] of an `x` that is at most 0, or NaN.
#[inline(always)]
pub(crate) fn exp_of_at_most_0(x: f32) -> f32 {
    // False for NaN, which passes.
    exp_in_range(select(x < EXP_IS_ZERO, EXP_IS_ZERO, x))
}

/// The hyperbolic tangent, `(eˣ - e⁻ˣ) / (eˣ + e⁻ˣ)`.
///
/// # Order and rounding
/// With `a = |x|`, for `a < 0.625`:
///
/// ```text
/// z = a·a
/// p = (c0 + c1·z) + z²·((c2 + c3·z) + z²·c4)            z² = z·z, rounded
/// tanh(a) = a + (a·z)·p
/// ```
///
/// otherwise, with `a` first clamped to at most 10, and `r`, `q`, `n` of [`exp`] for the argument `a + a`:
///
/// ```text
/// e = (1 + (r + r²·q)) · 2ⁿ
/// tanh(a) = 1 - 2 / (e + 1)
/// ```
///
/// Both are computed, one is selected; then `x` gives its sign. The constants are in the source.
///
/// # Special values
/// `tanh(±0) = ±0`, `tanh(±∞) = ±1`, NaN for NaN; odd, bit for bit; exactly ±1 for the same inputs as the correctly
/// rounded function (from ±9.010914 on). A subnormal is its own tanh. Never panics.
///
/// # Accuracy
/// Within 1.332 ULP on all inputs (worst: -0.6310442), and it never decreases.
///
/// # Source
/// The two cases are those of Cody and Waite, Software Manual for the Elementary Functions, 1980 (the border is ours). The
/// polynomial is our own minimax fit of `(tanh(a) - a) / a³` on `0 ..= 0.625`, within 0.08 · 2⁻²⁴ of tanh, relatively.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let a = f32::from_bits(x.to_bits() & 0x7fff_ffff);

    let z = a * a;
    let z2 = z * z;
    let p = (-0.333_332_8 + 0.133_314_06 * z) + z2 * ((-0.053_736_515 + 0.020_628_167 * z) + z2 * -0.005_692_296);
    let small = a + (a * z) * p;

    let clamped = select(a > TANH_IS_ONE, TANH_IS_ONE, a);
    let (expm1_r, biased) = reduced_expm1(clamped + clamped, ROUND_WITH_BIAS);
    let e = (1.0 + expm1_r) * f32::from_bits(biased << 23);
    let large = 1.0 - 2.0 / (e + 1.0);

    // NaN takes the large side, which is NaN.
    let magnitude = select(a < 0.625, small, large);
    f32::from_bits(magnitude.to_bits() | (x.to_bits() & 0x8000_0000))
}

/// The logistic function, `1 / (1 + e⁻ˣ)`.
///
/// # Order and rounding
/// With `e` = [`exp`]`(-|x|)`:
///
/// ```text
/// x >= 0 (and ±0):    sigmoid(x) = 1 / (1 + e)
/// -0.625 <= x < 0:    s = e / (1 + e),  sigmoid(x) = s
/// x < -0.625:         s = e / (1 + e),  sigmoid(x) = e - e·s
/// ```
///
/// All are computed, with one division, and one is selected. Without rounding `e - e·s` is `s`. It is the more accurate
/// one where `e` is small, and doesn't decrease there, which `s` does below -0.69; next to 0 it is the other way round.
///
/// # Special values
/// `sigmoid(±0) = 0.5`, `sigmoid(-∞) = +0`, `sigmoid(∞) = 1`, NaN for NaN. Very negative `x` give accurate small results
/// down to the subnormal ones, and `+0` from -103.972084 down, as the correctly rounded function. Exactly 1 from
/// 16.635532 up (correctly rounded: 17.32868). Never panics.
///
/// # Accuracy
/// Within 1.889 ULP on all inputs (worst: -1.1176914), and it never decreases.
///
/// # Source
/// The choice between `1 / (1 + e)` and `e / (1 + e)` is the usual one against overflow; the correction is ours.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let minus_magnitude = f32::from_bits(x.to_bits() | 0x8000_0000);
    let e = exp_of_at_most_0(minus_magnitude);
    let s = select(x < 0.0, e, 1.0) / (1.0 + e);
    select(x < -0.625, e - e * s, s)
}

/// The bits of √½, the smallest `m` that [`ln`] splits off.
const SQRT_HALF_BITS: u32 = 0x3f35_04f3;

/// The natural logarithm, `ln x`.
///
/// # Order and rounding
/// `x = 2ⁿ · m` with `√½ <= m < √2`, exact (a subnormal `x` is multiplied by 2²³ first); then
///
/// ```text
/// f = m - 1                                             exact
/// q = ((c0 + c1·f) + f²·(c2 + c3·f))
///   + f⁴·(((c4 + c5·f) + f²·(c6 + c7·f)) + f⁴·c8)       f² = f·f, f⁴ = f²·f², rounded
/// ln(x) = n·LN_2_HIGH + (f + (f²·q + n·LN_2_LOW))
/// ```
///
/// The border `√½` is the f32 with the bits `0x3f3504f3`. The constants are in the source.
///
/// # Special values
/// `ln(1) = +0`, `ln(±0) = -∞`, `ln(∞) = ∞`, NaN for NaN and for every `x < 0`. Never panics.
///
/// # Accuracy
/// Within 0.958 ULP on all inputs (worst: 1.4052736), and it never decreases.
///
/// # Source
/// The split of `x` and the way `n · ln 2` is added are those of FreeBSD's `e_logf.c`, the two-part ln 2 is that of [`exp`].
/// The polynomial in place of its division is our own fit (as for [`exp`]).
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let normal = select(subnormal, x * 8_388_608.0, x);
    // Counted from √½ the exponent field steps where m does.
    let from_sqrt_half = normal.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let n = (from_sqrt_half as i32 >> 23) as f32 - select(subnormal, 23.0, 0.0);
    let f = f32::from_bits((from_sqrt_half & 0x007f_ffff).wrapping_add(SQRT_HALF_BITS)) - 1.0;

    let f2 = f * f;
    let f4 = f2 * f2;
    let q = ((-0.499_999_88 + 0.333_333_16 * f) + f2 * (-0.250_016_24 + 0.200_021_85 * f))
        + f4 * (((-0.166_085_7 + 0.141_806_14 * f) + f2 * (-0.132_468_09 + 0.128_988 * f)) + f4 * -0.075_899_77);
    let finite = n * LN_2_HIGH + (f + (f2 * q + n * LN_2_LOW));

    // What came out for zero, negative numbers, infinity and NaN is meaningless.
    let up_to_infinity = select(x < f32::INFINITY, finite, x);
    let or_nan = select(x < 0.0, f32::NAN, up_to_infinity);
    select(x == 0.0, f32::NEG_INFINITY, or_nan)
}

/// `ln(1 + e)` for `e` in `[0, 1]`, accurate also where `1 + e` rounds to 1.
///
/// # Order and rounding
/// `u = 1 + e`; the result is `e` where `u = 1`, else `ln(u)·(e / (u - 1))`: the last factor makes up for what `u` lost by
/// rounding. Both are computed, one is selected.
///
/// # Special values
/// `ln_1p(±0) = ±0`, NaN for NaN. Outside `[0, 1]` nothing is promised. Never panics.
///
/// # Accuracy
/// Within 2.501 ULP for `e` in `[0, 1]` (worst: 0.01562482). The two rounded factors make it step down here and there, by at
/// most 2 ULP.
///
/// # Source
/// Goldberg, *What Every Computer Scientist Should Know About Floating-Point Arithmetic*, 1991, Theorem 4.
#[inline(always)]
pub fn ln_1p(e: f32) -> f32 {
    let u = 1.0 + e;
    let accurate = ln(u) * (e / (u - 1.0));
    select(u == 1.0, e, accurate)
}

/// `base^exponent` by multiplications alone, for a whole exponent.
///
/// # Order and rounding
/// Square and multiply: the power starts as 1, the factor as `base`; for each bit of the exponent from the lowest, where the bit
/// is set the power is multiplied by the factor, and the factor is squared for the next. So `base²` and `base³ = base·base²`
/// are the products one would write. The loop is over the bits of the exponent, not over data.
///
/// # Special values
/// `base⁰ = 1` for any `base`, also for NaN; otherwise NaN for NaN. Overflow and underflow as the products have them. Never
/// panics.
///
/// # Accuracy
/// The relative error is at most about `exponent · 2⁻²⁴`.
pub fn power(base: f32, exponent: u32) -> f32 {
    let (mut power, mut factor, mut rest) = (1.0, base, exponent);
    while rest > 0 {
        if rest & 1 == 1 {
            power *= factor;
        }
        factor *= factor;
        rest >>= 1;
    }
    power
}
