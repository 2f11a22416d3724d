//! A pass over a batch: how many samples, and which part of the work.

use core::ops::Range;

/// How many samples a pass goes through, and which part of its work is due.
///
/// A layer asks for [`samples`](Self::samples) alone. The rest is for networks: a step is made at once, slice by slice, or without
/// the first layers, by the same code.
pub trait Pass: Copy {
    /// Samples at most. Of one sample alone the compiler knows that it is one.
    const CAPACITY: usize;
    /// Whether a backward pass is made slice by slice.
    const SLICED: bool = false;
    /// Whether the first layers may be left as they are.
    const FREEZES: bool = false;

    /// Samples.
    fn samples(self) -> usize;

    /// Whether the layers at hand learn, so that a backward pass follows a forward pass. In a prediction, an evaluation, and among the
    /// first layers that [`step_frozen`](crate::train::step_frozen()) leaves as they are, they don't: a layer that differs in training predicts then.
    ///
    /// It speaks of one layer. What holds layers asks [`behind`](Self::behind) for the pass of each.
    fn trains(self) -> bool {
        true
    }

    /// The same pass for layers that have so many more in front of them, in the numbers of [`step_frozen`](crate::train::step_frozen()).
    #[must_use]
    fn behind(self, _layers: usize) -> Self {
        self
    }

    /// What is due of `layers` layers in a forward pass, with the slices of `before` of them in front. A layer for a
    /// [whole batch](crate::Layer::WHOLE_BATCH) takes in all samples at once.
    fn forward_part(self, before: usize, layers: usize, whole_batch: bool) -> Option<Forward<Self>>;

    /// What is due in a backward pass of the layers at a place.
    fn backward_part(self, place: Place) -> Backward<Self>;

    /// Which of the `all` slices of a layer's backward pass are due: one, or all of them.
    fn slices(self, all: usize) -> Range<usize>;
}

/// A part of a forward pass.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Forward<P> {
    /// The pass of these layers.
    pub pass: P,
    /// The sample that it starts with.
    pub first: usize,
}

/// Where in a network some layers are.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Place {
    /// Layers in front of them.
    pub before: usize,
    /// How many they are.
    pub layers: usize,
    /// Slices of the layers behind them, whose backward passes come first.
    pub slices_before: usize,
    /// Their own slices.
    pub slices: usize,
}

/// A part of a backward pass.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Backward<P> {
    /// The layers learn, and so do those in front of them.
    Inner(P),
    /// The layers learn, or some of them, and nobody asks for the gradient of their input.
    First(P),
    /// There is nothing to do.
    Nothing,
}

/// All of a pass over up to `B` samples. Its forward pass may be that of a training of the last layers only, or of none.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Whole<const B: usize> {
    samples: usize,
    /// How many layers don't learn.
    frozen: usize,
}

impl<const B: usize> Whole<B> {
    /// A pass over 1 to `B` samples, in which all layers learn.
    #[inline(always)]
    pub const fn new(samples: usize) -> Self {
        Self { samples, frozen: 0 }
    }

    /// A forward pass that no layer learns from.
    #[inline(always)]
    pub const fn inference(samples: usize) -> Self {
        Self { samples, frozen: usize::MAX }
    }

    /// A forward pass in which layer number `frozen` is the first that learns.
    #[inline(always)]
    pub(crate) const fn above(samples: usize, frozen: usize) -> Self {
        Self { samples, frozen }
    }
}

impl<const B: usize> Pass for Whole<B> {
    const CAPACITY: usize = B;

    #[inline(always)]
    fn samples(self) -> usize {
        if B == 1 { 1 } else { self.samples.min(B) }
    }

    #[inline(always)]
    fn trains(self) -> bool {
        self.frozen == 0
    }

    #[inline(always)]
    fn behind(self, layers: usize) -> Self {
        Self { frozen: self.frozen.saturating_sub(layers), ..self }
    }

    #[inline(always)]
    fn forward_part(self, _before: usize, _layers: usize, _whole_batch: bool) -> Option<Forward<Self>> {
        Some(Forward { pass: self, first: 0 })
    }

