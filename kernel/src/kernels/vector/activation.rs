//! Activations of a whole output, and whether values are finite, by vectors.
//!
//! The compiler makes vectors of the portable loops, once for each kind of them.

use core::marker::PhantomData;

use super::{Vector, WithSimd};
use crate::activation::Activation;
use crate::kernels::portable::{activate_in_a_loop, are_finite, bits_seen};

/// See [`Kernels::activate_each`](crate::kernels::Kernels::activate_each).
pub(super) struct Activate<'a, A>(pub(super) &'a mut [f32], pub(super) PhantomData<A>);

impl<A: Activation> WithSimd for Activate<'_, A> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<V: Vector>(self) -> bool {
        match const { V::LANES } {
            16 => by_chunks::<A, V, 16>(self.0),
            8 => by_chunks::<A, V, 8>(self.0),
            _ => by_chunks::<A, V, 4>(self.0),
        }
    }
}

/// As many values as a vector has at a time, and more than three that are left as a vector of their own, with zeros beyond them: the
/// compiler's loop would do them one by one.
#[inline(always)]
fn by_chunks<A: Activation, V: Vector, const N: usize>(values: &mut [f32]) -> bool {
    let whole = values.len() / N * N;
    if values.len() - whole <= 3 {
        return activate_in_a_loop::<A>(values);
    }
    let mut finite = true;
    for chunk in values.as_chunks_mut::<N>().0 {
        finite &= activate_in_a_loop::<A>(chunk);
    }
    let mut last = [0.0; N];
    V::load(values, whole).store(&mut last, 0);
    finite &= activate_in_a_loop::<A>(&mut last);
    V::load(&last, 0).store(values, whole);
    finite
}

/// See [`Kernels::all_finite`](crate::kernels::Kernels::all_finite).
pub(super) struct AllFinite<'a>(pub(super) &'a [f32]);

impl WithSimd for AllFinite<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<V: Vector>(self) -> bool {
        are_finite(bits_seen(self.0))
    }
}
