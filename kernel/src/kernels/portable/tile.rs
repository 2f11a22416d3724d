//! Tile sizes, and views of a few neighbouring values as a fixed-size array.

use crate::kernels::Kernels;
use crate::kernels::processor::{IS_64_BIT, SOFT_FLOAT};

/// Rows of inputs, wherever they lie.
pub(crate) trait InputRows<const N: usize> {
    /// Row `index`, or `None` beyond the last.
    fn row(&self, index: usize) -> Option<&[f32; N]>;
}

impl<const N: usize> InputRows<N> for [[f32; N]] {
    #[inline(always)]
    fn row(&self, index: usize) -> Option<&[f32; N]> {
        self.get(index)
    }
}

/// How many rows a pass has at most. Of a single one the compiler knows that it is one.
pub(crate) trait Capacity {
    const ROWS: usize;
}

/// Rows of weights that the backward sweep takes at once; also the columns of its input that it saves.
///
/// A workspace holds as many floats for each row of inputs.
pub(crate) const COLUMNS: usize = 4;

/// Whether a layer has so few weights that it is better left to the compiler, which unrolls all of it: a call costs more.
pub(in crate::kernels) const fn is_tiny(inputs: usize, outputs: usize) -> bool {
    inputs * outputs < 12
}

/// Whether a layer is so small that its loops, for one sample, are better part of their caller.
pub(super) const fn is_part_of_caller<K: Kernels>(samples: usize, inputs: usize, outputs: usize) -> bool {
    K::CALLS_ARE_DEAR && samples == 1 && inputs * outputs <= 64
}

/// Samples computed side by side, each weight loaded once for all of them.
pub(super) const SAMPLES: usize = if SOFT_FLOAT { 1 } else { 4 };

/// Outputs computed side by side for [`SAMPLES`] samples, and for [`COLUMNS`] rows of the weights' gradient.
///
/// With four of either that is 16 sums on a processor with 32 scalar registers, and 8 vectors of 4 with SSE2.
pub(super) const LANES: usize = match (SOFT_FLOAT, IS_64_BIT) {
    (true, _) => 1,
    (false, false) => 4,
    (false, true) => 8,
};

/// Outputs computed side by side for one sample alone.
pub(super) const LANES_OF_ONE: usize = if SOFT_FLOAT { 1 } else { 8 };

/// `V` neighbouring values of a row from `at` on. Callers stay inside the row.
#[inline(always)]
pub(in crate::kernels) fn lanes<const V: usize, const N: usize, T: Copy>(row: &[T; N], at: usize) -> Option<&[T; V]> {
    row.get(at..)?.first_chunk()
}

/// `V` neighbouring values of a row from `at` on, to write.
#[inline(always)]
pub(in crate::kernels) fn lanes_mut<const V: usize, const N: usize, T>(
    row: &mut [T; N],
    at: usize,
) -> Option<&mut [T; V]> {
    row.get_mut(at..)?.first_chunk_mut()
}

/// `V` neighbouring floats; zeros, never used, outside the row.
#[inline(always)]
pub(in crate::kernels) fn floats<const V: usize, const N: usize>(row: &[f32; N], at: usize) -> [f32; V] {
    match lanes(row, at) {
        Some(values) => *values,
        None => [0.0; V],
    }
}

/// Value `index` of a row; a zero, never used, outside the row. An index would leave a panic at `opt-level = "z"`.
#[inline(always)]
pub(in crate::kernels) fn value<const N: usize>(row: &[f32; N], index: usize) -> f32 {
    row.get(index).copied().unwrap_or(0.0)
}

/// `sums[v] += x · w[v]`: all products first, then all sums, so that no result is used by the next instruction.
#[inline(always)]
pub(super) fn multiply_add<const V: usize>(sums: &mut [f32; V], x: f32, w: &[f32; V]) {
    let products = multiply(x, w);
    for (sum, product) in sums.iter_mut().zip(products) {
        *sum += product;
    }
}

/// `x · w[v]`.
#[inline(always)]
pub(super) fn multiply<const V: usize>(x: f32, w: &[f32; V]) -> [f32; V] {
    let mut products = *w;
    for product in &mut products {
        *product *= x;
    }
    products
}
