//! `VSQRT.F32`.

use core::arch::asm;

/// Square root by `VSQRT.F32`: one instruction of 14 cycles on Cortex-M4F, whatever the value.
#[inline(always)]
pub(crate) fn sqrt(x: f32) -> f32 {
    let mut bits = x.to_bits();
    // The compiler takes no single-precision register as an operand on this target, so the value goes through a core
    // register and `s15` is declared as overwritten.
    // SAFETY: the three instructions touch only `bits` and `s15`, both declared, and the exception flags of FPSCR, which are not
    // said to be preserved; no memory, no stack. `VSQRT` exists wherever the hard-float ABI is used, which the `cfg` on this module demands.
    unsafe {
        asm!(
            "vmov s15, {bits}",
            "vsqrt.f32 s15, s15",
            "vmov {bits}, s15",
            bits = inout(reg) bits,
            out("s15") _,
            options(pure, nomem, nostack),
        );
    }
    f32::from_bits(bits)
}
