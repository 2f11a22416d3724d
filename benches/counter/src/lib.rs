//! Counts executed instructions by SysTick.
//!
//! QEMU run by `-icount` makes every instruction last the same time of the machine's, whatever the computer does meanwhile. SysTick counts
//! the machine's clock, so a `Machine` has a number of ticks for each instruction, and a difference of two readings, rounded, is
//! exact. What calls and reads is written in assembly: it is the same in each image.
//!
//! Only for QEMU and for the processors of the `thumb` targets; on any other target the package is empty.
#![no_std]
#![cfg(all(target_arch = "arm", target_os = "none"))]
#![allow(unsafe_code, reason = "calling in between two readings is assembly")]

use core::arch::global_asm;
use core::ffi::c_void;
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;

/// What QEMU plays, and how long an instruction lasts there.
#[derive(Clone, Copy)]
pub struct Machine {
    /// Of 1,000 instructions.
    ticks_per_1000: u64,
}

impl Machine {
    /// `-M netduinoplus2 -icount shift=6`: 64 ns of 168 MHz.
    pub const NETDUINOPLUS2: Self = Self { ticks_per_1000: 10_752 };
    /// `-M mps2-an386 -icount shift=8`: 256 ns of 25 MHz.
    pub const MPS2_AN386: Self = Self { ticks_per_1000: 6_400 };
}

/// Instructions of the handler that counts the rounds of SysTick.
const HANDLER: u64 = 5;
/// SysTick has 24 bits.
const LONGEST_ROUND: u32 = 0x00ff_ffff;

/// How often SysTick went through zero.
static ROUNDS: AtomicU32 = AtomicU32::new(0);

type Function = unsafe extern "C" fn(*mut c_void);

unsafe extern "C" {
    /// Calls a function and returns the ticks between a reading before and one after.
    fn count_ticks(function: Function, argument: *mut c_void) -> i32;
    /// Does nothing.
    fn empty(argument: *mut c_void);
    /// Runs 2 instructions for each of the times that the argument's address says, and one to return.
    fn known_loop(times: *mut c_void);
    /// As [`known_loop`], and one instruction more.
    fn known_loop_and_one(times: *mut c_void);
}

// Instructions of the smallest core of them, so that an image for a Cortex-M0 has the same.
// The labels counted_from and counted_to tell `cargo xtask count` where a call begins and ends.
global_asm!(
    "
    .syntax unified
    .section .text.counter, \"ax\"
    .balign 4

    .global count_ticks
    .type count_ticks, %function
    .thumb_func
count_ticks:
    push {{r4, r5, r6, lr}}
    ldr r4, =0xe000e018         // SysTick's current value, which counts down
    mov r2, r0
    mov r0, r1
    ldr r5, [r4]
    .global counted_from
counted_from:
    blx r2
    .global counted_to
counted_to:
    ldr r0, [r4]
    subs r0, r5, r0
    pop {{r4, r5, r6, pc}}

    .global known_loop_and_one
    .type known_loop_and_one, %function
    .thumb_func
known_loop_and_one:
    nop
    .global known_loop
    .type known_loop, %function
    .thumb_func
known_loop:
    subs r0, #1
    bne known_loop
    .global empty
    .type empty, %function
    .thumb_func
empty:
    bx lr

    .global SysTick
    .type SysTick, %function
    .thumb_func
SysTick:
    ldr r0, ={rounds}
    ldr r1, [r0]
    adds r1, #1
    str r1, [r0]
    bx lr

    .pool
    ",
    rounds = sym ROUNDS,
);

/// Nothing that this program counts can be believed: a loop of a known number of instructions took another.
pub struct WrongCount {
    known: u64,
    counted: u64,
}

impl fmt::Display for WrongCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a loop of {} instructions was counted as {}; run QEMU as `Machine` says", self.known, self.counted)
    }
}

/// The running SysTick.
pub struct Counter {
    syst: SYST,
    machine: Machine,
    /// Is given each count, in the order of the calls.
    report: fn(&str, u64),
    /// Instructions between the two readings around [`empty`].
    overhead: u64,
}

