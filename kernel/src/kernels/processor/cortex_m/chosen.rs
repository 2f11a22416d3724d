//! The gradients of a pooled convolution: products with values that data choose.

use core::arch::asm;
use core::mem::offset_of;

use super::taps::bytes;
use crate::kernels::portable::{Chosen, Runs};

/// See [`Kernels::add_chosen`](crate::kernels::Kernels::add_chosen).
#[inline(always)]
pub(super) fn add_products<const OUT: usize>(
    chosen: Chosen<'_>,
    runs: Runs,
    output: usize,
    x: &[f32],
    delta: &[[f32; OUT]],
    sums: &mut [f32],
) -> bool {
    let is_there = chosen.is_within(runs, x.len(), OUT, output) && chosen.windows() <= delta.len();
    // The bytes are read as such: the first is the lowest of its word.
    if cfg!(target_endian = "big") || !is_there || sums.len() < runs.lines.saturating_mul(runs.run) {
        return false;
    }
    if runs.lines == 3 && runs.run == 3 {
        // SAFETY: just looked up: three times three values, `apart` from each other, are at each place, and nine sums.
        unsafe {
            let (x, delta) = (x.as_ptr(), delta.as_ptr().cast::<f32>().add(output));
            tile_sums::<9>(chosen, [OUT, output], x, runs.apart, delta, sums.as_mut_ptr());
        }
        return true;
    }
    let mut rest = sums;
    for line in 0..runs.lines {
        let (mut sums, others) = rest.split_at_mut_checked(runs.run).unwrap_or((&mut [], &mut []));
        rest = others;
        let mut at = line.wrapping_mul(runs.apart);
        while let Some((tile, others)) = sums.split_at_mut_checked(widest(sums.len()))
            && !tile.is_empty()
        {
            // SAFETY: just looked up: as many values as sums are left are at each place of each window from `at` on.
            unsafe {
                let (x, delta, sums) = (x.as_ptr().add(at), delta.as_ptr().cast::<f32>().add(output), tile.as_mut_ptr());
                match tile.len() {
                    24 => tile_sums::<24>(chosen, [OUT, output], x, 0, delta, sums),
                    8 => tile_sums::<8>(chosen, [OUT, output], x, 0, delta, sums),
                    4 => tile_sums::<4>(chosen, [OUT, output], x, 0, delta, sums),
                    3 => tile_sums::<3>(chosen, [OUT, output], x, 0, delta, sums),
                    2 => tile_sums::<2>(chosen, [OUT, output], x, 0, delta, sums),
                    _ => tile_sums::<1>(chosen, [OUT, output], x, 0, delta, sums),
                }
            }
            at = at.wrapping_add(tile.len());
            sums = others;
        }
    }
    true
}

/// The widest tile for so many sums.
fn widest(sums: usize) -> usize {
    match sums {
        24.. => 24,
        8.. => 8,
        4.. => 4,
        _ => sums,
    }
}

/// Four products of `delta` in `s4`, on top of four sums.
macro_rules! four {
    ($($sum:literal)+) => {
        concat!(
            "vldmia {place}!, {{s0-s3}}\nvmul.f32 s0, s0, s4\nvmul.f32 s1, s1, s4\nvmul.f32 s2, s2, s4\nvmul.f32 s3, s3, s4\n",
            four!(@ $($sum)+)
        )
    };
    (@ $a:literal $b:literal $c:literal $d:literal) => {
        concat!(
            "vadd.f32 ", $a, ", ", $a, ", s0\nvadd.f32 ", $b, ", ", $b, ", s1\n",
            "vadd.f32 ", $c, ", ", $c, ", s2\nvadd.f32 ", $d, ", ", $d, ", s3\n"
        )
    };
}

/// Three of one line, then on to the next.
macro_rules! three {
    ($a:literal $b:literal $c:literal) => {
        concat!(
            "vldmia {place}, {{s0-s2}}\nadd {place}, {place}, {apart}\n",
            "vmul.f32 s0, s0, s4\nvmul.f32 s1, s1, s4\nvmul.f32 s2, s2, s4\n",
            "vadd.f32 ", $a, ", ", $a, ", s0\nvadd.f32 ", $b, ", ", $b, ", s1\nvadd.f32 ", $c, ", ", $c, ", s2\n"
        )
    };
}

/// Sums between memory and registers.
macro_rules! move_sums {
    ($how:literal) => {
        concat!(
            "ldr {count}, [{plan}, #{sums}]\n",
            ".if {width} == 24\n", $how, " {count}, {{s8-s31}}\n",
            ".elseif {width} == 9\n", $how, " {count}, {{s10-s18}}\n",
            ".elseif {width} == 8\n", $how, " {count}, {{s8-s15}}\n",
            ".else\n", $how, " {count}, {{s10-s1{last}}}\n.endif"
        )
    };
}

/// What the loops go through, in bytes where memory is meant. The assembly reads it.
#[repr(C)]
struct Plan {
    across: usize,
    /// From behind the last window of a row to the first of the next.
    skip: isize,
    down: usize,
    sums: *mut f32,
}

