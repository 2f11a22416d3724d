//! What an optimizer remembers of a layer with weights and biases.

use super::parameters::{pair, pair_mut};
use super::{Slots, Tensors};
use crate::optimizer::Slot;
use crate::zero::Zero;

/// Arrays in arrays, as the values that they are made of.
pub trait Flat<T> {
    /// All values, in storage order.
    fn flat(&self) -> &[T];
    /// All values, to write.
    fn flat_mut(&mut self) -> &mut [T];
}

impl<T, const A: usize> Flat<T> for [T; A] {
    fn flat(&self) -> &[T] {
        self
    }

    fn flat_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T, const A: usize, const B: usize> Flat<T> for [[T; A]; B] {
    fn flat(&self) -> &[T] {
        self.as_flattened()
    }

    fn flat_mut(&mut self) -> &mut [T] {
        self.as_flattened_mut()
    }
}

impl<T, const A: usize, const B: usize, const C: usize> Flat<T> for [[[T; A]; B]; C] {
    fn flat(&self) -> &[T] {
        self.as_flattened().as_flattened()
    }

    fn flat_mut(&mut self) -> &mut [T] {
        self.as_flattened_mut().as_flattened_mut()
    }
}

impl<T, const A: usize, const B: usize, const C: usize, const D: usize> Flat<T> for [[[[T; A]; B]; C]; D] {
    fn flat(&self) -> &[T] {
        self.as_flattened().as_flattened().as_flattened()
    }

    fn flat_mut(&mut self) -> &mut [T] {
        self.as_flattened_mut().as_flattened_mut().as_flattened_mut()
    }
}

/// A slot for each weight, in arrays `W`, and for each bias, in an array `B`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightSlots<W, B, S: Slot> {
    /// A slot for each weight.
    pub weights: W,
    /// A slot for each bias.
    pub bias: B,
    /// What is remembered of the layer.
    pub layer: S::Layer,
}

impl<W: Zero, B: Zero, S: Slot> Zero for WeightSlots<W, B, S> {
    const ZERO: Self = Self { weights: Zero::ZERO, bias: Zero::ZERO, layer: Zero::ZERO };
}

impl<W: Flat<S>, B: Flat<S>, S: Slot> Tensors<S> for WeightSlots<W, B, S> {
    const COUNT: usize = 2;

    fn tensor(&self, index: usize) -> &[S] {
        pair(index, self.weights.flat(), self.bias.flat())
    }

    fn tensor_mut(&mut self, index: usize) -> &mut [S] {
        pair_mut(index, self.weights.flat_mut(), self.bias.flat_mut())
    }
}

impl<W: Flat<S> + Zero, B: Flat<S> + Zero, S: Slot> Slots<S> for WeightSlots<W, B, S> {
    fn layer(&self) -> Option<&S::Layer> {
        Some(&self.layer)
    }

    fn layer_mut(&mut self) -> Option<&mut S::Layer> {
        Some(&mut self.layer)
    }
}
