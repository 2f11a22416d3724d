//! The greatest of some places, and where it is: max pools, forward and backward.
//!
//! A loop that compares a NaN gives up, before it has written anything of its four channels: which NaN counts is for its caller to say.

use core::arch::asm;
use core::mem::offset_of;

use super::taps::bytes;
use crate::kernels::portable::Runs;

/// `$value` in the place of `$most`, if it is greater, and more then. 5 cycles and what `$then` takes.
macro_rules! take_greater {
    ($if:literal, $value:literal, $most:literal $(, $then:literal)*) => {
        concat!(
            "vcmp.f32 ", $value, ", ", $most, "\nvmrs APSR_nzcv, fpscr\nbvs 6f\n",
            $if, " gt\nvmovgt.f32 ", $most, ", ", $value, "\n",
            $($then,)*
        )
    };
}

/// `$delta` becomes the 0 in `s4` unless `$output` is positive.
macro_rules! through_relu {
    ($output:literal, $delta:literal) => {
        concat!("vcmp.f32 ", $output, ", #0\nvmrs APSR_nzcv, fpscr\nit le\nvmovle.f32 ", $delta, ", s4\n")
    };
}

/// See [`Kernels::greatest`](crate::kernels::Kernels::greatest).
#[inline(always)]
pub(super) fn values<const N: usize>(runs: Runs, x: &[[f32; N]], y: &mut [f32; N]) -> usize {
    if N < 4 || !runs.are_within(x.len(), runs.run) {
        return 0;
    }
    // SAFETY: just looked up.
    unsafe { four_by_four(runs, x.as_ptr().cast(), N, y.as_mut_ptr()) }
}

/// Four channels at a time; says how many are done. 28 cycles a place for four.
///
/// # Safety
/// `channels`, four at least, are at each place that `runs` reaches, one place behind the other, and at `y`, to write.
#[inline(never)]
unsafe fn four_by_four(runs: Runs, x: *const f32, channels: usize, y: *mut f32) -> usize {
    let left: usize;
    // SAFETY: reads and writes four channels for each of `channels / 4` groups: all there, says the caller. Everything overwritten is declared;
    // no stack.
    unsafe {
        asm!(
            "2:",
            "vldmia {x}, {{s0-s3}}",
            "mov {place}, {x}",
            "mov {lines}, {all_lines}",
            "mov {count}, {taps}",
            "b 5f",
            "3:",
            "mov {count}, {taps}",
            "4:",
            "vldmia {place}, {{s4-s7}}",
            take_greater!("it", "s4", "s0"),
            take_greater!("it", "s5", "s1"),
            take_greater!("it", "s6", "s2"),
            take_greater!("it", "s7", "s3"),
            "5:",
            "add {place}, {place}, {step}",
            "subs {count}, #1",
            "bne 4b",
            "add {place}, {place}, {skip}",
            "subs {lines}, #1",
            "bne 3b",
            "vstmia {y}!, {{s0-s3}}",
            "add {x}, {x}, #16",
            "subs {groups}, #1",
            "bne 2b",
            "6:",
            x = inout(reg) x => _,
            y = inout(reg) y => _,
            place = out(reg) _,
            count = out(reg) _,
            lines = out(reg) _,
            taps = in(reg) runs.run,
            all_lines = in(reg) runs.lines,
            step = in(reg) bytes(1, channels),
            skip = in(reg) skip(runs, channels),
            groups = inout(reg) channels / 4 => left,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _,
            options(nostack),
        );
    }
    channels.wrapping_div(4).wrapping_sub(left).wrapping_mul(4)
}

/// From the end of a run to the start of the next, in bytes.
fn skip(runs: Runs, channels: usize) -> isize {
    bytes(runs.apart.wrapping_sub(runs.run).cast_signed(), channels)
}

/// See [`Kernels::greatest_backward`](crate::kernels::Kernels::greatest_backward), back through ReLU or through nothing.
#[inline(always)]
pub(super) fn backward<const RELU: bool, const N: usize>(
    runs: Runs,
    x: &mut [[f32; N]],
    delta: &[f32; N],
) -> usize {
    if !runs.are_within(x.len(), runs.run) {
        return 0;
    }
    let mut done = 0_usize;
    for delta in delta.as_chunks::<4>().0 {
        // SAFETY: just looked up: four channels from `done` on are at each place.
        let is_done = unsafe {
            let x = x.as_mut_ptr().cast::<f32>().add(done);
            four_gradients::<RELU>(runs, x, N, delta)
        };
        if !is_done {
            break;
        }
        done = done.wrapping_add(4);
    }
    done
}

/// What the loops go through. The assembly reads it.
#[repr(C)]
struct Plan<'a> {
    lines: usize,
    taps: usize,
    delta: &'a [f32; 4],
}

