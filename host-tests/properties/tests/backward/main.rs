//! The backward pass: gradients against central differences, and with the first layers frozen.

#[path = "../common/mod.rs"]
mod common;

mod frozen;
mod gradients;
