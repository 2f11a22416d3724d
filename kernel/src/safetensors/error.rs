//! What can go wrong with a `.safetensors` file.

use super::dimensions::Dimensions;
use core::fmt;

/// Why weights were not loaded. Nothing has been changed then.
///
/// `tensor` counts the network's tensors from 0 at the input: weights and bias of the first [`Dense`](crate::Dense), of the second, and so on; then
/// running statistics. `at` is a position in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ImportError {
    /// Not one name for each tensor of the network was given.
    WrongNumberOfNames {
        /// Number of its tensors.
        needed: usize,
    },
    /// A name was given for two tensors.
    RepeatedName {
        /// The second of them.
        tensor: usize,
    },
    /// The bytes are fewer than the eight that say how long the header is.
    NoHeader,
    /// The header ends beyond the file, or is longer than the 100 MB of the format: the file is cut, or not of this kind.
    HeaderTooLong {
        /// Bytes of the header, as the file says.
        length: u64,
    },
    /// The header is not text.
    HeaderNotUtf8,
    /// The header is not JSON of the form that the format has.
    MalformedHeader {
        /// Where it is wrong.
        at: usize,
    },
    /// A key stands twice in the header: `__metadata__`, a key of it, or a key of a tensor. The format forbids it, as readers differ in
    /// which of the two they take.
    RepeatedKey {
        /// Where it begins for the second time.
        at: usize,
    },
    /// The file has no tensor of the name that this one should have.
    MissingTensor {
        /// The tensor.
        tensor: usize,
    },
    /// The file has two tensors of this name.
    RepeatedTensor {
        /// The tensor.
        tensor: usize,
    },
    /// The file has a tensor that the network has not: it may be another network's.
    ExtraTensor {
        /// Where its name begins.
        at: usize,
    },
    /// The numbers are not `F32`, `F16` or `BF16`.
    WrongType {
        /// The tensor.
        tensor: usize,
    },
    /// The shape is not that of the layer: for a matrix of PyTorch `[out, in]`, for a bias `[out]`. The
    /// [table](crate::safetensors#layouts) has all of them.
    WrongShape {
        /// The tensor.
        tensor: usize,
        /// Its shape in a file that the library writes.
        expected: Dimensions,
        /// Its shape in this file.
        found: Dimensions,
    },
    /// The offsets are not inside the file, or end before they begin: the file is cut or damaged.
    OutOfRange {
        /// The tensor.
        tensor: usize,
    },
    /// There are not as many bytes as shape and type need.
    WrongLength {
        /// The tensor.
        tensor: usize,
    },
    /// Two tensors share bytes.
    OverlappingTensor {
        /// Where the name of the second begins.
        at: usize,
    },
    /// Some bytes of the data belong to no tensor.
    UnusedBytes {
        /// How many.
        bytes: u64,
    },
    /// A number is infinite or NaN.
    NonFiniteWeight {
        /// The tensor that has it.
        tensor: usize,
    },
    /// A number of a layer's state can't be one: a running variance below 0.
    UnsoundState {
        /// The tensor that has it.
        tensor: usize,
    },
    /// The tensors that a layer says it has are not its parameters: a mistake in its code.
    WrongTensors,
    /// Nobody knows which feature of PyTorch this tensor's rows stand for. In front of it lies a layer that does not say what it does to the
    /// [order of channels](crate::layer::ChannelOrder), and a [`Flatten`](crate::Flatten) or another way from positions to features.
    UnknownOrder {
        /// The tensor.
        tensor: usize,
    },
}

