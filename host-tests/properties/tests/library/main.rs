//! Data, losses, metrics, scalar functions, streams, graphs, checkpoints, flash, files of weights: a module a subject.

#[path = "../common/mod.rs"]
mod common;

mod checkpoint;
mod conversions;
mod data;
mod environment;
mod flash;
mod flash_faults;
mod flash_layouts;
mod graph;
mod hostile;
mod initializers;
mod long_streams;
mod losses;
mod memory;
mod metrics;
mod network_source;
mod pytorch;
mod replay;
mod replay_buffer;
mod safetensors;
mod safetensors_batch_norm;
mod safetensors_convolutional;
mod safetensors_layouts;
mod safetensors_own_layers;
mod saved;
mod scalar_all_inputs;
mod scalar_functions;
mod streaming;
mod zero_bytes;
