//! What a layer reads, and where it gives the gradient of it.

use core::marker::PhantomData;

use super::memory::cut;
use crate::shape::Shape;

/// The inputs of a layer, sample by sample, wherever they lie: a batch in RAM, a table in flash in some order.
pub trait Inputs {
    /// The values of sample `index`; `None` beyond the last.
    fn sample(&self, index: usize) -> Option<&[f32]>;

    /// Whether [`contiguous`](Self::contiguous) has the samples; a type that says so has a body for it.
    const IS_CONTIGUOUS: bool = false;

    /// All samples, if they lie one after the other.
    #[inline(always)]
    fn contiguous(&self) -> &[f32] {
        &[]
    }
}

/// Samples of shape `S` that lie one after the other, such as the output of the layer in front.
#[derive(Clone, Copy, Debug)]
pub struct Stacked<'a, S> {
    pub(crate) values: &'a [f32],
    shape: PhantomData<S>,
}

impl<'a, S: Shape> Stacked<'a, S> {
    /// All samples that are there.
    #[inline(always)]
    pub const fn new(values: &'a [f32]) -> Self {
        Self { values, shape: PhantomData }
    }
}

impl<S: Shape> Inputs for Stacked<'_, S> {
    const IS_CONTIGUOUS: bool = true;

    #[inline(always)]
    fn contiguous(&self) -> &[f32] {
        self.values
    }

    #[inline(always)]
    fn sample(&self, index: usize) -> Option<&[f32]> {
        self.values.get(index.wrapping_mul(S::SIZE)..)?.split_at_checked(S::SIZE).map(|(sample, _)| sample)
    }
}

/// Copies samples, of `size` values each, one behind the other.
pub(super) fn copy_samples<X: Inputs + ?Sized>(x: &X, samples: usize, size: usize, y: &mut [f32]) {
    let mut rest = y;
    for index in 0..samples {
        let (sample, after) = cut(rest, size);
        copy(x.sample(index).unwrap_or(&[]), sample);
        rest = after;
    }
}

/// Copies as many values as there are.
pub(super) fn copy(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Inputs from sample `first` on.
pub(crate) struct StartingAt<'a, X: ?Sized> {
    pub(crate) inputs: &'a X,
    pub(crate) first: usize,
}

impl<X: Inputs + ?Sized> Inputs for StartingAt<'_, X> {
    #[inline(always)]
    fn sample(&self, index: usize) -> Option<&[f32]> {
        self.inputs.sample(self.first.wrapping_add(index))
    }
}

/// Where the gradient of a layer's input goes.
#[derive(Debug)]
pub enum InputGradient<'a> {
    /// Nobody asks for it: the input is data.
    Unwanted,
    /// It is written, sample after sample.
    Write(&'a mut [f32]),
    /// It is added to what is there, the gradient of another layer that reads the same input.
    Add(&'a mut [f32]),
}

impl InputGradient<'_> {
    /// Gives the gradient of values `at..`, counted over all samples; it is complete.
    #[inline(always)]
    pub fn give(&mut self, at: usize, gradient: &[f32]) {
        match self {
            Self::Unwanted => {}
            Self::Write(all) => {
                for (to, gradient) in all.get_mut(at..).unwrap_or(&mut []).iter_mut().zip(gradient) {
                    *to = *gradient;
                }
            }
            Self::Add(all) => {
                for (to, gradient) in all.get_mut(at..).unwrap_or(&mut []).iter_mut().zip(gradient) {
                    *to += gradient;
                }
            }
        }
    }
}
