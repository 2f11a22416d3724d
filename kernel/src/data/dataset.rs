//! Slices of inputs and targets, whole or in batches.

use core::fmt;
use core::num::NonZeroUsize;

use super::{Index, Samples};

/// What can be wrong with a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DataError {
    /// There are no samples, or batches of none were asked for.
    Empty,
    /// There is not one target for each input.
    LengthMismatch {
        /// Number of inputs.
        inputs: usize,
        /// Number of targets.
        targets: usize,
    },
    /// An order names a sample that the data set doesn't have.
    IndexOutOfRange {
        /// The index.
        index: usize,
        /// Number of samples.
        samples: usize,
    },
    /// The order of an epoch has fewer indices than the data set has samples, so some would never be trained on.
    OrderTooShort {
        /// Number of indices.
        indices: usize,
        /// Number of samples.
        samples: usize,
    },
    /// A data set has more samples than 16-bit indices can name.
    TooManySamples {
        /// Number of samples.
        samples: usize,
    },
    /// A batch has no such sample, though its length says that it has.
    MissingSample {
        /// The sample.
        index: usize,
    },
    /// A gather buffer is too small for the samples.
    BufferTooSmall {
        /// Number of samples.
        needed: usize,
        /// Samples that the buffer holds.
        capacity: usize,
    },
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no samples: an empty data set or order, or batches of size 0"),
            Self::LengthMismatch { inputs, targets } => write!(f, "{inputs} inputs but {targets} targets"),
            Self::IndexOutOfRange { index, samples } => {
                write!(f, "the order names sample {index} of a data set of {samples}")
            }
            Self::OrderTooShort { indices, samples } => {
                write!(f, "an order of {indices} indices leaves out some of {samples} samples")
            }
            Self::TooManySamples { samples } => write!(f, "{samples} samples, but 16-bit indices name at most 65536"),
            Self::MissingSample { index } => write!(f, "sample {index} is missing, though the length counts it"),
            Self::BufferTooSmall { needed, capacity } => {
                write!(f, "{needed} samples for a buffer of {capacity}")
            }
        }
    }
}

impl core::error::Error for DataError {}

/// Inputs with their targets, at least one: `inputs[i]` belongs to `targets[i]`.
#[derive(Debug)]
pub struct Dataset<'a, X, T> {
    inputs: &'a [X],
    targets: &'a [T],
}

// By hand: a derive would ask `X` and `T` to be `Copy` too.
impl<X, T> Clone for Dataset<'_, X, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<X, T> Copy for Dataset<'_, X, T> {}

impl<'a, X, T> Dataset<'a, X, T> {
    /// A data set of these slices.
    ///
    /// # Errors
    /// The slices are empty or of different length.
    pub const fn new(inputs: &'a [X], targets: &'a [T]) -> Result<Self, DataError> {
        if inputs.len() != targets.len() {
            return Err(DataError::LengthMismatch { inputs: inputs.len(), targets: targets.len() });
        }
        if inputs.is_empty() {
            return Err(DataError::Empty);
        }
        Ok(Self { inputs, targets })
    }

    /// A data set of arrays, whose equal length the compiler checks; made for tables in flash.
    pub const fn from_arrays<const N: usize>(inputs: &'a [X; N], targets: &'a [T; N]) -> Self {
        const { assert!(N > 0, "a data set needs at least one sample") };
        Self { inputs, targets }
    }

