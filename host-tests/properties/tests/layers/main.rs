//! Layers on images and sequences: pools and `Flatten`, alone and in networks.

#[path = "../common/mod.rs"]
mod common;

mod convolutional;
mod convolutions;
mod networks;
mod passes;
mod pools;
