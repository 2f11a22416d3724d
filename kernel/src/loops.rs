//! The inner loops of a dense layer, register-tiled; the only place that knows about tiles.
//!
//! Every function here computes exactly what its formula's plain loop computes: a tile is a handful of *independent* sums
//! side by side, each still running in the order of the formula. So tiles change the speed and never a bit.
//!
//! Processors with vectors have their own form of them, `vector`; all others the rest.
//!
//! The sizes are constants, so every bounds check folds away; where the compiler could fail to see it, the code takes
//! a value that is never used instead of a panic.
#![allow(clippy::indexing_slicing)] // Indices below are loop counters under the constant length they index.

mod forward;
mod one_sample;
mod slice;
mod source;
mod sweep;
mod tile;
mod vector;
mod weight_gradient;

pub(crate) use forward::products;
pub(crate) use slice::{slices, sweep_first_slice, sweep_inner_slice};
pub(crate) use source::add_input_gradient;
pub(crate) use sweep::{Parameters, sweep_first, sweep_inner};
pub(crate) use tile::{COLUMNS, Capacity, InputRows};
