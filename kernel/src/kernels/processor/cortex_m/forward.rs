//! The products of the forward pass.

use core::arch::asm;

use super::SMALL;
use super::windows::forward_four;

/// `z[s][o] = b[o] + Σ_i x[s][i]·W[i][o]`, `i = 0, 1, …`: four samples together, each weight loaded once for all, or any number
/// one by one.
#[inline(always)]
pub(super) fn outputs<const S: usize, const IN: usize, const OUT: usize>(
    samples: [&[f32; IN]; S],
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]; S],
) {
    let mut done = 0;
    if let (4, Some(samples), Some(z)) = (S, samples.first_chunk::<4>(), z.first_chunk_mut::<4>()) {
        done = forward_four(samples, weights, bias, z);
    }
    if done < OUT {
        for (x, z) in samples.into_iter().zip(z) {
            forward_one::<S, IN, OUT>(x, weights, bias, z, done);
        }
    }
}

/// Inputs of the largest layer that is part of its caller: with more of them a call costs little beside what it does.
const INLINE: usize = 16;

/// Outputs from `at` on of one sample of `S`.
#[inline(always)]
fn forward_one<const S: usize, const IN: usize, const OUT: usize>(
    x: &[f32; IN],
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [f32; OUT],
    at: usize,
) {
    debug_assert!(IN > 0, "no input");
    if IN == 0 || at >= OUT {
        return;
    }
    let last = at.wrapping_add((OUT - at) / 16 * 16);
    let (x, weights, bias, z) = (x.as_ptr(), weights.as_ptr().cast::<f32>(), bias.as_ptr(), z.as_mut_ptr());
    // SAFETY: `x` has IN > 0 values, `weights` IN rows of OUT, `bias` and `z` have OUT. The tiles start at `at`, 16 apart, and at
    // `last`; each is as wide as there are columns left.
    unsafe {
        if last - at == 16 && IN <= INLINE && !SMALL {
            if IN.is_multiple_of(4) {
                tile_8n::<8, true>(x, IN, weights.add(at), OUT, bias.add(at), z.add(at));
            } else {
                tile_8n::<8, false>(x, IN, weights.add(at), OUT, bias.add(at), z.add(at));
            }
        } else if last > at {
            let tiles = super::opaque((last - at) / 16);
            tiles_16(x, IN, weights.add(at), OUT, bias.add(at), z.add(at), tiles);
        }
        let (weights, bias, z) = (weights.add(last), bias.add(last), z.add(last));
        match OUT - last {
            1 => tail_few::<1, S>(x, IN, weights, OUT, bias, z),
            2 => tail_few::<2, S>(x, IN, weights, OUT, bias, z),
            3 => tail_few::<3, S>(x, IN, weights, OUT, bias, z),
            4 => tail_n::<4>(x, IN, weights, OUT, bias, z),
            5 => tail_n::<5>(x, IN, weights, OUT, bias, z),
            6 => tail_n::<6>(x, IN, weights, OUT, bias, z),
            7 => tail_n::<7>(x, IN, weights, OUT, bias, z),
            8 => tail_n::<8>(x, IN, weights, OUT, bias, z),
            9 => tail_n::<9>(x, IN, weights, OUT, bias, z),
            10 => tail_n::<10>(x, IN, weights, OUT, bias, z),
            11 => tail_8n::<3>(x, IN, weights, OUT, bias, z),
            12 => tail_8n::<4>(x, IN, weights, OUT, bias, z),
            13 => tail_8n::<5>(x, IN, weights, OUT, bias, z),
            14 => tail_8n::<6>(x, IN, weights, OUT, bias, z),
            15 => tail_8n::<7>(x, IN, weights, OUT, bias, z),
            _ => {}
        }
    }
}

