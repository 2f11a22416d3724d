//! Sums and means that keep their small terms: a number in two or three `f32`.
//!
//! A sum in one `f32` stands still when its terms fall below half a unit of its last place: a count at 2²⁴. Here the part that an addition rounds
//! off is computed exactly, and kept in a second `f32`. All bytes are 0 at the start, and nothing is fused.
//!
//! # Source
//! The exact error of a sum: D. E. Knuth, *The Art of Computer Programming*, volume 2, section 4.2.2, Theorem B. Sums and products of pairs:
//! T. J. Dekker, *A Floating-Point Technique for Extending the Available Precision*, 1971.

/// A sum: `high + low`, with 48 bits; `low` is at most half a unit of the last place of `high`.
///
/// An addition rounds by at most 2⁻⁴⁷ of the larger of the sums before and after it. So whole numbers are exact up to 2⁴⁸, and 2³² terms of one
/// sign are right to 2⁻¹⁵ in the worst case. Where the roundings go both ways, as they do for terms that vary, that is about 2⁻³¹.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Sum {
    pub(crate) high: f32,
    pub(crate) low: f32,
}

crate::state!(Sum { high: f32, low: f32 });

impl Sum {
    pub(crate) const ZERO: Self = Self { high: 0.0, low: 0.0 };

    /// The sum and one more term.
    pub(crate) fn plus(self, term: f32) -> Self {
        let (high, error) = two_sum(self.high, term);
        quick_sum(high, error + self.low)
    }

    /// The sum times a factor of at most 1.
    pub(crate) fn times(self, factor: f32) -> Self {
        let (high, error) = two_product(self.high, factor);
        quick_sum(high, error + self.low * factor)
    }

    pub(crate) const fn is_finite(self) -> bool {
        self.high.is_finite() && self.low.is_finite()
    }

    /// `base^exponent`, rounded; its relative error before that is at most `exponent · 2⁻⁴⁵`, while the powers do not fall below 2⁻¹⁰². One that is above 2¹¹⁵ may
    /// be NaN.
    ///
    /// Square and multiply, as [`power`](crate::scalar::power), in products of pairs.
    pub(crate) fn power(base: f32, exponent: u32) -> f32 {
        let (mut power, mut factor, mut rest) = (Self { high: 1.0, low: 0.0 }, Self { high: base, low: 0.0 }, exponent);
        while rest > 0 {
            if rest & 1 == 1 {
                power = power.multiplied(factor);
            }
            factor = factor.multiplied(factor);
            rest >>= 1;
        }
        power.high
    }

    fn multiplied(self, other: Self) -> Self {
        let (high, error) = two_product(self.high, other.high);
        quick_sum(high, error + (self.high * other.low + self.low * other.high))
    }
}

/// A mean: `high + middle + low`, where `high` is the mean rounded.
///
/// Its steps shrink as `1/n`. Three numbers keep them after 2³² values too, also of values whose deviation is a few units of their own last place:
/// then the steps lie below the 48 bits of two.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Mean {
    pub(crate) high: f32,
    pub(crate) middle: f32,
    pub(crate) low: f32,
}

crate::state!(Mean { high: f32, middle: f32, low: f32 });

impl Mean {
    pub(crate) const ZERO: Self = Self { high: 0.0, middle: 0.0, low: 0.0 };

    /// How far a value is above the mean.
    pub(crate) fn below(self, value: f32) -> f32 {
        ((value - self.high) - self.middle) - self.low
    }

    /// The mean with one more value, which is number `count`.
    pub(crate) fn with(self, value: f32, count: u64) -> Self {
        let (middle, error) = two_sum(self.middle, self.below(value) / count as f32);
        let (middle, low) = two_sum(middle, self.low + error);
        let (high, middle) = two_sum(self.high, middle);
        Self { high, middle, low }
    }

    pub(crate) const fn is_finite(self) -> bool {
        self.high.is_finite() && self.middle.is_finite() && self.low.is_finite()
    }
}

