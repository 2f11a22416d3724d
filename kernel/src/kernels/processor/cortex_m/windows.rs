//! The forward products of four samples together, or of convolutions.

use core::arch::asm;
use core::mem::offset_of;

use super::{SMALL, refuse};
use crate::kernels::portable::Runs;

/// What the loops go through, in bytes where memory is meant. The assembly reads it.
#[repr(C)]
struct Plan {
    /// Times four values of a run.
    fours: usize,
    /// Values of a run that are left.
    rest: usize,
    /// From the end of a run to the start of the next.
    x_skip: usize,
    /// The same of the weights.
    w_skip: usize,
    lines: usize,
    /// From the end of all lines to their start.
    x_back: usize,
    /// The same of the weights, and on to the next four outputs.
    w_back: usize,
    tiles_left: usize,
}

impl Plan {
    fn new(runs: Runs, outputs: usize, tiles: usize) -> Self {
        let Runs { lines, run, apart, rows_apart } = runs;
        let row = outputs.wrapping_mul(4);
        Self {
            fours: if SMALL { 0 } else { run / 4 },
            rest: if SMALL { run } else { run % 4 },
            x_skip: apart.wrapping_sub(run).wrapping_mul(4),
            w_skip: rows_apart.wrapping_sub(run).wrapping_mul(row),
            lines,
            x_back: lines.wrapping_mul(apart).wrapping_mul(4),
            w_back: lines.wrapping_mul(rows_apart).wrapping_mul(row).wrapping_sub(16),
            tiles_left: tiles,
        }
    }
}

/// See [`Kernels::four_windows`](crate::kernels::Kernels::four_windows): the outputs that four divides; says how many.
#[inline(always)]
pub(super) fn four_windows<const OUT: usize>(
    runs: Runs,
    x: [&[f32]; 4],
    weights: &[[f32; OUT]],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]],
    apart: usize,
) -> usize {
    let is_there = x.iter().all(|x| runs.are_within(x.len(), weights.len())) && apart.saturating_mul(3) < z.len();
    let tiles = OUT / 4;
    if !is_there {
        refuse(z.as_flattened_mut());
    } else if tiles > 0 {
        let x = x.map(<[f32]>::as_ptr);
        // SAFETY: just looked up; the tiles take the first `4·tiles` columns.
        unsafe {
            let (weights, bias, z) = (weights.as_ptr().cast(), bias.as_ptr(), z.as_mut_ptr().cast());
            windows_4x4(&mut Plan::new(runs, OUT, tiles), x, weights, OUT, bias, z, apart);
        }
    }
    tiles.wrapping_mul(4)
}

/// The first outputs of four samples, as many as four divides; says how many.
#[inline(always)]
pub(super) fn forward_four<const IN: usize, const OUT: usize>(
    samples: &[&[f32; IN]; 4],
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]; 4],
) -> usize {
    let tiles = if IN > 0 { OUT / 4 } else { 0 };
    if tiles > 0 {
        let samples = samples.map(|sample| sample.as_ptr());
        let (weights, bias, z) = (weights.as_ptr().cast(), bias.as_ptr(), z.as_mut_ptr().cast());
        let run = Runs { lines: 1, run: IN, apart: IN, rows_apart: IN };
        // SAFETY: four samples of IN > 0 values, IN rows of weights and four rows of `z` of OUT values each, OUT biases; the tiles
        // take the first `4·tiles` columns.
        unsafe { windows_4x4(&mut Plan::new(run, OUT, tiles), samples, weights, OUT, bias, z, 1) };
    }
    tiles.wrapping_mul(4)
}

/// Products of a row of weights with the value `$x` of one window, on top of its sums.
macro_rules! window {
    ($x:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            concat!("vmul.f32 s12, ", $x, ", s0\nvmul.f32 s13, ", $x, ", s1\n"),
            concat!("vmul.f32 s14, ", $x, ", s2\nvmul.f32 s15, ", $x, ", s3\n"),
            concat!("vadd.f32 ", $a, ", ", $a, ", s12\nvadd.f32 ", $b, ", ", $b, ", s13\n"),
            concat!("vadd.f32 ", $c, ", ", $c, ", s14\nvadd.f32 ", $d, ", ", $d, ", s15\n"),
        )
    };
}

