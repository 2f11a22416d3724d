//! The body for processors without a square-root instruction that we use; compiled everywhere, so that tests can compare.
#![cfg_attr(not(test), allow(dead_code))] // unused where the processor has the instruction

/// Square root by `libm`'s correctly rounded routine.
#[inline]
pub(crate) fn sqrt(x: f32) -> f32 {
    libm::sqrtf(x)
}
