//! Activations of a whole output, and whether values are finite.
//!
//! An activation can hide what it is given (ReLU of -∞ is 0, sigmoid of ∞ is 1), so its loop is the place to look. Infinities and NaN are
//! the bit patterns from `0x7f80_0000` on, sign aside; adding `0x0080_0000` carries exactly those into the top bit. Integers, so that the
//! loop vectorises and costs little without an FPU.

use crate::activation::Activation;
use crate::kernels::processor::no_unroll;
use crate::kernels::{Kernels, rules};

/// See [`Kernels::activate`].
#[inline(always)]
pub(in crate::kernels) fn activate<K: Kernels, A: Activation>(values: &mut [f32]) -> bool {
    if rules::is_identity::<A>() { K::all_finite(values) } else { activate_outlined::<A>(values) }
}

#[inline(never)] // one body per activation
fn activate_outlined<A: Activation>(values: &mut [f32]) -> bool {
    activate_in_a_loop::<A>(values)
}

/// The loop over the values, which the compiler makes vectors of where it may.
#[inline(always)]
pub(in crate::kernels) fn activate_in_a_loop<A: Activation>(values: &mut [f32]) -> bool {
    let mut seen = 0;
    for value in values {
        no_unroll();
        seen |= (value.to_bits() & 0x7fff_ffff).wrapping_add(0x0080_0000);
        *value = A::value(*value);
    }
    seen < 0x8000_0000
}

/// See [`Kernels::activation_backward`].
#[inline(always)]
pub(in crate::kernels) fn activation_backward<A: Activation>(gradients: &mut [f32], outputs: &[f32]) {
    if rules::is_identity::<A>() {
        return;
    }
    for (gradient, output) in gradients.iter_mut().zip(outputs) {
        no_unroll();
        *gradient = A::backward(*gradient, *output);
    }
}

/// See [`Kernels::all_finite`]. A constant length is worth inlining.
#[inline]
pub(in crate::kernels) fn all_finite(values: &[f32]) -> bool {
    let mut seen = 0;
    let (fours, rest) = values.as_chunks::<4>();
    for four in fours {
        no_unroll();
        seen |= bits_seen(four);
    }
    (seen | bits_seen(rest)) < 0x8000_0000
}

/// Has its top bit set if, and only if, one of the values is not finite.
#[inline(always)]
pub(in crate::kernels) fn bits_seen(values: &[f32]) -> u32 {
    let mut seen = 0;
    for value in values {
        seen |= (value.to_bits() & 0x7fff_ffff).wrapping_add(0x0080_0000);
    }
    seen
}
