//! Plain gradient descent on one sample, without a gradient anywhere.

use core::arch::asm;
use core::ptr;

use super::SMALL;

/// `W[i][o] -= rate·(x[i]·delta[o])`, then `b[o] -= rate·delta[o]` if there is a bias.
#[inline(always)]
pub(super) fn descend<const OUT: usize>(
    rate: f32,
    x: &[f32],
    delta: &[f32; OUT],
    weights: &mut [[f32; OUT]],
    bias: Option<&mut [f32; OUT]>,
) {
    let rows = Rows {
        count: x.len().min(weights.len()),
        x: x.as_ptr(),
        weights: weights.as_mut_ptr().cast(),
        bias: match bias {
            Some(bias) => bias.as_mut_ptr(),
            None => ptr::null_mut(),
        },
        outputs: OUT,
    };
    let delta = delta.as_ptr();
    let rest = OUT / 16 * 16;
    let last = OUT / 8 * 8;
    // SAFETY: `count` values of `x` and rows of OUT weights; OUT values of `delta`, and of the bias, if there is one. The tiles start at 0,
    // 16 apart, at `rest` if there are 8 columns from there, and at `last`, as wide as there are columns left.
    unsafe {
        if rest == 16 && !SMALL {
            tile_16(rate, rows, delta);
        } else if rest > 0 {
            tiles_16(rate, &rows, delta, super::opaque(rest / 16));
        }
        if last > rest {
            tile_n::<8>(rate, &rows, delta, rest);
        }
        match OUT - last {
            1 => tile_n::<1>(rate, &rows, delta, last),
            2 => tile_n::<2>(rate, &rows, delta, last),
            3 => tile_n::<3>(rate, &rows, delta, last),
            4 => tile_n::<4>(rate, &rows, delta, last),
            5 => tile_n::<5>(rate, &rows, delta, last),
            6 => tile_n::<6>(rate, &rows, delta, last),
            7 => tile_n::<7>(rate, &rows, delta, last),
            _ => {}
        }
    }
}

/// `count` rows of weights, one after the other, with their inputs, and a bias, or null.
#[derive(Clone, Copy)]
struct Rows {
    x: *const f32,
    count: usize,
    weights: *mut f32,
    bias: *mut f32,
    outputs: usize,
}

impl Rows {
    /// The columns from `at` on.
    #[inline(always)]
    fn columns_from(self, at: usize) -> Self {
        let bias = if self.bias.is_null() { self.bias } else { self.bias.wrapping_add(at) };
        Self { weights: self.weights.wrapping_add(at), bias, ..self }
    }
}

/// The bias of up to ten columns, where `delta` is in s10 and the registers above.
macro_rules! descend_bias {
    ($rate:literal) => {
        concat!(
            "vldmia {bias}, {{s0-s{last}}}\n",
            each!("width", "vmul.f32 s2\\v, ", $rate, ", s1\\v"),
            each!("width", "vsub.f32 s\\v, s\\v, s2\\v"),
            "vstmia {bias}, {{s0-s{last}}}"
        )
    };
}

/// Weights by `$x` and values of `delta`: the operations of two or three of them side by side, so that none waits.
macro_rules! side_by_side {
    ($x:literal: $($w:literal $delta:literal $product:literal)+) => {
        concat!(
            $("vmul.f32 ", $product, ", ", $x, ", ", $delta, "\n",)+
            side_by_side!($($w $product)+)
        )
    };
    ($($w:literal $product:literal)+) => {
        concat!(
            $("vmul.f32 ", $product, ", s9, ", $product, "\n",)+
            $("vsub.f32 ", $w, ", ", $w, ", ", $product, "\n",)+
        )
    };
}

