//! `Matrix<ROWS, COLS>`: a plain row-major array with its shape in the type.
//!
//! It holds weights, batches of activations and outputs. It is storage with a few conveniences, not linear
//! algebra: the products that the layers need are in `kernels`, written for exactly their order of summation.

#[cfg(feature = "nalgebra")]
mod nalgebra;

// `if` alone leaves the compiler free to branch on the data.
use core::hint::select_unpredictable as select;

use crate::kernels::{Kernels, ThisCpu};
use crate::scalar;
use crate::zero::Zero;

/// A matrix of `f32`, row-major: row `r` is the contiguous array `rows[r]`.
///
/// A batch is a matrix with one sample per row; the weights of a dense layer have one row per input.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(transparent)]
pub struct Matrix<const ROWS: usize, const COLS: usize> {
    /// The rows, each contiguous.
    pub rows: [[f32; COLS]; ROWS],
}

/// One row of `N` values: a sample, or the output of a network for one sample.
pub type Vector<const N: usize> = Matrix<1, N>;

impl<const ROWS: usize, const COLS: usize> Zero for Matrix<ROWS, COLS> {
    const ZERO: Self = Self::from_rows([[0.0; COLS]; ROWS]);
}

impl<const ROWS: usize, const COLS: usize> From<[[f32; COLS]; ROWS]> for Matrix<ROWS, COLS> {
    fn from(rows: [[f32; COLS]; ROWS]) -> Self {
        Self::from_rows(rows)
    }
}

impl<const N: usize> From<[f32; N]> for Vector<N> {
    fn from(row: [f32; N]) -> Self {
        Self::from_rows([row])
    }
}

impl<const ROWS: usize, const COLS: usize> Matrix<ROWS, COLS> {
    /// The matrix with these rows.
    pub const fn from_rows(rows: [[f32; COLS]; ROWS]) -> Self {
        Self { rows }
    }

    /// The value at (`row`, `col`), or `None` outside the matrix.
    pub fn get(&self, row: usize, col: usize) -> Option<f32> {
        self.rows.get(row)?.get(col).copied()
    }

    /// All values in storage order: row 0 from left to right, then row 1, …
    pub const fn as_slice(&self) -> &[f32] {
        self.rows.as_flattened()
    }

    /// All values in storage order, to write.
    pub const fn as_mut_slice(&mut self) -> &mut [f32] {
        self.rows.as_flattened_mut()
    }
}

impl<const N: usize> Vector<N> {
    /// The values as a plain array.
    pub const fn as_array(&self) -> &[f32; N] {
        let [row] = &self.rows;
        row
    }

    /// The index of the largest value: the predicted class.
    ///
    /// # Special values
    /// The first of equal values wins. A NaN counts as the largest, so that it shows; as NumPy and PyTorch do.
    /// A vector without values gives 0.
    pub fn argmax(&self) -> usize {
        argmax(self.as_array())
    }

    /// Class probabilities from logits: [`softmax`] of a copy.
    pub fn softmax(&self) -> Self {
        let mut probabilities = *self;
        for row in &mut probabilities.rows {
            softmax(row);
        }
        probabilities
    }
}

/// The index of the largest value; see [`Vector::argmax`].
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    let mut largest = f32::NEG_INFINITY;
    for (index, &value) in (0..values.len()).zip(values) {
        // `!(value <= largest)` is also true for NaN; nothing beats a NaN already found.
        #[allow(clippy::neg_cmp_op_on_partial_ord)]
        let better = (!(value <= largest)) & !largest.is_nan();
        best = select(better, index, best);
        largest = select(better, value, largest);
    }
    best
}

/// Softmax in place: `p[k] = exp(z[k] - max z) / Σ_j exp(z[j] - max z)`.
///
/// Returns `max z` and the sum, from which a loss makes the log-sum-exp.
///
/// # Order and rounding
/// The maximum first; then for `k = 0, 1, …` the difference, its [`scalar::exp`] and the sum (from the first
/// term); then each exponential is *divided* by the sum. Nothing is fused.
///
/// # Special values
/// Cannot overflow for finite logits: every exponent is at most 0. A NaN or an infinite largest logit makes NaN. Of no logit at all the maximum
/// and the sum are 0.
#[inline(always)]
pub fn softmax<const N: usize>(logits: &mut [f32; N]) -> (f32, f32) {
    // A few are part of their caller: saving the FPU's registers takes longer than many an operation.
    if const { ThisCpu::CALLS_ARE_DEAR && N <= 4 } { softmax_inlined(logits) } else { softmax_outlined(logits) }
}

fn softmax_outlined<const N: usize>(logits: &mut [f32; N]) -> (f32, f32) {
    softmax_inlined(logits)
}

#[inline(always)]
fn softmax_inlined<const N: usize>(logits: &mut [f32; N]) -> (f32, f32) {
    let mut max = first(logits);
    for &z in logits.iter().skip(1) {
        max = select(z > max, z, max);
    }
    for z in logits.iter_mut() {
        // Not above 0; NaN if `max` is infinite.
        *z = scalar::exp_of_at_most_0(*z - max);
    }
    let mut sum = first(logits);
    for &exponential in logits.iter().skip(1) {
        sum += exponential;
    }
    for z in logits.iter_mut() {
        *z /= sum;
    }
    (max, sum)
}

/// The first value; 0 where there is none.
#[inline(always)]
fn first<const N: usize>(values: &[f32; N]) -> f32 {
    values.first().copied().unwrap_or(0.0)
}
