//! The last losses of a training run, in a buffer of fixed size (feature `heapless`).

use heapless::HistoryBuf;

use crate::zero::Zero;

/// The last `N` losses, oldest forgotten first.
///
/// A thin face of [`heapless::HistoryBuf`], which is public for everything else that one may want of it.
#[derive(Clone, Debug)]
pub struct LossHistory<const N: usize> {
    /// The losses.
    pub losses: HistoryBuf<f32, N>,
}

impl<const N: usize> Zero for LossHistory<N> {
    const ZERO: Self = Self { losses: HistoryBuf::new() };
}

impl<const N: usize> LossHistory<N> {
    /// No losses yet; for a `static`.
    pub const NEW: Self = Self::ZERO;

    /// Notes a loss.
    pub fn record(&mut self, loss: f32) {
        self.losses.write(loss);
    }

    /// The losses from the oldest kept to the newest.
    pub fn iter(&self) -> impl Iterator<Item = f32> + '_ {
        self.losses.oldest_ordered().copied()
    }

    /// Mean of the losses kept, added from the oldest on; `None` before the first.
    pub fn mean(&self) -> Option<f32> {
        let sum = self.iter().fold(0.0, |sum, loss| sum + loss);
        if self.losses.is_empty() { None } else { Some(sum / self.losses.len() as f32) }
    }
}