/// Four channels; says whether there was no NaN. 43 cycles a place.
///
/// # Safety
/// Four channels are at each place that `runs` reaches, to read and write; places are `channels` values apart.
#[inline(never)]
unsafe fn four_gradients<const RELU: bool>(runs: Runs, x: *mut f32, channels: usize, delta: &[f32; 4]) -> bool {
    let plan = Plan { lines: runs.lines, taps: runs.run, delta };
    let left: usize;
    // SAFETY: reads `plan` and four channels at each place, and writes these: all there, says the caller. Everything overwritten is declared;
    // no stack.
    unsafe {
        asm!(
            "vldmia {x}, {{s0-s3}}",
            "mov {place}, {x}",
            "mov {first}, {x}",
            "mov {second}, {x}",
            "mov {third}, {x}",
            "mov {fourth}, {x}",
            "ldr {lines}, [{plan}, #{all_lines}]",
            "ldr {count}, [{plan}, #{taps}]",
            "b 5f",
            "3:",
            "ldr {count}, [{plan}, #{taps}]",
            "4:",
            "vldmia {place}, {{s4-s7}}",
            take_greater!("itt", "s4", "s0", "movgt {first}, {place}\n"),
            take_greater!("itt", "s5", "s1", "movgt {second}, {place}\n"),
            take_greater!("itt", "s6", "s2", "movgt {third}, {place}\n"),
            take_greater!("itt", "s7", "s3", "movgt {fourth}, {place}\n"),
            "5:",
            "add {place}, {place}, {step}",
            "subs {count}, #1",
            "bne 4b",
            "add {place}, {place}, {skip}",
            "subs {lines}, #1",
            "bne 3b",
            // 0 for all places, then `delta` for those that count.
            "vmov s4, {count}",
            "vmov s5, {count}",
            "vmov s6, {count}",
            "vmov s7, {count}",
            "ldr {lines}, [{plan}, #{all_lines}]",
            "7:",
            "ldr {count}, [{plan}, #{taps}]",
            "8:",
            "vstmia {x}, {{s4-s7}}",
            "add {x}, {x}, {step}",
            "subs {count}, #1",
            "bne 8b",
            "add {x}, {x}, {skip}",
            "subs {lines}, #1",
            "bne 7b",
            "ldr {place}, [{plan}, #{delta}]",
            "vldmia {place}, {{s8-s11}}",
            ".if {relu}",
            through_relu!("s0", "s8"),
            through_relu!("s1", "s9"),
            through_relu!("s2", "s10"),
            through_relu!("s3", "s11"),
            ".endif",
            "vstr s8, [{first}]",
            "vstr s9, [{second}, #4]",
            "vstr s10, [{third}, #8]",
            "vstr s11, [{fourth}, #12]",
            "6:",
            relu = const if RELU { 1 } else { 0 },
            all_lines = const offset_of!(Plan<'_>, lines),
            taps = const offset_of!(Plan<'_>, taps),
            delta = const offset_of!(Plan<'_>, delta),
            plan = in(reg) &raw const plan,
            x = inout(reg) x => _,
            place = out(reg) _,
            first = out(reg) _,
            second = out(reg) _,
            third = out(reg) _,
            fourth = out(reg) _,
            count = out(reg) _,
            lines = out(reg) left,
            step = in(reg) bytes(1, channels),
            skip = in(reg) skip(runs, channels),
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _,
            options(nostack),
        );
    }
    left == 0
}

/// See [`Kernels::greatest_of_four`](crate::kernels::Kernels::greatest_of_four).
#[inline(always)]
pub(super) fn of_four<const N: usize>(z: &[[f32; N]], channel: usize, most: &mut [f32; 4]) -> Option<u32> {
    if z.len() < 4 || channel.saturating_add(4) > N {
        return None;
    }
    // SAFETY: just looked up: four rows of N values, four of them from `channel` on.
    unsafe { four_of_four(z.as_ptr().cast::<f32>().add(channel), N, most) }
}

/// Four channels of four rows. 105 cycles.
///
/// # Safety
/// Four values are at `z` and at each of three rows behind, `channels` values apart.
#[cfg_attr(baregrad_small, inline(never))]
#[cfg_attr(not(baregrad_small), inline(always))]
unsafe fn four_of_four(z: *const f32, channels: usize, most: &mut [f32; 4]) -> Option<u32> {
    let (places, is_done): (u32, u32);
    // SAFETY: reads four values of each of four rows, which are there, says the caller, and writes four. Everything overwritten is declared; no stack.
    unsafe {
        asm!(
            "vldmia {z}, {{s0-s3}}",
            "mov {first}, #0",
            "mov {second}, #0",
            "mov {third}, #0",
            "mov {fourth}, #0",
            "mov {is_done}, #0",
            ".irp place,1,2,3",
            "add {z}, {z}, {step}",
            "vldmia {z}, {{s4-s7}}",
            take_greater!("itt", "s4", "s0", "movgt {first}, #\\place\n"),
            take_greater!("itt", "s5", "s1", "movgt {second}, #\\place\n"),
            take_greater!("itt", "s6", "s2", "movgt {third}, #\\place\n"),
            take_greater!("itt", "s7", "s3", "movgt {fourth}, #\\place\n"),
            ".endr",
            "vstmia {most}, {{s0-s3}}",
            "orr {first}, {first}, {second}, lsl #8",
            "orr {first}, {first}, {third}, lsl #16",
            "orr {first}, {first}, {fourth}, lsl #24",
            "mov {is_done}, #1",
            "6:",
            z = inout(reg) z => _,
            step = in(reg) bytes(1, channels),
            most = in(reg) most.as_mut_ptr(),
            first = out(reg) places,
            second = out(reg) _,
            third = out(reg) _,
            fourth = out(reg) _,
            is_done = out(reg) is_done,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _,
            options(nostack),
        );
    }
    (is_done == 1).then_some(places)
}
