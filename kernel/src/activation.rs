//! Activations: a value, and a slope as a function of the *output*.
//!
//! Because every slope here can be had from the output, a layer never stores its pre-activations: the output is
//! enough for the backward pass. The activation is a type parameter of a layer (`Dense<4, 16, Relu>`), as Keras writes it.
//!
//! | activation | value | known elsewhere as |
//! | --- | --- | --- |
//! | [`Identity`] | `z` | a layer without activation |
//! | [`Sigmoid`] | `1 / (1 + exp(-z))` | `Sigmoid` |
//! | [`Tanh`] | `tanh z` | `Tanh` |
//! | [`Relu`] | `max(z, 0)` | `ReLU` |
//! | [`LeakyRelu`] | `z`, or `α·z` below 0 | `LeakyReLU` |

// `if` alone leaves the compiler free to branch on the data.
use core::hint::select_unpredictable as select;
use core::marker::PhantomData;

use crate::arch::{self, Vector, WithSimd};
use crate::fingerprint::Fingerprint;
use crate::scalar;

/// What is at the root of the crate too.
pub(crate) mod all {
    #[doc(inline)]
    pub use super::{Identity, LeakyRelu, Relu, Sigmoid, Tanh};
}

/// An activation function `a = g(z)`, applied to each output of a layer by itself.
pub trait Activation {
    /// The name that a summary prints.
    const NAME: &'static str;
    /// Tells activations apart in a checkpoint. One with settings in its type overrides this, to count them in.
    const FINGERPRINT: u32 = Fingerprint::of(Self::NAME).value();

    /// Whether [`through`](Self::through) selects: the gradient where `a > 0`, else `+0`; and no [`value`](Self::value) is `-0`. Some loops
    /// then do so on their way.
    const SELECTS: bool = false;

    /// `g(z)`. Also called for zeros that fill up a vector and belong to nobody.
    fn value(z: f32) -> f32;

    /// `g'(z)`, written as a function of the output `a = g(z)`.
    fn slope(a: f32) -> f32;

    /// The gradient with respect to `z` from the gradient with respect to `a`: `gradient · g'(z)`, one product unless its own docs say
    /// otherwise.
    #[inline(always)]
    fn through(gradient: f32, a: f32) -> f32 {
        gradient * Self::slope(a)
    }

    /// [`value`](Self::value) of each, in place; says whether all were finite before.
    ///
    /// Only an activation with a faster loop of the same bits has its own; for very few values it may not be called.
    fn values(z: &mut [f32]) -> bool {
        values_one_by_one::<Self>(z)
    }

    /// [`through`](Self::through) of each gradient and its output, in place.
    ///
    /// Only an activation with a faster loop of the same bits has its own.
    #[inline(always)]
    fn all_through(gradients: &mut [f32], outputs: &[f32]) {
        through_one_by_one::<Self>(gradients, outputs);
    }
}

/// [`Activation::values`] by [`Activation::value`].
///
/// An activation can hide what it is given (ReLU of -∞ is 0, sigmoid of ∞ is 1), so this is the place to look.
/// Infinities and NaN are the bit patterns from `0x7f80_0000` on, sign aside; adding `0x0080_0000` carries exactly
/// those into the top bit. Integers, so that the loop vectorises and costs little without an FPU.
#[inline(never)] // one body per activation
fn values_one_by_one<A: Activation + ?Sized>(z: &mut [f32]) -> bool {
    if arch::VECTORS { arch::dispatch(Values::<A>(z, PhantomData)) } else { values_in_a_loop::<A>(z) }
}

/// The loop over the values, which the compiler makes vectors of where it may.
#[inline(always)]
pub(crate) fn values_in_a_loop<A: Activation + ?Sized>(z: &mut [f32]) -> bool {
    let mut seen = 0;
    for value in z {
        arch::no_unroll();
        seen |= (value.to_bits() & 0x7fff_ffff).wrapping_add(0x0080_0000);
        *value = A::value(*value);
    }
    seen < 0x8000_0000
}

/// The same as work for the longest vectors there are.
struct Values<'a, A: ?Sized>(&'a mut [f32], PhantomData<A>);

impl<A: Activation + ?Sized> WithSimd for Values<'_, A> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<V: Vector>(self) -> bool {
        match const { V::LANES } {
            16 => values_by_chunks::<A, V, 16>(self.0),
            8 => values_by_chunks::<A, V, 8>(self.0),
            _ => values_by_chunks::<A, V, 4>(self.0),
        }
    }
}

/// As many values as a vector has at a time, and more than three that are left as a vector of their own, with zeros beyond them: the
/// compiler's loop would do them one by one.
#[inline(always)]
fn values_by_chunks<A: Activation + ?Sized, V: Vector, const N: usize>(z: &mut [f32]) -> bool {
    let whole = z.len() / N * N;
    let few = z.len() - whole;
    if few <= 3 {
        return values_in_a_loop::<A>(z);
    }
    let mut finite = true;
    for chunk in z.as_chunks_mut::<N>().0 {
        finite &= values_in_a_loop::<A>(chunk);
    }
    finite & values_of_last::<A, V, N>(z, whole)
}

