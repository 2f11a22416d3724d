//! The gradients of a convolution's weights, and plain descent by them.

use core::arch::asm;

use super::{SMALL, refuse};
use crate::kernels::portable::{Steps, Walk};

/// How far apart rows are, in bytes.
pub(super) fn bytes(rows: isize, values: usize) -> isize {
    rows.wrapping_mul(values.wrapping_mul(4).cast_signed())
}

/// From the end of a line to the start of the next, in bytes.
pub(super) fn skip(walk: Walk, taps: usize, values: usize) -> isize {
    bytes(walk.line.wrapping_sub(walk.step.wrapping_mul(taps.cast_signed())), values)
}

/// See [`Kernels::add_tap_products`](crate::kernels::Kernels::add_tap_products), for three or four channels and four outputs.
#[inline(always)]
pub(super) fn add_products<const IN: usize, const OUT: usize>(
    steps: Steps,
    x: &[[f32; IN]],
    delta: &[[f32; OUT]],
    [channel, output]: [usize; 2],
    sums: &mut [[f32; 4]],
) {
    if steps.is_empty() {
        return;
    }
    if !steps.are_within(x.len(), delta.len()) || channel.saturating_add(sums.len()) > IN || output.saturating_add(4) > OUT {
        refuse(sums.as_flattened_mut());
        return;
    }
    // SAFETY: just looked up.
    unsafe {
        let x = x.as_ptr().add(steps.a.first).cast::<f32>().add(channel);
        let delta = delta.as_ptr().add(steps.w.first).cast::<f32>().add(output);
        match sums.len() {
            3 => column_sums::<3>(steps, x, IN, delta, OUT, sums.as_mut_ptr().cast()),
            4 => column_sums::<4>(steps, x, IN, delta, OUT, sums.as_mut_ptr().cast()),
            _ => refuse(sums.as_flattened_mut()),
        }
    }
}

/// The products of channel `$x` with `delta`, on top of four sums.
macro_rules! channel {
    ($x:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            concat!("vmul.f32 s8, ", $x, ", s0\nvmul.f32 s9, ", $x, ", s1\n"),
            concat!("vmul.f32 s10, ", $x, ", s2\nvmul.f32 s11, ", $x, ", s3\n"),
            concat!("vadd.f32 ", $a, ", ", $a, ", s8\nvadd.f32 ", $b, ", ", $b, ", s9\n"),
            concat!("vadd.f32 ", $c, ", ", $c, ", s10\nvadd.f32 ", $d, ", ", $d, ", s11\n"),
        )
    };
}

/// A position and its place.
macro_rules! place {
    () => {
        concat!(
            "vldmia {x}, {{s4-s{last_x}}}\nadd {x}, {x}, {x_step}\nvldmia {delta}, {{s0-s3}}\nadd {delta}, {delta}, {delta_step}\n",
            channel!("s4", "s16", "s17", "s18", "s19"),
            channel!("s5", "s20", "s21", "s22", "s23"),
            channel!("s6", "s24", "s25", "s26", "s27"),
            ".if {channels} > 3\n",
            channel!("s7", "s28", "s29", "s30", "s31"),
            ".endif\n",
        )
    };
}

/// `C` channels, three or four, by four outputs. With four, 45 cycles a place for 16 sums: inputs 5, `delta` 5, their pointers 2,
/// arithmetic 32, the loop 1.
///
/// # Safety
/// `steps` is not empty. `x` and `delta` are at its first rows, `inputs` and `outputs` values apart; `C` values are there of each row of `x` that it
/// reaches, and four of `delta`; `sums` has four for each channel, to read and write.
#[inline(never)]
unsafe fn column_sums<const C: usize>(
    steps: Steps,
    x: *const f32,
    inputs: usize,
    delta: *const f32,
    outputs: usize,
    sums: *mut f32,
) {
    const { assert!(C == 3 || C == 4) };
    // SAFETY: reads so many values of each row that `steps` reaches: all there, says the caller. Reads and writes the sums. Everything
    // overwritten is declared; no stack.
    unsafe {
        asm!(
            "vldmia {sums}, {{s16-s{last_sum}}}",
            "2:",
            ".if {small} == 0",
            "movs {count}, {fours}",
            "beq 4f",
            "3:",
            place!(),
            place!(),
            place!(),
            place!(),
            "subs {count}, #1",
            "bne 3b",
            "4:",
            ".endif",
            "movs {count}, {rest}",
            "beq 6f",
            "5:",
            place!(),
            "subs {count}, #1",
            "bne 5b",
            "6:",
            "add {x}, {x}, {x_skip}",
            "add {delta}, {delta}, {delta_skip}",
            "subs {lines}, #1",
            "bne 2b",
            "vstmia {sums}, {{s16-s{last_sum}}}",
            channels = const C,
            last_x = const C.wrapping_add(3),
            last_sum = const C.wrapping_mul(4).wrapping_add(15),
            small = const if SMALL { 1 } else { 0 },
            lines = inout(reg) steps.lines => _,
            fours = in(reg) steps.taps / 4,
            rest = in(reg) if SMALL { steps.taps } else { steps.taps % 4 },
            count = out(reg) _,
            x = inout(reg) x => _,
            x_step = in(reg) bytes(steps.a.step, inputs),
            x_skip = in(reg) skip(steps.a, steps.taps, inputs),
            delta = inout(reg) delta => _,
            delta_step = in(reg) bytes(steps.w.step, outputs),
            delta_skip = in(reg) skip(steps.w, steps.taps, outputs),
            sums = in(reg) sums,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        );
    }
}

