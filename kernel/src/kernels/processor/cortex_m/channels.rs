//! Products channel by channel, of depthwise convolutions.

use core::arch::asm;
use core::mem::offset_of;

use super::taps::{bytes, skip};
use super::{SMALL, refuse};
use crate::kernels::portable::{Steps, Walk};

/// See [`Kernels::two_channel_sums`](crate::kernels::Kernels::two_channel_sums), for one place or two: the channels that four divides; says how many.
#[inline(always)]
pub(super) fn sums<const PLACES: usize, const N: usize>(
    steps: Steps,
    a: &[[f32; N]],
    w: &[[f32; N]],
    start: &[f32; N],
    z: &mut [[f32; N]],
    [a_apart, z_apart]: [usize; 2],
) -> usize {
    let whole = N / 4 * 4;
    if steps.is_empty() {
        for place in [0, z_apart] {
            if let Some(row) = z.get_mut(place) {
                *row = *start;
            }
        }
        return N;
    }
    let is_there = steps.are_within(a.len().saturating_sub(a_apart), w.len()) && z_apart < z.len();
    if !is_there {
        refuse(z.as_flattened_mut());
        return whole;
    }
    // SAFETY: just looked up; the tiles take the first `whole` channels.
    unsafe {
        let a = a.as_ptr().add(steps.a.first).cast::<f32>();
        let w = w.as_ptr().add(steps.w.first).cast::<f32>();
        let (start, z) = (start.as_ptr(), z.as_mut_ptr().cast::<f32>());
        let apart = [a_apart.wrapping_mul(N), z_apart.wrapping_mul(N)];
        if N >= 8 {
            channel_tiles::<PLACES, 8>(steps, a, w, N, start, z, apart, N / 8);
        }
        if N % 8 >= 4 {
            let at = N / 8 * 8;
            channel_tiles::<PLACES, 4>(steps, a.add(at), w.add(at), N, start.add(at), z.add(at), apart, 1);
        }
    }
    whole
}

/// See [`Kernels::add_channel_products`](crate::kernels::Kernels::add_channel_products), for 4, 8 or 16 channels.
#[inline(always)]
pub(super) fn add_products<const V: usize, const N: usize>(
    steps: Steps,
    a: &[[f32; N]],
    w: &[[f32; N]],
    channel: usize,
    sums: &mut [f32; V],
) {
    if steps.is_empty() {
        return;
    }
    if !steps.are_within(a.len(), w.len()) || channel.saturating_add(V) > N {
        refuse(sums);
        return;
    }
    // SAFETY: just looked up. The sums are read before they are written.
    unsafe {
        let a = a.as_ptr().add(steps.a.first).cast::<f32>().add(channel);
        let w = w.as_ptr().add(steps.w.first).cast::<f32>().add(channel);
        let sums = sums.as_mut_ptr();
        match V {
            4 => channel_tiles::<1, 4>(steps, a, w, N, sums, sums, [0, 0], 1),
            8 => channel_tiles::<1, 8>(steps, a, w, N, sums, sums, [0, 0], 1),
            16 => channel_tiles::<1, 16>(steps, a, w, N, sums, sums, [0, 0], 1),
            _ => {}
        }
    }
}

/// `$to = $to·$by` and `$to += $by` for each pair.
macro_rules! multiply {
    ($($to:literal $by:literal),+) => { concat!($("vmul.f32 ", $to, ", ", $to, ", ", $by, "\n",)+) };
}
macro_rules! add {
    ($($to:literal $by:literal),+) => { concat!($("vadd.f32 ", $to, ", ", $to, ", ", $by, "\n",)+) };
}

/// The products of `s0` and further weights with `s8` and further values.
macro_rules! products {
    () => {
        concat!(
            multiply!("s8" "s0", "s9" "s1", "s10" "s2", "s11" "s3"),
            ".if {width} > 4\n",
            multiply!("s12" "s4", "s13" "s5", "s14" "s6", "s15" "s7"),
            ".endif\n"
        )
    };
}

