//! Cores with a scalar FPU behind the hard-float ABI: Cortex-M4F, M7, M33 and later.
//!
//! The loops are here in assembly because the compiler can't be told two things that decide on this core: loads of
//! neighbouring registers in one instruction (`VLDM`, N + 1 cycles for N words), and a product that is not followed by the sum that
//! needs it. Sizes are arguments, so one body serves all layers, and the optimisation level does not matter.
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

// Below the macro, because these files use it.
mod adam;
mod backward;
mod descent;
mod forward;
mod rectifier;
mod square_root;

pub(crate) use adam::adam;
pub(crate) use backward::{descend_batch, input_gradient, weight_gradient};
pub(crate) use descent::{descend, descend_inner};
pub(crate) use forward::forward;
pub(crate) use rectifier::{relu, relu_backward};
pub(crate) use square_root::sqrt;

/// These cores have loops of their own.
pub(crate) const HAS_LOOPS: bool = true;
