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

macro_rules! number {
    ($($number:ident)*) => { $(
        impl Zero for $number {
            const ZERO: Self = 0 as Self;
        }
    )* };
}

number!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 f32 f64);

/// `false`, whose byte is 0.
impl Zero for bool {
    const ZERO: Self = false;
}

impl<T: Zero, const N: usize> Zero for [T; N] {
    const ZERO: Self = [const { T::ZERO }; N];
}