impl Counter {
    /// Starts SysTick of a netduinoplus2, and counts loops of known lengths, of which two differ by one instruction. `report` is given the name and the
    /// number of each call that is counted: `cargo xtask count` pairs them with what it sees executed.
    ///
    /// # Errors
    /// One of them was not counted exactly.
    pub fn start(syst: SYST, report: fn(&str, u64)) -> Result<Self, WrongCount> {
        Self::start_on(Machine::NETDUINOPLUS2, syst, report)
    }

    /// The same on another machine.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_on(machine: Machine, mut syst: SYST, report: fn(&str, u64)) -> Result<Self, WrongCount> {
        syst.set_clock_source(SystClkSource::Core);
        syst.enable_interrupt();
        let mut counter = Self { syst, machine, report, overhead: 0 };
        counter.set_round(LONGEST_ROUND);
        counter.overhead = counter.count(empty, 0);
        report("nothing", 0);
        counter.calibrate("loop", known_loop, 1000, 2000)?;
        counter.calibrate("loop and one", known_loop_and_one, 1000, 2001)?;
        // Rounds of 46,500 instructions, or 78,125. QEMU rounds a round to whole nanoseconds: very short ones are not exact.
        counter.set_round(499_999);
        counter.calibrate("loop of some rounds", known_loop, 60_000, 120_000)?;
        counter.set_round(LONGEST_ROUND);
        Ok(counter)
    }

    fn calibrate(&mut self, name: &str, function: Function, times: usize, known: u64) -> Result<(), WrongCount> {
        let counted = self.count(function, times);
        (self.report)(name, counted);
        if counted == known { Ok(()) } else { Err(WrongCount { known, counted }) }
    }

    fn set_round(&mut self, reload: u32) {
        self.syst.disable_counter();
        self.syst.set_reload(reload);
        self.syst.clear_current();
        self.syst.enable_counter();
    }

    fn count(&mut self, function: Function, times: usize) -> u64 {
        // SAFETY: the functions of this file take a number there.
        unsafe { self.count_raw(function, core::ptr::without_provenance_mut(times)) }
    }

    /// # Safety
    /// `argument` must be what `function` asks for.
    unsafe fn count_raw(&mut self, function: Function, argument: *mut c_void) -> u64 {
        // A new round: what takes less than 1.5 million instructions is counted without a single interrupt.
        self.syst.clear_current();
        let before = ROUNDS.load(Ordering::Relaxed);
        // SAFETY: the caller's.
        let ticks = unsafe { count_ticks(function, argument) };
        let rounds = ROUNDS.load(Ordering::Relaxed).wrapping_sub(before);
        let ticks = i64::from(ticks) + i64::from(rounds) * (i64::from(SYST::get_reload()) + 1);
        let by = self.machine.ticks_per_1000;
        let instructions = (ticks.unsigned_abs() * 1000 + by / 2) / by;
        instructions - HANDLER * u64::from(rounds) - self.overhead
    }

    /// Counts the instructions of a call, from the first of the closure to its return, and reports them.
    pub fn instructions<F: FnMut()>(&mut self, name: &str, case: F) {
        let counted = self.of(case);
        (self.report)(name, counted);
    }

    /// The instructions of a call, from the first of the closure to its return.
    pub fn of<F: FnMut()>(&mut self, mut case: F) -> u64 {
        // SAFETY: `call` asks for an `F`, which this is, alive and not used otherwise during the call.
        unsafe { self.count_raw(call::<F>, (&raw mut case).cast()) }
    }

    /// The instructions of a loop of 100, or of one instruction more: what a difference of one looks like.
    pub fn of_known_loop(&mut self, one_more: bool) -> u64 {
        self.count(if one_more { known_loop_and_one } else { known_loop }, 50)
    }
}

/// # Safety
/// `case` must be an `F` that nothing else uses during the call.
unsafe extern "C" fn call<F: FnMut()>(case: *mut c_void) {
    // SAFETY: the caller's.
    unsafe { (*case.cast::<F>())() }
}