/// A row of weights, and value `$at` bytes further of each window.
#[cfg_attr(baregrad_small, allow(unused_macros))]
macro_rules! row_of_windows {
    ($at:literal) => {
        concat!(
            "vldmia {w}, {{s0-s3}}\n",
            concat!("vldr s8, [{x0}, #", $at, "]\nvldr s9, [{x1}, #", $at, "]\n"),
            concat!("vldr s10, [{x2}, #", $at, "]\nvldr s11, [{x3}, #", $at, "]\nadd {w}, {w}, {stride}\n"),
            window!("s8", "s16", "s17", "s18", "s19"),
            window!("s9", "s20", "s21", "s22", "s23"),
            window!("s10", "s24", "s25", "s26", "s27"),
            window!("s11", "s28", "s29", "s30", "s31"),
        )
    };
}

/// Adds `$step` to the pointer of each window.
macro_rules! each_window {
    ($step:literal) => {
        concat!(
            concat!("add {x0}, {x0}, ", $step, "\nadd {x1}, {x1}, ", $step, "\n"),
            concat!("add {x2}, {x2}, ", $step, "\nadd {x3}, {x3}, ", $step, "\n"),
        )
    };
}

/// Eight rows of weights at a time. Where an odd number of fours is to do, the first time begins in the middle.
#[cfg(not(baregrad_small))]
macro_rules! rows_of_windows {
    () => {
        concat!(
            "ldr {count}, [{plan}, #{fours}]\ncmp {count}, #0\nbeq 3f\n",
            "add {count}, {count}, #1\nlsrs {count}, {count}, #1\nbcs 2f\n",
            each_window!("#-16"),
            "b 9f\n2:\n",
            row_of_windows!("0"),
            row_of_windows!("4"),
            row_of_windows!("8"),
            row_of_windows!("12"),
            "9:\n",
            row_of_windows!("16"),
            row_of_windows!("20"),
            row_of_windows!("24"),
            row_of_windows!("28"),
            each_window!("#32"),
            "subs {count}, #1\nbne 2b\n3:\n"
        )
    };
}
#[cfg(baregrad_small)]
macro_rules! rows_of_windows {
    () => {
        "/* {fours} */"
    };
}