/// On top of the first sums.
macro_rules! add_first {
    () => {
        concat!(
            add!("s16" "s8", "s17" "s9", "s18" "s10", "s19" "s11"),
            ".if {width} > 4\n",
            add!("s20" "s12", "s21" "s13", "s22" "s14", "s23" "s15"),
            ".endif\n"
        )
    };
}

/// On top of the second: of another place, or of eight channels more.
macro_rules! add_second {
    () => {
        concat!(
            add!("s24" "s8", "s25" "s9", "s26" "s10", "s27" "s11"),
            ".if {width} > 4\n",
            add!("s28" "s12", "s29" "s13", "s30" "s14", "s31" "s15"),
            ".endif\n"
        )
    };
}

/// A pair of rows.
macro_rules! pair {
    () => {
        concat!(
            ".if {width} > 8\nvldmia {w}!, {{s0-s7}}\nvldmia {a0}!, {{s8-s15}}\n",
            products!(),
            add_first!(),
            "vldmia {w}, {{s0-s7}}\nadd {w}, {w}, {w_step}\nvldmia {a0}, {{s8-s15}}\nadd {a0}, {a0}, {a_step}\n",
            products!(),
            add_second!(),
            ".else\nvldmia {w}, {{s0-s{last_w}}}\nadd {w}, {w}, {w_step}\n",
            "vldmia {a0}, {{s8-s{last_a}}}\nadd {a0}, {a0}, {a_step}\n",
            products!(),
            add_first!(),
            ".if {places} > 1\nvldmia {a1}, {{s8-s{last_a}}}\nadd {a1}, {a1}, {a_step}\n",
            products!(),
            add_second!(),
            ".endif\n.endif\n"
        )
    };
}

/// What the loops go through, in bytes where memory is meant. The assembly reads it.
#[repr(C)]
struct Plan {
    taps: usize,
    lines: usize,
    /// From the end of a line to the start of the next.
    a_skip: isize,
    w_skip: isize,
    /// From the end of all lines to the start of those of the next channels.
    a_next: isize,
    w_next: isize,
    /// From the channels of a place to those of the other.
    apart: usize,
    tiles_left: usize,
}