/// Up to `N` values from `at` on, as one vector.
#[inline(always)]
fn values_of_last<A: Activation + ?Sized, V: Vector, const N: usize>(z: &mut [f32], at: usize) -> bool {
    let mut last = [0.0; N];
    V::load(z, at).store(&mut last, 0);
    let finite = values_in_a_loop::<A>(&mut last);
    V::load(&last, 0).store(z, at);
    finite
}

/// [`Activation::all_through`] by [`Activation::through`].
#[inline(always)]
fn through_one_by_one<A: Activation + ?Sized>(gradients: &mut [f32], outputs: &[f32]) {
    for (gradient, output) in gradients.iter_mut().zip(outputs) {
        arch::no_unroll();
        *gradient = A::through(*gradient, *output);
    }
}

/// Whether all values are finite, by the same integers as [`values_one_by_one`]. A constant length is worth inlining.
#[inline]
pub(crate) fn all_finite(values: &[f32]) -> bool {
    // Fewer would not pay for what a loop of vectors does before and after.
    if arch::VECTORS && values.len() >= 32 {
        return arch::dispatch(Finite(values));
    }
    let mut seen = 0;
    let (fours, rest) = values.as_chunks::<4>();
    for four in fours {
        arch::no_unroll();
        seen |= bits_seen(four);
    }
    (seen | bits_seen(rest)) < 0x8000_0000
}

/// Has its top bit set if, and only if, one of the values is not finite.
#[inline(always)]
fn bits_seen(values: &[f32]) -> u32 {
    let mut seen = 0;
    for value in values {
        seen |= (value.to_bits() & 0x7fff_ffff).wrapping_add(0x0080_0000);
    }
    seen
}

/// [`all_finite`] as work for the longest vectors there are.
struct Finite<'a>(&'a [f32]);

impl WithSimd for Finite<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<V: Vector>(self) -> bool {
        bits_seen(self.0) < 0x8000_0000
    }
}

/// `g(z) = z`: a layer without an activation. Its output, where a loss takes logits, are the logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Identity;

impl Activation for Identity {
    const NAME: &'static str = "identity";

    #[inline(always)]
    fn value(z: f32) -> f32 {
        z
    }

    #[inline(always)]
    fn slope(_a: f32) -> f32 {
        1.0
    }

    #[inline(always)]
    fn through(gradient: f32, _a: f32) -> f32 {
        // `gradient · 1` is `gradient`, bit for bit.
        gradient
    }

    #[inline(always)]
    fn values(z: &mut [f32]) -> bool {
        all_finite(z)
    }

    #[inline(always)]
    fn all_through(_gradients: &mut [f32], _outputs: &[f32]) {}
}

/// `g(z) = 1 / (1 + exp(-z))`, slope `a · (1 - a)` (the difference first); see [`scalar::sigmoid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sigmoid;

impl Activation for Sigmoid {
    const NAME: &'static str = "sigmoid";

    #[inline(always)]
    fn value(z: f32) -> f32 {
        scalar::sigmoid(z)
    }

    #[inline(always)]
    fn slope(a: f32) -> f32 {
        a * (1.0 - a)
    }
}

/// `g(z) = tanh z`, slope `1 - a·a` (the product first); see [`scalar::tanh`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tanh;

impl Activation for Tanh {
    const NAME: &'static str = "tanh";

    #[inline(always)]
    fn value(z: f32) -> f32 {
        scalar::tanh(z)
    }

    #[inline(always)]
    fn slope(a: f32) -> f32 {
        1.0 - a * a
    }
}

/// `g(z) = 0` for `z <= 0`, else `z`. Slope 1 for `a > 0`, else 0; so `g'(0) = 0`, as PyTorch.
///
/// # Order and rounding
/// Back through it a gradient passes as it is where `a > 0`, and is 0 elsewhere: selected, not multiplied, so no `-0` and no NaN comes of
/// a gradient that does not pass.
///
/// # Special values
/// NaN stays NaN. `-0` becomes 0, and so do gradients that do not pass: always `+0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Relu;

// Compares bit patterns: floats that are not negative order like integers. It is cheap without an FPU, and the finite check has loaded them
// already.
impl Activation for Relu {
    const NAME: &'static str = "ReLU";
    const SELECTS: bool = true;

    #[inline(always)]
    fn value(z: f32) -> f32 {
        // From -0 to -∞ these are the lowest integers; NaN of that sign are above.
        let negative = z.to_bits() as i32 <= f32::NEG_INFINITY.to_bits() as i32;
        f32::from_bits(select(negative, 0, z.to_bits()))
    }

    #[inline(always)]
    fn slope(a: f32) -> f32 {
        select(a > 0.0, 1.0, 0.0)
    }

