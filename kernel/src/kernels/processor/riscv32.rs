//! RISC-V with single-precision registers: what the F extension has in one instruction.
#![allow(unsafe_code)]

use core::arch::asm;

/// Square root by `FSQRT.S`.
#[inline(always)]
pub(crate) fn sqrt(x: f32) -> f32 {
    let root;
    // SAFETY: one instruction on registers; it touches only exception flags, which are not said to be preserved.
    unsafe { asm!("fsqrt.s {root}, {x}", root = lateout(freg) root, x = in(freg) x, options(pure, nomem, nostack)) };
    root
}
