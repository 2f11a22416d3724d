//! Checks what this processor computes against portable code: so far the square root.
//!
//! You will see how many values were compared, and "ok" or the first value that differs.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use defmt::{error, info};
use firmware_example::board;

#[entry]
fn main() -> ! {
    info!("selftest: square root of the FPU against integer arithmetic");
    let same = square_root_matches_portable_code();
    board::exit(same)
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
