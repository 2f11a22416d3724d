//! ReLU and its slope.

use core::arch::asm;

use super::SMALL;

/// Four products with 0, which are NaN for infinities and NaN and else zeros, and their sums.
#[cfg_attr(baregrad_small, allow(unused_macros))]
macro_rules! see {
    () => {
        concat!(
            "vmul.f32 s4, s0, s12\nvmul.f32 s5, s1, s12\nvmul.f32 s6, s2, s12\nvmul.f32 s7, s3, s12\n",
            "vadd.f32 s8, s8, s4\nvadd.f32 s9, s9, s5\nvadd.f32 s10, s10, s6\nvadd.f32 s11, s11, s7\n",
        )
    };
}

/// What `see!` starts from, and how it ends.
macro_rules! see_nothing {
    () => {
        "vmov s12, {zero}\nvmov.f32 s8, s12\nvmov.f32 s9, s12\nvmov.f32 s10, s12\nvmov.f32 s11, s12\n"
    };
}
macro_rules! seen {
    () => {
        "vadd.f32 s8, s8, s9\nvadd.f32 s10, s10, s11\nvadd.f32 s8, s8, s10\nvmov {zero}, s8\n"
    };
}

/// `$z` to 0 where it is negative; -0 and NaN are not.
macro_rules! rectify {
    ($($z:literal)+) => {
        concat!($("vcmp.f32 ", $z, ", #0\nvmrs APSR_nzcv, fpscr\nit mi\nvmovmi.f32 ", $z, ", s12\n",)+)
    };
}

/// `$a` to 1 where it is positive, else to 0 (also where it is NaN).
macro_rules! slope {
    ($($a:literal)+) => {
        concat!($("vcmp.f32 ", $a, ", #0\nvmrs APSR_nzcv, fpscr\nite gt\nvmovgt.f32 ", $a, ", s13\nvmovle.f32 ", $a, ", s12\n",)+)
    };
}

/// ReLU in place; whether all values were finite. 10 cycles each.
#[inline(never)]
pub(crate) fn relu(values: &mut [f32]) -> Option<bool> {
    let seen: u32;
    // SAFETY: reads and writes `values`, in groups of four and then one by one. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            see_nothing!(),
            unrolled!(
                "{fours}",
                "vldmia {values}, {{s0-s3}}",
                see!(),
                rectify!("s0" "s1" "s2" "s3"),
                "vstmia {values}!, {{s0-s3}}"
            ),
            "cmp {rest}, #0",
            "beq 5f",
            "4:",
            "vldmia {values}, {{s0}}",
            "vmul.f32 s4, s0, s12",
            rectify!("s0"),
            "vadd.f32 s8, s8, s4",
            "vstmia {values}!, {{s0}}",
            "subs {rest}, #1",
            "bne 4b",
            "5:",
            seen!(),
            values = inout(reg) values.as_mut_ptr() => _,
            fours = inout(reg) values.len() / 4 => _,
            rest = inout(reg) if SMALL { values.len() } else { values.len() % 4 } => _,
            zero = inout(reg) 0_u32 => seen,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _,
            options(nostack),
        );
    }
    Some(!f32::from_bits(seen).is_nan())
}

/// `gradients[i]` times 1 where `outputs[i] > 0`, else times 0. 10 cycles each.
#[inline(never)]
pub(crate) fn relu_backward(gradients: &mut [f32], outputs: &[f32]) -> bool {
    let count = gradients.len().min(outputs.len());
    // SAFETY: reads `count` values at `outputs`, reads and writes as many at `gradients`, in groups of four and then one by one.
    // Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "vmov s12, {zero}",
            "vmov.f32 s13, #1.0",
            unrolled!(
                "{fours}",
                "vldmia {outputs}!, {{s0-s3}}",
                "vldmia {gradients}, {{s4-s7}}",
                slope!("s0" "s1" "s2" "s3"),
                "vmul.f32 s4, s4, s0\nvmul.f32 s5, s5, s1\nvmul.f32 s6, s6, s2\nvmul.f32 s7, s7, s3",
                "vstmia {gradients}!, {{s4-s7}}"
            ),
            "cmp {rest}, #0",
            "beq 5f",
            "4:",
            "vldmia {outputs}!, {{s0}}",
            "vldmia {gradients}, {{s4}}",
            slope!("s0"),
            "vmul.f32 s4, s4, s0",
            "vstmia {gradients}!, {{s4}}",
            "subs {rest}, #1",
            "bne 4b",
            "5:",
            outputs = inout(reg) outputs.as_ptr() => _,
            gradients = inout(reg) gradients.as_mut_ptr() => _,
            fours = inout(reg) count / 4 => _,
            rest = inout(reg) if SMALL { count } else { count % 4 } => _,
            zero = in(reg) 0_u32,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d6") _,
            options(nostack),
        );
    }
    true
}
