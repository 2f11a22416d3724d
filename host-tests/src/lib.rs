//! Oracles for the tests of `baregrad`.
//!
//! [`textbook`] is training in the plainest loops, in `f32` and in the order that the library's docs promise: what the
//! library must equal bit for bit. [`precise`] is the loss in `f64`, for central differences. [`programs`] repeats the
//! firmware's programs with the textbook's loops. [`mnist`] reads that data set and trains the text's network on it. [`flash`] is a
//! simulated flash that can lose power, [`course`] a training to keep there. [`hostile`] has what holds for any
//! bytes at all, [`tensor_file`] puts files of weights together, [`source`] makes Rust of them. [`voice`] reads the
//! recordings of the voice demo, [`occupancy`] the minutes of a room, [`gun_point`] the hand of the example `10_convolution`. [`windows`] is pools in the plainest loops,
//! [`blocks`] residuals, normalizations and dropout. [`mlperf_tiny`] has the networks of that benchmark, and reads their weights, [`memory`] the bytes of all networks. [`recipe`] is the
//! training that stands beside a reference.

pub mod blocks;
pub mod convolution;
pub mod course;
pub mod flash;
pub mod gun_point;
pub mod hostile;
pub mod memory;
pub mod mlperf_tiny;
pub mod mnist;
pub mod networks;
pub mod occupancy;
pub mod pooled;
pub mod precise;
pub mod programs;
pub mod recipe;
pub mod replay;
pub mod same_bits;
pub mod source;
pub mod tensor_file;
pub mod textbook;
pub mod voice;
pub mod windows;

/// The README's examples, as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
