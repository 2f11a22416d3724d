//! The gradients of the inputs of a convolution, or of four samples.

use core::arch::asm;
use core::mem::offset_of;

use super::taps::{bytes, skip};
use super::{SMALL, backward, refuse};
use crate::activation::Activation;
use crate::kernels::portable::{COLUMNS, Steps, lanes_mut};
use crate::kernels::processor::no_unroll;

/// See [`Kernels::add_input_gradients`](crate::kernels::Kernels::add_input_gradients), for one position or four.
#[inline(always)]
pub(super) fn add_input_gradients<const P: usize, const IN: usize, const OUT: usize>(
    steps: Steps,
    delta: &[[f32; OUT]],
    apart: usize,
    weights: &[[[f32; OUT]; IN]],
    channel: usize,
    sums: &mut [[f32; 4]; P],
) {
    if steps.is_empty() || OUT == 0 {
        return;
    }
    let reach = apart.saturating_mul(P.saturating_sub(1));
    if !steps.are_within(delta.len().saturating_sub(reach), weights.len()) || channel.saturating_add(4) > IN {
        refuse(sums.as_flattened_mut());
        return;
    }
    let tap = |step: isize, values: usize| bytes(step, values).wrapping_sub(bytes(1, OUT));
    let mut plan = Plan {
        delta_step: tap(steps.a.step, OUT),
        w_step: tap(steps.w.step, IN.wrapping_mul(OUT)),
        delta_skip: skip(steps.a, steps.taps, OUT),
        w_skip: skip(steps.w, steps.taps, IN.wrapping_mul(OUT)),
        ..Plan::new(OUT, steps.taps, steps.lines)
    };
    // SAFETY: just looked up.
    unsafe {
        let delta = delta.as_ptr().add(steps.a.first).cast::<f32>();
        let weights = weights.as_ptr().add(steps.w.first).cast::<f32>().add(channel.wrapping_mul(OUT));
        position_sums::<P>(&mut plan, delta, apart.wrapping_mul(OUT), weights, OUT, sums.as_mut_ptr().cast());
    }
}

/// See [`Kernels::input_gradient`](crate::kernels::Kernels::input_gradient), for four columns.
#[inline(always)]
pub(super) fn input_gradient<const IN: usize, const OUT: usize, Below: Activation>(
    inputs: &mut [[f32; IN]],
    at: usize,
    rows: &[[f32; OUT]; COLUMNS],
    delta: &[[f32; OUT]],
    saved: &[[f32; COLUMNS]],
) {
    // With few outputs a tile costs more to begin than it saves.
    let done = if const { OUT >= if SMALL { 16 } else { 4 } } { inputs.len() / 4 * 4 } else { 0 };
    let (inputs, input_rest) = inputs.split_at_mut_checked(done).unwrap_or((&mut [], &mut []));
    let (delta, delta_rest) = delta.split_at_checked(done).unwrap_or((&[], &[]));
    let (saved, saved_rest) = saved.split_at_checked(done).unwrap_or((&[], &[]));
    let samples = inputs.as_chunks_mut::<4>().0.iter_mut().zip(delta.as_chunks().0).zip(saved.as_chunks::<4>().0);
    for ((inputs, delta), saved) in samples {
        no_unroll();
        let sums = four_input_gradients(rows, delta);
        for ((input, sums), saved) in inputs.iter_mut().zip(sums).zip(saved) {
            through::<IN, Below>(input, at, sums, saved);
        }
    }
    let Some(sums) = input_rest.as_flattened_mut().get_mut(at..) else { return };
    backward::input_gradient(rows, delta_rest, sums, IN);
    for (input, saved) in input_rest.iter_mut().zip(saved_rest) {
        no_unroll();
        if let Some(sums) = lanes_mut::<COLUMNS, IN, f32>(input, at).map(|sums| *sums) {
            through::<IN, Below>(input, at, sums, saved);
        }
    }
}

/// Gradients of inputs from `at` on, back through the activation that gave `saved`, in the place of these.
#[inline(always)]
fn through<const IN: usize, Below: Activation>(
    input: &mut [f32; IN],
    at: usize,
    sums: [f32; COLUMNS],
    saved: &[f32; COLUMNS],
) {
    if let Some(input) = lanes_mut::<COLUMNS, IN, f32>(input, at) {
        for ((input, sum), saved) in input.iter_mut().zip(sums).zip(saved) {
            *input = Below::backward(sum, *saved);
        }
    }
}

