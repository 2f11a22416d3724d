//! A buffer for samples that can't be read where they lie.

use super::{DataError, Samples};
use crate::shape::{ArrayShape, SampleOf};
use crate::zero::Zero;

/// A copy of up to `B` samples as `f32`, for data kept as bytes or behind a bus.
///
/// Part of the workspace that the user places: `4·B·SIZE` bytes, the targets and a length.
pub struct GatherBuffer<S: ArrayShape, T, const B: usize> {
    inputs: [SampleOf<S>; B],
    targets: [T; B],
    len: usize,
}

impl<S: ArrayShape, T: Zero, const B: usize> Zero for GatherBuffer<S, T, B> {
    const ZERO: Self = Self { inputs: Zero::ZERO, targets: Zero::ZERO, len: 0 };
}

impl<S: ArrayShape, T: Zero, const B: usize> GatherBuffer<S, T, B> {
    /// No samples, for a `static`.
    pub const NEW: Self = Self::ZERO;
}

impl<S: ArrayShape, T: Copy, const B: usize> GatherBuffer<S, T, B> {
    /// Replaces the content by `samples`, each converted by `convert`.
    ///
    /// What `convert` is given to fill is all zero. So a value that it leaves out is 0, and never one of an older sample.
    ///
    /// # Errors
    /// More samples than the buffer holds: its content is as before then. A sample that is missing: the buffer is empty then.
    pub fn gather<D: Samples<Target = T>>(
        &mut self,
        samples: &D,
        mut convert: impl FnMut(&D::Input, &mut SampleOf<S>),
    ) -> Result<&Self, DataError> {
        let needed = samples.len();
        if needed > B {
            return Err(DataError::BufferTooSmall { needed, capacity: B });
        }
        self.len = 0;
        for (index, place) in (0..needed).zip(&mut self.targets) {
            let to = self.inputs.get_mut(index);
            let (Some(from), Some(target), Some(to)) = (samples.input(index), samples.target(index), to) else {
                return Err(DataError::MissingSample { index });
            };
            *to = Zero::ZERO;
            convert(from, to);
            *place = *target;
        }
        self.len = needed;
        Ok(self)
    }
}

impl<S: ArrayShape, T, const B: usize> Samples for GatherBuffer<S, T, B> {
    type Input = SampleOf<S>;
    type Target = T;

    fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    fn input(&self, index: usize) -> Option<&SampleOf<S>> {
        if index < self.len { self.inputs.get(index) } else { None }
    }

    #[inline(always)]
    fn target(&self, index: usize) -> Option<&T> {
        self.targets.get(..self.len)?.get(index)
    }
}