/// Some tiles of four neighbouring outputs of four windows. A row is 43 cycles for 16 sums: weights 5, their pointer 1, inputs 4 and their
/// pointers and the loop 1, arithmetic 32.
///
/// # Safety
/// From each of `x` on there are runs as `plan` says, at least one; from `weights` on as many rows for each, `outputs` values apart, of four
/// values for each of its tiles, at least one; `bias` has as many; `z` has four rows, `apart` rows of `outputs` values apart, of as many
/// values, to write.
#[inline(never)]
unsafe fn windows_4x4(
    plan: &mut Plan,
    x: [*const f32; 4],
    weights: *const f32,
    outputs: usize,
    bias: *const f32,
    z: *mut f32,
    apart: usize,
) {
    // SAFETY: for each tile, reads what the runs have at each of `x`, four values in each of their rows of weights, `stride` bytes apart, and
    // four at `bias`; writes four in each of four rows of `z`: all there, says the caller. Reads and writes `plan`. Everything
    // overwritten is declared; no stack.
    unsafe {
        asm!(
            "8:",
            "vldmia {bias}, {{s16-s19}}",
            "vldmia {bias}, {{s20-s23}}",
            "vldmia {bias}, {{s24-s27}}",
            "vldmia {bias}!, {{s28-s31}}",
            "ldr {lines}, [{plan}, #{all_lines}]",
            "6:",
            rows_of_windows!(),
            "ldr {count}, [{plan}, #{rest}]",
            "cmp {count}, #0",
            "beq 5f",
            "4:",
            "vldmia {w}, {{s0-s3}}",
            "add {w}, {w}, {stride}",
            "vldmia {x0}!, {{s8}}",
            window!("s8", "s16", "s17", "s18", "s19"),
            "vldmia {x1}!, {{s8}}",
            window!("s8", "s20", "s21", "s22", "s23"),
            "vldmia {x2}!, {{s8}}",
            window!("s8", "s24", "s25", "s26", "s27"),
            "vldmia {x3}!, {{s8}}",
            window!("s8", "s28", "s29", "s30", "s31"),
            "subs {count}, #1",
            "bne 4b",
            "5:",
            "ldr {count}, [{plan}, #{x_skip}]",
            each_window!("{count}"),
            "ldr {count}, [{plan}, #{w_skip}]",
            "add {w}, {w}, {count}",
            "subs {lines}, #1",
            "bne 6b",
            "vstmia {z}, {{s16-s19}}",
            "add {count}, {z}, {apart}",
            "vstmia {count}, {{s20-s23}}",
            "add {count}, {count}, {apart}",
            "vstmia {count}, {{s24-s27}}",
            "add {count}, {count}, {apart}",
            "vstmia {count}, {{s28-s31}}",
            "add {z}, {z}, #16",
            "ldr {count}, [{plan}, #{x_back}]",
            "sub {x0}, {x0}, {count}",
            "sub {x1}, {x1}, {count}",
            "sub {x2}, {x2}, {count}",
            "sub {x3}, {x3}, {count}",
            "ldr {count}, [{plan}, #{w_back}]",
            "sub {w}, {w}, {count}",
            "ldr {count}, [{plan}, #{tiles_left}]",
            "subs {count}, #1",
            "str {count}, [{plan}, #{tiles_left}]",
            "bne 8b",
            fours = const offset_of!(Plan, fours),
            rest = const offset_of!(Plan, rest),
            x_skip = const offset_of!(Plan, x_skip),
            w_skip = const offset_of!(Plan, w_skip),
            all_lines = const offset_of!(Plan, lines),
            x_back = const offset_of!(Plan, x_back),
            w_back = const offset_of!(Plan, w_back),
            tiles_left = const offset_of!(Plan, tiles_left),
            x0 = inout(reg) x[0] => _,
            x1 = inout(reg) x[1] => _,
            x2 = inout(reg) x[2] => _,
            x3 = inout(reg) x[3] => _,
            w = inout(reg) weights => _,
            stride = in(reg) outputs.wrapping_mul(4),
            lines = out(reg) _,
            plan = in(reg) plan,
            count = out(reg) _,
            bias = inout(reg) bias => _,
            z = inout(reg) z => _,
            apart = in(reg) apart.wrapping_mul(outputs).wrapping_mul(4),
            out("d0") _, out("d1") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        );
    }
}

/// See [`Kernels::one_window`](crate::kernels::Kernels::one_window): all but the last one to three outputs.
#[inline(always)]
pub(super) fn one_window<const OUT: usize>(
    runs: Runs,
    x: &[f32],
    weights: &[[f32; OUT]],
    bias: &[f32; OUT],
    z: &mut [f32; OUT],
) {
    if !runs.are_within(x.len(), weights.len()) {
        refuse(z);
        return;
    }
    let plan = &Plan::new(runs, OUT, 0);
    let (x, weights, bias, z) = (x.as_ptr(), weights.as_ptr().cast::<f32>(), bias.as_ptr(), z.as_mut_ptr());
    // SAFETY: just looked up; the tiles take the first columns, as many as four divides.
    unsafe {
        if OUT >= 16 {
            window_tiles::<16>(plan, x, weights, OUT, bias, z, super::opaque(OUT / 16));
        }
        let at = OUT / 16 * 16;
        if OUT % 16 >= 8 {
            window_tiles::<8>(plan, x, weights.add(at), OUT, bias.add(at), z.add(at), 1);
        }
        let at = OUT / 8 * 8;
        if OUT % 8 >= 4 {
            window_tiles::<4>(plan, x, weights.add(at), OUT, bias.add(at), z.add(at), 1);
        }
    }
}

