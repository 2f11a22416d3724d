//! Training against the plain textbook loops, bit for bit: networks, batches, activations, losses, optimizers, and the laws among them.

#[path = "../common/mod.rs"]
mod common;

mod one_pass_bits;
mod rules_bits;
