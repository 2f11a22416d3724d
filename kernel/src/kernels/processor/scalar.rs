//! Processors without vectors.
#![allow(unsafe_code)]

/// Keeps the loop that it stands in as it is written: the compiler copies no loop with assembly in it, and unrolling by
/// four, interleaving by four and both at once cost kilobytes here and save a few cycles at most.
#[inline(always)]
pub(crate) fn no_unroll() {
    // SAFETY: no instruction at all.
    unsafe { core::arch::asm!("", options(nomem, nostack, preserves_flags)) };
}
