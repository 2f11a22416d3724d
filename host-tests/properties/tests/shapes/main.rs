//! Layers of every width and batch against the plain textbook loops, bit for bit: what each processor's loops must pass.
//!
//! `cargo xtask arm` runs them with the loops in assembly, package `portable` with those of processors without vectors.

#[path = "../common/mod.rs"]
mod common;

mod large_batches;
mod widths;
