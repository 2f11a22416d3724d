//! Training steps: what they refuse, that a refused one changes nothing, and steps in slices.

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
mod guards;
mod settings;
mod slices;
