//! Adam's rule for neighbouring parameters.

use core::arch::asm;

use crate::optimizer::{AdamConstants, Moments};

/// Some parameters side by side, so that none waits for a sum: `$m` and `$v` are their moments, `$g` their `delta` and in the end what is
/// to be taken off, `$t` is scratch. s24 to s30 are the constants, s31 is `x`.
macro_rules! side_by_side {
    ($($m:literal)+, $($v:literal)+, $($g:literal)+, $($t:literal)+) => {
        concat!(
            // The gradient, `x·delta`.
            $("vmul.f32 ", $g, ", s31, ", $g, "\n",)+
            // `m = β₁·m + (1-β₁)·∇`
            $("vmul.f32 ", $m, ", s24, ", $m, "\n",)+
            $("vmul.f32 ", $t, ", s25, ", $g, "\n",)+
            $("vadd.f32 ", $m, ", ", $m, ", ", $t, "\n",)+
            // `v = β₂·v + (1-β₂)·(∇·∇)`
            $("vmul.f32 ", $g, ", ", $g, ", ", $g, "\n",)+
            $("vmul.f32 ", $v, ", s26, ", $v, "\n",)+
            $("vmul.f32 ", $g, ", s27, ", $g, "\n",)+
            $("vadd.f32 ", $v, ", ", $v, ", ", $g, "\n",)+
            // `(rate·m) / (√v·correction + ε)`
            $("vsqrt.f32 ", $g, ", ", $v, "\n",)+
            $("vmul.f32 ", $g, ", ", $g, ", s28\n",)+
            $("vadd.f32 ", $g, ", ", $g, ", s29\n",)+
            $("vmul.f32 ", $t, ", s30, ", $m, "\n",)+
            $("vdiv.f32 ", $g, ", ", $t, ", ", $g, "\n",)+
        )
    };
}

/// Adam's update of rows of parameters, one for each of `x` and as long as `delta`, with the gradients `x[i]·delta[o]`.
///
/// The operations are those of [`Adam`](crate::Adam), in its order. 49 cycles a parameter, 28 of them for root and division.
#[inline(never)]
pub(super) fn update_rows(
    constants: &AdamConstants,
    parameters: &mut [f32],
    moments: &mut [Moments],
    x: &[f32],
    delta: &[f32],
) {
    let length = delta.len();
    let rows = x.len().min(parameters.len().min(moments.len()).checked_div(length).unwrap_or(0));
    if rows == 0 {
        return;
    }
    // SAFETY: reads `rows` > 0 values at `x` and `length` at `delta`, reads and writes `rows` times `length` at `parameters` and pairs at
    // `moments`, as `repr(C)` lays them out, in groups of four and then one by one; reads the seven constants. Everything overwritten is
    // declared; no stack.
    unsafe {
        asm!(
            "vldmia {constants}, {{s24-s30}}",
            "1:",
            "vldmia {x}!, {{s31}}",
            "mov {delta}, {delta_start}",
            "lsrs {left}, {length}, #2",
            "beq 3f",
            "2:",
            "vldmia {delta}!, {{s8-s11}}",
            "vldmia {moments}, {{s0-s7}}",
            side_by_side!("s0" "s2" "s4" "s6", "s1" "s3" "s5" "s7", "s8" "s9" "s10" "s11", "s12" "s13" "s14" "s15"),
            "vstmia {moments}!, {{s0-s7}}",
            "vldmia {parameters}, {{s0-s3}}",
            "vsub.f32 s0, s0, s8\nvsub.f32 s1, s1, s9\nvsub.f32 s2, s2, s10\nvsub.f32 s3, s3, s11",
            "vstmia {parameters}!, {{s0-s3}}",
            "subs {left}, #1",
            "bne 2b",
            "3:",
            "ands {left}, {length}, #3",
            "beq 5f",
            "4:",
            "vldmia {delta}!, {{s8}}",
            "vldmia {moments}, {{s0-s1}}",
            side_by_side!("s0", "s1", "s8", "s12"),
            "vstmia {moments}!, {{s0-s1}}",
            "vldmia {parameters}, {{s0}}",
            "vsub.f32 s0, s0, s8",
            "vstmia {parameters}!, {{s0}}",
            "subs {left}, #1",
            "bne 4b",
            "5:",
            "subs {rows}, #1",
            "bne 1b",
            constants = in(reg) constants,
            x = inout(reg) x.as_ptr() => _,
            parameters = inout(reg) parameters.as_mut_ptr() => _,
            moments = inout(reg) moments.as_mut_ptr() => _,
            delta_start = in(reg) delta.as_ptr(),
            delta = out(reg) _,
            length = in(reg) length,
            left = out(reg) _,
            rows = inout(reg) rows => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        );
    }
}
