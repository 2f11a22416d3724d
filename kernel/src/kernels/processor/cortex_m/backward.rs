//! The products of the backward pass.

use core::arch::asm;

use super::SMALL;

/// `g[k][c] = Σ_o delta[k][o]·W[k][c][o]`, `o = 0, 1, …` from the first product on, for `count` times four rows of weights.
///
/// From one `k` to the next: either the same rows and the next sample, with sums `apart` values apart, or the next four rows and the
/// same `delta`, with sums next to each other.
#[inline(always)]
pub(super) fn input_gradient<const OUT: usize>(
    rows: &[[f32; OUT]],
    delta: &[[f32; OUT]],
    sums: &mut [f32],
    apart: usize,
) {
    let (count, weight_step, delta_step, sum_step) = match delta {
        [_] => (rows.len() / 4, 4 * OUT, 0, 4),
        _ => (delta.len(), 0, OUT, apart),
    };
    // Wraps nowhere: so many rows of sums are in memory. (A build that looks for overflow would add a panic.)
    let needed = count.wrapping_sub(1).wrapping_mul(sum_step).wrapping_add(4);
    if count == 0 {
        return; // fewer than four rows, or no sample
    }
    if OUT == 0 || rows.len() < 4 || sums.len() < needed {
        debug_assert!(false, "{} rows of {OUT}, {} sums", rows.len(), sums.len());
        return;
    }
    let (rows, delta, sums) = (rows.as_ptr().cast(), delta.as_ptr().cast(), sums.as_mut_ptr());
    let steps = [weight_step, delta_step, sum_step];
    // SAFETY: `rows` has 4·count rows of OUT > 0 values and `delta` one, or four rows and `count` of `delta`; `sums` is long enough,
    // as just looked up.
    unsafe {
        match OUT % 4 {
            1 => row_sums::<1>(rows, delta, OUT, sums, count, steps),
            2 => row_sums::<2>(rows, delta, OUT, sums, count, steps),
            3 => row_sums::<3>(rows, delta, OUT, sums, count, steps),
            _ => row_sums::<0>(rows, delta, OUT, sums, count, steps),
        }
    }
}

/// The products of `$count` values of `delta` with those of two rows, added to a sum for each.
macro_rules! add_two_rows {
    ($count:literal, $a:literal, $b:literal) => {
        concat!(
            each!($count, "vmul.f32 s1\\v, s1\\v, s\\v"),
            each!($count, "vmul.f32 s2\\v, s2\\v, s\\v"),
            each!($count, "vadd.f32 ", $a, ", ", $a, ", s1\\v\nvadd.f32 ", $b, ", ", $b, ", s2\\v")
        )
    };
}

/// `$count` values of `delta` with those of four rows. Each sum waits for the three others, never for itself.
macro_rules! four_rows {
    ($count:literal, $last:literal) => {
        concat!(
            "vldmia {delta}!, {{s0-s",
            $last,
            "}}\n",
            "vldmia {r0}!, {{s10-s1",
            $last,
            "}}\n",
            "vldmia {r1}!, {{s20-s2",
            $last,
            "}}\n",
            add_two_rows!($count, "s4", "s5"),
            "vldmia {r2}!, {{s10-s1",
            $last,
            "}}\n",
            "vldmia {r3}!, {{s20-s2",
            $last,
            "}}\n",
            add_two_rows!($count, "s6", "s7"),
        )
    };
}

/// # Safety
/// For each `k < count`, that many `steps` further: four rows of `outputs` values at `rows`, one after the other; as many
/// at `delta`; four at `sums`, to write. `REST` is `outputs` modulo 4.
#[inline(never)]
unsafe fn row_sums<const REST: usize>(
    rows: *const f32,
    delta: *const f32,
    outputs: usize,
    sums: *mut f32,
    count: usize,
    steps: [usize; 3],
) {
    for k in 0..count {
        // A sum that starts from -0 has the bits of one that starts with its first product, whatever that is.
        // SAFETY: reads `outputs` values of `delta` and of each row, writes four sums: all there, says the caller.
        // Everything overwritten is declared; no stack.
        unsafe {
            let rows = rows.add(k.wrapping_mul(steps[0]));
            asm!(
                "vmov s4, {minus_zero}",
                "vmov s5, {minus_zero}",
                "vmov s6, {minus_zero}",
                "vmov s7, {minus_zero}",
                "cmp {fours}, #0",
                "beq 3f",
                "2:",
                four_rows!("four", "3"),
                "subs {fours}, #1",
                "bne 2b",
                "3:",
                ".if {rest} > 0",
                four_rows!("rest", "{last}"),
                ".endif",
                "vstmia {sums}, {{s4-s7}}",
                four = const 4,
                rest = const REST,
                last = const REST.saturating_sub(1),
                minus_zero = in(reg) 0x8000_0000_u32,
                delta = inout(reg) delta.add(k.wrapping_mul(steps[1])) => _,
                r0 = inout(reg) rows => _,
                r1 = inout(reg) rows.add(outputs) => _,
                r2 = inout(reg) rows.add(outputs.wrapping_mul(2)) => _,
                r3 = inout(reg) rows.add(outputs.wrapping_mul(3)) => _,
                fours = inout(reg) outputs / 4 => _,
                sums = in(reg) sums.add(k.wrapping_mul(steps[2])),
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d5") _, out("d6") _, out("d10") _, out("d11") _,
                options(nostack),
            );
        }
    }
}

