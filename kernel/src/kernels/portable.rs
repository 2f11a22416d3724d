//! The loops as every processor can run them, register-tiled.
//!
//! A tile is a handful of *independent* sums side by side, each still running in the order of the formula. So tiles change the speed and never
//! a bit.
//!
//! The sizes are constants, so almost every bounds check folds away. Whether it does depends on the optimisation level, so nothing here is
//! indexed: outside of an array the code takes a value, which is never used, instead of a panic. Counters wrap, which
//! they never do: with `overflow-checks` a `+` or an `enumerate` would leave a panic too.

mod activation;
mod backward;
mod channels;
mod convolution;
mod forward;
pub(super) mod one_sample;
mod slice;
mod source;
mod steps;
mod tile;
mod weight_gradient;

pub(super) use activation::{
    activate_each, activate_in_a_loop, activation_backward, activation_gradients, all_finite, are_finite, bits_seen,
};
pub(super) use backward::{backward_first, backward_inner};
pub(super) use channels::{add_channel_products, channel_sums, two_channel_sums};
#[allow(unused_imports)] // only some processors ask
pub(super) use convolution::last_of_window;
pub(super) use convolution::{add_input_gradients, add_tap_products, add_turned_gradients, four_windows, one_window};
pub(super) use forward::{forward, outputs, sample_or_zeros, samples_from};
pub(super) use source::input_gradient;
#[allow(unused_imports)] // only some processors ask
pub(super) use tile::is_tiny;
pub(super) use tile::{floats, lanes, lanes_mut, value};
pub(super) use weight_gradient::{add_products, update_tile, update_values};

pub(crate) use backward::Parameters;
pub(crate) use channels::update_channels;
pub(crate) use convolution::{Pairs, TURNED, update_bias, update_tap, update_tap_row};
pub(crate) use slice::{backward_first_slice, backward_inner_slice, slices};
pub(crate) use source::add_input_gradient;
pub(crate) use steps::{Chosen, Runs, Steps, Walk};
pub(crate) use tile::{COLUMNS, Capacity, InputRows};

use super::Kernels;

/// No processor in particular.
#[cfg_attr(not(test), allow(dead_code))] // tests run these loops beside the chosen ones
pub(crate) struct Portable;

impl Kernels for Portable {}

/// Square root by `libm`'s correctly rounded routine.
#[allow(dead_code)] // unused where the processor has its own
#[inline]
pub(super) fn sqrt(x: f32) -> f32 {
    libm::sqrtf(x)
}
