//! Weights in and out as a `.safetensors` file, the format in which PyTorch, Keras and others pass them on (feature `safetensors`).
//!
//! ```text
//! 0  u64       n         bytes of the header
//! 8  n         header    JSON: {"0.weight":{"dtype":"F32","shape":[16,4],"data_offsets":[0,256]}, …}, padded by spaces
//!              data      little-endian, row by row; the offsets count from here
//! ```
//!
//! ```
//! use baregrad::safetensors::{self, Names};
//! use baregrad::{Dense, HeUniform, Network, Relu, Zero};
//!
//! type Net = (Dense<4, 16, Relu>, Dense<16, 3>);
//! # let mut words = 1u32;
//! # let mut random = || { words = words.wrapping_mul(1_664_525).wrapping_add(1_013_904_223); words };
//! let mut network = Net::ZERO;
//! network.initialize_with(HeUniform, &mut random);
//!
//! let mut file = [0; 1024];
//! let length = safetensors::save(&network, &Names::SEQUENTIAL, &mut file)?; // for PyTorch: `0.weight`, `0.bias`, `2.weight`, `2.bias`
//!
//! // In firmware the bytes come from `include_bytes!`, or from flash where they lie.
//! let mut copy = Net::ZERO;
//! safetensors::load(&mut copy, &Names::SEQUENTIAL, &file[..length])?;
//! assert_eq!(network.0.weights, copy.0.weights);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Names and shapes
//! [`Names::SEQUENTIAL`] are those of PyTorch's `Sequential`, where an activation is a module too: `Dense<4, 16, Relu>` is `Linear(4, 16)`
//! at position `i` and `ReLU()` at `i + 1`. Or give a name for each tensor. The file has to hold the network's tensors and
//! no others, in any order.
//!
//! # Layouts
//! Libraries differ in the order of the dimensions of a weight. [`Names`] says whose order a file has, in both directions, and nothing is
//! guessed: a square matrix fits both ways. Each value is put in its place when it is copied.
//!
//! | layer | here | PyTorch ([`Names::Sequential`], [`Names::PyTorch`]) | Keras ([`Names::Keras`]) |
//! | --- | --- | --- | --- |
//! | [`Dense`](crate::Dense) | `[in][out]` | `[out, in]` | `[in, out]` |
//! | `Dense` beside convolutions | `[in][out]` | `[out, in, 1, 1]`, `[out, in, 1]` | `[1, 1, in, out]`, `[1, in, out]` |
//! | [`Conv2d`](crate::Conv2d), [`PooledConv2d`](crate::PooledConv2d) | `[kh][kw][in][out]` | `[out, in, kh, kw]` | `[kh, kw, in, out]` |
//! | [`Conv1d`](crate::Conv1d) | `[k][1][in][out]` | `[out, in, k]` | `[k, in, out]` |
//! | [`DepthwiseConv2d`](crate::DepthwiseConv2d) | `[kh][kw][c]` | `[c, 1, kh, kw]` | `[kh, kw, c, 1]` |
//! | [`DepthwiseConv1d`](crate::DepthwiseConv1d) | `[k][1][c]` | `[c, 1, k]` | `[k, c, 1]` |
//! | each bias; gain and bias of [`LayerNorm`](crate::LayerNorm) | `[out]` | `[out]` | `[out]` |
//! | the four of [`BatchNorm`](crate::BatchNorm): gain, bias, running mean and variance | `[c]` | `[c]` | `[c]` |
//!
//! A `Dense` layer can be a `Linear` or a convolution of one tap in the other library. A load takes both, because the values are the same. A file
//! that is written has the convolution where the layer goes over several positions in a network with other convolutions; else it has the matrix.
//!
//! Running statistics are no parameters, and come last where names are given: `weight` and `bias` of all layers, then `running_mean` and `running_var`
//! of all norms. (In Keras: the trainable weights, then `moving_mean` and `moving_variance` of each; its `get_weights()` has all four of a norm beside
//! each other.) PyTorch's `num_batches_tracked`, the number of
//! steps, is skipped in a file and not written: PyTorch takes a file without it, and counts from 0. The state of [`Dropout`](crate::Dropout) is in no file.
//!
//! # Behind a Flatten
//! PyTorch has channels first: its `Flatten` gives `[channel][row][column]`, and [`Flatten`](crate::Flatten) here gives `[row][column][channel]`. So the inputs of
//! a `Linear` behind it are put in order on the way in and out. Layers in between that keep each feature in its place, such as
//! [`HardSwish`](crate::HardSwish), change nothing in that. This is why a load asks for layers on a known input: a tuple that begins with `Dense`, or a
//! [`Model`](crate::Model). The layers behind a `Flatten`, loaded by themselves, are a network on features: nobody can see the `Flatten` there. So load
//! the whole network from PyTorch.
//!
//! - The input counts as channels first in PyTorch, also where a `Flatten` is the first layer.
//! - A `Dense` layer on positions in front of such a `Flatten` has to be a convolution in PyTorch. A `Linear` on the last axis would have
//!   channels last there, and is refused by its shape, `[out, in]`.
//! - A [`LayerNorm`](crate::LayerNorm) on positions in front of a `Flatten` is refused. PyTorch's goes over the last axis, and has channels last there.
//! - A [`Residual`](crate::Residual) behind a `Flatten` is refused, and one with a `Flatten` inside.
//! - Where a layer does not say what it does to the [order of channels](crate::Layer::ORDER), both directions refuse PyTorch's layout
//!   with an error of its own, and Keras's is no problem.
//!
//! Keras has channels last, as this library: nothing is put in order there.
//!
//! # Numbers
//! Tensors of `F32` are copied bit for bit, `F16` and `BF16` widened, which is exact, also for subnormal numbers. What is written is `F32`. An
//! infinity, a NaN or a negative variance is refused in both directions: a network with one is of no use, and a checkpoint would not
//! take it either.
//!
//! # Nothing goes wrong quietly
//! A load looks at everything, each number too, before it changes a weight: one that fails changes nothing.
//!
//! # Order of the errors
//! Tensors that a layer doesn't have, and an order that nobody knows; what is wrong with the names given; the header from its length on; tensors that are missing or there twice, then those that nobody asked for;
//! then of each tensor its type, shape and place; counts of batches; overlaps and gaps; numbers that are not finite, or a negative variance. An error of a count of batches has the number of the running mean beside
//! it.
//!
//! # Time and memory
//! A few small structs on the stack, no buffer. The header is read anew for each tensor, so the time is `tensors · length of
//! the header`, and one pass over the numbers to check and one to copy. Each tensor also asks each layer once. Each key of the metadata is compared with those before it, once.
//!
//! # Why not `serde-json-core`
//! Linked alone into images for Cortex-M4F, Cortex-M0 and RISC-V, version 0.7 leaves a bounds check that panics in each of them, at `opt-level` 3
//! and `s`, and takes 6.8 to 15 KB there. What a header may hold is little, so `header.rs` reads just that. The crate `safetensors` itself
//! needs a heap.
//!
//! # Source
//! The format is described in the README of `github.com/huggingface/safetensors`. Beyond it, keys that it doesn't name are refused here.
//! It forbids a key that stands twice, and so does this reader everywhere. The reference reader (0.8) refuses `__metadata__` or a key of a
//! tensor that stands twice; of a tensor, or of a key of the metadata, it takes the last.

