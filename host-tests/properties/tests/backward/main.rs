//! The backward pass: gradients against central differences, with the first layers frozen, on positions, in networks of all kinds of parts.

#[path = "../common/mod.rs"]
mod common;

mod frozen;
mod gradients;
mod parts;
mod positions;
