//! Weights in and out as a `.safetensors` file, the format in which PyTorch and others pass them on (feature `safetensors`).
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
//! at position `i` and `ReLU()` at `i + 1`. Or give a name for each tensor. PyTorch's `Linear` keeps `weight` as `[out, in]`,
//! [`Dense`](crate::Dense) has a row per input: the matrix is transposed on the way. The file has to hold the network's tensors and
//! no others, in any order.
//!
//! # Numbers
//! Tensors of `F32` are copied bit for bit, `F16` and `BF16` widened, which is exact, also for subnormal numbers. What is written is `F32`. An
//! infinity or a NaN among the weights is refused in both directions: a network with one is of no use, and a checkpoint would not
//! take it either.
//!
//! # Nothing goes wrong quietly
//! A load looks at everything, each number too, before it changes a weight: one that fails changes nothing.
//!
//! # Order of the errors
//! What is wrong with the names given; the header from its length on; tensors that are missing or there twice, then those that nobody asked for;
//! then of each tensor its type, shape and place; overlaps and gaps; numbers that are not finite.
//!
//! # Time and memory
//! Two small structs on the stack, no buffer. The header is read anew for each tensor, so the time is `tensors · length of
//! the header`, and one pass over the numbers to check and one to copy.
//!
//! # Why not `serde-json-core`
//! Linked alone into images for Cortex-M4F, Cortex-M0 and RISC-V, version 0.7 leaves a bounds check that panics in each of them, at `opt-level` 3
//! and `s`, and takes 6.8 to 15 KB there. What a header may hold is little, so `header.rs` reads just that. The crate `safetensors` itself
//! needs a heap.
//!
//! # Source
//! The format is described in the README of `github.com/huggingface/safetensors`. Beyond it, keys that it doesn't name are refused here.

mod error;
mod header;
mod names;
mod number;
mod tensors;
mod write;

pub use error::{ExportError, ImportError};
pub use names::Names;
pub use tensors::{Module, Tensor, Tensors};
pub use write::{file_bytes, save, write};

use header::{Entry, Header};
use tensors::Slot;

/// Loads the weights of a network from exactly the bytes of a `.safetensors` file.
///
/// # Errors
/// See [`ImportError`]: the network is then as it was.
pub fn load<N: Tensors>(network: &mut N, names: &Names<'_>, bytes: &[u8]) -> Result<(), ImportError> {
    names.check::<N>()?;
    let header = Header::of(bytes)?;
    check_names::<N>(&header, names)?;
    check_tensors::<N>(&header, names)?;
    header.check_coverage()?;
    check_numbers::<N>(&header, names)?;
    check_pieces(network)?;

    let mut index = 0usize;
    network.parameters_mut(&mut |piece| {
        if let Some(slot) = Slot::nth::<N>(index)
            && let Ok(Some(entry)) = header.find(&names.of(&slot))
        {
            copy(&header, &entry, &slot.tensor, piece);
        }
        index = index.wrapping_add(1);
    });
    Ok(())
}

/// Whether each tensor of the network is there once, and no other.
fn check_names<N: Tensors>(header: &Header<'_>, names: &Names<'_>) -> Result<(), ImportError> {
    for_each::<N>(|slot| {
        let mut count = 0u8;
        for entry in header.entries() {
            count = count.saturating_add(u8::from(names.of(&slot).is(entry?.name)));
        }
        match count {
            0 => Err(ImportError::MissingTensor { tensor: slot.index }),
            1 => Ok(()),
            _ => Err(ImportError::RepeatedTensor { tensor: slot.index }),
        }
    })?;
    for entry in header.entries() {
        let Entry { name, at, .. } = entry?;
        let mut asked_for = false;
        for_each::<N>(|slot| {
            asked_for |= names.of(&slot).is(name);
            Ok(())
        })?;
        if !asked_for {
            return Err(ImportError::ExtraTensor { at });
        }
    }
    Ok(())
}

/// Whether each tensor is of a type that can be read, of the network's shape, and inside the file.
fn check_tensors<N: Tensors>(header: &Header<'_>, names: &Names<'_>) -> Result<(), ImportError> {
    for_each::<N>(|slot| {
        let tensor = slot.index;
        let Some(entry) = header.find(&names.of(&slot))? else { return Err(ImportError::MissingTensor { tensor }) };
        let Some(kind) = entry.kind else { return Err(ImportError::WrongType { tensor }) };
        if !slot.tensor.has_shape(&entry.shape) {
            return Err(ImportError::WrongShape { tensor });
        }
        let Some(bytes) = header.bytes(&entry) else { return Err(ImportError::OutOfRange { tensor }) };
        // The shape is that of a tensor in memory, so the product can't overflow by much.
        if bytes.len() != slot.tensor.len().saturating_mul(kind.bytes()) {
            return Err(ImportError::WrongLength { tensor });
        }
        Ok(())
    })
}

fn check_numbers<N: Tensors>(header: &Header<'_>, names: &Names<'_>) -> Result<(), ImportError> {
    for_each::<N>(|slot| {
        let mut finite = true;
        if let Some(entry) = header.find(&names.of(&slot))? {
            header.for_each_number(&entry, &mut |number| finite &= number.is_finite());
        }
        if finite { Ok(()) } else { Err(ImportError::NonFiniteWeight { tensor: slot.index }) }
    })
}

/// Whether the layers have the tensors that they say.
fn check_pieces<N: Tensors>(network: &N) -> Result<(), ImportError> {
    if tensors::are_the_parameters(network) { Ok(()) } else { Err(ImportError::WrongTensors) }
}

/// Copies the numbers of a tensor, column by column of the network's matrix.
fn copy(header: &Header<'_>, entry: &Entry<'_>, tensor: &Tensor, piece: &mut [f32]) {
    let mut places = tensor.places();
    header.for_each_number(entry, &mut |number| {
        if let Some(place) = places.next().and_then(|place| piece.get_mut(place)) {
            *place = number;
        }
    });
}

/// Visits the tensors of a network until there is an error.
fn for_each<N: Tensors>(mut visit: impl FnMut(Slot) -> Result<(), ImportError>) -> Result<(), ImportError> {
    let mut result = Ok(());
    Slot::each::<N>(&mut |slot| {
        if result.is_ok() {
            result = visit(slot);
        }
    });
    result
}