mod dimensions;
mod error;
mod header;
mod layout;
mod names;
mod number;
mod tensors;
mod text;
mod write;

pub use dimensions::Dimensions;
pub use error::{ExportError, ImportError};
pub use names::Names;
pub use write::{file_bytes, save, write};

use crate::network::OnInput;
use header::Header;
use layout::Stored;
use tensors::Entry;

/// Loads the weights of a network from exactly the bytes of a `.safetensors` file.
///
/// # Errors
/// See [`ImportError`]: the network is then as it was.
pub fn load<N: OnInput>(network: &mut N, names: &Names<'_>, bytes: &[u8]) -> Result<(), ImportError> {
    if !tensors::are_as_described(network) {
        return Err(ImportError::WrongTensors);
    }
    if let Some(tensor) = tensors::without_order::<N>(names.layout()) {
        return Err(ImportError::UnknownOrder { tensor });
    }
    names.check::<N>()?;
    let header = Header::of(bytes)?;
    check_names::<N>(&header, names)?;
    check_tensors::<N>(&header, names)?;
    check_counts::<N>(&header, names)?;
    header.check_coverage()?;
    check_numbers::<N>(&header, names)?;

    for entry in Entry::all::<N>() {
        if let Ok(Some(found)) = header.find(&names.of(&entry)) {
            copy(&header, &found, &Stored::of::<N>(&entry, names.layout()), entry.values_mut(network));
        }
    }
    Ok(())
}