    #[inline(always)]
    fn through(gradient: f32, a: f32) -> f32 {
        if cfg!(target_pointer_width = "64") {
            return select(a > 0.0, gradient, 0.0);
        }
        // The same by integers: 0 goes to the other end, and what is negative or NaN is above all else.
        let positive = a.to_bits().wrapping_sub(1) < f32::INFINITY.to_bits();
        f32::from_bits(select(positive, gradient.to_bits(), 0))
    }

    #[inline(always)]
    fn values(z: &mut [f32]) -> bool {
        if const { !arch::HAS_LOOPS } {
            return values_one_by_one::<Self>(z);
        }
        if arch::relu(z) {
            return true;
        }
        core::hint::cold_path();
        values_one_by_one::<Self>(z)
    }

    #[inline(always)]
    fn all_through(gradients: &mut [f32], outputs: &[f32]) {
        if !arch::relu_backward(gradients, outputs) {
            through_one_by_one::<Self>(gradients, outputs);
        }
    }
}

/// `g(z) = α·z` for `z < 0`, else `z`. Slope 1 for `a > 0`, else `α`; so `g'(0) = α`, as PyTorch.
///
/// `α` is `PER_MILLE / 1000`, rounded once to `f32`. Default 10, so `α = 0.01`: Maas, Hannun and Ng, *Rectifier
/// Nonlinearities Improve Neural Network Acoustic Models*, 2013, and PyTorch's `negative_slope`. A `PER_MILLE` of 0 would
/// hide the sign that the slope is read from and does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LeakyRelu<const PER_MILLE: u16 = 10>;

impl<const PER_MILLE: u16> LeakyRelu<PER_MILLE> {
    /// The slope for negative values, `α`.
    pub const ALPHA: f32 = {
        assert!(PER_MILLE > 0, "LeakyRelu needs a slope above 0: use Relu");
        PER_MILLE as f32 / 1000.0
    };
}

impl<const PER_MILLE: u16> Activation for LeakyRelu<PER_MILLE> {
    const NAME: &'static str = "leaky ReLU";
    const FINGERPRINT: u32 = Fingerprint::of(Self::NAME).number(PER_MILLE as usize).value();

    #[inline(always)]
    fn value(z: f32) -> f32 {
        select(z < 0.0, Self::ALPHA * z, z)
    }

    #[inline(always)]
    fn slope(a: f32) -> f32 {
        select(a > 0.0, 1.0, Self::ALPHA)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)] // A wrong index fails the test.
mod tests {
    use core::marker::PhantomData;

    use super::{Activation, Finite, Sigmoid, Values, all_finite};
    use crate::arch;

    /// A value that is not finite is seen wherever it is, in lengths on both sides of a vector, by each kind of vectors.
    #[test]
    fn all_finite_sees_every_place() {
        let mut values = [1.0_f32; 70];
        for (index, value) in values.iter_mut().enumerate() {
            // Everything that is nearly not finite.
            *value = [f32::MAX, f32::MIN, -0.0, f32::from_bits(1)][index % 4];
        }
        for length in (0..=values.len()).filter(|length| !cfg!(miri) || length % 9 == 7) {
            assert_finite(&values[..length], true);
            for place in 0..length {
                let sound = values[place];
                for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN] {
                    values[place] = bad;
                    assert_finite(&values[..length], false);
                }
                values[place] = sound;
            }
        }
    }

    fn assert_finite(values: &[f32], expected: bool) {
        assert_eq!(all_finite(values), expected, "{values:?}");
        for kind in arch::kinds() {
            assert_eq!(arch::dispatch_to(kind, Finite(values)), expected, "{values:?}");
        }
    }

    /// A slice of any length has the values of its single values, by each kind of vectors, and one that is not finite is seen everywhere.
    #[test]
    fn values_are_those_of_each() {
        let numbers: [f32; 40] = core::array::from_fn(|index| index as f32 * 0.7 - 9.0);
        for length in (0..=numbers.len()).filter(|length| !cfg!(miri) || length % 9 == 7) {
            assert_values(&numbers[..length], true);
            for place in 0..length {
                let mut unsound = numbers;
                unsound[place] = f32::INFINITY;
                assert_values(&unsound[..length], false);
            }
        }
    }

    fn assert_values(z: &[f32], finite: bool) {
        for kind in arch::kinds() {
            let mut values = [0.5; 41];
            let (inside, outside) = values.split_at_mut(z.len());
            inside.copy_from_slice(z);
            assert_eq!(arch::dispatch_to(kind, Values::<Sigmoid>(inside, PhantomData)), finite, "{z:?}");
            for (value, z) in inside.iter().zip(z) {
                assert_eq!(value.to_bits(), Sigmoid::value(*z).to_bits(), "{z} among {}", inside.len());
            }
            assert!(outside.iter().all(|value| *value == 0.5), "written beyond {}", z.len());
        }
    }
}
