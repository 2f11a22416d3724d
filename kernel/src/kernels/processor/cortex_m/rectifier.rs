//! ReLU and its slope, on integers: VCMP needs an extra VMRS to reach the flags, and the sign bit is free.

use core::arch::asm;

use super::SMALL;

/// `$x` to 0 where its sign says so; ends at once where its exponent is all ones, as those of infinities and NaN are, and only theirs.
///
/// `bound` is `0x0100_0000`: without its sign, such a value carries when `bound` is added. Of four the first that does is the last one looked at.
macro_rules! rectify {
    ($x:literal) => {
        concat!("cmn {bound}, ", $x, ", lsl #1\nbcs 6f\nbic ", $x, ", ", $x, ", ", $x, ", asr #31\n")
    };
    ($a:literal $b:literal $c:literal $d:literal) => {
        concat!(
            "cmn {bound}, ", $a, ", lsl #1\nittt cc\n",
            "cmncc {bound}, ", $b, ", lsl #1\ncmncc {bound}, ", $c, ", lsl #1\ncmncc {bound}, ", $d, ", lsl #1\nbcs 6f\n",
            "bic ", $a, ", ", $a, ", ", $a, ", asr #31\nbic ", $b, ", ", $b, ", ", $b, ", asr #31\n",
            "bic ", $c, ", ", $c, ", ", $c, ", asr #31\nbic ", $d, ", ", $d, ", ", $d, ", asr #31\n",
        )
    };
}

/// `$g` to 0 unless `$a` is positive: an integer from 1 on becomes 1, and every other, -0 too, becomes 0.
macro_rules! mask {
    ($($g:literal $a:literal)+) => {
        concat!($("usat ", $a, ", #1, ", $a, "\nmul ", $g, ", ", $g, ", ", $a, "\n",)+)
    };
}

/// Values of one round of a loop.
const AT_ONCE: usize = if SMALL { 4 } else { 8 };

/// Four values, and four gradients by four outputs.
macro_rules! rectify_four {
    () => {
        concat!("ldmia {values}, {{r2, r3, r12, lr}}\n", rectify!("r2" "r3" "r12" "lr"), "stmia {values}!, {{r2, r3, r12, lr}}")
    };
}
macro_rules! mask_four {
    () => {
        concat!(
            ".if {of_outputs}\nldmia {outputs}, {{r2, r3, r12, lr}}\nldmia {gradients}!, {{r4, r5, r8, r10}}\n",
            ".else\nldmia {outputs}!, {{r2, r3, r12, lr}}\nldmia {gradients}, {{r4, r5, r8, r10}}\n.endif\n",
            mask!("r4" "r2" "r5" "r3" "r8" "r12" "r10" "lr"),
            ".if {of_outputs}\nstmia {outputs}!, {{r4, r5, r8, r10}}\n",
            ".else\nstmia {gradients}!, {{r4, r5, r8, r10}}\n.endif"
        )
    };
}

/// ReLU in place, 5 cycles a value. If one is not finite this gives up and says so: the values that it has changed are then as far as ReLU
/// takes them, so that another body may begin anew.
#[cfg_attr(baregrad_small, inline(never))]
#[cfg_attr(not(baregrad_small), inline(always))]
pub(super) fn relu(values: &mut [f32]) -> bool {
    let (groups, rest): (usize, usize);
    // SAFETY: reads and writes `values`, in groups and then one by one, and leaves early at most. Everything overwritten is
    // declared; no stack.
    unsafe {
        asm!(
            "cmp {groups}, #0",
            "beq 3f",
            "2:",
            rectify_four!(),
            ".if {at_once} > 4",
            rectify_four!(),
            ".endif",
            "subs {groups}, #1",
            "bne 2b",
            "3:",
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
            at_once = const AT_ONCE,
            groups = inout(reg) values.len() / AT_ONCE => groups,
            rest = inout(reg) values.len() % AT_ONCE => rest,
            bound = in(reg) 0x0100_0000,
            out("r2") _, out("r3") _, out("r12") _, out("lr") _,
            options(nostack),
        );
    }
    // Nothing is left to do, in either loop.
    rest == 0 && groups == 0
}

/// `gradients[i]` where `outputs[i] > 0`, else 0, in the place of `gradients[i]`. An output is no NaN, as none is of finite values.
#[inline(always)]
pub(super) fn relu_backward(gradients: &mut [f32], outputs: &[f32]) {
    let count = gradients.len().min(outputs.len());
    // SAFETY: `count` values are at both, and `gradients` may be written.
    unsafe { select::<false>(gradients.as_mut_ptr(), outputs.as_ptr().cast_mut(), count) };
}

/// The same in the place of `outputs[i]`.
#[inline(always)]
pub(super) fn relu_gradients(outputs: &mut [f32], gradients: &[f32]) {
    let count = gradients.len().min(outputs.len());
    // SAFETY: `count` values are at both, and `outputs` may be written.
    unsafe { select::<true>(gradients.as_ptr().cast_mut(), outputs.as_mut_ptr(), count) };
}

/// Either of them, 6 cycles a value.
///
/// # Safety
/// `count` values are at `gradients` and at `outputs` to read, and at `outputs` to write if `OF_OUTPUTS`, else at `gradients`.
#[inline(never)]
unsafe fn select<const OF_OUTPUTS: bool>(gradients: *mut f32, outputs: *mut f32, count: usize) {
    // SAFETY: reads `count` values at each, and writes as many at one of them, says the caller, in groups and then one by one.
    // Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "cmp {groups}, #0",
            "beq 3f",
            "2:",
            mask_four!(),
            ".if {at_once} > 4",
            mask_four!(),
            ".endif",
            "subs {groups}, #1",
            "bne 2b",
            "3:",
            "cmp {rest}, #0",
            "beq 5f",
            "4:",
            ".if {of_outputs}",
            "ldr r2, [{outputs}]",
            "ldr r3, [{gradients}], #4",
            mask!("r3" "r2"),
            "str r3, [{outputs}], #4",
            ".else",
            "ldr r2, [{outputs}], #4",
            "ldr r3, [{gradients}]",
            mask!("r3" "r2"),
            "str r3, [{gradients}], #4",
            ".endif",
            "subs {rest}, #1",
            "bne 4b",
            "5:",
            of_outputs = const if OF_OUTPUTS { 1 } else { 0 },
            outputs = inout(reg) outputs => _,
            gradients = inout(reg) gradients => _,
            at_once = const AT_ONCE,
            groups = inout(reg) count / AT_ONCE => _,
            rest = inout(reg) count % AT_ONCE => _,
            out("r2") _, out("r3") _, out("r4") _, out("r5") _, out("r8") _, out("r10") _, out("r12") _, out("lr") _,
            options(nostack),
        );
    }
}