/// The last columns; all, where there are so few.
///
/// # Safety
/// As [`tail_8n`], with `WIDTH` outputs.
#[inline(always)]
unsafe fn tail_n<const WIDTH: usize>(
    x: *const f32,
    inputs: usize,
    weights: *const f32,
    outputs: usize,
    bias: *const f32,
    z: *mut f32,
) {
    // SAFETY: the caller's.
    unsafe {
        if outputs == WIDTH {
            tile_n::<WIDTH, true>(x, inputs, weights, outputs, bias, z);
        } else {
            tile_n::<WIDTH, false>(x, inputs, weights, outputs, bias, z);
        }
    }
}

/// One to three last columns.
///
/// # Safety
/// As [`tail_n`].
#[inline(always)]
unsafe fn tail_few<const WIDTH: usize, const S: usize>(
    x: *const f32,
    inputs: usize,
    weights: *const f32,
    outputs: usize,
    bias: *const f32,
    z: *mut f32,
) {
    // SAFETY: the caller's.
    unsafe {
        if outputs == WIDTH && inputs <= INLINE && S == 1 && !SMALL {
            if inputs.is_multiple_of(4) {
                rows_few_inlined::<WIDTH, true>(x, inputs, weights, bias, z);
            } else {
                rows_few_inlined::<WIDTH, false>(x, inputs, weights, bias, z);
            }
        } else if outputs == WIDTH && !SMALL {
            rows_few::<WIDTH>(x, inputs, weights, bias, z);
        } else {
            tail_n::<WIDTH>(x, inputs, weights, outputs, bias, z);
        }
    }
}

/// `tiles` times 16 neighbouring outputs.
///
/// # Safety
/// As [`tail_8n`] with 8 further outputs, for each of the tiles; there is at least one.
#[inline(never)]
unsafe fn tiles_16(
    x: *const f32,
    inputs: usize,
    weights: *const f32,
    outputs: usize,
    bias: *const f32,
    z: *mut f32,
    tiles: usize,
) {
    let (mut weights, mut bias, mut z, mut left) = (weights, bias, z, tiles);
    loop {
        // SAFETY: the caller's.
        unsafe {
            tile_8n::<8, false>(x, inputs, weights, outputs, bias, z);
            (weights, bias, z) = (weights.add(16), bias.add(16), z.add(16));
        }
        left = left.wrapping_sub(1);
        if left == 0 {
            return;
        }
    }
}

/// 8 and `MORE` neighbouring outputs, `MORE` from 1 to 8.
///
/// # Safety
/// `x` has `inputs` values, at least one; `weights` has as many rows, `outputs` values apart, of 8 + `MORE` values; `bias`
/// has 8 + `MORE` values, and so has `z`, to write.
#[inline(never)]
unsafe fn tail_8n<const MORE: usize>(
    x: *const f32,
    inputs: usize,
    weights: *const f32,
    outputs: usize,
    bias: *const f32,
    z: *mut f32,
) {
    // SAFETY: the caller's.
    unsafe { tile_8n::<MORE, false>(x, inputs, weights, outputs, bias, z) };
}

/// One row of weights for 8 + `MORE` sums: products in place of the weights, then the sums.
macro_rules! row_8n {
    ($x:literal) => {
        concat!(
            "vldmia {w}!, {{s0-s7}}\n",
            add_each_product!("eight", "s1\\v", $x, "s\\v"),
            "vldmia {w}, {{s0-s{last}}}\nadd {w}, {w}, {stride}\n",
            add_each_product!("more", "s2\\v", $x, "s\\v"),
        )
    };
}

/// Four of them and their inputs.
macro_rules! four_rows_8n {
    () => {
        concat!("vldmia {x}!, {{s28-s31}}\n", row_8n!("s28"), row_8n!("s29"), row_8n!("s30"), row_8n!("s31"))
    };
}

