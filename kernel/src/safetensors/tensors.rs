//! The tensors of a network, as a file names and shapes them.

use crate::layer::{Parameters, Tensor};

/// The shape of a tensor in a file: how many dimensions it has, and the first two, 0 where there is none.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub(super) dimensions: usize,
    pub(super) first: [u64; 2],
}

/// A tensor and where in the network it is.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Counted from 0 at the input.
    pub(super) index: usize,
    /// Position of its module in a `Sequential`.
    pub(super) position: usize,
    pub(super) tensor: Tensor,
}

impl Entry {
    /// Tensor number `index`.
    pub(super) fn nth<N: Parameters>(index: usize) -> Option<Self> {
        N::describe_tensor(index).map(|(position, tensor)| Self { index, position, tensor })
    }

    /// All tensors of a network.
    pub(super) fn all<N: Parameters>() -> impl Iterator<Item = Self> {
        (0..N::COUNT).filter_map(Self::nth::<N>)
    }

    /// The sizes of its dimensions in a file, where a matrix is transposed.
    pub(super) fn sizes(&self) -> impl Iterator<Item = usize> {
        let Tensor { rows, columns, is_vector, .. } = self.tensor;
        [Some(columns), if is_vector { None } else { Some(rows) }].into_iter().flatten()
    }

    /// Whether a file has it in its shape.
    pub(super) fn has_shape(&self, shape: &Shape) -> bool {
        let mut own = Shape { dimensions: 0, first: [0; 2] };
        for (place, size) in own.first.iter_mut().zip(self.sizes()) {
            *place = size as u64;
            own.dimensions = own.dimensions.saturating_add(1);
        }
        *shape == own
    }

    /// Where the numbers of a file belong, in the order of the file.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> + use<> {
        let Tensor { rows, columns, .. } = self.tensor;
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

/// Whether a network has the tensors that it describes: else its code is wrong.
pub(super) fn are_as_described<N: Parameters>(network: &N) -> bool {
    let (mut right, mut parameters) = (true, 0usize);
    for index in 0..N::COUNT {
        let length = network.tensor(index).len();
        right &= Entry::nth::<N>(index).is_some_and(|entry| entry.tensor.len() == length);
        parameters = parameters.saturating_add(length);
    }
    right && parameters == N::PARAMETERS
}