/// `WIDTH` sums over all windows: 1, 2, 3, 4, 8 or 24 of a line, or nine of three lines. A window takes 17 cycles, and 13 for four sums.
///
/// # Safety
/// `chosen` is not empty. Counted from `x`, there are `WIDTH` values at each place of each of its windows, or three on each of three lines that
/// are `apart` values from each other. `delta` is at the first window, one in `outputs` values. There is a byte for each output of each window.
/// `sums` has `WIDTH` values, to read and write.
#[inline(never)]
unsafe fn tile_sums<const WIDTH: usize>(
    chosen: Chosen<'_>,
    [outputs, output]: [usize; 2],
    x: *const f32,
    apart: usize,
    delta: *const f32,
    sums: *mut f32,
) {
    const { assert!(WIDTH == 24 || WIDTH == 9 || WIDTH == 8 || WIDTH == 4 || WIDTH >= 1 && WIDTH <= 3) };
    let row = bytes(chosen.step.wrapping_mul(chosen.across).cast_signed(), 1);
    let mut plan = Plan {
        across: chosen.across,
        skip: bytes(chosen.line.cast_signed(), 1).wrapping_sub(row),
        down: chosen.down,
        sums,
    };
    // SAFETY: reads a byte and a value of `delta` of each window, the offset of its place, 0 in its stead if there is no such place, and WIDTH values
    // there: all there, says the caller. Reads and writes `plan` and the sums. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            move_sums!("vldmia"),
            "2:",
            "ldr {count}, [{plan}, #{across}]",
            "3:",
            "ldrb {place}, [{kept}]",
            "vldr s4, [{delta}]",
            "add {kept}, {kept}, {outputs}",
            "add {delta}, {delta}, {outputs}, lsl #2",
            "cmp {place}, {places}",
            "it hs",
            "movhs {place}, #0",
            "ldr {place}, [{offsets}, {place}, lsl #2]",
            "add {place}, {x}, {place}, lsl #2",
            "add {x}, {x}, {step}",
            ".if {width} == 9",
            three!("s10" "s11" "s12"),
            three!("s13" "s14" "s15"),
            three!("s16" "s17" "s18"),
            ".elseif {width} >= 8",
            four!("s8" "s9" "s10" "s11"),
            four!("s12" "s13" "s14" "s15"),
            ".if {width} > 8",
            four!("s16" "s17" "s18" "s19"),
            four!("s20" "s21" "s22" "s23"),
            four!("s24" "s25" "s26" "s27"),
            four!("s28" "s29" "s30" "s31"),
            ".endif",
            ".else",
            "vldmia {place}, {{s0-s{last}}}",
            add_each_product!("width", "s1\\v", "s4", "s\\v"),
            ".endif",
            "subs {count}, #1",
            "bne 3b",
            "ldr {count}, [{plan}, #{skip}]",
            "add {x}, {x}, {count}",
            "ldr {count}, [{plan}, #{down}]",
            "subs {count}, #1",
            "str {count}, [{plan}, #{down}]",
            "bne 2b",
            move_sums!("vstmia"),
            width = const WIDTH,
            last = const WIDTH.wrapping_sub(1) % 4,
            across = const offset_of!(Plan, across),
            skip = const offset_of!(Plan, skip),
            down = const offset_of!(Plan, down),
            sums = const offset_of!(Plan, sums),
            plan = in(reg) &raw mut plan,
            places = in(reg) chosen.offsets.len(),
            offsets = in(reg) chosen.offsets.as_ptr(),
            kept = inout(reg) chosen.places.as_ptr().cast::<u8>().add(output) => _,
            outputs = in(reg) outputs,
            delta = inout(reg) delta => _,
            x = inout(reg) x => _,
            step = in(reg) bytes(chosen.step.cast_signed(), 1),
            apart = in(reg) bytes(apart.cast_signed(), 1),
            place = out(reg) _,
            count = out(reg) _,
            out("d0") _, out("d1") _, out("d2") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        );
    }
}

/// `sums[i] += factor·values[i]`, four at a time: 26 cycles.
#[cfg_attr(baregrad_small, inline(never))]
#[cfg_attr(not(baregrad_small), inline(always))]
pub(super) fn add_scaled(sums: &mut [f32], values: &[f32], factor: f32) {
    let count = sums.len().min(values.len());
    // SAFETY: `count` values are at both. Reads them, and writes the sums. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "vmov s8, {factor}",
            "cmp {fours}, #0",
            "beq 3f",
            "2:",
            "vldmia {values}!, {{s0-s3}}",
            "vmul.f32 s0, s0, s8",
            "vmul.f32 s1, s1, s8",
            "vmul.f32 s2, s2, s8",
            "vmul.f32 s3, s3, s8",
            "vldmia {sums}, {{s4-s7}}",
            "vadd.f32 s4, s4, s0",
            "vadd.f32 s5, s5, s1",
            "vadd.f32 s6, s6, s2",
            "vadd.f32 s7, s7, s3",
            "subs {fours}, #1",
            "vstmia {sums}!, {{s4-s7}}",
            "bne 2b",
            "3:",
            "cmp {rest}, #0",
            "beq 5f",
            "4:",
            "vldmia {values}!, {{s0}}",
            "vldr s4, [{sums}]",
            "vmul.f32 s0, s0, s8",
            "subs {rest}, #1",
            "vadd.f32 s4, s4, s0",
            "vstmia {sums}!, {{s4}}",
            "bne 4b",
            "5:",
            factor = in(reg) factor.to_bits(),
            fours = inout(reg) count / 4 => _,
            rest = inout(reg) count % 4 => _,
            values = inout(reg) values.as_ptr() => _,
            sums = inout(reg) sums.as_mut_ptr() => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _,
            options(nostack),
        );
    }
}