/// Sixteen weights of a row; `$w` is its pointer, `$next` that of the next row in the end. Between the last difference and its way to
/// memory stands something else.
macro_rules! sixteen_weights {
    ($x:literal, $w:literal, $next:literal) => {
        concat!(
            "vldmia {",
            $w,
            "}, {{s0-s7}}\n",
            side_by_side!($x: "s0" "s10" "s8" "s1" "s11" "s18" "s2" "s12" "s19"),
            side_by_side!($x: "s3" "s13" "s8" "s4" "s14" "s18" "s5" "s15" "s19"),
            side_by_side!($x: "s6" "s16" "s8" "s7" "s17" "s18"),
            "vmul.f32 s8, ",
            $x,
            ", s20\n",
            "vstmia {",
            $w,
            "}!, {{s0-s7}}\nvldmia {",
            $w,
            "}, {{s0-s7}}\n",
            "vmul.f32 s18, ",
            $x,
            ", s21\nvmul.f32 s19, ",
            $x,
            ", s22\n",
            side_by_side!("s0" "s8" "s1" "s18" "s2" "s19"),
            side_by_side!($x: "s3" "s23" "s8" "s4" "s24" "s18" "s5" "s25" "s19"),
            side_by_side!($x: "s6" "s26" "s8" "s7" "s27" "s18"),
            "add {",
            $next,
            "}, {",
            $w,
            "}, {stride}\nvstmia {",
            $w,
            "}, {{s0-s7}}\n",
        )
    };
}

/// Four biases: rows of weights whose input is 1, and `1·delta` is `delta`, bit for bit.
macro_rules! four_biases {
    ($($w:literal $delta:literal $product:literal)+) => {
        concat!(
            $("vmul.f32 ", $product, ", s9, ", $delta, "\n",)+
            $("vsub.f32 ", $w, ", ", $w, ", ", $product, "\n",)+
        )
    };
}

/// `tiles` times sixteen columns.
///
/// # Safety
/// As [`tile_n`], for sixteen times `tiles` columns.
#[inline(never)]
unsafe fn tiles_16(rate: f32, rows: &Rows, delta: *const f32, tiles: usize) {
    for tile in 0..tiles {
        let at = tile.wrapping_mul(16);
        // SAFETY: the caller's.
        unsafe { tile_16(rate, rows.columns_from(at), delta.add(at)) };
    }
}

/// The first sixteen columns. 87 cycles a row: `x` 1.25, loads and stores 36, arithmetic 48, the pointer 1, the loop 1.
///
/// # Safety
/// As [`tile_n`], for sixteen columns.
#[inline(always)]
unsafe fn tile_16(rate: f32, rows: Rows, delta: *const f32) {
    // SAFETY: reads `count` values at `x`, 16 at `delta`, reads and writes 16 in each of `count` rows at `weights`, `stride` bytes beyond
    // each other's first half, and 16 at `bias` unless it is null: all there, says the caller. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "vmov s9, {rate}",
            "vldmia {delta}!, {{s10-s17}}",
            "vldmia {delta}, {{s20-s27}}",
            unrolled!(
                "{fours}",
                "vldmia {x}!, {{s28-s31}}",
                sixteen_weights!("s28", "w", "next"),
                sixteen_weights!("s29", "next", "w"),
                sixteen_weights!("s30", "w", "next"),
                sixteen_weights!("s31", "next", "w")
            ),
            "cmp {rest}, #0",
            "beq 5f",
            "4:",
            "vldmia {x}!, {{s28}}",
            sixteen_weights!("s28", "w", "next"),
            "mov {w}, {next}",
            "subs {rest}, #1",
            "bne 4b",
            "5:",
            "cmp {bias}, #0",
            "beq 6f",
            "vldmia {bias}, {{s0-s7}}",
            four_biases!("s0" "s10" "s18" "s1" "s11" "s19" "s2" "s12" "s8" "s3" "s13" "s28"),
            four_biases!("s4" "s14" "s18" "s5" "s15" "s19" "s6" "s16" "s8" "s7" "s17" "s28"),
            "vstmia {bias}!, {{s0-s7}}",
            "vldmia {bias}, {{s0-s7}}",
            four_biases!("s0" "s20" "s18" "s1" "s21" "s19" "s2" "s22" "s8" "s3" "s23" "s28"),
            four_biases!("s4" "s24" "s18" "s5" "s25" "s19" "s6" "s26" "s8" "s7" "s27" "s28"),
            "vstmia {bias}, {{s0-s7}}",
            "6:",
            rate = in(reg) rate.to_bits(),
            x = inout(reg) rows.x => _,
            w = inout(reg) rows.weights => _,
            fours = inout(reg) rows.count / 4 => _,
            rest = inout(reg) if SMALL { rows.count } else { rows.count % 4 } => _,
            next = out(reg) _,
            stride = in(reg) rows.outputs.wrapping_sub(8).wrapping_mul(4),
            delta = inout(reg) delta => _,
            bias = inout(reg) rows.bias => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        );
    }
}

