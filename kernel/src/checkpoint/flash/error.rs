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
    /// The flash failed, in the last of all places that may be written. Save again. If no place could be read, nothing has been erased:
    /// see [`Store::erase`](super::Store::erase).
    Flash(E),
    /// The flash reported success, but does not give back what was written: the pages are worn out, or protected.
    NotKept,
    /// The newest checkpoint is of another layout, and there is no place to save without losing it, or a newer one that is out of reach.
    /// Nothing has been erased. Save with the layout of before, or load what there is, [`erase`](super::Store::erase) and save.
    OtherLayout,
}

/// Why a checkpoint was not loaded. But for [`Unsteady`](Self::Unsteady) nothing has been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FlashLoadError<E> {
    /// Nothing has ever been written here: all of the region reads as ones.
    Empty,
    /// Something has been written here, but no checkpoint is whole. Power failed in the first save, if
    /// [`Store::finds_checkpoint`](super::Store::finds_checkpoint) says no; else heads are lost, and a new start would write over checkpoints.
    Damaged,
    /// The newest checkpoint was saved in a layout that this flash no longer has room for, so a newer one may be out of reach. Load it
    /// with the flash and the layout of before.
    OtherLayout {
        /// How many places there were.
        places: u32,
        /// Bytes of each.
        place_bytes: u32,
    },
    /// The newest whole checkpoint is refused: it is another network's, say.
    Load(LoadError),
    /// The flash failed: nothing whole was found in what could be read, or the newest could not be read again. Load again.
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
            Self::OtherLayout => write!(f, "the newest checkpoint is of another layout, and would be lost"),
        }
    }
}

impl<E: fmt::Debug> fmt::Display for FlashLoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no checkpoint has been saved here yet"),
            Self::Damaged => write!(f, "no checkpoint in the flash is whole"),
            Self::OtherLayout { places, place_bytes } => {
                write!(
                    f,
                    "a checkpoint of another layout, {places} places of {place_bytes} bytes, that does not fit the flash"
                )
            }
            Self::Load(error) => error.fmt(f),
            Self::Flash(error) => write!(f, "the flash failed: {error:?}"),
            Self::Unsteady => write!(f, "the flash gave other bytes when read again: the state is a mixture now"),
        }
    }
}

impl core::error::Error for RegionError {}
impl<E: fmt::Debug> core::error::Error for FlashSaveError<E> {}
impl<E: fmt::Debug> core::error::Error for FlashLoadError<E> {}
