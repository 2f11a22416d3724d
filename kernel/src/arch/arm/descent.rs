//! Plain gradient descent on one sample, without a gradient anywhere.

use core::arch::asm;

use super::SMALL;

/// `W[i][o] -= rate·(x[i]·delta[o])`, then `b[o] -= rate·delta[o]` if there is a bias.
#[inline(always)]
pub(crate) fn descend<const OUT: usize>(
    rate: f32,
    x: &[f32],
    delta: &[f32; OUT],
    weights: &mut [[f32; OUT]],
    bias: Option<&mut [f32; OUT]>,
) -> bool {
    let rows = x.len().min(weights.len());
    let weights = Rows { x: x.as_ptr(), count: rows, weights: weights.as_mut_ptr().cast() };
    // A bias is a row of weights whose input is 1: `1·delta` is `delta`, bit for bit.
    let bias = match bias {
        Some(bias) => Rows { x: &1.0, count: 1, weights: bias.as_mut_ptr() },
        None => Rows { count: 0, ..weights },
    };
    let rows = [weights, bias];
    // The compiler takes a piece of assembly for one instruction and would copy it for each of a known number of rounds.
    let rows = core::hint::black_box(&rows[..]);
    let delta = delta.as_ptr();
    let rest = OUT / 16 * 16;
    let last = OUT / 8 * 8;
    // SAFETY: `count` values of `x` and rows of OUT weights, in both; OUT values of `delta`. The tiles start at 0, 16 apart, at `rest`
    // if there are 8 columns from there, and at `last`, as wide as there are columns left.
    unsafe {
        if rest > 0 {
            sixteens(rate, rows, delta, OUT, 0, super::unknown(rest / 16));
        }
        if last > rest {
            columns::<8>(rate, rows, delta, OUT, rest);
        }
        match OUT - last {
            1 => columns::<1>(rate, rows, delta, OUT, last),
            2 => columns::<2>(rate, rows, delta, OUT, last),
            3 => columns::<3>(rate, rows, delta, OUT, last),
            4 => columns::<4>(rate, rows, delta, OUT, last),
            5 => columns::<5>(rate, rows, delta, OUT, last),
            6 => columns::<6>(rate, rows, delta, OUT, last),
            7 => columns::<7>(rate, rows, delta, OUT, last),
            _ => {}
        }
    }
    true
}

/// Rows of weights, one after the other, with their inputs.
#[derive(Clone, Copy)]
struct Rows {
    x: *const f32,
    count: usize,
    weights: *mut f32,
}

/// Four weights, by `$x` and four values of `delta`: the operations of four sums side by side, so that none waits.
macro_rules! four_weights {
    ($x:literal: $a:literal $b:literal $c:literal $d:literal, $e:literal $f:literal $g:literal $h:literal) => {
        concat!(
            "vmul.f32 s18, ",
            $x,
            ", ",
            $e,
            "\nvmul.f32 s19, ",
            $x,
            ", ",
            $f,
            "\n",
            "vmul.f32 s8, ",
            $x,
            ", ",
            $g,
            "\nvmul.f32 s9, ",
            $x,
            ", ",
            $h,
            "\n",
            "vmul.f32 s18, s31, s18\nvmul.f32 s19, s31, s19\nvmul.f32 s8, s31, s8\nvmul.f32 s9, s31, s9\n",
            "vsub.f32 ",
            $a,
            ", ",
            $a,
            ", s18\nvsub.f32 ",
            $b,
            ", ",
            $b,
            ", s19\n",
            "vsub.f32 ",
            $c,
            ", ",
            $c,
            ", s8\nvsub.f32 ",
            $d,
            ", ",
            $d,
            ", s9\n",
        )
    };
}

/// Sixteen weights of a row.
macro_rules! sixteen_weights {
    ($x:literal) => {
        concat!(
            "vldmia {w}, {{s0-s7}}\n",
            four_weights!($x: "s0" "s1" "s2" "s3", "s10" "s11" "s12" "s13"),
            four_weights!($x: "s4" "s5" "s6" "s7", "s14" "s15" "s16" "s17"),
            "vstmia {w}!, {{s0-s7}}\nvldmia {w}, {{s0-s7}}\n",
            four_weights!($x: "s0" "s1" "s2" "s3", "s20" "s21" "s22" "s23"),
            four_weights!($x: "s4" "s5" "s6" "s7", "s24" "s25" "s26" "s27"),
            "vstmia {w}!, {{s0-s7}}\nadd {w}, {w}, {stride}\n",
        )
    };
}