/// `Σ_o delta[s][o]·W[c][o]` for four samples and four rows of weights.
#[inline(always)]
fn four_input_gradients<const OUT: usize>(rows: &[[f32; OUT]; 4], delta: &[[f32; OUT]; 4]) -> [[f32; 4]; 4] {
    // A sum that starts from -0 has the bits of one that starts with its first product, whatever that is.
    let mut sums = [[-0.0; 4]; 4];
    if OUT == 0 {
        return [[0.0; 4]; 4];
    }
    let mut plan = Plan::new(OUT, 1, 1);
    // SAFETY: one tap: four rows of OUT > 0 values each, and four of `delta` next to each other.
    unsafe {
        position_sums::<4>(&mut plan, delta.as_ptr().cast(), OUT, rows.as_ptr().cast(), OUT, sums.as_mut_ptr().cast());
    }
    sums
}

/// Outputs of one round of the loop.
const AT_ONCE: usize = if SMALL { 2 } else { 4 };

/// What the loops go through, in bytes where memory is meant. The assembly reads it.
#[repr(C)]
struct Plan {
    /// Times [`AT_ONCE`] outputs.
    groups: usize,
    /// Outputs that are left.
    rest: usize,
    taps: usize,
    taps_left: usize,
    lines_left: usize,
    /// From the end of a row to the start of the next.
    delta_step: isize,
    w_step: isize,
    /// The same once more at the end of a line.
    delta_skip: isize,
    w_skip: isize,
}

impl Plan {
    /// Of one tap, or of those whose steps are filled in.
    fn new(outputs: usize, taps: usize, lines: usize) -> Self {
        Self {
            groups: outputs / AT_ONCE,
            rest: outputs % AT_ONCE,
            taps,
            taps_left: 0,
            lines_left: lines,
            delta_step: 0,
            w_step: 0,
            delta_skip: 0,
            w_skip: 0,
        }
    }
}

/// An output of one position, whose `delta` is in `$x`.
macro_rules! output {
    ($x:literal: $w0:literal $w1:literal $w2:literal $w3:literal, $a:literal $b:literal $c:literal $d:literal) => {
        concat!(
            concat!("vmul.f32 s10, ", $x, ", ", $w0, "\nvmul.f32 s11, ", $x, ", ", $w1, "\n"),
            concat!("vmul.f32 s12, ", $x, ", ", $w2, "\nvmul.f32 s13, ", $x, ", ", $w3, "\n"),
            concat!("vadd.f32 ", $a, ", ", $a, ", s10\nvadd.f32 ", $b, ", ", $b, ", s11\n"),
            concat!("vadd.f32 ", $c, ", ", $c, ", s12\nvadd.f32 ", $d, ", ", $d, ", s13\n"),
        )
    };
}

/// Two outputs of one position.
macro_rules! two_of_position {
    ($delta:literal, $a:literal $b:literal $c:literal $d:literal) => {
        concat!(
            concat!("vldmia {", $delta, "}!, {{s8-s9}}\n"),
            output!("s8": "s0" "s2" "s4" "s6", $a $b $c $d),
            output!("s9": "s1" "s3" "s5" "s7", $a $b $c $d),
        )
    };
}

/// Two outputs.
macro_rules! two_outputs {
    () => {
        concat!(
            "vldmia {w0}!, {{s0-s1}}\nvldmia {w1}!, {{s2-s3}}\nvldmia {w2}!, {{s4-s5}}\nvldmia {w3}!, {{s6-s7}}\n",
            two_of_position!("delta0", "s16" "s17" "s18" "s19"),
            ".if {positions} > 1\n",
            two_of_position!("delta1", "s20" "s21" "s22" "s23"),
            two_of_position!("delta2", "s24" "s25" "s26" "s27"),
            two_of_position!("delta3", "s28" "s29" "s30" "s31"),
            ".endif\n"
        )
    };
}

/// One output of one position.
macro_rules! one_of_position {
    ($delta:literal, $a:literal $b:literal $c:literal $d:literal) => {
        concat!(
            concat!("vldmia {", $delta, "}!, {{s8}}\n"),
            output!("s8": "s0" "s2" "s4" "s6", $a $b $c $d),
        )
    };
}

/// Adds `count` to the pointers to `delta`, and to those to weights.
macro_rules! each_delta {
    () => {
        concat!(
            "add {delta0}, {delta0}, {count}\n.if {positions} > 1\n",
            "add {delta1}, {delta1}, {count}\nadd {delta2}, {delta2}, {count}\nadd {delta3}, {delta3}, {count}\n.endif\n"
        )
    };
}
macro_rules! each_w {
    () => {
        "add {w0}, {w0}, {count}\nadd {w1}, {w1}, {count}\nadd {w2}, {w2}, {count}\nadd {w3}, {w3}, {count}\n"
    };
}

