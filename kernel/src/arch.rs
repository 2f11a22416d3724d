//! The one place that knows a processor, and the only one with `unsafe`.
//!
//! A square root by the processor's instruction: IEEE 754 demands a correctly rounded one, so it has the bits of
//! [`portable::sqrt`]. For cores with a scalar FPU, the inner loops in assembly: each does the operations of the portable loop
//! in `loops` in the same order. Each of these functions says whether it did the work; where the processor has nothing of its own,
//! [`portable`] says no. And for larger processors the vectors that their loops are written in. Tests compare the bits of all.

pub(crate) mod portable;

pub(crate) use portable::transpose;

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
mod arm;
#[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
mod x86_64;

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
pub(crate) use arm::{
    HAS_LOOPS, adam, descend, descend_batch, descend_inner, forward, input_gradient, relu, relu_backward,
    weight_gradient,
};
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf")))]
pub(crate) use portable::{
    HAS_LOOPS, adam, descend, descend_batch, descend_inner, forward, input_gradient, relu, relu_backward,
    weight_gradient,
};

mod vector;

pub(crate) use vector::{Vector, WithSimd};

/// Whether the loops over vectors are used: 64-bit processors have them, the small ones seldom.
///
/// The target alone decides, whatever the build is for: a test runs the loops that users of its processor run. The tests have the
/// others made too, by `baregrad_vectors = "none"`.
pub(crate) const VECTORS: bool = cfg!(target_pointer_width = "64") && !cfg!(baregrad_vectors = "none");

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse")))]
pub(crate) use portable::dispatch;
#[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
pub(crate) use x86_64::dispatch;

/// A kind of vectors that can be had here, for tests: 0 is the portable one, the others are levels of x86-64.
#[cfg(test)]
pub(crate) fn kinds() -> core::ops::RangeInclusive<u8> {
    0..=if cfg!(all(target_arch = "x86_64", target_feature = "sse")) { 3 } else { 0 }
}

/// Does the work by a kind of vectors, for tests. Where the processor lacks them it takes shorter ones.
#[cfg(test)]
pub(crate) fn dispatch_to<W: WithSimd>(kind: u8, work: W) -> W::Output {
    match kind {
        0 => portable::dispatch(work),
        #[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
        level => x86_64::dispatch_at(level, work),
        #[cfg(not(all(target_arch = "x86_64", target_feature = "sse")))]
        _ => dispatch(work),
    }
}

#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
mod scalar;
#[cfg(not(any(target_arch = "arm", target_arch = "riscv32")))]
pub(crate) use portable::no_unroll;
#[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
pub(crate) use scalar::no_unroll;

#[cfg(all(target_arch = "riscv32", target_feature = "f"))]
mod riscv32;

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
use arm as this_cpu;
#[cfg(not(any(
    all(target_arch = "arm", target_abi = "eabihf"),
    all(target_arch = "riscv32", target_feature = "f"),
    all(target_arch = "x86_64", target_feature = "sse")
)))]
use portable as this_cpu;
#[cfg(all(target_arch = "riscv32", target_feature = "f"))]
use riscv32 as this_cpu;
#[cfg(all(target_arch = "x86_64", target_feature = "sse"))]
use x86_64 as this_cpu;

/// What [`Adam`](crate::Adam) remembers of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(C)] // as a loop in assembly wants it
pub struct Moments {
    /// `m`, the decaying mean of the gradient.
    pub first_moment: f32,
    /// `v`, the decaying mean of its square.
    pub second_moment: f32,
}

/// What all parameters share in one step of [`Adam`](crate::Adam).
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(C)] // as a loop in assembly wants it
pub struct AdamConstants {
    pub(crate) beta1: f32,
    pub(crate) one_minus_beta1: f32,
    pub(crate) beta2: f32,
    pub(crate) one_minus_beta2: f32,
    pub(crate) correction: f32,
    pub(crate) epsilon: f32,
    pub(crate) rate: f32,
}

/// Square root, `√x`.
///
/// # Order and rounding
/// Correctly rounded (IEEE 754), so every implementation gives the same bits.
///
/// # Special values
/// `√-0 = -0`, `√∞ = ∞`; NaN for NaN and for every `x < 0`. Never panics.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    this_cpu::sqrt(x)
}

#[cfg(test)]
mod tests {
    extern crate std; // for a root to compare with

    use super::{portable, sqrt, transpose};

    #[test]
    fn transpose_gives_the_columns() {
        let rows = core::array::from_fn(|row| core::array::from_fn(|column| (4 * row + column) as f32));
        let columns = core::array::from_fn(|column| core::array::from_fn(|row| (4 * row + column) as f32));
        assert_eq!(transpose(rows), columns);
        assert_eq!(portable::transpose(rows), columns);
    }

    #[test]
    fn chosen_sqrt_gives_the_bits_of_the_portable_one() {
        // A prime stride over all bit patterns: subnormals, normals, infinities, NaN, both signs.
        for bits in (0..=u32::MAX).step_by(if cfg!(miri) { 10_000_019 } else { 10_007 }) {
            let x = f32::from_bits(bits);
            // Miri can't run the assembly that libm has for x86-64.
            let (chosen, portable) = (sqrt(x), if cfg!(miri) { x.sqrt() } else { portable::sqrt(x) });
            assert!(
                chosen.to_bits() == portable.to_bits() || (chosen.is_nan() && portable.is_nan()),
                "√{x:e} ({bits:#010x}): {chosen:e} and {portable:e}"
            );
        }
    }
}
