//! What every program on the microcontroller needs: a way out for log lines, an end, and an end for the worst case.
//!
//! Log lines leave through semihosting, which QEMU (and a debug probe) answers, or with the feature `rtt` through a
//! buffer in memory that a debug probe reads. A program ends with [`exit`]; a panic or a hard fault is logged and
//! ends it as a failure, so that no run ends well by accident.
//!
//! Tried in QEMU; the `rtt` feature builds, but nobody has run it on a board yet.
#![allow(unsafe_code, reason = "exception handlers are linked by name, and fault registers are read by address")]

use core::arch::global_asm;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use cortex_m::peripheral::SCB;
use cortex_m_rt::ExceptionFrame;
// Each of the two crates is a `defmt` logger by being linked; nothing in it is called by name.
#[cfg(feature = "rtt")]
use defmt_rtt as _;
#[cfg(not(feature = "rtt"))]
use defmt_semihosting as _;

/// Ends the program: QEMU returns 0 to its caller if `success`, 1 otherwise.
///
/// On a board the same semihosting call stops the processor for the debugger, and `probe-rs run` ends with that code.
/// Without a debugger the processor locks up here, and stays so until its reset.
pub fn exit(success: bool) -> ! {
    // A buffer in memory may still hold the last lines. Semihosting has none, there it does nothing.
    defmt::flush();
    end(success)
}

fn end(success: bool) -> ! {
    semihosting::process::exit(i32::from(!success))
}

/// Set when a failure is being reported.
static FAILING: AtomicBool = AtomicBool::new(false);

/// Reports a failure by `log` and ends the program.
///
/// A second failure during the report (the logger refuses to be entered twice, say) ends the program without a word.
fn fail(log: impl FnOnce()) -> ! {
    if FAILING.swap(true, Ordering::Relaxed) {
        end(false);
    }
    log();
    exit(false)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    fail(|| {
        let message = info.message();
        let message = defmt::Display2Format(&message);
        match info.location() {
            Some(location) => defmt::error!("panicked at {}:{}: {}", location.file(), location.line(), message),
            None => defmt::error!("panicked: {}", message),
        }
    })
}

/// What `defmt::panic!`, `defmt::assert!` and `defmt::unwrap!` do after they have logged their message.
#[defmt::panic_handler]
fn panic_logged_by_defmt() -> ! {
    fail(|| {})
}

// The fault may be that there is no stack left, so the handler gets a new one: the old is of no use any more, but for
// the registers that the processor has put there.
global_asm!(
    "
    .syntax unified
    .section .HardFault.board, \"ax\"
    .global HardFault
    .type HardFault, %function
    .thumb_func
HardFault:
    mrs r0, msp
    ldr r1, =_stack_start
    msr msp, r1
    b {handler}
    .pool
    ",
    handler = sym hard_fault,
);

/// The stack could not take the registers, because it had overflowed: STKERR or MSTKERR of CFSR.
const STACK_OVERFLOW: u32 = 1 << 12 | 1 << 4;

/// Any fault: a bad address, an undefined instruction, a division by zero where that traps, an overflow of the stack.
///
/// # Safety
/// Only the processor calls this, by its vector table and the lines above. `frame` is where it has put the registers, if it could.
unsafe extern "C" fn hard_fault(frame: *const ExceptionFrame) -> ! {
    // SAFETY: `SCB::PTR` is the address of the System Control Block on every ARMv7-M, and reading it has no effect.
    let status = unsafe { (*SCB::PTR).cfsr.read() };
    if status & STACK_OVERFLOW != 0 {
        fail(|| defmt::error!("hard fault: the stack has overflowed, CFSR {=u32:#010x}", status));
    }
    // SAFETY: the processor has put the registers there, or the bits above would be set; nothing else writes there now, because the
    // new stack grows from its other end.
    let frame = unsafe { frame.read() };
    fail(|| {
        defmt::error!(
            "hard fault at pc {=u32:#010x}, lr {=u32:#010x}, CFSR {=u32:#010x}",
            frame.pc(),
            frame.lr(),
            status
        );
    })
}
