//! The one table: every optimizer, activation, elementwise layer and loss of the library, each with its formula once more.
//!
//! What is added to the library gets a row here. Tests, the programs `same_bits` of all processors and the images of
//! `cargo xtask panic` and `fused` read the rows, so they need no line of their own:
//!
//! | reader | takes of each row |
//! | --- | --- |
//! | `host_tests::textbook` | the formula, for its plain loops |
//! | `host_tests::precise` | the formula in `f64`, for central differences |
//! | `firmware_example::same_bits` | a training, where the row is one of the further ones; the lines are in `same_bits_more.expected` |
//! | `properties` | bits, gradients, slices, frozen layers, refusals, checkpoints |
//! | `whole-image` | the type, so that its code is in the image |
//!
//! A formula is written from its source, never from the library's code, and calls nothing of the library but
//! [`scalar`](baregrad::scalar), whose accuracy is tested by itself. Rows are types, so each table is a function that shows
//! them to a visitor.
//!
//! [`mlperf_tiny`] and [`measured`] are no such tables, but types of networks that board, counts and tests have in common.
//!
//! The package is `no_std`, because firmware reads it too, and has no dependency that an image would show.
#![no_std]

pub mod activations;
pub mod blocks;
pub mod losses;
pub mod measured;
pub mod mlperf_tiny;
pub mod networks;
pub mod optimizers;
mod pairs;