/// `PLACES` times `WIDTH` channels, `tiles` times. A pair of rows takes 62 cycles for eight channels of two places (loads 27, pointers 3,
/// arithmetic 32) and 70 for 16 channels of one (loads 36, pointers 2, arithmetic 32); the loop takes up to 4 more.
///
/// # Safety
/// `steps` is not empty, `tiles` not 0. `a` and `w` are at its first rows, `channels` values apart, of which `WIDTH·tiles` are there; all rows
/// that it reaches are, of `a` also those `apart[0]` values further for a second place; `start` has as many values, and so has `z`,
/// `apart[1]` values further too, to write.
#[inline(never)]
#[allow(clippy::too_many_arguments)]
unsafe fn channel_tiles<const PLACES: usize, const WIDTH: usize>(
    steps: Steps,
    a: *const f32,
    w: *const f32,
    channels: usize,
    start: *const f32,
    z: *mut f32,
    apart: [usize; 2],
    tiles: usize,
) {
    const { assert!(PLACES == 1 && (WIDTH == 4 || WIDTH == 8 || WIDTH == 16) || PLACES == 2 && (WIDTH == 4 || WIDTH == 8)) };
    // Of rows of 16 channels the first eight are behind the pointer already.
    let done = const { if WIDTH > 8 { 32 } else { 0 } };
    let tile = const { (4 * WIDTH).cast_signed() };
    let next = |walk: Walk| tile.wrapping_sub(bytes(walk.line.wrapping_mul(steps.lines.cast_signed()), channels));
    let mut plan = Plan {
        taps: steps.taps,
        lines: steps.lines,
        a_skip: skip(steps.a, steps.taps, channels),
        w_skip: skip(steps.w, steps.taps, channels),
        a_next: next(steps.a),
        w_next: next(steps.w),
        apart: apart[1].wrapping_mul(4),
        tiles_left: tiles,
    };
    // SAFETY: for each tile, reads WIDTH values of each row that `steps` reaches and at `start`, and writes WIDTH at `z` for each place: all there,
    // says the caller. Reads and writes `plan`. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "6:",
            ".if {width} > 8",
            "vldmia {start}!, {{s16-s31}}",
            ".else",
            ".if {places} > 1",
            "vldmia {start}, {{s24-s{last_1}}}",
            ".endif",
            "vldmia {start}!, {{s16-s{last_0}}}",
            ".endif",
            "ldr {lines}, [{plan}, #{all_lines}]",
            "2:",
            "ldr {count}, [{plan}, #{taps}]",
            // Most kernels have three columns.
            ".if {small} == 0",
            "cmp {count}, #3",
            "bne 3f",
            pair!(),
            pair!(),
            pair!(),
            "b 5f",
            ".endif",
            "3:",
            pair!(),
            "subs {count}, #1",
            "bne 3b",
            "5:",
            "ldr {count}, [{plan}, #{a_skip}]",
            "add {a0}, {a0}, {count}",
            ".if {places} > 1",
            "add {a1}, {a1}, {count}",
            ".endif",
            "ldr {count}, [{plan}, #{w_skip}]",
            "add {w}, {w}, {count}",
            "subs {lines}, #1",
            "bne 2b",
            ".if {places} > 1",
            "ldr {count}, [{plan}, #{apart}]",
            "add {count}, {count}, {z}",
            "vstmia {count}, {{s24-s{last_1}}}",
            ".endif",
            ".if {width} > 8",
            "vstmia {z}!, {{s16-s31}}",
            ".else",
            "vstmia {z}!, {{s16-s{last_0}}}",
            ".endif",
            "ldr {count}, [{plan}, #{a_next}]",
            "add {a0}, {a0}, {count}",
            ".if {places} > 1",
            "add {a1}, {a1}, {count}",
            ".endif",
            "ldr {count}, [{plan}, #{w_next}]",
            "add {w}, {w}, {count}",
            "ldr {count}, [{plan}, #{tiles_left}]",
            "subs {count}, #1",
            "str {count}, [{plan}, #{tiles_left}]",
            "bne 6b",
            taps = const offset_of!(Plan, taps),
            all_lines = const offset_of!(Plan, lines),
            a_skip = const offset_of!(Plan, a_skip),
            w_skip = const offset_of!(Plan, w_skip),
            a_next = const offset_of!(Plan, a_next),
            w_next = const offset_of!(Plan, w_next),
            apart = const offset_of!(Plan, apart),
            tiles_left = const offset_of!(Plan, tiles_left),
            small = const if SMALL { 1 } else { 0 },
            places = const PLACES,
            width = const WIDTH,
            last_w = const if WIDTH > 8 { 7 } else { WIDTH - 1 },
            last_a = const if WIDTH > 8 { 15 } else { WIDTH + 7 },
            last_0 = const if WIDTH > 8 { 23 } else { WIDTH + 15 },
            last_1 = const if WIDTH > 8 { 31 } else { WIDTH + 23 },
            plan = in(reg) &raw mut plan,
            lines = out(reg) _,
            count = out(reg) _,
            a0 = inout(reg) a => _,
            a1 = inout(reg) a.wrapping_add(apart[0]) => _,
            a_step = in(reg) bytes(steps.a.step, channels).wrapping_sub(done),
            w = inout(reg) w => _,
            w_step = in(reg) bytes(steps.w.step, channels).wrapping_sub(done),
            start = inout(reg) start => _,
            z = inout(reg) z => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _, out("d10") _, out("d11") _, out("d12") _, out("d13") _, out("d14") _, out("d15") _,
            options(nostack),
        );
    }
}
