//! How the layers of a network share one flat piece of memory.
//!
//! In training it is a stack: `[out₀ | kept₀ | out₁ | kept₁ | … | scratch]`. On the way back all that lies above a layer is dead, and serves
//! as its scratch. In prediction only the two ends are used: a layer reads at one and writes at the other.
#![allow(clippy::indexing_slicing)] // Indices are below the length of the array, and all in constants.

/// Cuts memory in two.
///
/// A place beyond the end would be a mistake of the plan: tests stop there, and without their assertions there is no memory at all.
#[inline(always)]
pub(crate) fn cut(memory: &mut [f32], at: usize) -> (&mut [f32], &mut [f32]) {
    debug_assert!(at <= memory.len(), "a plan of memory is too small: {} floats where {at} are needed", memory.len());
    memory.split_at_mut_checked(at).unwrap_or((&mut [], &mut []))
}

/// The first `count` rows of `N` values.
#[inline(always)]
pub(crate) fn rows<const N: usize>(values: &[f32], count: usize) -> &[[f32; N]] {
    let size = count.wrapping_mul(N);
    debug_assert!(
        size <= values.len(),
        "a plan of memory is too small: {} floats for {count} rows of {N}",
        values.len()
    );
    // In this order the compiler need not divide a length by `N`.
    values.split_at_checked(size).map_or(&[], |(values, _)| values.as_chunks().0)
}

/// The first `count` rows of `N` values, to write.
#[inline(always)]
pub(crate) fn rows_mut<const N: usize>(values: &mut [f32], count: usize) -> &mut [[f32; N]] {
    let size = count.wrapping_mul(N);
    debug_assert!(
        size <= values.len(),
        "a plan of memory is too small: {} floats for {count} rows of {N}",
        values.len()
    );
    values.split_at_mut_checked(size).map_or(&mut [], |(values, _)| values.as_chunks_mut().0)
}

/// The larger of two sizes.
pub(crate) const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// Where the input of a layer lies in a prediction.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum End {
    /// Elsewhere: it is the network's.
    Outside,
    /// So many floats at the front of the memory.
    Front(usize),
    /// So many floats at its back.
    Back(usize),
}

impl End {
    /// What lies there.
    #[inline(always)]
    pub(crate) fn of(self, memory: &mut [f32]) -> &mut [f32] {
        match self {
            Self::Outside => &mut [],
            Self::Front(size) => cut(memory, size).0,
            Self::Back(size) => {
                let at = memory.len().wrapping_sub(size);
                cut(memory, at).1
            }
        }
    }

    /// Input and memory of a layer whose output lies elsewhere.
    #[inline(always)]
    pub(crate) fn input<'a>(self, outside: &'a [f32], memory: &'a mut [f32]) -> (&'a [f32], &'a mut [f32]) {
        match self {
            Self::Outside => (outside, memory),
            Self::Front(size) => {
                let (x, memory) = cut(memory, size);
                (x, memory)
            }
            Self::Back(size) => {
                let at = memory.len().wrapping_sub(size);
                let (memory, x) = cut(memory, at);
                (x, memory)
            }
        }
    }

    /// Input, output and memory of a layer, and where its output of `size` floats is: at the other end.
    #[inline(always)]
    pub(crate) fn input_and_output<'a>(
        self,
        outside: &'a [f32],
        memory: &'a mut [f32],
        size: usize,
    ) -> (&'a [f32], &'a mut [f32], &'a mut [f32], Self) {
        if let Self::Front(_) = self {
            let at = memory.len().wrapping_sub(size);
            let (memory, y) = cut(memory, at);
            let (x, memory) = self.input(outside, memory);
            (x, y, memory, Self::Back(size))
        } else {
            let (x, memory) = self.input(outside, memory);
            let (y, memory) = cut(memory, size);
            (x, y, memory, Self::Front(size))
        }
    }
}

/// Floats of the stack with the scratch that each layer needs behind what it keeps.
pub(crate) const fn stack<const N: usize>(out: [usize; N], kept: [usize; N], scratch: [usize; N]) -> usize {
    let (mut end, mut most, mut index) = (0, 0, 0);
    while index < N {
        end += if index + 1 < N { out[index] + kept[index] } else { kept[index] };
        most = max(most, end + scratch[index]);
        index += 1;
    }
    most
}

/// The largest of some sizes.
pub(crate) const fn largest<const N: usize>(sizes: [usize; N]) -> usize {
    let (mut most, mut index) = (0, 0);
    while index < N {
        most = max(most, sizes[index]);
        index += 1;
    }
    most
}

/// Floats of a stack whose first layer alone is done, from its output and what it keeps: nothing lies above. Its output lies elsewhere if it
/// is the last.
pub(crate) const fn first_end<const N: usize>(out_and_kept: [(usize, usize); N]) -> usize {
    let (out, kept) = out_and_kept[0];
    if N == 1 { kept } else { out + kept }
}

/// Floats of a prediction by all layers but the last, whose input lies outside, each in memory of its own size.
pub(crate) const fn predict_between<const N: usize>(from_outside: [usize; N], along: [usize; N]) -> usize {
    let (mut most, mut index) = (0, 0);
    while index + 1 < N {
        most = max(most, if index == 0 { from_outside[index] } else { along[index] });
        index += 1;
    }
    most
}