/// Why weights were not written. The buffer or sink has not been touched then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ExportError {
    /// The buffer is too small.
    BufferTooSmall {
        /// Bytes that the file takes.
        needed: usize,
    },
    /// Not one name for each tensor of the network was given.
    WrongNumberOfNames {
        /// Number of its tensors.
        needed: usize,
    },
    /// A name was given for two tensors.
    RepeatedName {
        /// The second of them; tensors are counted as in [`ImportError`].
        tensor: usize,
    },
    /// A tensor can't be called `__metadata__`, which has a meaning of its own.
    ReservedName {
        /// The tensor.
        tensor: usize,
    },
    /// A weight or bias is infinite or NaN: training has diverged.
    NonFiniteWeights,
    /// The state of a layer, such as a running variance, is infinite, NaN or outside of its domain.
    UnsoundState,
    /// The tensors that a layer says it has are not its parameters: a mistake in its code.
    WrongTensors,
    /// Nobody knows which feature of PyTorch this tensor's rows stand for. In front of it lies a layer that does not say what it does to the
    /// [order of channels](crate::layer::ChannelOrder), and a [`Flatten`](crate::Flatten) or another way from positions to features.
    UnknownOrder {
        /// The tensor.
        tensor: usize,
    },
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongNumberOfNames { needed } => write!(f, "the network has {needed} tensors, each needs a name"),
            Self::RepeatedName { tensor } => write!(f, "the name given for tensor {tensor} is another's too"),
            Self::NoHeader => write!(f, "less than the eight bytes at the start of a safetensors file"),
            Self::HeaderTooLong { length } => {
                write!(f, "the header should have {length} bytes, more than there can be")
            }
            Self::HeaderNotUtf8 => write!(f, "the header is not UTF-8"),
            Self::MalformedHeader { at } => write!(f, "the header is not that of a safetensors file, at byte {at}"),
            Self::RepeatedKey { at } => write!(f, "a key of the header stands a second time at byte {at}"),
            Self::MissingTensor { tensor } => write!(f, "there is no tensor by the name of tensor {tensor}"),
            Self::RepeatedTensor { tensor } => write!(f, "there are two tensors by the name of tensor {tensor}"),
            Self::ExtraTensor { at } => write!(f, "the network doesn't have the tensor named at byte {at}"),
            Self::WrongType { tensor } => write!(f, "tensor {tensor} is not of type F32, F16 or BF16"),
            Self::WrongShape { tensor, expected, found } => {
                write!(f, "tensor {tensor} should have the shape {expected}, and has {found}")
            }
            Self::OutOfRange { tensor } => write!(f, "tensor {tensor} is not inside the file"),
            Self::WrongLength { tensor } => write!(f, "tensor {tensor} has not as many bytes as its shape needs"),
            Self::OverlappingTensor { at } => write!(f, "the tensor named at byte {at} shares bytes with another"),
            Self::UnusedBytes { bytes } => write!(f, "{bytes} bytes belong to no tensor"),
            Self::NonFiniteWeight { tensor } => write!(f, "a number in tensor {tensor} is infinite or NaN"),
            Self::UnsoundState { tensor } => write!(f, "a number in tensor {tensor} can't be what it stands for"),
            Self::WrongTensors => write!(f, "a layer has not the tensors that it says"),
            Self::UnknownOrder { tensor } => write!(f, "the order of the channels of tensor {tensor} is not known"),
        }
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall { needed } => write!(f, "the file takes {needed} bytes, more than the buffer"),
            Self::WrongNumberOfNames { needed } => write!(f, "the network has {needed} tensors, each needs a name"),
            Self::RepeatedName { tensor } => write!(f, "the name given for tensor {tensor} is another's too"),
            Self::ReservedName { tensor } => write!(f, "tensor {tensor} can't be called __metadata__"),
            Self::NonFiniteWeights => write!(f, "not written: a weight is infinite or NaN, training has diverged"),
            Self::UnsoundState => {
                write!(f, "not written: what a layer keeps, such as a running variance, is no such value")
            }
            Self::WrongTensors => write!(f, "a layer has not the tensors that it says"),
            Self::UnknownOrder { tensor } => write!(f, "the order of the channels of tensor {tensor} is not known"),
        }
    }
}

impl core::error::Error for ImportError {}
impl core::error::Error for ExportError {}
