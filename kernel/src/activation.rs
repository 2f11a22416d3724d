//! Activations: a value, and a slope as a function of the *output*.
//!
//! Because every slope here can be had from the output, a layer never stores its pre-activations: the output is
//! enough for the backward pass. The activation is a type parameter of a layer (`Dense<4, 16, Relu>`), as Keras writes it.
//! A function whose slope can't be had from its output, because two inputs have the same output, is a layer without parameters instead:
//! [`HardSwish`](crate::HardSwish).
//!
//! | activation | value | known elsewhere as |
//! | --- | --- | --- |
//! | [`Identity`] | `z` | a layer without activation |
//! | [`Sigmoid`] | `1 / (1 + exp(-z))` | `Sigmoid` |
//! | [`Tanh`] | `tanh z` | `Tanh` |
//! | [`Relu`] | `max(z, 0)` | `ReLU` |
//! | [`LeakyRelu`] | `z`, or `α·z` below 0 | `LeakyReLU` |
//! | [`HardSigmoid`] | `z/6 + 1/2`, within 0 and 1 | `Hardsigmoid` |

mod hard_sigmoid;

pub use hard_sigmoid::HardSigmoid;

// `if` alone leaves the compiler free to branch on the data.
use core::hint::select_unpredictable as select;

use crate::fingerprint::Fingerprint;
use crate::scalar;

/// What is at the root of the crate too.
pub(crate) mod all {
    pub use super::hard_sigmoid::HardSigmoid;
    #[doc(inline)]
    pub use super::{Identity, LeakyRelu, Relu, Sigmoid, Tanh};
}

/// An activation function `a = g(z)`, applied to each output of a layer by itself.
pub trait Activation: 'static {
    /// The name that a summary prints.
    const NAME: &'static str;
    /// Tells activations apart in a checkpoint. One with settings in its type overrides this, to count them in.
    const FINGERPRINT: u32 = Fingerprint::of(Self::NAME).value();

    /// `g(z)`. Also called for zeros that fill up a vector and belong to nobody.
    fn value(z: f32) -> f32;

    /// `g'(z)`, written as a function of the output `a = g(z)`.
    fn slope(a: f32) -> f32;

    /// The gradient with respect to `z` from the gradient with respect to `a`: `gradient · g'(z)`, one product unless its own docs say
    /// otherwise.
    #[inline(always)]
    fn backward(gradient: f32, a: f32) -> f32 {
        gradient * Self::slope(a)
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
    fn backward(gradient: f32, _a: f32) -> f32 {
        // `gradient · 1` is `gradient`, bit for bit.
        gradient
    }
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
    fn backward(gradient: f32, a: f32) -> f32 {
        // 0 goes to the other end, and what is negative or NaN is above all else.
        let positive = a.to_bits().wrapping_sub(1) < f32::INFINITY.to_bits();
        f32::from_bits(select(positive, gradient.to_bits(), 0))
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
