//! The tensors of a network.

use super::layout::{Layout, Stored};
use crate::layer::{Parameters, Tensor};
use crate::network::OnInput;

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

/// The first tensor of which nobody knows where its values belong.
pub(super) fn without_order<N: OnInput>(layout: Layout) -> Option<usize> {
    Entry::all::<N>().find(|entry| !Stored::of::<N>(entry, layout).has_known_order()).map(|entry| entry.index)
}