/// `sums[c][v] += Σ_s columns[s][c]·delta[s][at + v]` for four columns and 1 to 4 outputs, sample by sample.
#[inline(always)]
pub(super) fn add_products<const V: usize, const OUT: usize>(
    columns: &[[f32; 4]],
    delta: &[[f32; OUT]],
    at: usize,
    sums: &mut [[f32; V]; 4],
) {
    let samples = columns.len().min(delta.len());
    if V == 0 || V > 4 || V > OUT || at > OUT - V {
        debug_assert!(false, "{V} outputs from {at} on of {OUT}");
        return;
    }
    // SAFETY: `samples` rows of four columns, and of OUT values of `delta`, V of them from `at` on; four rows of V sums.
    unsafe {
        let (columns, delta) = (columns.as_ptr().cast(), delta.as_ptr().cast::<f32>().wrapping_add(at));
        let sums = sums.as_mut_ptr().cast();
        match V {
            1 => column_sums::<1>(columns, delta, OUT, samples, sums, V, 1, None),
            2 => column_sums::<2>(columns, delta, OUT, samples, sums, V, 1, None),
            3 => column_sums::<3>(columns, delta, OUT, samples, sums, V, 1, None),
            _ => column_sums::<4>(columns, delta, OUT, samples, sums, V, 1, None),
        }
    }
}

/// `rows[c][o] -= rate·Σ_s columns[s][c]·delta[s][o]`, from the first product on, for four rows.
#[inline(always)]
pub(super) fn descend_batch<const OUT: usize>(
    rate: f32,
    columns: &[[f32; 4]],
    delta: &[[f32; OUT]],
    rows: &mut [[f32; OUT]; 4],
) {
    let samples = columns.len().min(delta.len());
    let (columns, delta, rows) = (columns.as_ptr().cast(), delta.as_ptr().cast::<f32>(), rows.as_mut_ptr().cast());
    let (tiles, whole) = (OUT / 4, OUT / 4 * 4);
    // SAFETY: `samples` rows of four columns, and of OUT values of `delta`; four rows of OUT values.
    unsafe {
        if tiles > 0 {
            column_sums::<4>(columns, delta, OUT, samples, rows, OUT, super::opaque(tiles), Some(rate));
        }
        let (delta, rows) = (delta.wrapping_add(whole), rows.wrapping_add(whole));
        match OUT % 4 {
            1 => column_sums::<1>(columns, delta, OUT, samples, rows, OUT, 1, Some(rate)),
            2 => column_sums::<2>(columns, delta, OUT, samples, rows, OUT, 1, Some(rate)),
            3 => column_sums::<3>(columns, delta, OUT, samples, rows, OUT, 1, Some(rate)),
            _ => {}
        }
    }
}

/// A line for column `$v` of a tile, if the tile is that wide.
macro_rules! column_line {
    ($v:literal, $($line:literal),+) => {
        concat!(".if {width} > ", $v, "\n", $($line,)+ "\n.endif\n")
    };
}

/// Adds the products of column `$x` with `delta` to four sums.
macro_rules! add_products {
    ($x:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            each!("width", "vmul.f32 s1\\v, ", $x, ", s\\v"),
            column_line!(0, "vadd.f32 ", $a, ", ", $a, ", s10"),
            column_line!(1, "vadd.f32 ", $b, ", ", $b, ", s11"),
            column_line!(2, "vadd.f32 ", $c, ", ", $c, ", s12"),
            column_line!(3, "vadd.f32 ", $d, ", ", $d, ", s13"),
        )
    };
}

/// One sample. 44 cycles for 16 sums: the columns 5, `delta` 5 and its pointer 1, arithmetic 32, the loop 1.
macro_rules! sample {
    () => {
        concat!(
            "vldmia {x}!, {{s4-s7}}\nvldmia {delta}, {{s0-s{last}}}\nadd {delta}, {delta}, {stride}\n",
            add_products!("s4", "s16", "s17", "s18", "s19"),
            add_products!("s5", "s20", "s21", "s22", "s23"),
            add_products!("s6", "s24", "s25", "s26", "s27"),
            add_products!("s7", "s28", "s29", "s30", "s31"),
        )
    };
}