/// `tiles` times sixteen columns. 88 cycles a row of sixteen: `x` 1.3, loads and stores 36, arithmetic 48, the pointer 1, the loop 1.3.
///
/// # Safety
/// As [`columns`], for sixteen times `tiles` columns.
#[inline(never)]
unsafe fn sixteens(rate: f32, rows: &[Rows], delta: *const f32, outputs: usize, at: usize, tiles: usize) {
    for rows in rows {
        for tile in 0..tiles {
            let at = at.wrapping_add(tile.wrapping_mul(16));
            // SAFETY: reads `count` values at `x`, 16 at `delta`, reads and writes 16 in each of `count` rows at `weights`, `stride`
            // bytes beyond each other's end: all there, says the caller. Everything overwritten is declared; no stack.
            unsafe {
                asm!(
                    "vmov s31, {rate}",
                    "vldmia {delta}!, {{s10-s17}}",
                    "vldmia {delta}, {{s20-s27}}",
                    unrolled!(
                        "{threes}",
                        "vldmia {x}!, {{s28-s30}}",
                        sixteen_weights!("s28"),
                        sixteen_weights!("s29"),
                        sixteen_weights!("s30")
                    ),
                    "cmp {rest}, #0",
                    "beq 5f",
                    "4:",
                    "vldmia {x}!, {{s28}}",
                    sixteen_weights!("s28"),
                    "subs {rest}, #1",
                    "bne 4b",
                    "5:",
                    rate = in(reg) rate.to_bits(),
                    x = inout(reg) rows.x => _,
                    w = inout(reg) rows.weights.add(at) => _,
                    threes = inout(reg) rows.count / 3 => _,
                    rest = inout(reg) if SMALL { rows.count } else { rows.count % 3 } => _,
                    stride = in(reg) outputs.wrapping_sub(16).wrapping_mul(4),
                    delta = inout(reg) delta.add(at) => _,
                    out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
                    out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
                    options(nostack),
                );
            }
        }
    }
}

/// `WIDTH` neighbouring columns from `at` on, 1 to 8 of them.
///
/// # Safety
/// Each of `rows` has `count` values of `x` and rows of `outputs` weights, to read and write; `delta` has `outputs` values. There are
/// `WIDTH` columns from `at` on.
#[inline(never)]
unsafe fn columns<const WIDTH: usize>(rate: f32, rows: &[Rows], delta: *const f32, outputs: usize, at: usize) {
    const { assert!(WIDTH >= 1 && WIDTH <= 8) };
    for rows in rows {
        // SAFETY: reads `count` values at `x`, WIDTH at `delta`, reads and writes WIDTH in each of `count` rows at `weights`, `stride` bytes
        // apart: all there, says the caller. Everything overwritten is declared; no stack.
        unsafe {
            asm!(
                "vmov s9, {rate}",
                "vldmia {delta}, {{s10-s1{last}}}",
                "cmp {rows}, #0",
                "beq 3f",
                "2:",
                "vldmia {x}!, {{s8}}",
                "vldmia {w}, {{s0-s{last}}}",
                each!("width", "vmul.f32 s2\\v, s8, s1\\v"),
                each!("width", "vmul.f32 s2\\v, s9, s2\\v"),
                each!("width", "vsub.f32 s\\v, s\\v, s2\\v"),
                "vstmia {w}, {{s0-s{last}}}",
                "add {w}, {w}, {stride}",
                "subs {rows}, #1",
                "bne 2b",
                "3:",
                width = const WIDTH,
                last = const WIDTH - 1,
                rate = in(reg) rate.to_bits(),
                x = inout(reg) rows.x => _,
                w = inout(reg) rows.weights.add(at) => _,
                rows = inout(reg) rows.count => _,
                stride = in(reg) outputs.wrapping_mul(4),
                delta = in(reg) delta.add(at),
                out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
                out("d8") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _,
                options(nostack),
            );
        }
    }
}

/// The widest row that [`descend_inner`] can do.
const WIDEST: usize = 10;