    #[inline(always)]
    fn backward_part(self, _place: Place) -> Backward<Self> {
        Backward::Inner(self)
    }

    #[inline(always)]
    fn slices(self, all: usize) -> Range<usize> {
        0..all
    }
}

/// One slice of a pass.
///
/// Forward, a slice is one sample through one layer (or through one [`Recompute`](crate::Recompute)), or the whole batch with the last sample: layer by layer, so that what lies above a layer is free for it. Backward it is a slice
/// of one layer, from the last layer to the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice<const B: usize> {
    samples: usize,
    slice: usize,
    /// How many slices the layers at hand have. If it is one, all is due of what they are made of.
    of: usize,
}

impl<const B: usize> Slice<B> {
    /// Slice number `slice` of a pass over 1 to `B` samples.
    pub(crate) const fn new(samples: usize, slice: usize) -> Self {
        Self { samples, slice, of: usize::MAX }
    }
}

impl<const B: usize> Pass for Slice<B> {
    const CAPACITY: usize = B;
    const SLICED: bool = true;

    #[inline(always)]
    fn samples(self) -> usize {
        if B == 1 { 1 } else { self.samples.min(B) }
    }

    fn forward_part(self, before: usize, layers: usize, whole_batch: bool) -> Option<Forward<Self>> {
        if self.of == 1 {
            return Some(Forward { pass: self, first: 0 });
        }
        let samples = self.samples();
        let slice = self.slice.checked_sub(before.wrapping_mul(samples))?;
        if slice >= layers.wrapping_mul(samples) {
            None
        } else if layers == 1 && whole_batch {
            // All inputs are there, and the slices of the samples before made nothing.
            let is_last = slice.wrapping_add(1) == samples;
            is_last.then_some(Forward { pass: Self { samples, slice: 0, of: 1 }, first: 0 })
        } else if layers == 1 {
            Some(Forward { pass: Self { samples: 1, slice: 0, of: 1 }, first: slice })
        } else {
            Some(Forward { pass: Self { slice, ..self }, first: 0 })
        }
    }

    #[inline(always)]
    fn backward_part(self, place: Place) -> Backward<Self> {
        if self.of == 1 {
            return Backward::Inner(self);
        }
        match self.slice.checked_sub(place.slices_before) {
            Some(slice) if slice < place.slices => Backward::Inner(Self { slice, of: place.slices, ..self }),
            _ => Backward::Nothing,
        }
    }

    #[inline(always)]
    fn slices(self, all: usize) -> Range<usize> {
        if self.of == 1 { 0..all } else { self.slice..self.slice.saturating_add(1) }
    }
}

/// A pass that leaves the first layers as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Above<const B: usize> {
    samples: usize,
    frozen: usize,
}

impl<const B: usize> Above<B> {
    /// A pass over 1 to `B` samples, in which layer number `frozen` is the first that learns.
    pub(crate) const fn new(samples: usize, frozen: usize) -> Self {
        Self { samples, frozen }
    }
}

impl<const B: usize> Pass for Above<B> {
    const CAPACITY: usize = B;
    const FREEZES: bool = true;

    #[inline(always)]
    fn samples(self) -> usize {
        if B == 1 { 1 } else { self.samples.min(B) }
    }

    #[inline(always)]
    fn trains(self) -> bool {
        self.frozen == 0
    }

    #[inline(always)]
    fn behind(self, layers: usize) -> Self {
        Self { frozen: self.frozen.saturating_sub(layers), ..self }
    }

    #[inline(always)]
    fn forward_part(self, _before: usize, _layers: usize, _whole_batch: bool) -> Option<Forward<Self>> {
        Some(Forward { pass: self, first: 0 })
    }

    fn backward_part(self, place: Place) -> Backward<Self> {
        match self.frozen.checked_sub(place.before) {
            None => Backward::Inner(Self { frozen: 0, ..self }),
            Some(frozen) if frozen < place.layers => Backward::First(Self { frozen, ..self }),
            Some(_) => Backward::Nothing,
        }
    }

    #[inline(always)]
    fn slices(self, all: usize) -> Range<usize> {
        0..all
    }
}
