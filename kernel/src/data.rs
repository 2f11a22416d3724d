//! Data sets and batches: samples read where they lie.
//!
//! A [`Dataset`] is two slices, often tables in flash. A [`Batch`] picks samples of it by an index permutation that the user owns
//! ([`Order`]); nothing is copied. Data that is not `f32` yet goes through a [`GatherBuffer`], which the user places.

mod dataset;
mod gather;
mod order;

pub use dataset::{Batch, Batches, DataError, Dataset};
pub use gather::GatherBuffer;
pub use order::{Order, RandomIndices, shuffle_with};

/// Samples with their targets, to train on or to test with.
pub trait Samples {
    /// One sample's input.
    type Input;
    /// One sample's target: a class label, or values.
    type Target;

    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Input of sample `index`, or `None` beyond the last.
    fn input(&self, index: usize) -> Option<&Self::Input>;

    /// Target of sample `index`, or `None` beyond the last.
    fn target(&self, index: usize) -> Option<&Self::Target>;
}

/// A small unsigned integer that stands for an index: a class label, a position in a data set.
pub trait Index: Copy {
    /// As an index.
    fn index(self) -> usize;
}

impl Index for u8 {
    #[inline(always)]
    fn index(self) -> usize {
        usize::from(self)
    }
}

impl Index for u16 {
    #[inline(always)]
    fn index(self) -> usize {
        usize::from(self)
    }
}

impl Index for u32 {
    #[inline(always)]
    fn index(self) -> usize {
        // Saturating, for targets with 16-bit addresses: such an index is out of range there in any case.
        usize::try_from(self).unwrap_or(usize::MAX)
    }
}

impl Index for usize {
    #[inline(always)]
    fn index(self) -> usize {
        self
    }
}