/// The same for one channel and 4, 8 or 16 outputs.
#[inline(always)]
pub(super) fn add_row_products<const V: usize, const IN: usize, const OUT: usize>(
    steps: Steps,
    x: &[[f32; IN]],
    delta: &[[f32; OUT]],
    [channel, output]: [usize; 2],
    sums: &mut [f32; V],
) {
    if steps.is_empty() {
        return;
    }
    if !steps.are_within(x.len(), delta.len()) || channel >= IN || output.saturating_add(V) > OUT {
        refuse(sums);
        return;
    }
    // SAFETY: just looked up.
    unsafe {
        let x = x.as_ptr().add(steps.a.first).cast::<f32>().add(channel);
        let delta = delta.as_ptr().add(steps.w.first).cast::<f32>().add(output);
        match V {
            4 => row_products::<4>(steps, x, IN, delta, OUT, sums.as_mut_ptr()),
            8 => row_products::<8>(steps, x, IN, delta, OUT, sums.as_mut_ptr()),
            16 => row_products::<16>(steps, x, IN, delta, OUT, sums.as_mut_ptr()),
            _ => {}
        }
    }
}

/// `WIDTH` outputs of one channel, 4, 8 or 16. 57 cycles a place for 16 sums: `delta` 18, the input 1, their pointers 2, arithmetic 32, the loop 4.
///
/// # Safety
/// As [`column_sums`], with one value of `x` and `WIDTH` of `delta`; `sums` has as many, to read and write.
#[inline(never)]
unsafe fn row_products<const WIDTH: usize>(
    steps: Steps,
    x: *const f32,
    inputs: usize,
    delta: *const f32,
    outputs: usize,
    sums: *mut f32,
) {
    const { assert!(WIDTH == 4 || WIDTH == 8 || WIDTH == 16) };
    // SAFETY: reads a value and WIDTH of `delta` of each row that `steps` reaches: all there, says the caller. Reads and writes WIDTH sums.
    // Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "vldmia {sums}!, {{s10-s1{last}}}",
            ".if {width} > 8",
            "vldmia {sums}, {{s20-s27}}",
            ".endif",
            "2:",
            "mov {count}, {taps}",
            "3:",
            "vldmia {delta}, {{s0-s{last}}}",
            "vldr s8, [{x}]",
            "add {x}, {x}, {x_step}",
            ".if {width} > 8",
            "add {delta}, {delta}, #32",
            ".else",
            "add {delta}, {delta}, {delta_step}",
            ".endif",
            add_each_product!("first", "s1\\v", "s8", "s\\v"),
            ".if {width} > 8",
            "vldmia {delta}, {{s0-s7}}",
            "add {delta}, {delta}, {delta_step}",
            add_each_product!("first", "s2\\v", "s8", "s\\v"),
            ".endif",
            "subs {count}, #1",
            "bne 3b",
            "add {x}, {x}, {x_skip}",
            "add {delta}, {delta}, {delta_skip}",
            "subs {lines}, #1",
            "bne 2b",
            ".if {width} > 8",
            "vstmia {sums}, {{s20-s27}}",
            ".endif",
            "sub {sums}, {sums}, #(4 * {first})",
            "vstmia {sums}, {{s10-s1{last}}}",
            width = const WIDTH,
            first = const if WIDTH > 8 { 8 } else { WIDTH },
            last = const if WIDTH > 8 { 7 } else { WIDTH - 1 },
            lines = inout(reg) steps.lines => _,
            taps = in(reg) steps.taps,
            count = out(reg) _,
            x = inout(reg) x => _,
            x_step = in(reg) bytes(steps.a.step, inputs),
            x_skip = in(reg) skip(steps.a, steps.taps, inputs),
            delta = inout(reg) delta => _,
            delta_step = in(reg) bytes(steps.w.step, outputs).wrapping_sub(if WIDTH > 8 { 32 } else { 0 }),
            delta_skip = in(reg) skip(steps.w, steps.taps, outputs),
            sums = inout(reg) sums => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _,
            options(nostack),
        );
    }
}

/// `parameters[v] -= rate·gradients[v]`, four at a time. 23 cycles for four.
#[inline(always)]
pub(super) fn descend_values(rate: f32, gradients: &[f32], parameters: &mut [f32]) {
    for (gradients, parameters) in gradients.as_chunks::<4>().0.iter().zip(parameters.as_chunks_mut::<4>().0) {
        // SAFETY: reads four values at each, and writes four. Everything overwritten is declared; no stack.
        unsafe {
            asm!(
                "vmov s8, {rate}",
                "vldmia {gradients}, {{s0-s3}}",
                "vldmia {parameters}, {{s4-s7}}",
                "vmul.f32 s0, s8, s0",
                "vmul.f32 s1, s8, s1",
                "vmul.f32 s2, s8, s2",
                "vmul.f32 s3, s8, s3",
                "vsub.f32 s4, s4, s0",
                "vsub.f32 s5, s5, s1",
                "vsub.f32 s6, s6, s2",
                "vsub.f32 s7, s7, s3",
                "vstmia {parameters}, {{s4-s7}}",
                rate = in(reg) rate.to_bits(),
                gradients = in(reg) gradients.as_ptr(),
                parameters = in(reg) parameters.as_mut_ptr(),
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _,
                options(nostack),
            );
        }
    }
}