/// A row of weights for `WIDTH` sums.
macro_rules! row_of_window {
    ($x:literal) => {
        concat!(
            "vldmia {w}, {{s0-s{last}}}\n",
            ".if {width} > 8\nadd {w}, {w}, #32\n.else\nadd {w}, {w}, {stride}\n.endif\n",
            add_each_product!("first", "s1\\v", $x, "s\\v"),
            ".if {width} > 8\nvldmia {w}, {{s0-s7}}\nadd {w}, {w}, {stride}\n",
            add_each_product!("first", "s2\\v", $x, "s\\v"),
            ".endif\n"
        )
    };
}

/// The same for four values.
#[cfg(not(baregrad_small))]
macro_rules! four_rows_of_window {
    () => {
        concat!(
            "ldr {count}, [{plan}, #{fours}]\ncmp {count}, #0\nbeq 3f\n2:\nvldmia {x}!, {{s28-s31}}\n",
            row_of_window!("s28"),
            row_of_window!("s29"),
            row_of_window!("s30"),
            row_of_window!("s31"),
            "subs {count}, #1\nbne 2b\n3:\n"
        )
    };
}
#[cfg(baregrad_small)]
macro_rules! four_rows_of_window {
    () => {
        "/* {fours} */"
    };
}

/// `tiles` times `WIDTH` neighbouring outputs of one window: 4, 8 or 16.
///
/// # Safety
/// As [`windows_4x4`], with one `x`, `WIDTH` outputs in a tile, and one row of `z`.
#[inline(never)]
unsafe fn window_tiles<const WIDTH: usize>(
    plan: &Plan,
    x: *const f32,
    weights: *const f32,
    outputs: usize,
    bias: *const f32,
    z: *mut f32,
    tiles: usize,
) {
    const { assert!(WIDTH == 4 || WIDTH == 8 || WIDTH == 16) };
    for tile in 0..tiles {
        let at = tile.wrapping_mul(WIDTH);
        // SAFETY: reads what the runs have at `x`, WIDTH values in each of their rows of weights, WIDTH at `bias`, and `plan`; writes WIDTH
        // at `z`: all there, says the caller. Everything overwritten is declared; no stack.
        unsafe {
            asm!(
                "vldmia {count}!, {{s10-s1{last}}}",
                ".if {width} > 8",
                "vldmia {count}, {{s20-s27}}",
                ".endif",
                "ldr {lines}, [{plan}, #{all_lines}]",
                "6:",
                four_rows_of_window!(),
                "ldr {count}, [{plan}, #{rest}]",
                "cmp {count}, #0",
                "beq 5f",
                "4:",
                "vldmia {x}!, {{s28}}",
                row_of_window!("s28"),
                "subs {count}, #1",
                "bne 4b",
                "5:",
                "subs {lines}, #1",
                "beq 7f",
                "ldr {count}, [{plan}, #{x_skip}]",
                "add {x}, {x}, {count}",
                "ldr {count}, [{plan}, #{w_skip}]",
                "add {w}, {w}, {count}",
                "b 6b",
                "7:",
                "vstmia {z}!, {{s10-s1{last}}}",
                ".if {width} > 8",
                "vstmia {z}, {{s20-s27}}",
                ".endif",
                fours = const offset_of!(Plan, fours),
                rest = const offset_of!(Plan, rest),
                x_skip = const offset_of!(Plan, x_skip),
                w_skip = const offset_of!(Plan, w_skip),
                all_lines = const offset_of!(Plan, lines),
                width = const WIDTH,
                first = const if WIDTH > 8 { 8 } else { WIDTH },
                last = const if WIDTH > 8 { 7 } else { WIDTH - 1 },
                x = inout(reg) x => _,
                w = inout(reg) weights.add(at) => _,
                stride = in(reg) outputs.wrapping_sub(if WIDTH > 8 { 8 } else { 0 }).wrapping_mul(4),
                lines = out(reg) _,
                plan = in(reg) plan,
                count = inout(reg) bias.add(at) => _,
                z = inout(reg) z.add(at) => _,
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d5") _, out("d6") _, out("d7") _,
                out("d8") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
                options(nostack),
            );
        }
    }
}