    /// The inputs.
    pub const fn inputs(&self) -> &'a [X] {
        self.inputs
    }

    /// The targets.
    pub const fn targets(&self) -> &'a [T] {
        self.targets
    }

    /// An epoch: the samples in the order of `order`, in batches of `size`. The last is shorter where `size` doesn't divide the length.
    ///
    /// To train on a part of the samples only, make a [`batch`](Self::batch) of each piece of the indices: `indices.chunks(size)`.
    ///
    /// # Errors
    /// `size` is 0, or `order` names a sample that is not there, or it has fewer indices than there are samples. It may have more, and an
    /// index may come twice.
    pub fn batches<'o, I: Index>(
        &self,
        order: &'o (impl AsRef<[I]> + ?Sized),
        size: usize,
    ) -> Result<Batches<'a, 'o, X, T, I>, DataError> {
        let size = NonZeroUsize::new(size).ok_or(DataError::Empty)?;
        let rest = self.batch(order)?;
        let (indices, samples) = (rest.order.len(), self.inputs.len());
        if indices < samples {
            return Err(DataError::OrderTooShort { indices, samples });
        }
        Ok(Batches { rest, size })
    }

    /// The samples that `order` names, as one batch: any number of them, and an index may come twice.
    ///
    /// # Errors
    /// `order` is empty, or names a sample that is not there.
    pub fn batch<'o, I: Index>(
        &self,
        order: &'o (impl AsRef<[I]> + ?Sized),
    ) -> Result<Batch<'a, 'o, X, T, I>, DataError> {
        let order = order.as_ref();
        if order.is_empty() {
            return Err(DataError::Empty);
        }
        let samples = self.inputs.len();
        match order.iter().find(|index| index.index() >= samples) {
            Some(index) => Err(DataError::IndexOutOfRange { index: index.index(), samples }),
            None => Ok(Batch { data: *self, order }),
        }
    }

    /// The samples as they lie, in batches of `size`; the last is shorter where `size` doesn't divide the length.
    ///
    /// # Errors
    /// `size` is 0.
    pub fn chunks(&self, size: usize) -> Result<impl Iterator<Item = Self> + use<'a, X, T>, DataError> {
        let size = NonZeroUsize::new(size).ok_or(DataError::Empty)?.get();
        let Self { mut inputs, mut targets } = *self;
        // Not by zipped `chunks`: at `opt-level = "s"` a division by their length stays, and its panic with it.
        Ok(core::iter::from_fn(move || {
            let next = size.min(inputs.len());
            match (inputs.split_off(..next)?, targets.split_off(..next)?) {
                ([], _) => None,
                (inputs, targets) => Some(Dataset { inputs, targets }),
            }
        }))
    }
}

impl<X, T> Samples for Dataset<'_, X, T> {
    type Input = X;
    type Target = T;

    #[inline(always)]
    fn len(&self) -> usize {
        self.inputs.len()
    }

    #[inline(always)]
    fn input(&self, index: usize) -> Option<&X> {
        self.inputs.get(index)
    }

    #[inline(always)]
    fn target(&self, index: usize) -> Option<&T> {
        self.targets.get(index)
    }
}

/// Samples of a data set, picked by index and read where they lie.
#[derive(Clone, Debug)]
pub struct Batch<'a, 'o, X, T, I> {
    data: Dataset<'a, X, T>,
    order: &'o [I],
}

impl<X, T, I: Index> Samples for Batch<'_, '_, X, T, I> {
    type Input = X;
    type Target = T;

    #[inline(always)]
    fn len(&self) -> usize {
        self.order.len()
    }

    #[inline(always)]
    fn input(&self, index: usize) -> Option<&X> {
        self.data.inputs.get(self.order.get(index)?.index())
    }

    #[inline(always)]
    fn target(&self, index: usize) -> Option<&T> {
        self.data.targets.get(self.order.get(index)?.index())
    }
}

/// The batches of an epoch; see [`Dataset::batches`].
#[derive(Clone, Debug)]
pub struct Batches<'a, 'o, X, T, I> {
    pub(crate) rest: Batch<'a, 'o, X, T, I>,
    size: NonZeroUsize,
}

impl<'a, 'o, X, T, I> Iterator for Batches<'a, 'o, X, T, I> {
    type Item = Batch<'a, 'o, X, T, I>;

    fn next(&mut self) -> Option<Self::Item> {
        let order = self.rest.order;
        let (head, tail) = order.split_at_checked(self.size.get()).unwrap_or((order, &[]));
        if head.is_empty() {
            return None;
        }
        self.rest.order = tail;
        Some(Batch { data: self.rest.data, order: head })
    }
}
