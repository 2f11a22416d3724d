//! Activations of a whole output, and whether values are finite.
//!
//! An activation can hide what it is given (ReLU of -∞ is 0, sigmoid of ∞ is 1), so its loop is the place to look. Infinities and NaN are
//! the bit patterns from `0x7f80_0000` on, sign aside; adding `0x0080_0000` carries exactly those into the top bit. Integers, so that the
//! loop vectorises and costs little without an FPU.

use crate::activation::Activation;
use crate::kernels::processor::no_unroll;
use crate::kernels::rules;

/// See [`Kernels::activate_each`](crate::kernels::Kernels::activate_each).
#[inline(never)] // one body per activation
pub(in crate::kernels) fn activate_each<A: Activation>(values: &mut [f32]) -> bool {
    activate_in_a_loop::<A>(values)
}

/// The loop over the values, which the compiler makes vectors of where it may.
#[inline(always)]
pub(in crate::kernels) fn activate_in_a_loop<A: Activation>(values: &mut [f32]) -> bool {
    let mut seen = 0;
    for value in values {
        no_unroll();
        seen |= seen_of(*value);
        *value = A::value(*value);
    }
    are_finite(seen)
}

/// See [`Kernels::activation_backward`](crate::kernels::Kernels::activation_backward).
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

/// See [`Kernels::activation_gradients`](crate::kernels::Kernels::activation_gradients).
#[inline(always)]
pub(in crate::kernels) fn activation_gradients<A: Activation>(outputs: &mut [f32], gradients: &[f32]) {
    for (output, gradient) in outputs.iter_mut().zip(gradients) {
        no_unroll();
        *output = A::backward(*gradient, *output);
    }
}

/// See [`Kernels::all_finite`](crate::kernels::Kernels::all_finite). A constant length is worth inlining.
#[inline]
pub(in crate::kernels) fn all_finite(values: &[f32]) -> bool {
    let mut seen = 0;
    let (fours, rest) = values.as_chunks::<4>();
    for four in fours {
        no_unroll();
        seen |= bits_seen(four);
    }
    are_finite(seen | bits_seen(rest))
}

/// Has its top bit set if, and only if, one of the values is not finite.
#[inline(always)]
pub(in crate::kernels) fn bits_seen(values: &[f32]) -> u32 {
    let mut seen = 0;
    for value in values {
        seen |= seen_of(*value);
    }
    seen
}

#[inline(always)]
fn seen_of(value: f32) -> u32 {
    (value.to_bits() & 0x7fff_ffff).wrapping_add(0x0080_0000)
}

/// What [`bits_seen`] says of its values.
#[inline(always)]
pub(in crate::kernels) const fn are_finite(seen: u32) -> bool {
    seen < 0x8000_0000
}
