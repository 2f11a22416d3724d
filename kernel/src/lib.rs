//! Bare-metal gradients: runs *and trains* small neural networks on microcontrollers, and gives the same bits on a laptop.
#![no_std]
#![deny(missing_docs)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod zero;

mod arch;
pub mod scalar;

pub mod matrix;
pub mod shape;

pub mod activation;
pub mod initializer;
pub mod optimizer;

mod loops;

pub mod layer;
pub mod network;
pub mod summary;

pub mod data;
pub mod loss;
pub mod metrics;
pub mod train;

pub use activation::{Identity, LeakyRelu, Relu, Sigmoid, Tanh};
pub use data::{Dataset, GatherBuffer, Order};
pub use initializer::{FanInUniform, GlorotUniform, HeUniform, Uniform};
pub use layer::{Dense, Layer};
pub use loops::COLUMNS;
pub use loss::{BinaryCrossEntropy, CrossEntropy, MeanSquaredError, SumOfSquares};
pub use matrix::{Matrix, Vector};
pub use metrics::ConfusionMatrix;
pub use network::Network;
pub use optimizer::{Adam, Sgd};
pub use shape::Features;
pub use train::{Gradients, StepError, Trainer, Workspace};
pub use zero::Zero;