/// With 16 outputs 53 cycles a row: `x` 1.25, weights 18, the pointer 1, arithmetic 32, the loop 1.
///
/// # Safety
/// As [`tail_8n`]; if `WHOLE`, four divides the number of inputs.
#[inline(always)]
unsafe fn tile_8n<const MORE: usize, const WHOLE: bool>(
    x: *const f32,
    inputs: usize,
    weights: *const f32,
    outputs: usize,
    bias: *const f32,
    z: *mut f32,
) {
    const { assert!(MORE >= 1 && MORE <= 8) };
    // SAFETY: reads `inputs` values at `x`, 8 + MORE in each of `inputs` rows, `stride` bytes beyond each other's first half, and 8 +
    // MORE at `bias`; writes 8 + MORE at `z`: all there, says the caller. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "vldmia {bias}!, {{s10-s17}}",
            "vldmia {bias}, {{s20-s2{last}}}",
            ".if {whole}",
            "2:",
            four_rows_8n!(),
            "subs {fours}, #1",
            "bne 2b",
            ".else",
            unrolled!("{fours}", four_rows_8n!()),
            "cmp {rest}, #0",
            "beq 5f",
            "4:",
            "vldmia {x}!, {{s28}}",
            row_8n!("s28"),
            "subs {rest}, #1",
            "bne 4b",
            "5:",
            ".endif",
            "vstmia {z}!, {{s10-s17}}",
            "vstmia {z}, {{s20-s2{last}}}",
            eight = const 8,
            whole = const if WHOLE { 1 } else { 0 },
            more = const MORE,
            last = const MORE - 1,
            x = inout(reg) x => _,
            w = inout(reg) weights => _,
            fours = inout(reg) inputs / 4 => _,
            rest = inout(reg) if SMALL { inputs } else { inputs % 4 } => _,
            stride = in(reg) outputs.wrapping_sub(8).wrapping_mul(4),
            bias = inout(reg) bias => _,
            z = inout(reg) z => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d5") _, out("d6") _, out("d7") _, out("d8") _,
            out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        );
    }
}

/// One row of weights for `WIDTH` sums.
macro_rules! row_n {
    ($x:literal) => {
        concat!(
            ".if {whole}\nvldmia {w}!, {{s0-s{last}}}\n.else\nvldmia {w}, {{s0-s{last}}}\nadd {w}, {w}, {stride}\n.endif\n",
            add_each_product!("width", "s1\\v", $x, "s\\v"),
        )
    };
}

/// `WIDTH` neighbouring outputs, from 1 to 10; `WHOLE` if there are no others.
///
/// # Safety
/// As [`tail_8n`], with `WIDTH` outputs.
#[inline(never)]
unsafe fn tile_n<const WIDTH: usize, const WHOLE: bool>(
    x: *const f32,
    inputs: usize,
    weights: *const f32,
    outputs: usize,
    bias: *const f32,
    z: *mut f32,
) {
    const { assert!(WIDTH >= 1 && WIDTH <= 10) };
    // SAFETY: reads `inputs` values at `x`, WIDTH in each of `inputs` rows, `stride` bytes apart, and WIDTH at `bias`;
    // writes WIDTH at `z`: all there, says the caller. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "vldmia {bias}, {{s10-s1{last}}}",
            unrolled!(
                "{fours}",
                "vldmia {x}!, {{s20-s23}}",
                row_n!("s20"),
                row_n!("s21"),
                row_n!("s22"),
                row_n!("s23")
            ),
            "cmp {rest}, #0",
            "beq 5f",
            "4:",
            "vldmia {x}!, {{s20}}",
            row_n!("s20"),
            "subs {rest}, #1",
            "bne 4b",
            "5:",
            "vstmia {z}, {{s10-s1{last}}}",
            width = const WIDTH,
            last = const WIDTH - 1,
            whole = const if WHOLE { 1 } else { 0 },
            x = inout(reg) x => _,
            w = inout(reg) weights => _,
            fours = inout(reg) inputs / 4 => _,
            rest = inout(reg) if SMALL { inputs } else { inputs % 4 } => _,
            stride = in(reg) outputs.wrapping_mul(4),
            bias = in(reg) bias,
            z = in(reg) z,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _,
            options(nostack),
        );
    }
}