/// `WIDTH` neighbouring columns from `at` on, 1 to 8 of them.
///
/// # Safety
/// `rows` has `count` values of `x` and rows of `outputs` weights, to read and write; `delta` has `outputs` values, and so has the bias,
/// unless it is null. There are `WIDTH` columns from `at` on.
#[inline(never)]
unsafe fn tile_n<const WIDTH: usize>(rate: f32, rows: &Rows, delta: *const f32, at: usize) {
    const { assert!(WIDTH >= 1 && WIDTH <= 8) };
    // SAFETY: reads `count` values at `x`, WIDTH at `delta`, reads and writes WIDTH in each of `count` rows at `weights`, `stride` bytes
    // apart, and WIDTH at `bias` unless it is null: all there, says the caller. Everything overwritten is declared; no stack.
    unsafe {
        let rows = rows.columns_from(at);
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
            "subs {rows}, #1",
            "vstmia {w}, {{s0-s{last}}}",
            "add {w}, {w}, {stride}",
            "bne 2b",
            "3:",
            "cmp {bias}, #0",
            "beq 4f",
            descend_bias!("s9"),
            "4:",
            width = const WIDTH,
            last = const WIDTH - 1,
            rate = in(reg) rate.to_bits(),
            x = inout(reg) rows.x => _,
            w = inout(reg) rows.weights => _,
            rows = inout(reg) rows.count => _,
            stride = in(reg) rows.outputs.wrapping_mul(4),
            delta = in(reg) delta.add(at),
            bias = in(reg) rows.bias,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _,
            options(nostack),
        );
    }
}

/// The widest row that [`descend_inner`] can do.
pub(super) const WIDEST: usize = 10;

/// As [`descend`] for rows of up to ten weights, and at the same time, from the old weights, the gradient of the input in its place:
/// `Σ_o delta[o]·W[i][o]`, `o = 0, 1, …`, from the first product on; if `select`, 0 where the input, which is not -0, is not positive.
#[inline(always)]
pub(super) fn descend_inner<const OUT: usize>(
    rate: f32,
    inputs: &mut [f32],
    delta: &[f32; OUT],
    weights: &mut [[f32; OUT]],
    bias: Option<&mut [f32; OUT]>,
    select: bool,
) {
    let rows = Rows {
        count: inputs.len().min(weights.len()),
        x: ptr::null(),
        weights: weights.as_mut_ptr().cast(),
        bias: match bias {
            Some(bias) => bias.as_mut_ptr(),
            None => ptr::null_mut(),
        },
        outputs: OUT,
    };
    debug_assert!(rows.count > 0 && OUT <= WIDEST, "{} rows of {OUT}", rows.count);
    if rows.count == 0 {
        return;
    }
    let (inputs, delta) = (inputs.as_mut_ptr(), delta.as_ptr());
    // SAFETY: `count` > 0 inputs and rows of OUT weights, OUT values of `delta`, and of the bias, if there is one.
    unsafe {
        match OUT {
            1 => inner::<1>(rate, inputs, rows, delta, select),
            2 => inner::<2>(rate, inputs, rows, delta, select),
            3 => inner::<3>(rate, inputs, rows, delta, select),
            4 => inner::<4>(rate, inputs, rows, delta, select),
            5 => inner::<5>(rate, inputs, rows, delta, select),
            6 => inner::<6>(rate, inputs, rows, delta, select),
            7 => inner::<7>(rate, inputs, rows, delta, select),
            8 => inner::<8>(rate, inputs, rows, delta, select),
            9 => inner::<9>(rate, inputs, rows, delta, select),
            10 => inner::<10>(rate, inputs, rows, delta, select),
            _ => {}
        }
    }
}

