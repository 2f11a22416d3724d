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

    /// What is due of `layers` layers in a forward pass, with `before` of them in front.
    fn forward_part(self, before: usize, layers: usize) -> Option<Forward<Self>>;

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

/// All of a pass over up to `B` samples.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Whole<const B: usize> {
    samples: usize,
}

impl<const B: usize> Whole<B> {
    /// A pass over 1 to `B` samples.
    #[inline(always)]
    pub const fn new(samples: usize) -> Self {
        Self { samples }
    }
}

impl<const B: usize> Pass for Whole<B> {
    const CAPACITY: usize = B;

    #[inline(always)]
    fn samples(self) -> usize {
        if B == 1 { 1 } else { self.samples.min(B) }
    }

    #[inline(always)]
    fn forward_part(self, _before: usize, _layers: usize) -> Option<Forward<Self>> {
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
/// Forward, a slice is one sample through one layer: layer by layer, so that what lies above a layer is free for it. Backward it is a slice
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

    fn forward_part(self, before: usize, layers: usize) -> Option<Forward<Self>> {
        if self.of == 1 {
            return Some(Forward { pass: self, first: 0 });
        }
        let samples = self.samples();
        let slice = self.slice.checked_sub(before.wrapping_mul(samples))?;
        if slice >= layers.wrapping_mul(samples) {
            None
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
    fn forward_part(self, _before: usize, _layers: usize) -> Option<Forward<Self>> {
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
