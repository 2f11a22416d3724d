//! The tensors of a network.

use super::layout::{Layout, Stored};
use crate::layer::{Parameters, StateTensor, Tensor};
use crate::network::OnInput;
use crate::setting::Domain;

/// A tensor and where in the network it is.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Counted from 0 at the input, first those that are trained, then those of state.
    pub(super) index: usize,
    pub(super) source: Source,
    /// Position of its module in a `Sequential`.
    pub(super) position: usize,
    pub(super) tensor: Tensor,
    /// The values that it may have.
    pub(super) domain: Domain,
}

/// Where a network has a tensor.
#[derive(Clone, Copy)]
pub(super) enum Source {
    Parameters(usize),
    State(usize),
}

impl Entry {
    /// Tensor number `index` of those that are trained.
    fn trained<N: Parameters>(index: usize) -> Option<Self> {
        let (position, tensor) = N::describe_tensor(index)?;
        Some(Self { index, source: Source::Parameters(index), position, tensor, domain: Domain::Finite })
    }

    /// Tensor number `index` of state, if files have it.
    fn state<N: Parameters>(index: usize) -> Option<Self> {
        let (position, StateTensor { tensor, domain, is_in_files }) = N::describe_state(index)?;
        is_in_files.then_some(Self { index, source: Source::State(index), position, tensor, domain })
    }

    /// All tensors of a network that files have.
    pub(super) fn all<N: Parameters>() -> impl Iterator<Item = Self> {
        let mut next = 0_usize;
        let all = (0..N::COUNT).filter_map(Self::trained::<N>).chain((0..N::STATE_COUNT).filter_map(Self::state::<N>));
        all.map(move |entry| {
            let index = next;
            next = next.wrapping_add(1);
            Self { index, ..entry }
        })
    }

    /// Its values.
    pub(super) fn values<'n, N: Parameters>(&self, network: &'n N) -> &'n [f32] {
        match self.source {
            Source::Parameters(index) => network.tensor(index),
            Source::State(index) => network.state_tensor(index),
        }
    }

    /// Its values, to write.
    pub(super) fn values_mut<'n, N: Parameters>(&self, network: &'n mut N) -> &'n mut [f32] {
        match self.source {
            Source::Parameters(index) => network.tensor_mut(index),
            Source::State(index) => network.state_tensor_mut(index),
        }
    }
}

/// Whether a network has the tensors that it describes: else its code is wrong.
pub(super) fn are_as_described<N: Parameters>(network: &N) -> bool {
    let (mut right, mut parameters) = (true, 0usize);
    for index in 0..N::COUNT {
        let length = network.tensor(index).len();
        right &= Entry::trained::<N>(index).is_some_and(|entry| entry.tensor.len() == length);
        parameters = parameters.saturating_add(length);
    }
    let has_state = |index| {
        N::describe_state(index).is_some_and(|(_, state)| state.tensor.len() == network.state_tensor(index).len())
    };
    right && parameters == N::PARAMETERS && (0..N::STATE_COUNT).all(has_state)
}

/// The first tensor of which nobody knows where its values belong.
pub(super) fn without_order<N: OnInput>(layout: Layout) -> Option<usize> {
    Entry::all::<N>().find(|entry| !Stored::of::<N>(entry, layout).has_known_order()).map(|entry| entry.index)
}