/// # Safety
/// As [`rows_n`].
#[inline(always)]
unsafe fn inner<const WIDTH: usize>(rate: f32, inputs: *mut f32, rows: Rows, delta: *const f32, select: bool) {
    // SAFETY: the caller's.
    unsafe {
        if select {
            rows_n::<WIDTH, true>(rate, inputs, rows.count, delta, rows.weights, rows.bias);
        } else {
            rows_n::<WIDTH, false>(rate, inputs, rows.count, delta, rows.weights, rows.bias);
        }
    }
}

/// A line for each column but the first.
macro_rules! others {
    ($line:literal) => {
        concat!(".irp v,1,2,3,4,5,6,7,8,9\n.if \\v < {width}\n", $line, "\n.endif\n.endr\n")
    };
}

/// A row and its input. The sum is a chain, each addition waiting for the one before; the products for the descent stand in between, each
/// in the place of the product just added.
macro_rules! row_n {
    () => {
        concat!(
            ".if {select}\nldr {input}, [{x}]\nvmov s30, {input}\n.else\nvldmia {x}, {{s30}}\n.endif\n",
            "vldmia {w}, {{s0-s{last}}}\n",
            each!("width", "vmul.f32 s2\\v, s\\v, s1\\v"),
            others!("vadd.f32 s20, s20, s2\\v\nvmul.f32 s2\\v, s30, s1\\v"),
            // 1 if the input is positive, else 0, as in `rectifier`.
            ".if {select}\nusat {input}, #1, {input}\nvmov {gradient}, s20\n.else\nvstmia {x}!, {{s20}}\n.endif\n",
            "vmul.f32 s20, s30, s10\n",
            // The first product is the youngest: it comes last.
            others!("vmul.f32 s2\\v, s31, s2\\v"),
            "vmul.f32 s20, s31, s20\n",
            others!("vsub.f32 s\\v, s\\v, s2\\v"),
            "vsub.f32 s0, s0, s20\n",
            ".if {select}\nmul {gradient}, {gradient}, {input}\nstr {gradient}, [{x}], #4\n.endif\n",
        )
    };
}

/// # Safety
/// `inputs` has `rows` values, at least one, to read and write; `weights` has as many rows of `WIDTH` values, one after the other, to
/// read and write; `delta` has `WIDTH` values, and so has `bias`, to read and write, unless it is null.
#[inline(never)]
unsafe fn rows_n<const WIDTH: usize, const SELECT: bool>(
    rate: f32,
    inputs: *mut f32,
    rows: usize,
    delta: *const f32,
    weights: *mut f32,
    bias: *mut f32,
) {
    const { assert!(WIDTH >= 1 && WIDTH <= WIDEST) };
    // SAFETY: reads WIDTH values at `delta`, reads and writes `rows` at `inputs`, `rows` times WIDTH at `weights`, and WIDTH at `bias` unless
    // it is null: all there, says the caller. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "vmov s31, {rate}",
            "vldmia {delta}, {{s10-s1{last}}}",
            unrolled!(
                "{fours}",
                row_n!(),
                "vstmia {w}!, {{s0-s{last}}}",
                row_n!(),
                "vstmia {w}!, {{s0-s{last}}}",
                row_n!(),
                "vstmia {w}!, {{s0-s{last}}}",
                row_n!(),
                "vstmia {w}!, {{s0-s{last}}}"
            ),
            "cmp {rest}, #0",
            "beq 5f",
            "4:",
            row_n!(),
            "subs {rest}, #1",
            "vstmia {w}!, {{s0-s{last}}}",
            "bne 4b",
            "5:",
            "cmp {bias}, #0",
            "beq 6f",
            descend_bias!("s31"),
            "6:",
            width = const WIDTH,
            last = const WIDTH - 1,
            select = const if SELECT { 1 } else { 0 },
            rate = in(reg) rate.to_bits(),
            x = inout(reg) inputs => _,
            w = inout(reg) weights => _,
            fours = inout(reg) rows / 4 => _,
            rest = inout(reg) if SMALL { rows } else { rows % 4 } => _,
            delta = in(reg) delta,
            bias = in(reg) bias,
            input = out(reg) _,
            gradient = out(reg) _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        );
    }
}
