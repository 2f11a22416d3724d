//! Training steps: what they refuse, and that a refused one changes nothing; in slices, with frozen layers; and their gradients.

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
mod frozen;
mod gradients;
mod guards;
mod slices;
