//! The way out of each machine: `print` for text, `exit` for the end.
//!
//! On bare metal (`bare`) both go through semihosting, which QEMU answers; a module for the processor has the start-up code.

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
mod aarch64;
#[cfg(all(target_os = "none", target_arch = "arm"))]
mod arm;
#[cfg(target_os = "none")]
mod bare;
#[cfg(not(any(target_os = "none", target_family = "wasm")))]
mod host;
#[cfg(all(target_os = "none", target_arch = "riscv32"))]
mod riscv;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(target_os = "none")]
pub(crate) use bare::{exit, print};
#[cfg(not(any(target_os = "none", target_family = "wasm")))]
pub(crate) use host::{exit, print};
#[cfg(target_family = "wasm")]
pub(crate) use wasm::{exit, print};
