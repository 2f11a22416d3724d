//! Which processor this is: the only file that asks. (How long the vectors of an x86-64 are, its own file asks.)
//!
//! The target alone decides, whatever the build is for, so a test runs the loops that users of its processor run. With
//! `--cfg baregrad_vectors="none"` a 64-bit processor takes the portable loops; package `portable` tests them so.

/// What the compiler has to put floats into.
#[allow(dead_code)] // each processor has one of them
enum Floats {
    /// No FPU.
    Calls,
    /// An FPU without vectors.
    Scalars,
    /// Vectors.
    Vectors,
}

core::cfg_select! {
    // Cortex-M4F, M7, M33 and later, and all else of Arm behind the hard-float ABI.
    all(target_arch = "arm", target_abi = "eabihf") => {
        mod cortex_m;
        pub(crate) use cortex_m::CortexM as ThisCpu;
        use cortex_m::sqrt as root;
        const FLOATS: Floats = Floats::Scalars;
    }
    all(target_arch = "riscv32", target_feature = "f") => {
        mod riscv32;
        pub(crate) use super::portable::Portable as ThisCpu;
        use riscv32::sqrt as root;
        const FLOATS: Floats = Floats::Scalars;
    }
    any(target_arch = "arm", target_arch = "riscv32") => {
        pub(crate) use super::portable::Portable as ThisCpu;
        use super::portable::sqrt as root;
        const FLOATS: Floats = Floats::Calls;
    }
    all(target_arch = "x86_64", target_feature = "sse2", not(baregrad_vectors = "none")) => {
        mod x86_64;
        pub(crate) type ThisCpu = super::vector::Vectors<x86_64::Fastest>;
        use x86_64::sqrt as root;
        const FLOATS: Floats = Floats::Vectors;
    }
    all(target_pointer_width = "64", not(baregrad_vectors = "none")) => {
        pub(crate) type ThisCpu = super::vector::Vectors<super::vector::Arrays>;
        use super::portable::sqrt as root;
        const FLOATS: Floats = Floats::Vectors;
    }
    _ => {
        pub(crate) use super::portable::Portable as ThisCpu;
        use super::portable::sqrt as root;
        const FLOATS: Floats = Floats::Vectors;
    }
}

core::cfg_select! {
    any(target_arch = "arm", target_arch = "riscv32") => {
        mod scalar;
        pub(super) use scalar::no_unroll;
    }
    _ => {
        /// With vectors LLVM may unroll and vectorise.
        #[inline(always)]
        pub(super) fn no_unroll() {}
    }
}

/// Without vectors a loop over values is as fast as a tile of them, and much smaller.
pub(super) const SCALAR: bool = !matches!(FLOATS, Floats::Vectors);

/// Without an FPU each operation is a call, and nothing is gained by doing several side by side.
pub(super) const SOFT_FLOAT: bool = matches!(FLOATS, Floats::Calls);

/// A processor with 64 bits has registers for more sums.
pub(super) const IS_64_BIT: bool = cfg!(target_pointer_width = "64");

/// Square root, `√x`.
///
/// # Order and rounding
/// Correctly rounded (IEEE 754), so every implementation gives the same bits.
///
/// # Special values
/// `√-0 = -0`, `√∞ = ∞`; NaN for NaN and for every `x < 0`. Never panics.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    root(x)
}

/// Does something with each kind of kernels that can be had here. Where the processor lacks some vectors they are shorter ones.
#[cfg(test)]
pub(super) fn each_kind(check: &impl super::tests::Check) {
    check.run::<super::portable::Portable>();
    check.run::<super::vector::Vectors<super::vector::Arrays>>();
    core::cfg_select! {
        all(target_arch = "x86_64", target_feature = "sse2", not(baregrad_vectors = "none")) => {
            check.run::<super::vector::Vectors<x86_64::Level<1>>>();
            check.run::<super::vector::Vectors<x86_64::Level<2>>>();
            check.run::<super::vector::Vectors<x86_64::Level<3>>>();
        }
        _ => check.run::<ThisCpu>(),
    }
}
