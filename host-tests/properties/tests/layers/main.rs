//! Layers on images and sequences: pools, `Flatten`, residuals and normalization, alone and in networks.

#[path = "../common/mod.rs"]
mod common;

mod batches;
mod blocks;
mod branches;
mod convolutional;
mod dropouts;
mod networks;
mod norms;
mod passes;
mod pooled;
mod pools;
mod pytorch_layers;
mod recomputed;
mod resnet;
mod summaries;
mod windows;
