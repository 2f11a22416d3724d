//! Training against the plain textbook loops, bit for bit: networks, batches, activations, losses, optimizers, and the laws among them.

#[path = "../common/mod.rs"]
mod common;

// The table with the types of the library that is compiled here: `portable` compiles another one than `host_tests` has.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../catalogue/src/losses.rs"]
mod losses;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../catalogue/src/optimizers.rs"]
mod optimizers;

mod one_pass_bits;
mod rules_bits;
mod thawing;
