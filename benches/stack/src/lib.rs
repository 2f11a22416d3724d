//! Measures the stack of a call by painting it: what is no longer painted afterwards has been written.
//!
//! Only for the processors of the `thumb` targets; on any other the package is empty.
#![no_std]
#![cfg(all(target_arch = "arm", target_os = "none"))]
#![allow(unsafe_code, reason = "painting the stack below a call is assembly")]

use core::arch::global_asm;
use core::ffi::c_void;

/// Bytes that [`stack`] paints; a call that uses them all is an error.
const PAINTED: usize = 8 * 1024;

type Function = unsafe extern "C" fn(*mut c_void);

unsafe extern "C" {
    /// Paints bytes below the stack pointer, calls, and returns how many from there on are no longer painted.
    fn count_stack(function: Function, argument: *mut c_void, paint: usize) -> usize;
}

// Instructions of the smallest core of them, so that an image for a Cortex-M0 has the same.
global_asm!(
    "
    .syntax unified
    .section .text.count_stack, \"ax\"
    .balign 4

    .global count_stack
    .type count_stack, %function
    .thumb_func
count_stack:
    push {{r4, r5, r6, lr}}
    mov r4, sp
    subs r5, r4, r2
    ldr r6, =0x5ca1ab1e
    mov r3, r4
1:  subs r3, #4
    str r6, [r3]
    cmp r3, r5
    bhi 1b
    mov r2, r0
    mov r0, r1
    blx r2
2:  ldr r0, [r5]
    cmp r0, r6
    bne 3f
    adds r5, #4
    cmp r5, r4
    blo 2b
3:  subs r0, r4, r5
    pop {{r4, r5, r6, pc}}

    .pool
    "
);

/// The stack that a call needs, in bytes, from the stack pointer at the call down to the lowest byte written. None if it is more than
/// the 8 KB that are painted.
pub fn stack<F: FnMut()>(case: F) -> Option<usize> {
    stack_within(PAINTED, case).map(|used| used.bytes)
}

/// What a call has written of the stack.
#[derive(Clone, Copy)]
pub struct Used {
    /// From the stack pointer at the call down to the lowest byte.
    pub bytes: usize,
    /// The address of the lowest byte.
    pub lowest: usize,
}

/// As [`stack`] where fewer bytes than 8 KB are free below the stack pointer: `painted` are, in whole words.
pub fn stack_within<F: FnMut()>(painted: usize, mut case: F) -> Option<Used> {
    let painted = painted.min(PAINTED) & !3;
    let mut pointer = 0;
    // An interrupt would write to the stack too.
    let bytes = cortex_m::interrupt::free(|_| {
        pointer = cortex_m::register::msp::read() as usize;
        // SAFETY: `call` asks for an `F`, which this is, alive and not used otherwise during the call. The painted bytes are free: the
        // programs that are measured leave more below the stack pointer, or fault.
        unsafe { count_stack(call::<F>, (&raw mut case).cast(), painted) }
    });
    // It is counted from where `count_stack` has saved four registers.
    (bytes < painted).then_some(Used { bytes, lowest: pointer.wrapping_sub(16).wrapping_sub(bytes) })
}

/// # Safety
/// `case` must be an `F` that nothing else uses during the call.
unsafe extern "C" fn call<F: FnMut()>(case: *mut c_void) {
    // SAFETY: the caller's.
    unsafe { (*case.cast::<F>())() }
}