/// The rounded sum, and what the rounding took: together exactly `a + b`.
fn two_sum(a: f32, b: f32) -> (f32, f32) {
    let sum = a + b;
    let b_in_sum = sum - a;
    let a_in_sum = sum - b_in_sum;
    (sum, (a - a_in_sum) + (b - b_in_sum))
}

/// `high + low` as a pair, exactly, where `high` is 0 or not smaller than `low`.
///
/// A sum before had a low part of at most half a unit of its last place. Where a term cancels that sum, what is left is exact and a multiple of
/// half such a unit, so it is 0 or not smaller. Where it doesn't, `high` is far larger.
fn quick_sum(high: f32, low: f32) -> Sum {
    let sum = high + low;
    Sum { high: sum, low: low - (sum - high) }
}

/// The rounded product, and what the rounding took: together exactly `a · b`, if neither overflows nor falls below 2⁻¹⁰².
fn two_product(a: f32, b: f32) -> (f32, f32) {
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (halves(a), halves(b));
    (product, (((a_high * b_high - product) + a_high * b_low) + a_low * b_high) + a_low * b_low)
}

/// The upper and the lower 12 bits, whose products are exact.
fn halves(a: f32) -> (f32, f32) {
    let shifted = 4097.0 * a;
    let high = shifted - (shifted - a);
    (high, a - high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Floats of either sign and magnitudes from 2⁻²⁰ to 2²⁰, by a linear congruential generator.
    fn floats() -> impl Iterator<Item = f32> {
        let mut word = 1_u64;
        core::iter::repeat_with(move || {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f32::from_bits(((word >> 32) as u32 & 0x807F_FFFF) | ((107 + ((word >> 20) as u32) % 40) << 23))
        })
    }

    /// All of these have at most 2 · 24 + 40 significant bits, less than `f64` has in a few cases only, which the equality then would show.
    #[test]
    fn errors_of_sums_and_products_are_exact() {
        for (a, b) in floats().zip(floats().skip(1)).step_by(2).take(10_000) {
            let (product, error) = two_product(a, b);
            assert_eq!(product, a * b);
            // 48 bits: exact in f64.
            assert_eq!(f64::from(error), f64::from(a) * f64::from(b) - f64::from(product), "{a} {b}");
            let b = if b.abs() < a.abs() / 268_435_456.0 { a } else { b };
            let (sum, error) = two_sum(a, b);
            assert_eq!(f64::from(sum) + f64::from(error), f64::from(a) + f64::from(b), "{a} {b}");
        }
    }

    #[test]
    fn a_sum_keeps_terms_far_below_a_unit_of_its_last_place_and_48_bits_of_a_count() {
        let mut sum = Sum { high: 16_777_216.0, low: 0.0 };
        for _ in 0..1000 {
            sum = sum.plus(1.0 / 1024.0);
        }
        assert_eq!(f64::from(sum.high) + f64::from(sum.low), 16_777_216.0 + 1000.0 / 1024.0);
        let full = Sum { high: 281_474_976_710_656.0, low: -3.0 };
        assert_eq!(full.plus(1.0), Sum { high: 281_474_976_710_656.0, low: -2.0 });
    }

    /// Terms of either sign cancel to small sums, with a `low` that is as large as `high` allows.
    #[test]
    fn a_sum_stays_within_48_bits_of_f64_when_terms_cancel() {
        let (mut sum, mut exact, mut largest) = (Sum::ZERO, 0.0_f64, 0.0_f64);
        for (n, term) in (1..=10_000_u32).zip(floats()) {
            let term = if n % 7 == 0 { -sum.high } else { term };
            sum = sum.plus(term);
            exact += f64::from(term);
            largest = largest.max(exact.abs());
            let found = f64::from(sum.high) + f64::from(sum.low);
            assert!((found - exact).abs() <= f64::from(n) * largest / 140_737_488_355_328.0, "{n}: {found} {exact}");
            assert!(sum.low.abs() <= sum.high.abs() / 16_777_216.0, "{n}: {sum:?}");
        }
    }
}
