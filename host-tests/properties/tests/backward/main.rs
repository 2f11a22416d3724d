//! The backward pass: gradients against central differences, with the first layers frozen, on positions, in networks of all kinds of parts.

#[path = "../common/mod.rs"]
mod common;

// The table with the types of the library that is compiled here: `portable` compiles another one than `host_tests` has.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../catalogue/src/activations.rs"]
mod activations;

mod curves;
mod frozen;
mod gradients;
mod holders;
mod parts;
mod positions;
