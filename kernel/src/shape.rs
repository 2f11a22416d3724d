//! Shapes: what flows between layers, as zero-size types.
//!
//! A [`Shape`] names one sample and a batch of samples, both plain arrays. Two layers fit when the shape that one
//! gives out is the shape that the next takes in; the compiler checks it. [`Features`] is a flat vector; images and
//! sequences are further shapes.

use crate::matrix::Matrix;
use crate::zero::Zero;

/// What one sample looks like between two layers.
pub trait Shape {
    /// One sample, a plain array.
    type Sample: Copy;
    /// `B` samples, stored one after the other.
    type Batch<const B: usize>: Zero + Inputs<Self::Sample>;
    /// Number of `f32` values in a sample.
    const SIZE: usize;

    /// The values of a sample, in storage order.
    fn values(sample: &Self::Sample) -> &[f32];

    /// Sample `index` of a batch, to write; `None` beyond the batch.
    fn sample_mut<const B: usize>(batch: &mut Self::Batch<B>, index: usize) -> Option<&mut Self::Sample>;
}

/// A flat vector of `N` features.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Features<const N: usize>;

impl<const N: usize> Shape for Features<N> {
    type Sample = [f32; N];
    type Batch<const B: usize> = Matrix<B, N>;
    const SIZE: usize = N;

    fn values(sample: &[f32; N]) -> &[f32] {
        sample
    }

    fn sample_mut<const B: usize>(batch: &mut Matrix<B, N>, index: usize) -> Option<&mut [f32; N]> {
        batch.rows.get_mut(index)
    }
}

/// One sample of a shape.
pub type SampleOf<S> = <S as Shape>::Sample;
/// A batch of `B` samples of a shape.
pub type BatchOf<S, const B: usize> = <S as Shape>::Batch<B>;

/// Samples that can be read one by one, wherever they lie: a batch in RAM, a table in flash in some order.
pub trait Inputs<S> {
    /// Sample `index`, or `None` beyond the last.
    fn sample(&self, index: usize) -> Option<&S>;
}

impl<S> Inputs<S> for [S] {
    #[inline(always)]
    fn sample(&self, index: usize) -> Option<&S> {
        self.get(index)
    }
}

impl<const ROWS: usize, const N: usize> Inputs<[f32; N]> for Matrix<ROWS, N> {
    #[inline(always)]
    fn sample(&self, index: usize) -> Option<&[f32; N]> {
        self.rows.get(index)
    }
}