/// One row of weights by its sums.
macro_rules! descend_row {
    ($a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            "vldmia {rows}, {{s0-s{last}}}\n",
            column_line!(0, "vmul.f32 ", $a, ", s8, ", $a),
            column_line!(1, "vmul.f32 ", $b, ", s8, ", $b),
            column_line!(2, "vmul.f32 ", $c, ", s8, ", $c),
            column_line!(3, "vmul.f32 ", $d, ", s8, ", $d),
            column_line!(0, "vsub.f32 s0, s0, ", $a),
            column_line!(1, "vsub.f32 s1, s1, ", $b),
            column_line!(2, "vsub.f32 s2, s2, ", $c),
            column_line!(3, "vsub.f32 s3, s3, ", $d),
            "vstmia {rows}, {{s0-s{last}}}\nadd {rows}, {rows}, {apart}\n",
        )
    };
}

/// `tiles` tiles of `WIDTH` sums for each of four columns: on top of those in `rows` or, if there is a rate, to descend the weights there.
///
/// # Safety
/// `columns` has `samples` rows of four values; `delta` has as many rows, `outputs` values apart, of `WIDTH` values for
/// each tile; `rows` has four, `apart` values apart, of as many, to read and write.
#[inline(never)]
#[allow(clippy::too_many_arguments)]
unsafe fn column_sums<const WIDTH: usize>(
    columns: *const f32,
    delta: *const f32,
    outputs: usize,
    samples: usize,
    rows: *mut f32,
    apart: usize,
    tiles: usize,
    rate: Option<f32>,
) {
    const { assert!(WIDTH >= 1 && WIDTH <= 4) };
    // A sum that starts from -0 has the bits of one that starts with its first product, whatever that is.
    const MINUS_ZEROS: [f32; 4] = [-0.0; 4];
    for tile in 0..tiles {
        let at = tile.wrapping_mul(WIDTH);
        // SAFETY: reads four values in each of `samples` rows of `columns`, WIDTH in each of as many rows of `delta`, `stride` bytes apart;
        // reads and writes the four rows of WIDTH: all there, says the caller. Everything overwritten is declared; no stack.
        unsafe {
            let (delta, rows) = (delta.wrapping_add(at), rows.wrapping_add(at));
            let (first, first_apart) =
                if rate.is_some() { (MINUS_ZEROS.as_ptr(), 0) } else { (rows.cast_const(), apart) };
            asm!(
                "vldmia {first}, {{s16-s{last0}}}\nadd {first}, {first}, {first_apart}",
                "vldmia {first}, {{s20-s{last1}}}\nadd {first}, {first}, {first_apart}",
                "vldmia {first}, {{s24-s{last2}}}\nadd {first}, {first}, {first_apart}",
                "vldmia {first}, {{s28-s{last3}}}",
                unrolled!("{fours}", sample!(), sample!(), sample!(), sample!()),
                "cmp {rest}, #0",
                "beq 5f",
                "4:",
                sample!(),
                "subs {rest}, #1",
                "bne 4b",
                "5:",
                "cmp {descends}, #0",
                "beq 6f",
                "vmov s8, {rate}",
                descend_row!("s16", "s17", "s18", "s19"),
                descend_row!("s20", "s21", "s22", "s23"),
                descend_row!("s24", "s25", "s26", "s27"),
                descend_row!("s28", "s29", "s30", "s31"),
                "b 7f",
                "6:",
                "vstmia {rows}, {{s16-s{last0}}}\nadd {rows}, {rows}, {apart}",
                "vstmia {rows}, {{s20-s{last1}}}\nadd {rows}, {rows}, {apart}",
                "vstmia {rows}, {{s24-s{last2}}}\nadd {rows}, {rows}, {apart}",
                "vstmia {rows}, {{s28-s{last3}}}",
                "7:",
                width = const WIDTH,
                last = const WIDTH - 1,
                last0 = const 15 + WIDTH,
                last1 = const 19 + WIDTH,
                last2 = const 23 + WIDTH,
                last3 = const 27 + WIDTH,
                first = inout(reg) first => _,
                first_apart = in(reg) first_apart.wrapping_mul(4),
                x = inout(reg) columns => _,
                delta = inout(reg) delta => _,
                fours = inout(reg) samples / 4 => _,
                rest = inout(reg) if SMALL { samples } else { samples % 4 } => _,
                stride = in(reg) outputs.wrapping_mul(4),
                rows = inout(reg) rows => _,
                apart = in(reg) apart.wrapping_mul(4),
                descends = in(reg) usize::from(rate.is_some()),
                rate = in(reg) rate.unwrap_or(0.0).to_bits(),
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _,
                out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
                options(nostack),
            );
        }
    }
}
