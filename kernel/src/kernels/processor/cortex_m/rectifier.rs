//! ReLU and its slope, on integers: VCMP needs an extra VMRS to reach the flags, and the sign bit is free.

use core::arch::asm;

use super::SMALL;

/// `$x` to 0 where its sign says so; ends at once where its exponent is all ones, as those of infinities and NaN are, and only theirs.
///
/// `bound` is `0x0100_0000`: without its sign, such a value carries when `bound` is added.
macro_rules! rectify {
    ($($x:literal)+) => {
        concat!($("cmn {bound}, ", $x, ", lsl #1\nbcs 6f\nbic ", $x, ", ", $x, ", ", $x, ", asr #31\n",)+)
    };
}

/// `$g` to 0 unless `$a` is positive: as an integer, less 1, it is then not negative.
macro_rules! mask {
    ($($g:literal $a:literal)+) => {
        concat!($("sub ", $a, ", ", $a, ", #1\nbic ", $g, ", ", $g, ", ", $a, ", asr #31\n",)+)
    };
}

/// Four values, and four gradients by four outputs.
#[cfg_attr(baregrad_small, allow(unused_macros))]
macro_rules! rectify_four {
    () => {
        concat!("ldmia {values}, {{r2, r3, r12, lr}}\n", rectify!("r2" "r3" "r12" "lr"), "stmia {values}!, {{r2, r3, r12, lr}}")
    };
}
#[cfg_attr(baregrad_small, allow(unused_macros))]
macro_rules! mask_four {
    () => {
        concat!(
            "ldmia {outputs}!, {{r2, r3, r12, lr}}\nldmia {gradients}, {{r4, r5, r8, r10}}\n",
            mask!("r4" "r2" "r5" "r3" "r8" "r12" "r10" "lr"),
            "stmia {gradients}!, {{r4, r5, r8, r10}}"
        )
    };
}

#[cfg_attr(baregrad_small, allow(unused_macros))]
macro_rules! select_four {
    () => {
        concat!(
            "ldmia {outputs}, {{r2, r3, r12, lr}}\nldmia {gradients}!, {{r4, r5, r8, r10}}\n",
            mask!("r4" "r2" "r5" "r3" "r8" "r12" "r10" "lr"),
            "stmia {outputs}!, {{r4, r5, r8, r10}}"
        )
    };
}

/// ReLU in place, 6 cycles a value. If one is not finite this gives up and says so: the values that it has changed are then as far as ReLU
/// takes them, so that another body may begin anew.
#[cfg_attr(baregrad_small, inline(never))]
#[cfg_attr(not(baregrad_small), inline(always))]
pub(super) fn relu(values: &mut [f32]) -> bool {
    let (eights, rest): (usize, usize);
    // SAFETY: reads and writes `values`, in groups of eight and then one by one, and leaves early at most. Everything overwritten is
    // declared; no stack.
    unsafe {
        asm!(
            unrolled!("{eights}", rectify_four!(), rectify_four!()),
            "cmp {rest}, #0",
            "beq 6f",
            "4:",
            "ldr r2, [{values}]",
            rectify!("r2"),
            "str r2, [{values}], #4",
            "subs {rest}, #1",
            "bne 4b",
            "6:",
            values = inout(reg) values.as_mut_ptr() => _,
            eights = inout(reg) values.len() / 8 => eights,
            rest = inout(reg) if SMALL { values.len() } else { values.len() % 8 } => rest,
            bound = in(reg) 0x0100_0000,
            out("r2") _, out("r3") _, out("r12") _, out("lr") _,
            options(nostack),
        );
    }
    // Nothing is left to do, in either loop.
    rest == 0 && (SMALL || eights == 0)
}

/// `gradients[i]` where `outputs[i] > 0`, else 0. No output is -0, as ReLU gives none. 6 cycles each.
#[inline(never)]
pub(super) fn relu_backward(gradients: &mut [f32], outputs: &[f32]) {
    let count = gradients.len().min(outputs.len());
    // SAFETY: reads `count` values at `outputs`, reads and writes as many at `gradients`, in groups of eight and then one by one.
    // Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            unrolled!("{eights}", mask_four!(), mask_four!()),
            "cmp {rest}, #0",
            "beq 5f",
            "4:",
            "ldr r2, [{outputs}], #4",
            "ldr r3, [{gradients}]",
            mask!("r3" "r2"),
            "str r3, [{gradients}], #4",
            "subs {rest}, #1",
            "bne 4b",
            "5:",
            outputs = inout(reg) outputs.as_ptr() => _,
            gradients = inout(reg) gradients.as_mut_ptr() => _,
            eights = inout(reg) count / 8 => _,
            rest = inout(reg) if SMALL { count } else { count % 8 } => _,
            out("r2") _, out("r3") _, out("r4") _, out("r5") _, out("r8") _, out("r10") _, out("r12") _, out("lr") _,
            options(nostack),
        );
    }
}

/// The same, but for `outputs` becoming it: `gradients` are only read.
#[inline(never)]
pub(super) fn relu_gradients(outputs: &mut [f32], gradients: &[f32]) {
    let count = gradients.len().min(outputs.len());
    // SAFETY: reads `count` values at `gradients`, reads and writes as many at `outputs`, in groups of eight and then one by one.
    // Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            unrolled!("{eights}", select_four!(), select_four!()),
            "cmp {rest}, #0",
            "beq 5f",
            "4:",
            "ldr r2, [{outputs}]",
            "ldr r3, [{gradients}], #4",
            mask!("r3" "r2"),
            "str r3, [{outputs}], #4",
            "subs {rest}, #1",
            "bne 4b",
            "5:",
            outputs = inout(reg) outputs.as_mut_ptr() => _,
            gradients = inout(reg) gradients.as_ptr() => _,
            eights = inout(reg) count / 8 => _,
            rest = inout(reg) if SMALL { count } else { count % 8 } => _,
            out("r2") _, out("r3") _, out("r4") _, out("r5") _, out("r8") _, out("r10") _, out("r12") _, out("lr") _,
            options(nostack),
        );
    }
}
