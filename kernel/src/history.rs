//! The last losses of a training run, in a buffer of fixed size (feature `heapless`).

use heapless::Deque;

use crate::zero::Zero;

/// The last `N` losses, oldest forgotten first.
///
/// A thin face of [`heapless::Deque`], which is public for everything else that one may want of it. (Not of its `HistoryBuf`, whose code
/// has indices that could panic, as far as a compiler knows.)
#[derive(Clone, Debug)]
pub struct LossHistory<const N: usize> {
    /// The losses.
    pub losses: Deque<f32, N>,
}

impl<const N: usize> Zero for LossHistory<N> {
    const ZERO: Self = Self { losses: Deque::new() };
}

impl<const N: usize> LossHistory<N> {
    /// No losses yet; for a `static`.
    pub const NEW: Self = Self::ZERO;

    /// Notes a loss.
    pub fn record(&mut self, loss: f32) {
        if self.losses.is_full() {
            self.losses.pop_front();
        }
        // Now there is room.
        let _ = self.losses.push_back(loss);
    }

    /// The losses from the oldest kept to the newest.
    pub fn iter(&self) -> impl Iterator<Item = f32> + '_ {
        self.losses.iter().copied()
    }

    /// Mean of the losses kept, added from the oldest on; `None` before the first.
    pub fn mean(&self) -> Option<f32> {
        let sum = self.iter().fold(0.0, |sum, loss| sum + loss);
        if self.losses.is_empty() { None } else { Some(sum / self.losses.len() as f32) }
    }
}
