//! Checks what this processor computes: the float environment, and the square root against portable code.
//!
//! You will see that the float environment is found right, and that it is found wrong once it is set so; then how many
//! square roots were compared, and "ok" or the first value that differs.
#![no_std]
#![no_main]

use baregrad::FloatEnvironmentError::{self, FlushesSubnormals, RoundsOtherwise};
use baregrad::float_environment;
use cortex_m_rt::entry;
use defmt::{error, info};
use firmware_example::board;

#[entry]
fn main() -> ! {
    info!("selftest: float environment of the FPU, as it is after a reset and set otherwise");
    let reported = every_float_environment_is_reported();
    info!("selftest: square root of the FPU against integer arithmetic");
    let same = square_root_matches_portable_code();
    board::exit(reported && same)
}

/// Calls [`float_environment`] under every setting of FPSCR that changes a result.
fn every_float_environment_is_reported() -> bool {
    const FLUSH: u32 = 1 << 24;
    const UP: u32 = 1 << 22;
    const DOWN: u32 = 2 << 22;
    const TOWARDS_ZERO: u32 = 3 << 22;
    const SETTINGS: [(&str, u32, Result<(), FloatEnvironmentError>); 8] = [
        ("to nearest, keeps subnormals", 0, Ok(())),
        ("flushes subnormals", FLUSH, Err(FlushesSubnormals)),
        ("rounds up", UP, Err(RoundsOtherwise)),
        ("rounds down", DOWN, Err(RoundsOtherwise)),
        ("rounds towards zero", TOWARDS_ZERO, Err(RoundsOtherwise)),
        ("flushes and rounds up", FLUSH | UP, Err(FlushesSubnormals)),
        ("flushes and rounds towards zero", FLUSH | TOWARDS_ZERO, Err(FlushesSubnormals)),
        ("to nearest again", 0, Ok(())),
    ];

    let before = fpscr::read();
    for (name, bits, expected) in SETTINGS {
        fpscr::write(before | bits);
        let result = float_environment();
        fpscr::write(before);
        if result != expected {
            error!("float environment, {=str}: {}, expected {}", name, result, expected);
            return false;
        }
        info!("selftest: {=str}: {}", name, result);
    }
    true
}

/// The register that says how the FPU rounds; the `cortex-m` crate leaves it out.
mod fpscr {
    #![allow(unsafe_code, reason = "the register can be reached only by instructions of its own")]

    use core::arch::asm;

    pub(super) fn read() -> u32 {
        let value;
        // SAFETY: reads a register that this target has; touches no memory and no flags.
        unsafe { asm!("vmrs {}, fpscr", out(reg) value, options(nomem, nostack, preserves_flags)) };
        value
    }

    /// Rust assumes the default setting: between a write of another one and of the old one stands only
    /// [`float_environment`](baregrad::float_environment), which hides its operands from the compiler for this very purpose.
    pub(super) fn write(value: u32) {
        // SAFETY: writes a register that this target has; `value` comes from `read`, with only FZ and RMode changed. The
        // condition flags in it belong to comparisons of floats, and none is open across this call; without `nomem`, so
        // that what reads or writes memory stays on its side.
        unsafe { asm!("vmsr fpscr, {}", in(reg) value, options(nostack)) };
    }
}

/// Compares the library's square root, the `VSQRT` instruction here, with `libm`'s integer arithmetic.
fn square_root_matches_portable_code() -> bool {
    // IEEE 754 leaves no choice of bits for any of these: both zeros, the ends of the subnormal and the normal
    // numbers, infinities, a negative number, a quiet and a signalling NaN.
    let edges = [
        0x0000_0000,
        0x8000_0000,
        0x0000_0001,
        0x007f_ffff,
        0x0080_0000,
        0x3f7f_ffff,
        0x3f80_0000,
        0x3f80_0001,
        0x7f7f_ffff,
        0x7f80_0000,
        0xff80_0000,
        0xbf80_0000,
        0x7fc0_0000,
        0x7f80_0001,
    ];
    // Every non-negative number up to infinity in steps; the step is a prime, so that the low bits vary too.
    const STEP: usize = 21_391;
    let spread = (0..=f32::INFINITY.to_bits()).step_by(STEP);

    let mut compared = 0_u32;
    for bits in edges.into_iter().chain(spread) {
        let x = f32::from_bits(bits);
        let computed = baregrad::scalar::sqrt(x);
        let expected = libm::sqrtf(x);
        if !same_value(computed, expected) {
            error!(
                "sqrt of {=u32:#010x}: {=u32:#010x}, expected {=u32:#010x}",
                bits,
                computed.to_bits(),
                expected.to_bits()
            );
            return false;
        }
        compared += 1;
    }
    info!("selftest: {=u32} square roots have the same bits", compared);
    true
}

/// Equal bits, or both a NaN: its sign and payload mean nothing.
fn same_value(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}
