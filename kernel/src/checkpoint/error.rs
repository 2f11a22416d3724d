//! What can go wrong with a checkpoint.

use core::fmt;

/// Why a checkpoint was not saved. Nothing has been written then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SaveError {
    /// The buffer is too small: give it [`weights_bytes`](super::weights_bytes) or
    /// [`training_bytes`](super::training_bytes).
    BufferTooSmall {
        /// Bytes that the checkpoint takes.
        needed: usize,
    },
    /// A weight or bias is infinite or NaN: training has diverged.
    ///
    /// Keep the last good checkpoint, load it, and go on with a smaller learning rate.
    NonFiniteWeights,
    /// What the optimizer remembers of a parameter is infinite or NaN, though the weights are still finite.
    ///
    /// The remedy is the same as for weights.
    NonFiniteSlots,
    /// The state of a layer, such as a running variance, is infinite, NaN or outside of its domain.
    UnsoundState,
    /// A layer, or a [`State`](super::State), has not as many bytes as its constants say: a mistake in its code.
    WrongLength,
}

/// Why a checkpoint was not loaded. Nothing has been changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LoadError {
    /// There are fewer bytes than the checkpoint had.
    Truncated {
        /// Bytes of the whole, as its header says; of the smallest possible, where the header is cut too.
        expected: usize,
    },
    /// There are more bytes than the checkpoint has: pass it alone.
    TooLong {
        /// Bytes of the checkpoint, as its header says.
        expected: usize,
    },
    /// The bytes don't start as a checkpoint does: nothing has been saved here yet, or something else.
    NotACheckpoint,
    /// The checkpoint was written by a release with another format.
    UnknownVersion {
        /// Its version; this release knows [`VERSION`](super::VERSION).
        found: u16,
    },
    /// The bytes are damaged: use an older checkpoint.
    ChecksumMismatch,
    /// Weights alone where a training state is asked for, or the other way round.
    OtherKind {
        /// What it is: 1 weights, 2 a training state.
        found: u16,
    },
    /// A sound checkpoint of another network: other layers, sizes or activations.
    OtherArchitecture,
    /// A sound checkpoint of this network with another optimizer.
    OtherOptimizer,
    /// A sound checkpoint of this network and optimizer with another type of extra state.
    OtherExtra,
    /// A weight or bias is infinite or NaN; [`save_weights`](super::save_weights) would not have saved it.
    NonFiniteWeights,
    /// What the optimizer remembers of a parameter is infinite or NaN.
    NonFiniteSlots,
    /// The state of a layer, such as a running variance, is infinite, NaN or outside of its domain.
    UnsoundState,
}

/// Why a checkpoint was not written, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WriteError<E> {
    /// Refused; the sink has not been called.
    Save(SaveError),
    /// The sink failed. What it has taken so far is not a checkpoint.
    Sink(E),
}

/// Why a checkpoint was not read, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReadError<E> {
    /// Refused; nothing has been changed.
    Load(LoadError),
    /// The source failed while the checkpoint was checked; nothing has been changed.
    Source(E),
    /// The source gave a sound checkpoint first, and then failed or gave other bytes: what was to be loaded is now a mixture.
    /// Load another, or start anew.
    Unsteady,
}

impl<E> From<SaveError> for WriteError<E> {
    fn from(error: SaveError) -> Self {
        Self::Save(error)
    }
}

impl<E> From<LoadError> for ReadError<E> {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall { needed } => write!(f, "the checkpoint takes {needed} bytes, more than the buffer"),
            Self::NonFiniteWeights => write!(f, "not saved: a weight is infinite or NaN, training has diverged"),
            Self::NonFiniteSlots => write!(f, "not saved: an optimizer slot is infinite or NaN, training has diverged"),
            Self::UnsoundState => {
                write!(f, "not saved: what a layer keeps, such as a running variance, is no such value")
            }
            Self::WrongLength => write!(f, "a layer or a state has not as many bytes as its constants say"),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { expected } => write!(f, "the checkpoint is cut: it had {expected} bytes"),
            Self::TooLong { expected } => write!(f, "more bytes than the {expected} of the checkpoint"),
            Self::NotACheckpoint => write!(f, "not a checkpoint"),
            Self::UnknownVersion { found } => write!(f, "format version {found} is not known here"),
            Self::ChecksumMismatch => write!(f, "the checkpoint is damaged"),
            Self::OtherKind { found } => write!(f, "a checkpoint of kind {found} (1 weights, 2 training state)"),
            Self::OtherArchitecture => write!(f, "a checkpoint of another network"),
            Self::OtherOptimizer => write!(f, "a checkpoint with another optimizer"),
            Self::OtherExtra => write!(f, "a checkpoint with another extra state"),
            Self::NonFiniteWeights => write!(f, "a weight in the checkpoint is infinite or NaN"),
            Self::NonFiniteSlots => write!(f, "an optimizer slot in the checkpoint is infinite or NaN"),
            Self::UnsoundState => {
                write!(f, "what a layer keeps, such as a running variance, is no such value in the checkpoint")
            }
        }
    }
}

impl<E: fmt::Debug> fmt::Display for WriteError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Save(error) => error.fmt(f),
            Self::Sink(error) => write!(f, "the sink of the checkpoint failed: {error:?}"),
        }
    }
}

impl<E: fmt::Debug> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => error.fmt(f),
            Self::Source(error) => write!(f, "the source of the checkpoint failed: {error:?}"),
            Self::Unsteady => write!(f, "the source gave other bytes when read again: the state is a mixture now"),
        }
    }
}

impl core::error::Error for SaveError {}
impl core::error::Error for LoadError {}
impl<E: fmt::Debug> core::error::Error for WriteError<E> {}
impl<E: fmt::Debug> core::error::Error for ReadError<E> {}
