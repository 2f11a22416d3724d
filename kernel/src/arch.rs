//! The one place that knows a processor: a square root by the instruction that the processor has.
//!
//! IEEE 754 demands a correctly rounded square root, so the instruction and [`portable::sqrt`] give the same bits; tests
//! compare them. Everything else in the library is portable code.

pub(crate) mod portable;

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
mod arm;
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
use arm as chosen;

#[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
mod x86_64;
#[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
use x86_64 as chosen;

#[cfg(not(any(
    all(target_arch = "arm", target_abi = "eabihf"),
    all(target_arch = "x86_64", target_feature = "sse")
)))]
use portable as chosen;

/// Square root, `√x`.
///
/// # Order and rounding
/// Correctly rounded (IEEE 754), so every implementation gives the same bits.
///
/// # Special values
/// `√-0 = -0`, `√∞ = ∞`; NaN for NaN and for every `x < 0`. Never panics.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    chosen::sqrt(x)
}

#[cfg(test)]
mod tests {
    use super::{portable, sqrt};

    #[test]
    fn chosen_sqrt_gives_the_bits_of_the_portable_one() {
        // A prime stride over all bit patterns: subnormals, normals, infinities, NaN, both signs.
        for bits in (0..=u32::MAX).step_by(10_007) {
            let x = f32::from_bits(bits);
            let (chosen, portable) = (sqrt(x), portable::sqrt(x));
            assert!(
                chosen.to_bits() == portable.to_bits() || (chosen.is_nan() && portable.is_nan()),
                "√{x:e} ({bits:#010x}): {chosen:e} and {portable:e}"
            );
        }
    }
}
