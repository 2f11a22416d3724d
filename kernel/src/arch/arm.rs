//! Cores with a scalar FPU behind the hard-float ABI: Cortex-M4F, M7, M33 and later.
//!
//! The loops are here in assembly because the compiler can't be told two things that decide on this core: loads of
//! neighbouring registers in one instruction (`VLDM`, N + 1 cycles for N words), and a product that is not followed by the sum that
//! needs it. Sizes are arguments, so one body serves all layers, and the optimisation level does not matter; only small layers and
//! the descent of 16 to 31 outputs have a body of their own, within their caller, unless size comes first.
//!
//! Cycles in the comments are those of the Cortex-M4 Technical Reference Manual, sections 3.3 and 7.2.3: `VLDM` and `VSTM`
//! N + 1, `VMUL`, `VADD` and `VSUB` 1 (2 where the next instruction wants the result), a branch 1 or 3.
//!
//! Registers: the compiler takes no single-precision register as an operand on this target, but may be told that one is
//! overwritten. It then saves `s16` and above around the function, as the ABI wants.
#![allow(unsafe_code)]

/// A line of assembly for each `v` below the operand `count` (at most 10), with `\v` in it.
macro_rules! each {
    ($count:literal, $($line:literal),+) => {
        concat!(".irp v,0,1,2,3,4,5,6,7,8,9\n.if \\v < {", $count, "}\n", $($line,)+ "\n.endif\n.endr\n")
    };
}

/// Whether size comes first: then a loop does one row at a time.
const SMALL: bool = cfg!(baregrad_small);

/// A loop that does several rows at a time, `$count` times; where size comes first it is left out, and the loop over the rest does all.
#[cfg(not(baregrad_small))]
macro_rules! unrolled {
    ($count:literal, $($line:expr),+) => {
        concat!("cmp ", $count, ", #0\nbeq 3f\n2:\n", $($line, "\n",)+ "subs ", $count, ", #1\nbne 2b\n3:\n")
    };
}
#[cfg(baregrad_small)]
macro_rules! unrolled {
    ($count:literal, $($line:expr),+) => {
        concat!("/* ", $count, " */")
    };
}

/// `sum += x·w` for each `v` below the operand `count`: the products in place of `w`, then the sums, so that none waits for the line
/// before.
macro_rules! add_each_product {
    ($count:literal, $sum:literal, $x:literal, $w:literal) => {
        concat!(
            each!($count, "vmul.f32 ", $w, ", ", $x, ", ", $w),
            each!($count, "vadd.f32 ", $sum, ", ", $sum, ", ", $w)
        )
    };
}

// Below the macros, because these files use them.
mod adam;
mod backward;
mod descent;
mod forward;
mod forward_four;
mod rectifier;
mod square_root;

pub(crate) use adam::adam;
pub(crate) use backward::{descend_batch, input_gradient, weight_gradient};
pub(crate) use descent::{descend, descend_inner};
pub(crate) use forward::forward;
pub(crate) use rectifier::{relu, relu_backward};
pub(crate) use square_root::sqrt;

/// Hides a constant from LLVM, which prices an `asm!` block as one instruction and would fully unroll the loop around it.
/// [`core::hint::black_box`] would go through memory.
#[inline(always)]
fn opaque(mut number: usize) -> usize {
    // SAFETY: no instruction at all.
    unsafe { core::arch::asm!("/* {} */", inout(reg) number, options(pure, nomem, nostack, preserves_flags)) };
    number
}

/// These cores have loops of their own.
pub(crate) const HAS_LOOPS: bool = true;
