//! What can go wrong with checkpoints in flash.

use core::fmt;

use crate::checkpoint::{LoadError, ReadError, SaveError, WriteError};

/// Why a region of flash can't be used. Nothing has been read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RegionError {
    /// The region does not begin and end where pages do.
    NotWholePages,
    /// The region ends beyond the end of the flash.
    BeyondFlash,
    /// There is no room for two checkpoints.
    TooSmall {
        /// Bytes that two places take.
        needed: usize,
    },
}

/// Why a checkpoint was not saved. The newest one there was is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FlashSaveError<E> {
    /// Refused; nothing has been erased.
    Save(SaveError),
    /// The checkpoint is larger than the store was made for; nothing has been erased.
    PlaceTooSmall {
        /// Bytes that the checkpoint takes.
        needed: usize,
    },
    /// The flash failed. Save again.
    Flash(E),
    /// The flash reported success, but does not give back what was written: the pages are worn out, or protected.
    NotKept,
}

/// Why a checkpoint was not loaded. But for [`Unsteady`](Self::Unsteady) nothing has been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FlashLoadError<E> {
    /// Nothing has been saved here yet.
    Empty,
    /// One or more checkpoints were saved here, but none is whole any more.
    Damaged,
    /// The newest whole checkpoint is refused: it is another network's, say.
    Load(LoadError),
    /// The flash failed. Load again.
    Flash(E),
    /// The flash gave a sound checkpoint first, and then failed or gave other bytes: what was to be loaded is now a mixture.
    /// Load again, or start anew.
    Unsteady,
}

impl<E> From<WriteError<E>> for FlashSaveError<E> {
    fn from(error: WriteError<E>) -> Self {
        match error {
            WriteError::Save(error) => Self::Save(error),
            WriteError::Sink(error) => Self::Flash(error),
        }
    }
}

impl<E> From<ReadError<E>> for FlashLoadError<E> {
    fn from(error: ReadError<E>) -> Self {
        match error {
            ReadError::Load(error) => Self::Load(error),
            ReadError::Source(error) => Self::Flash(error),
            ReadError::Unsteady => Self::Unsteady,
        }
    }
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWholePages => write!(f, "the region is not made of whole pages"),
            Self::BeyondFlash => write!(f, "the region ends beyond the flash"),
            Self::TooSmall { needed } => write!(f, "two checkpoints take {needed} bytes, more than the region"),
        }
    }
}

impl<E: fmt::Debug> fmt::Display for FlashSaveError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Save(error) => error.fmt(f),
            Self::PlaceTooSmall { needed } => write!(f, "the checkpoint takes {needed} bytes, more than its place"),
            Self::Flash(error) => write!(f, "the flash failed: {error:?}"),
            Self::NotKept => write!(f, "the flash does not give back what was written"),
        }
    }
}

impl<E: fmt::Debug> fmt::Display for FlashLoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no checkpoint has been saved here yet"),
            Self::Damaged => write!(f, "no checkpoint in the flash is whole"),
            Self::Load(error) => error.fmt(f),
            Self::Flash(error) => write!(f, "the flash failed: {error:?}"),
            Self::Unsteady => write!(f, "the flash gave other bytes when read again: the state is a mixture now"),
        }
    }
}

impl core::error::Error for RegionError {}
impl<E: fmt::Debug> core::error::Error for FlashSaveError<E> {}
impl<E: fmt::Debug> core::error::Error for FlashLoadError<E> {}