/// Products of an input with the weights of its row, and their sums, for each column.
macro_rules! few_products {
    ($x:literal: $a:literal $b:literal $c:literal) => {
        concat!(few_products!("0", $x, $a), few_products!("1", $x, $b), few_products!("2", $x, $c))
    };
    ($column:literal, $x:literal, $w:literal) => {
        concat!(".if ", $column, " < {width}\nvmul.f32 s{", $w, "}, ", $x, ", s{", $w, "}\n.endif\n")
    };
}
macro_rules! few_sums {
    ($a:literal $b:literal $c:literal) => {
        concat!(few_sums!("0", "s12", $a), few_sums!("1", "s13", $b), few_sums!("2", "s14", $c))
    };
    ($column:literal, $sum:literal, $w:literal) => {
        concat!(".if ", $column, " < {width}\nvadd.f32 ", $sum, ", ", $sum, ", s{", $w, "}\n.endif\n")
    };
}

/// All of one to three outputs: the weights of four rows at a time.
///
/// # Safety
/// As [`tail_8n`], with `WIDTH` outputs, and rows of as many.
#[inline(never)]
unsafe fn rows_few<const WIDTH: usize>(x: *const f32, inputs: usize, weights: *const f32, bias: *const f32, z: *mut f32) {
    // SAFETY: the caller's.
    unsafe { rows_few_inlined::<WIDTH, false>(x, inputs, weights, bias, z) };
}

/// # Safety
/// As [`rows_few`]; if `WHOLE`, four divides the number of inputs.
#[inline(always)]
unsafe fn rows_few_inlined<const WIDTH: usize, const WHOLE: bool>(
    x: *const f32,
    inputs: usize,
    weights: *const f32,
    bias: *const f32,
    z: *mut f32,
) {
    const { assert!(WIDTH >= 1 && WIDTH <= 3) };
    // SAFETY: reads `inputs` values at `x`, WIDTH times as many at `weights`, WIDTH at `bias`; writes WIDTH at `z`: all there, says the
    // caller. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "vldmia {bias}, {{s12-s{end}}}",
            ".if {whole} == 0",
            "cmp {fours}, #0",
            "beq 3f",
            ".endif",
            "2:",
            "vldmia {w}!, {{s0-s{last}}}",
            "vldmia {x}!, {{s16-s19}}",
            few_products!("s16": "a0" "a1" "a2"),
            few_products!("s17": "b0" "b1" "b2"),
            few_products!("s18": "c0" "c1" "c2"),
            few_products!("s19": "d0" "d1" "d2"),
            few_sums!("a0" "a1" "a2"),
            few_sums!("b0" "b1" "b2"),
            few_sums!("c0" "c1" "c2"),
            few_sums!("d0" "d1" "d2"),
            "subs {fours}, #1",
            "bne 2b",
            "3:",
            ".if {whole} == 0",
            "cmp {rest}, #0",
            "beq 5f",
            "4:",
            "vldmia {w}!, {{s0-s{a_last}}}",
            "vldmia {x}!, {{s16}}",
            few_products!("s16": "a0" "a1" "a2"),
            few_sums!("a0" "a1" "a2"),
            "subs {rest}, #1",
            "bne 4b",
            "5:",
            ".endif",
            "vstmia {z}, {{s12-s{end}}}",
            width = const WIDTH,
            whole = const if WHOLE { 1 } else { 0 },
            end = const 11 + WIDTH,
            last = const 4 * WIDTH - 1,
            a_last = const WIDTH - 1,
            a0 = const 0,
            a1 = const 1,
            a2 = const 2,
            b0 = const WIDTH,
            b1 = const WIDTH + 1,
            b2 = const WIDTH + 2,
            c0 = const 2 * WIDTH,
            c1 = const 2 * WIDTH + 1,
            c2 = const 2 * WIDTH + 2,
            d0 = const 3 * WIDTH,
            d1 = const 3 * WIDTH + 1,
            d2 = const 3 * WIDTH + 2,
            x = inout(reg) x => _,
            w = inout(reg) weights => _,
            fours = inout(reg) inputs / 4 => _,
            rest = inout(reg) inputs % 4 => _,
            bias = in(reg) bias,
            z = in(reg) z,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _, out("d8") _, out("d9") _,
            options(nostack),
        );
    }
}
