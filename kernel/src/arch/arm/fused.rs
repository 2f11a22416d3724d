//! The fused multiply-add by the FPU.

use core::arch::asm;

/// `x·w + sum`, rounded once.
#[inline(always)]
pub(crate) fn fused(x: f32, w: f32, sum: f32) -> f32 {
    let bits: u32;
    // The compiler takes no single-precision register as an operand on this target, so the values come and go through core registers.
    // SAFETY: the instructions touch only `bits` and `s13` to `s15`, all declared, and the exception flags of FPSCR, which are not said
    // to be preserved; no memory, no stack. `VFMA` exists wherever the hard-float ABI of an M core is used.
    unsafe {
        asm!(
            "vmov s13, {x}",
            "vmov s14, {w}",
            "vmov s15, {sum}",
            "vfma.f32 s15, s13, s14",
            "vmov {bits}, s15",
            x = in(reg) x.to_bits(),
            w = in(reg) w.to_bits(),
            sum = in(reg) sum.to_bits(),
            bits = lateout(reg) bits,
            out("s13") _,
            out("d7") _,
            options(pure, nomem, nostack),
        );
    }
    f32::from_bits(bits)
}
