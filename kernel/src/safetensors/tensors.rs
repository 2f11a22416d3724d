//! The tensors of a network, as a file names and shapes them.

use crate::activation::{Activation, Identity};
use crate::layer::{Dense, Layer};

/// A layer, or a network of layers, whose parameters are known to others as tensors.
///
/// [`Dense`] and tuples of layers have it. A layer of one's own gets it by naming its tensors in the order of
/// [`Layer::parameters`], a tensor for each piece there.
#[diagnostic::on_unimplemented(
    message = "the tensors of `{Self}` are not known, so it can't be loaded from a `.safetensors` file",
    note = "a layer of one's own implements `baregrad::safetensors::Tensors`"
)]
pub trait Tensors: Layer {
    /// Describes the module of each layer, from the input on.
    fn modules(visit: &mut impl FnMut(Module));
}

/// What a layer is in PyTorch's `Sequential`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Module {
    /// Its tensors, one for each piece of [`Layer::parameters`].
    pub tensors: &'static [Tensor],
    /// Positions that it takes: one, and one more for an activation.
    pub positions: usize,
}

/// A matrix or vector of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tensor {
    part: &'static str,
    rows: usize,
    columns: usize,
    is_vector: bool,
}

impl Tensor {
    /// A matrix that the layer keeps row by row, `rows` rows of `columns`, and a file transposed, as `[columns, rows]`. `part` is its name in the
    /// module: `weight`.
    pub const fn transposed(part: &'static str, rows: usize, columns: usize) -> Self {
        Self { part, rows, columns, is_vector: false }
    }

    /// A vector. `part` is its name in the module: `bias`.
    pub const fn vector(part: &'static str, length: usize) -> Self {
        Self { part, rows: 1, columns: length, is_vector: true }
    }

    /// Number of parameters.
    pub(super) const fn len(&self) -> usize {
        self.rows.saturating_mul(self.columns)
    }

    pub(super) const fn part(&self) -> &'static str {
        self.part
    }

    /// The shape in a file.
    pub(super) fn shape(&self) -> impl Iterator<Item = usize> {
        let rows = if self.is_vector { None } else { Some(self.rows) };
        [Some(self.columns), rows].into_iter().flatten()
    }

    /// Whether a file has it in its shape.
    pub(super) fn has_shape(&self, shape: &Shape) -> bool {
        let own = [self.columns as u64, if self.is_vector { 0 } else { self.rows as u64 }];
        shape.dimensions == if self.is_vector { 1 } else { 2 } && shape.first == own
    }

    /// Where the numbers of a file belong, in the order of the file.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> + use<> {
        let Self { rows, columns, .. } = *self;
        let (mut row, mut column) = (0usize, 0usize);
        core::iter::from_fn(move || {
            if column >= columns {
                return None;
            }
            let place = row.wrapping_mul(columns).wrapping_add(column);
            row = row.wrapping_add(1);
            if row >= rows {
                (row, column) = (0, column.wrapping_add(1));
            }
            Some(place)
        })
    }
}

/// The shape of a tensor in a file: how many dimensions it has, and the first two, 0 where there is none.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) dimensions: usize,
    pub(super) first: [u64; 2],
}

/// A tensor and where in the network it is.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// Counted from 0 at the input.
    pub(super) index: usize,
    /// Position of its module in a `Sequential`.
    pub(super) position: usize,
    pub(super) tensor: Tensor,
}

impl Slot {
    /// Visits all tensors of a network.
    pub(super) fn each<N: Tensors>(visit: &mut impl FnMut(Self)) {
        let (mut index, mut position) = (0usize, 0usize);
        N::modules(&mut |module| {
            for &tensor in module.tensors {
                visit(Self { index, position, tensor });
                index = index.wrapping_add(1);
            }
            position = position.wrapping_add(module.positions);
        });
    }

    /// Tensor number `index`.
    pub(super) fn nth<N: Tensors>(index: usize) -> Option<Self> {
        let mut found = None;
        Self::each::<N>(&mut |slot| {
            if slot.index == index {
                found = Some(slot);
            }
        });
        found
    }

    /// Number of tensors.
    pub(super) fn count<N: Tensors>() -> usize {
        let mut count = 0usize;
        Self::each::<N>(&mut |_| count = count.wrapping_add(1));
        count
    }
}

/// Whether the tensors of a network are the pieces of its parameters: else its code is wrong.
pub(super) fn are_the_parameters<N: Tensors>(network: &N) -> bool {
    let (mut index, mut right) = (0usize, true);
    network.parameters(&mut |piece| {
        right &= Slot::nth::<N>(index).is_some_and(|slot| slot.tensor.len() == piece.len());
        index = index.wrapping_add(1);
    });
    right && index == Slot::count::<N>()
}

impl<const IN: usize, const OUT: usize, A: Activation> Tensors for Dense<IN, OUT, A> {
    fn modules(visit: &mut impl FnMut(Module)) {
        let tensors = const { &[Tensor::transposed("weight", IN, OUT), Tensor::vector("bias", OUT)] };
        visit(Module { tensors, positions: if A::FINGERPRINT == Identity::FINGERPRINT { 1 } else { 2 } });
    }
}

// No function can be generic over the length of a tuple, hence a macro; see `network!`.
macro_rules! tuple {
    ($($layer:ident)*) => {
        impl<$($layer: Tensors),*> Tensors for ($($layer,)*)
        where
            Self: Layer,
        {
            fn modules(visit: &mut impl FnMut(Module)) {
                $($layer::modules(visit);)*
            }
        }
    };
}

tuple!(L0);
tuple!(L0 L1);
tuple!(L0 L1 L2);
tuple!(L0 L1 L2 L3);
tuple!(L0 L1 L2 L3 L4);
tuple!(L0 L1 L2 L3 L4 L5);
tuple!(L0 L1 L2 L3 L4 L5 L6);
tuple!(L0 L1 L2 L3 L4 L5 L6 L7);
