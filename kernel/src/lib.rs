//! Bare-metal gradients: runs *and trains* small neural networks on microcontrollers, and gives the same bits on a laptop.
//!
//! No heap, no operating system, no panic; memory is placed by the user and its size known when the program compiles.
//!
//! # The modules, from the user down
//!
//! A module uses only those below it in this list. Two arrows go up: [`scalar`] asks `kernels`
//! for the processor's square root, and [`matrix`] asks whether a small softmax is better part of its caller.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`streaming`] | data that come one by one: scaling, accuracy, an alarm for drift |
//! | `safetensors` | weights from PyTorch or Keras and back, with that feature |
//! | [`checkpoint`] | weights and training state to bytes and back; in `checkpoint::flash`, feature `embedded-storage`, to flash |
//! | [`train`] | [`Trainer`]; one step, at once, in slices or with layers frozen; the two-phase form; evaluation |
//! | [`loss`], [`metrics`] | value and gradient; accuracy, confusion matrix |
//! | [`data`], `replay` | data sets and batches, read where they lie; samples of the past, with feature `heapless` |
//! | [`network`] | a tuple of layers is a network; prediction; what a network looks like |
//! | [`layer`] | [`Dense`], convolutions ([`Conv2d`]), pools, [`Flatten`], [`Residual`], [`BatchNorm`], [`LayerNorm`], [`HardSwish`], [`Dropout`], [`Frozen`], [`Recompute`]; windows; what a layer is |
//! | `kernels` | the inner loops, and all that knows a processor |
//! | [`optimizer`], [`schedule`] | one rule a file: a scalar formula and its slot; the learning rate as a function of the step |
//! | [`initializer`] | initial weights from the user's generator |
//! | [`graph`] | a scalar reverse-mode graph, for losses of one's own |
//! | [`activation`] | value, and slope as a function of the output |
//! | [`shape`], [`matrix`] | what flows between layers as types, and plain arrays |
//! | [`setting`] | which values a setting may have, and who refuses the others |
//! | [`scalar`] | `exp`, `tanh`, `sigmoid`, `ln`, `ln_1p`, `sqrt`, whole powers: fixed sequences of IEEE operations |
//! | [`environment`] | a self-test for start-up: does this processor, as it is set, keep the bits |
//! | [`mod@state`], [`zero`], [`fingerprint`] | what can be saved; a `const` initial value for everything that is placed in a `static`; 32 bits that stand for an architecture |
//! | `sum` | sums and means that keep their small terms |
//!
//! `format`, `defmt::Format` where it can't be derived (feature `defmt`), stands beside all.
//!
//! # The same bits everywhere
//!
//! Every result is, bit for bit, what the plain loop of its formula gives in IEEE 754 single precision, round to nearest: each
//! sum in the order that the formula writes, each product and each sum rounded by itself, nothing fused, nothing
//! reassociated, subnormals kept. The paragraphs "Order and rounding" say which order. So a test on a laptop is a test of the
//! device. A processor that is set to flush subnormals or to round otherwise breaks this: [`float_environment`] finds out at
//! start-up. Only the payload of a NaN may differ.
//!
//! # An example
//!
//! ```
//! use baregrad::{CrossEntropy, Dataset, Dense, GlorotUniform, Network, Relu, Sgd, Trainer, floats};
//! # let mut words = 1u32;
//! # let mut random = || { words = words.wrapping_mul(1_664_525).wrapping_add(1_013_904_223); words };
//!
//! type Net = (Dense<2, 8, Relu>, Dense<8, 2>); // shapes are checked here
//! const { assert!(Trainer::<Net, Sgd, 4, { floats::<Net>() }>::BYTES <= 512) } // and memory here
//!
//! let inputs = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
//! let labels = [0u8, 1, 1, 0];
//! let data = Dataset::from_arrays(&inputs, &labels);
//!
//! let mut trainer = Trainer::<Net, Sgd, 4, { floats::<Net>() }>::NEW; // in firmware: a static
//! trainer.network.initialize_with(GlorotUniform, &mut random);
//! let mut optimizer = Sgd::new(0.5);
//! for _ in 0..500 {
//!     trainer.step(&data, CrossEntropy, &mut optimizer)?; // refuses NaN and bad labels, changes nothing then
//! }
//! assert_eq!(trainer.network.predict(&[1.0, 0.0]).argmax(), 1);
//! # Ok::<(), baregrad::StepError>(())
//! ```
//!
//! # Features
//!
//! They only add, and none changes a result. `rand_core`: initial weights and shuffling from any generator of the
//! `rand_core` traits. `defmt`: `defmt::Format` for everything public. `heapless`: a replay buffer of fixed size.
//! `nalgebra`: its matrices from ours and back. `embedded-storage`: checkpoints in flash.
//! `safetensors`: weights from PyTorch or Keras and back, as `.safetensors` files.
//! `dispatch`: on x86-64, loops for the vectors that the processor is found to be fastest with when the program runs: the longest it has, but AVX2 on
//! Zen 4, whose AVX-512 works in halves (nothing on other processors).
//! Without any, the library depends on `libm` alone.
//!
//! # Words
//!
//! | word | meaning |
//! | --- | --- |
//! | sample, input, target | what the network sees at once, its numbers, and what should come out |
//! | batch, epoch | samples of one step; once through all samples |
//! | pre-activation `z`, activation `a` | a layer's sums, and what its activation function makes of them |
//! | logits | the output of a network whose last layer has no activation |
//! | `delta` | gradient of the loss with respect to pre-activations |
//! | slot | what an optimizer remembers of one parameter |
//! | kernel, tap, window | the positions that a pool or a convolution looks at together, one of them, and where they are put |
//! | frozen layer | one whose parameters a step leaves as they are; it goes forward only |
//! | slice | a part of a step, of bounded time, after which something else may run |
//! | workspace | what a pass needs beside the parameters, and may forget after it |
//! | checkpoint, fingerprint | weights or a whole training as bytes; the 32 bits in them that tell another architecture's apart |
//! | tensor | one matrix, kernel or bias in a `.safetensors` file, by its name |
//! | stream, drift | samples that come one by one and are not kept; a lasting change in what they are like |
//! | test-then-train | to predict each sample of a stream before training on it, so that every one is a test |
//! | replay, reservoir | training on kept samples of the past once more; the fair choice of which to keep |
#![no_std]
#![deny(missing_docs)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod fingerprint;
#[macro_use]
pub mod state;
pub mod zero;

mod sum;

pub mod scalar;
pub mod setting;

pub mod matrix;
pub mod shape;

pub mod activation;
pub mod graph;
pub mod initializer;
pub mod optimizer;
pub mod schedule;

mod kernels;

pub mod environment;

pub mod layer;

pub mod network;

pub mod data;
pub mod loss;
pub mod metrics;
#[cfg(feature = "heapless")]
pub mod replay;
pub mod train;

pub mod checkpoint;
#[cfg(feature = "defmt")]
mod format;
#[cfg(feature = "safetensors")]
pub mod safetensors;
pub mod streaming;

pub use activation::all::*;
pub use data::{Dataset, GatherBuffer, Order};
pub use environment::{FloatEnvironmentError, float_environment};
pub use graph::Graph;
pub use initializer::{FanInUniform, GlorotUniform, HeUniform, Uniform};
pub use layer::all::*;
pub use layer::{Layer, Parameters};
pub use loss::all::*;
pub use matrix::{Matrix, Vector};
pub use metrics::ConfusionMatrix;
pub use network::{Model, Network, floats, predict_floats};
pub use optimizer::all::*;
pub use shape::{Features, Image, Sequence};
pub use train::{Gradients, StepError, Trainer, Workspace};
pub use zero::Zero;