/// As [`descend`] for rows of up to ten weights, and at the same time, from the old weights, the gradient of the input:
/// `g[i] = Σ_o delta[o]·W[i][o]`, `o = 0, 1, …`, from the first product on. The bias is left alone.
#[inline(always)]
pub(crate) fn descend_inner<const OUT: usize>(
    rate: f32,
    x: &[f32],
    delta: &[f32; OUT],
    weights: &mut [[f32; OUT]],
    gradient: &mut [f32],
) -> bool {
    let rows = x.len().min(weights.len()).min(gradient.len());
    if rows == 0 {
        return false;
    }
    let (x, delta, weights) = (x.as_ptr(), delta.as_ptr(), weights.as_mut_ptr().cast());
    let gradient = gradient.as_mut_ptr();
    // SAFETY: `rows` > 0 values of `x` and of `gradient`, as many rows of OUT weights, OUT values of `delta`.
    unsafe {
        match OUT {
            1 => whole_rows::<1>(rate, x, rows, delta, weights, gradient),
            2 => whole_rows::<2>(rate, x, rows, delta, weights, gradient),
            3 => whole_rows::<3>(rate, x, rows, delta, weights, gradient),
            4 => whole_rows::<4>(rate, x, rows, delta, weights, gradient),
            5 => whole_rows::<5>(rate, x, rows, delta, weights, gradient),
            6 => whole_rows::<6>(rate, x, rows, delta, weights, gradient),
            7 => whole_rows::<7>(rate, x, rows, delta, weights, gradient),
            8 => whole_rows::<8>(rate, x, rows, delta, weights, gradient),
            9 => whole_rows::<9>(rate, x, rows, delta, weights, gradient),
            10 => whole_rows::<10>(rate, x, rows, delta, weights, gradient),
            _ => return false,
        }
    }
    true
}

/// A line for each column but the first.
macro_rules! others {
    ($line:literal) => {
        concat!(".irp v,1,2,3,4,5,6,7,8,9\n.if \\v < {width}\n", $line, "\n.endif\n.endr\n")
    };
}

/// # Safety
/// `x` and `gradient`, to write, have `rows` values, at least one; `weights` has as many rows of `WIDTH` values, one after the other, to
/// read and write; `delta` has `WIDTH` values.
#[inline(never)]
unsafe fn whole_rows<const WIDTH: usize>(
    rate: f32,
    x: *const f32,
    rows: usize,
    delta: *const f32,
    weights: *mut f32,
    gradient: *mut f32,
) {
    const { assert!(WIDTH >= 1 && WIDTH <= WIDEST) };
    // The sum is a chain, each addition waiting for the one before; the products for the descent stand in between, each in the place
    // of the product just added.
    // SAFETY: reads `rows` values at `x`, WIDTH at `delta`, reads and writes `rows` times WIDTH at `weights`, writes `rows` at `gradient`: all
    // there, says the caller. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "vmov s31, {rate}",
            "vldmia {delta}, {{s10-s1{last}}}",
            "2:",
            "vldmia {x}!, {{s30}}",
            "vldmia {w}, {{s0-s{last}}}",
            apart_or_fused!(
                concat!(
                    each!("width", "vmul.f32 s2\\v, s\\v, s1\\v"),
                    others!("vadd.f32 s20, s20, s2\\v\nvmul.f32 s2\\v, s30, s1\\v"),
                ),
                concat!("vmul.f32 s20, s0, s10\n", others!("vfma.f32 s20, s\\v, s1\\v\nvmul.f32 s2\\v, s30, s1\\v"))
            ),
            "vstmia {gradient}!, {{s20}}",
            "vmul.f32 s20, s30, s10",
            // The first product is the youngest: it comes last.
            others!("vmul.f32 s2\\v, s31, s2\\v"),
            "vmul.f32 s20, s31, s20",
            others!("vsub.f32 s\\v, s\\v, s2\\v"),
            "vsub.f32 s0, s0, s20",
            "vstmia {w}!, {{s0-s{last}}}",
            "subs {rows}, #1",
            "bne 2b",
            width = const WIDTH,
            last = const WIDTH - 1,
            rate = in(reg) rate.to_bits(),
            x = inout(reg) x => _,
            w = inout(reg) weights => _,
            rows = inout(reg) rows => _,
            delta = in(reg) delta,
            gradient = inout(reg) gradient => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        );
    }
}
