//! The products of the forward pass for four samples together, each weight loaded once for all.

use core::arch::asm;

use super::SMALL;

/// The products of the input `$x` with the weights `$w`, added to the four sums of one sample.
macro_rules! multiply_add {
    ($x:literal: $w0:literal $w1:literal $w2:literal $w3:literal, $a:literal $b:literal $c:literal $d:literal) => {
        concat!(
            multiply_add!("s10" = $x $w0),
            multiply_add!("s11" = $x $w1),
            multiply_add!("s12" = $x $w2),
            multiply_add!("s13" = $x $w3),
            multiply_add!($a += "s10"),
            multiply_add!($b += "s11"),
            multiply_add!($c += "s12"),
            multiply_add!($d += "s13"),
        )
    };
    ($product:literal = $x:literal $w:literal) => {
        concat!("vmul.f32 ", $product, ", ", $x, ", ", $w, "\n")
    };
    ($sum:literal += $product:literal) => {
        concat!("vadd.f32 ", $sum, ", ", $sum, ", ", $product, "\n")
    };
}

/// Two rows of weights for the four sums of one sample, whose inputs are at `$x`.
#[cfg_attr(baregrad_small, allow(unused_macros))]
macro_rules! two_rows_of_one {
    ($x:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            concat!("vldmia {", $x, "}!, {{s8-s9}}\n"),
            multiply_add!("s8": "s0" "s1" "s2" "s3", $a $b $c $d),
            multiply_add!("s9": "s4" "s5" "s6" "s7", $a $b $c $d),
        )
    };
}

/// The same for four samples.
#[cfg_attr(baregrad_small, allow(unused_macros))]
macro_rules! two_rows {
    () => {
        concat!(
            "vldmia {w}, {{s0-s3}}\nadd {w}, {w}, {stride}\nvldmia {w}, {{s4-s7}}\nadd {w}, {w}, {stride}\n",
            two_rows_of_one!("x0", "s16", "s17", "s18", "s19"),
            two_rows_of_one!("x1", "s20", "s21", "s22", "s23"),
            two_rows_of_one!("x2", "s24", "s25", "s26", "s27"),
            two_rows_of_one!("x3", "s28", "s29", "s30", "s31"),
        )
    };
}

/// One row of weights for the four sums of one sample.
macro_rules! one_row_of_one {
    ($x:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            concat!("vldmia {", $x, "}!, {{s8}}\n"),
            multiply_add!("s8": "s0" "s1" "s2" "s3", $a $b $c $d),
        )
    };
}

/// The first outputs of four samples, as many as four divides; says how many.
#[inline(always)]
pub(super) fn forward_four<const IN: usize, const OUT: usize>(
    samples: &[&[f32; IN]; 4],
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [[f32; OUT]; 4],
) -> usize {
    let whole = OUT / 4 * 4;
    if IN > 0 && whole > 0 {
        let samples = samples.map(|sample| sample.as_ptr());
        let (weights, bias, z) = (weights.as_ptr().cast(), bias.as_ptr(), z.as_mut_ptr().cast());
        // SAFETY: four samples of IN > 0 values, IN rows of weights and four rows of `z` of OUT values each, OUT biases; the tiles
        // take the first `whole` columns.
        unsafe { tiles_4x4(samples, IN, weights, OUT, bias, z, super::opaque(whole / 4)) };
    }
    whole
}

/// `tiles` times four neighbouring outputs of four samples. 45 cycles a row for 16 sums: weights 5, the pointer 1, `x` 6,
/// arithmetic 32, the loop 1.
///
/// # Safety
/// Each of `samples` has `inputs` values, at least one; `weights` has as many rows, `outputs` values apart, of `4·tiles`
/// values; `bias` has `4·tiles`; `z` has four rows, `outputs` values apart, of `4·tiles` values, to write.
#[inline(never)]
unsafe fn tiles_4x4(
    samples: [*const f32; 4],
    inputs: usize,
    weights: *const f32,
    outputs: usize,
    bias: *const f32,
    z: *mut f32,
    tiles: usize,
) {
    for tile in 0..tiles {
        let at = tile.wrapping_mul(4);
        // SAFETY: reads `inputs` values of each sample, four in each of `inputs` rows of weights, `stride` bytes apart, and four at `bias`,
        // which is read before `z` is written; writes four in each of four rows of `z`: all there, says the
        // caller. Everything overwritten is declared; no stack.
        unsafe {
            asm!(
                "vldmia {bias}, {{s16-s19}}",
                "vldmia {bias}, {{s20-s23}}",
                "vldmia {bias}, {{s24-s27}}",
                "vldmia {bias}, {{s28-s31}}",
                unrolled!("{fours}", two_rows!(), two_rows!()),
                "cmp {rest}, #0",
                "beq 5f",
                "4:",
                "vldmia {w}, {{s0-s3}}",
                "add {w}, {w}, {stride}",
                one_row_of_one!("x0", "s16", "s17", "s18", "s19"),
                one_row_of_one!("x1", "s20", "s21", "s22", "s23"),
                one_row_of_one!("x2", "s24", "s25", "s26", "s27"),
                one_row_of_one!("x3", "s28", "s29", "s30", "s31"),
                "subs {rest}, #1",
                "bne 4b",
                "5:",
                // The rows of `z` are as far apart as those of the weights.
                "vstmia {z}, {{s16-s19}}",
                "add {z}, {z}, {stride}",
                "vstmia {z}, {{s20-s23}}",
                "add {z}, {z}, {stride}",
                "vstmia {z}, {{s24-s27}}",
                "add {z}, {z}, {stride}",
                "vstmia {z}, {{s28-s31}}",
                x0 = inout(reg) samples[0] => _,
                x1 = inout(reg) samples[1] => _,
                x2 = inout(reg) samples[2] => _,
                x3 = inout(reg) samples[3] => _,
                w = inout(reg) weights.add(at) => _,
                fours = inout(reg) inputs / 4 => _,
                rest = inout(reg) if SMALL { inputs } else { inputs % 4 } => _,
                stride = in(reg) outputs.wrapping_mul(4),
                bias = in(reg) bias.add(at),
                z = inout(reg) z.add(at) => _,
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
                out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
                options(nostack),
            );
        }
    }
}