/// Whether each tensor of the network is there once, and no other.
fn check_names<N: OnInput>(header: &Header<'_>, names: &Names<'_>) -> Result<(), ImportError> {
    for entry in Entry::all::<N>() {
        let mut count = 0u8;
        for found in header.entries() {
            count = count.saturating_add(u8::from(names.of(&entry).is(found?.name)));
        }
        match count {
            0 => return Err(ImportError::MissingTensor { tensor: entry.index }),
            1 => {}
            _ => return Err(ImportError::RepeatedTensor { tensor: entry.index }),
        }
    }
    for found in header.entries() {
        let header::Entry { name, at, .. } = found?;
        let is_count = |entry: &Entry| names.count_beside(entry).is_some_and(|count| count.is(name));
        if !Entry::all::<N>().any(|entry| names.of(&entry).is(name) || is_count(&entry)) {
            return Err(ImportError::ExtraTensor { at });
        }
    }
    Ok(())
}

/// Whether counts of batches, which nobody reads, are such numbers, inside the file, and there once. An error names the running mean beside one.
fn check_counts<N: OnInput>(header: &Header<'_>, names: &Names<'_>) -> Result<(), ImportError> {
    for entry in Entry::all::<N>() {
        let (Some(name), tensor, mut count) = (names.count_beside(&entry), entry.index, 0u8) else { continue };
        for found in header.entries() {
            let found = found?;
            if name.is(found.name) {
                count = count.saturating_add(1);
                if !found.is_count {
                    return Err(ImportError::WrongType { tensor });
                }
                if header.bytes(&found).is_none() {
                    return Err(ImportError::OutOfRange { tensor });
                }
            }
        }
        if count > 1 {
            return Err(ImportError::RepeatedTensor { tensor });
        }
    }
    Ok(())
}

/// Whether each tensor is of a type that can be read, of the network's shape, and inside the file.
fn check_tensors<N: OnInput>(header: &Header<'_>, names: &Names<'_>) -> Result<(), ImportError> {
    for entry in Entry::all::<N>() {
        let tensor = entry.index;
        let Some(found) = header.find(&names.of(&entry))? else { return Err(ImportError::MissingTensor { tensor }) };
        let Some(kind) = found.kind else { return Err(ImportError::WrongType { tensor }) };
        let stored = Stored::of::<N>(&entry, names.layout());
        if !stored.can_be(&found.shape) {
            return Err(ImportError::WrongShape { tensor, expected: stored.dimensions(), found: found.shape });
        }
        let Some(bytes) = header.bytes(&found) else { return Err(ImportError::OutOfRange { tensor }) };
        // The shape is that of a tensor in memory, so the product can't overflow by much.
        if bytes.len() != entry.tensor.len().saturating_mul(kind.bytes()) {
            return Err(ImportError::WrongLength { tensor });
        }
    }
    Ok(())
}

fn check_numbers<N: OnInput>(header: &Header<'_>, names: &Names<'_>) -> Result<(), ImportError> {
    for entry in Entry::all::<N>() {
        let (mut finite, mut sound) = (true, true);
        if let Some(found) = header.find(&names.of(&entry))? {
            header.for_each_number(&found, &mut |number| {
                finite &= number.is_finite();
                sound &= entry.domain.contains(number);
            });
        }
        if !finite {
            return Err(ImportError::NonFiniteWeight { tensor: entry.index });
        }
        if !sound {
            return Err(ImportError::UnsoundState { tensor: entry.index });
        }
    }
    Ok(())
}

/// Copies the numbers of a tensor to where they belong.
fn copy(header: &Header<'_>, found: &header::Entry<'_>, stored: &Stored, values: &mut [f32]) {
    let mut places = stored.places();
    header.for_each_number(found, &mut |number| {
        if let Some(place) = places.next().and_then(|place| values.get_mut(place)) {
            *place = number;
        }
    });
}