/// `P` positions, one or four, by four channels. With four, 45 cycles an output for 16 sums: weights 6, `delta` 6, arithmetic 32, the
/// loop 1; a tap takes some 30 more.
///
/// # Safety
/// `plan` is of a walk that is not empty. Of each row of it, `outputs` values are there from `delta` on, and `apart` values further for each
/// position, and four rows from `weights` on. `sums` has four values for each position, to read and write.
#[inline(never)]
unsafe fn position_sums<const P: usize>(
    plan: &mut Plan,
    delta: *const f32,
    apart: usize,
    weights: *const f32,
    outputs: usize,
    sums: *mut f32,
) {
    const { assert!(P == 1 || P == 4) };
    // SAFETY: reads `outputs` values of each row that `plan` reaches, for each position and four channels: all there, says the caller. Reads and
    // writes `plan` and the sums. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            ".if {positions} > 1",
            "vldmia {sums}, {{s16-s31}}",
            ".else",
            "vldmia {sums}, {{s16-s19}}",
            ".endif",
            "2:",
            "ldr {count}, [{plan}, #{taps}]",
            "str {count}, [{plan}, #{taps_left}]",
            "3:",
            "ldr {count}, [{plan}, #{groups}]",
            "cmp {count}, #0",
            "beq 5f",
            "4:",
            two_outputs!(),
            ".if {small} == 0",
            two_outputs!(),
            ".endif",
            "subs {count}, #1",
            "bne 4b",
            "5:",
            "ldr {count}, [{plan}, #{rest}]",
            "cmp {count}, #0",
            "beq 7f",
            "6:",
            "vldmia {w0}!, {{s0}}",
            "vldmia {w1}!, {{s2}}",
            "vldmia {w2}!, {{s4}}",
            "vldmia {w3}!, {{s6}}",
            one_of_position!("delta0", "s16" "s17" "s18" "s19"),
            ".if {positions} > 1",
            one_of_position!("delta1", "s20" "s21" "s22" "s23"),
            one_of_position!("delta2", "s24" "s25" "s26" "s27"),
            one_of_position!("delta3", "s28" "s29" "s30" "s31"),
            ".endif",
            "subs {count}, #1",
            "bne 6b",
            "7:",
            "ldr {count}, [{plan}, #{delta_step}]",
            each_delta!(),
            "ldr {count}, [{plan}, #{w_step}]",
            each_w!(),
            "ldr {count}, [{plan}, #{taps_left}]",
            "subs {count}, #1",
            "str {count}, [{plan}, #{taps_left}]",
            "bne 3b",
            "ldr {count}, [{plan}, #{delta_skip}]",
            each_delta!(),
            "ldr {count}, [{plan}, #{w_skip}]",
            each_w!(),
            "ldr {count}, [{plan}, #{lines_left}]",
            "subs {count}, #1",
            "str {count}, [{plan}, #{lines_left}]",
            "bne 2b",
            ".if {positions} > 1",
            "vstmia {sums}, {{s16-s31}}",
            ".else",
            "vstmia {sums}, {{s16-s19}}",
            ".endif",
            groups = const offset_of!(Plan, groups),
            rest = const offset_of!(Plan, rest),
            taps = const offset_of!(Plan, taps),
            taps_left = const offset_of!(Plan, taps_left),
            lines_left = const offset_of!(Plan, lines_left),
            delta_step = const offset_of!(Plan, delta_step),
            w_step = const offset_of!(Plan, w_step),
            delta_skip = const offset_of!(Plan, delta_skip),
            w_skip = const offset_of!(Plan, w_skip),
            small = const if SMALL { 1 } else { 0 },
            positions = const P,
            plan = in(reg) plan,
            sums = in(reg) sums,
            count = out(reg) _,
            delta0 = inout(reg) delta => _,
            delta1 = inout(reg) delta.wrapping_add(apart) => _,
            delta2 = inout(reg) delta.wrapping_add(apart.wrapping_mul(2)) => _,
            delta3 = inout(reg) delta.wrapping_add(apart.wrapping_mul(3)) => _,
            w0 = inout(reg) weights => _,
            w1 = inout(reg) weights.wrapping_add(outputs) => _,
            w2 = inout(reg) weights.wrapping_add(outputs.wrapping_mul(2)) => _,
            w3 = inout(reg) weights.wrapping_add(outputs.wrapping_mul(3)) => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        );
    }
}
