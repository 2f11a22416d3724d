//! AArch64, one core of QEMU's `virt`, started at exception level 1 with the MMU off.
#![allow(unsafe_code, reason = "start-up code is assembly, and is linked by name")]

use core::arch::global_asm;

use crate::{SMALL_ONLY, machine, print_stages};

// 1. A trap must end the program, not run into whatever lies at address 0: set the vector table.
// 2. CPACR_EL1.FPEN = 0b11: floating point and vectors work without a trap (the compiler uses them at will).
// 3. FPCR = 0: round to nearest, keep subnormals. The architecture leaves its value after a reset open.
// 4. The stack, zeroes in .bss, then Rust.
// Each of the table's 16 entries has 128 bytes; all of them do the same.
global_asm!(
    r#"
    .section .text.start, "ax"
    .global _start
_start:
    adr     x0, vectors
    msr     vbar_el1, x0
    mov     x0, #(3 << 20)
    msr     cpacr_el1, x0
    isb
    msr     fpcr, xzr
    adrp    x0, __stack_top
    add     x0, x0, :lo12:__stack_top
    mov     sp, x0
    adrp    x0, __bss_start
    add     x0, x0, :lo12:__bss_start
    adrp    x1, __bss_end
    add     x1, x1, :lo12:__bss_end
1:  cmp     x0, x1
    b.hs    2f
    stp     xzr, xzr, [x0], #16
    b       1b
2:  bl      {main}
    b       .

    .balign 2048
vectors:
    .rept   16
    .balign 128
    mrs     x0, esr_el1
    mrs     x1, elr_el1
    b       {trap}
    .endr
    "#,
    main = sym main,
    trap = sym trap,
);

extern "C" fn main() -> ! {
    print_stages(SMALL_ONLY)
}

/// Any exception ends as a failure.
extern "C" fn trap(syndrome: u64, address: u64) -> ! {
    machine::print(format_args!("exception at {address:#x}, syndrome {syndrome:#x}\n"));
    machine::exit(false)
}
