//! Where each layer of a tuple finds its input, its `delta` and its scratch in the backward pass.
#![allow(clippy::indexing_slicing)] // Only in constants.

use crate::layer::memory::cut;
use crate::layer::{Layer, Pass, Place};
use crate::shape::Shape;

/// Sizes of a layer.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    out: usize,
    kept: usize,
    /// As the first layer.
    scratch: usize,
    /// Behind others.
    scratch_inner: usize,
    layers: usize,
    slices: usize,
    parameters: usize,
}

impl Sizes {
    pub(super) const fn of<In: Shape, L: Layer<In>>() -> Self {
        Self {
            out: L::Out::SIZE,
            kept: L::KEPT,
            scratch: L::SCRATCH,
            scratch_inner: L::SCRATCH_INNER,
            layers: L::LAYERS,
            slices: L::SLICES,
            parameters: L::PARAMETERS,
        }
    }
}

/// Where a layer of a tuple is, in the network and in the memory of the backward pass, counted in floats of a sample.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) place: Place,
    /// Where its input begins, and where its output.
    input: usize,
    output: usize,
    /// Size of its output there; that of the last layer lies elsewhere.
    size: usize,
    is_last: bool,
    /// Nothing in front of it has parameters.
    pub(super) is_first_to_learn: bool,
}

/// The places of all layers, made again from the front: the plan of memory, which makes the sum in another way, has to have room for each.
pub(super) const fn spots<const N: usize>(layers: [Sizes; N], planned: usize) -> [Spot; N] {
    let mut slices_before = 0;
    let mut index = 0;
    while index < N {
        slices_before += layers[index].slices;
        index += 1;
    }
    let nowhere = Place { before: 0, layers: 0, slices_before, slices: 0 };
    let mut spot = Spot { place: nowhere, input: 0, output: 0, size: 0, is_last: false, is_first_to_learn: true };
    let mut spots = [spot; N];
    index = 0;
    while index < N {
        let layer = layers[index];
        slices_before -= layer.slices;
        spot.place = Place { layers: layer.layers, slices: layer.slices, slices_before, ..spot.place };
        (spot.is_last, spot.size) = if index + 1 == N { (true, 0) } else { (false, layer.out) };
        let scratch = if index == 0 { layer.scratch } else { layer.scratch_inner };
        assert!(
            spot.output + spot.size + layer.kept + scratch <= planned,
            "the plan of memory forgets a layer's scratch"
        );
        spots[index] = spot;
        spot.place.before += layer.layers;
        (spot.input, spot.output) = (spot.output, spot.output + layer.out + layer.kept);
        spot.is_first_to_learn &= layer.parameters == 0;
        index += 1;
    }
    spots
}

/// Input and `delta` of a layer that is not the first, and the memory behind them.
#[inline(always)]
pub(super) fn cut_at<'a, In: Shape, P: Pass>(
    spot: Spot,
    pass: P,
    delta: &'a [f32],
    memory: &'a mut [f32],
) -> (&'a mut [f32], &'a [f32], &'a mut [f32]) {
    let (lower, memory) = cut(memory, P::CAPACITY.wrapping_mul(spot.output));
    let (delta, memory) = own(spot, pass, delta, memory);
    let (_, x) = cut(lower, P::CAPACITY.wrapping_mul(spot.input));
    let (x, _) = cut(x, pass.samples().wrapping_mul(In::SIZE));
    (x, delta, memory)
}

/// The `delta` of a layer, and the memory behind it.
#[inline(always)]
pub(super) fn own<'a, P: Pass>(
    spot: Spot,
    pass: P,
    delta: &'a [f32],
    memory: &'a mut [f32],
) -> (&'a [f32], &'a mut [f32]) {
    if spot.is_last {
        return (delta, memory);
    }
    let (delta, memory) = cut(memory, P::CAPACITY.wrapping_mul(spot.size));
    let (delta, _) = cut(delta, pass.samples().wrapping_mul(spot.size));
    (delta, memory)
}

/// Why a layer does not fit behind another, if so.
pub(super) const fn behind<In: Shape, L: Layer<In>>() -> Option<&'static str> {
    if L::GIVES_INPUT_GRADIENT {
        None
    } else {
        Some("`Frozen` gives no gradient to the layer in front of it: put that layer inside, or behind")
    }
}
