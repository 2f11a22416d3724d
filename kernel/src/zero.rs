//! `Zero`: a `const` initial value for everything that a user places in a `static`.
//!
//! All storage of the library (weights, optimizer slots, workspace) is nested arrays of `f32` behind named structs.
//! Each has an all-zero value known when the program compiles, so that it lands in `.bss` and never passes
//! through the stack.

/// A type with an all-zero `const` value.
///
/// Every type of this library that is as large as a model, a batch or an optimizer state implements it.
pub trait Zero: Sized {
    /// The all-zero value.
    const ZERO: Self;
}

impl Zero for () {
    const ZERO: Self = ();
}

impl Zero for f32 {
    const ZERO: Self = 0.0;
}

impl Zero for u8 {
    const ZERO: Self = 0;
}

impl Zero for u16 {
    const ZERO: Self = 0;
}

impl Zero for u32 {
    const ZERO: Self = 0;
}

impl Zero for usize {
    const ZERO: Self = 0;
}

impl<T: Zero, const N: usize> Zero for [T; N] {
    const ZERO: Self = [const { T::ZERO }; N];
}
