//! The order in which an epoch goes through a data set.

use super::DataError;
use crate::fingerprint::Fingerprint;
use crate::state::State;
use crate::zero::Zero;

/// A permutation of the indices of a data set of `N` samples, owned (and placed) by the user; two bytes per sample.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Order<const N: usize> {
    pub(crate) indices: [u16; N],
}

impl<const N: usize> Order<N> {
    /// 0, 1, 2, …: the samples as they lie. Not all zero, so a `static` that holds it lies in `.data`, not in `.bss`.
    #[allow(clippy::indexing_slicing)] // computed when the program compiles
    pub const IDENTITY: Self = {
        assert!(N > 0 && !is_beyond_16_bits(N), "an Order holds 1 to 65536 indices");
        let mut indices = [0; N];
        let mut i = 0;
        while i < N {
            indices[i] = i as u16;
            i += 1;
        }
        Self { indices }
    };

    /// The indices.
    pub const fn as_slice(&self) -> &[u16] {
        &self.indices
    }

    /// Shuffles by the words of a generator: Fisher and Yates's method from the last index down, each position exchanged with
    /// `⌊word · (position + 1) / 2³²⌋`.
    ///
    /// For a data set of `N` samples no position is likelier than another by more than `N / 2³²`.
    ///
    /// # Source
    /// Durstenfeld, *Algorithm 235: Random permutation*, 1964.
    pub fn shuffle_with(&mut self, random: impl FnMut() -> u32) {
        shuffle_with(&mut self.indices, random);
    }

    /// Shuffles by a generator of the `rand_core` traits; see [`shuffle_with`](Self::shuffle_with).
    #[cfg(feature = "rand_core")]
    pub fn shuffle(&mut self, generator: &mut impl rand_core::Rng) {
        self.shuffle_with(|| generator.next_u32());
    }
}

/// Whether there are more samples than indices of 16 bits. Where addresses have 16 bits too, 65536 itself is no `usize`.
const fn is_beyond_16_bits(samples: usize) -> bool {
    samples.saturating_sub(1) > u16::MAX as usize
}

/// Shuffles a slice of indices (or of anything); see [`Order::shuffle_with`].
pub fn shuffle_with<T>(values: &mut [T], mut random: impl FnMut() -> u32) {
    for last in (1..values.len()).rev() {
        let other = (u64::from(random()).wrapping_mul((last as u64).wrapping_add(1)) >> 32) as usize;
        // `other` is at most `last`. Where they are equal it is no position of the part before, and there is nothing to exchange.
        if let Some((before, [a, ..])) = values.split_at_mut_checked(last)
            && let Some(b) = before.get_mut(other)
        {
            core::mem::swap(a, b);
        }
    }
}

/// `B` indices drawn at random *with* replacement: a random mini-batch, one call a step.
///
/// Without replacement, draw from a shuffled [`Order`] instead. Before the first draw there are no indices, and a batch of them is
/// [`DataError::Empty`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RandomIndices<const B: usize> {
    indices: [u16; B],
    drawn: bool,
}

impl<const B: usize> Zero for RandomIndices<B> {
    const ZERO: Self = Self { indices: [0; B], drawn: false };
}

impl<const B: usize> RandomIndices<B> {
    /// No indices drawn yet, for a `static`.
    pub const NEW: Self = Self::ZERO;

    /// Draws anew from `0 .. samples`: each index is `⌊word · samples / 2³²⌋`.
    ///
    /// # Errors
    /// No samples, or more than 65536. Then no word is taken, and the indices are as before.
    pub fn draw_with(&mut self, samples: usize, mut random: impl FnMut() -> u32) -> Result<(), DataError> {
        if samples == 0 {
            return Err(DataError::Empty);
        }
        if is_beyond_16_bits(samples) {
            return Err(DataError::TooManySamples { samples });
        }
        for index in &mut self.indices {
            *index = ((u64::from(random()) * samples as u64) >> 32) as u16;
        }
        self.drawn = true;
        Ok(())
    }

    /// Draws anew by a generator of the `rand_core` traits; see [`draw_with`](Self::draw_with).
    #[cfg(feature = "rand_core")]
    ///
    /// # Errors
    /// As there.
    pub fn draw(&mut self, samples: usize, generator: &mut impl rand_core::Rng) -> Result<(), DataError> {
        self.draw_with(samples, || generator.next_u32())
    }
}

impl<const B: usize> AsRef<[u16]> for RandomIndices<B> {
    fn as_ref(&self) -> &[u16] {
        if self.drawn { &self.indices } else { &[] }
    }
}

// As of an `Order`, an index beyond the data set is an error where a batch is made of it.
crate::state!(RandomIndices<const B: usize> { indices: [u16; B], drawn: bool });

impl<const N: usize> AsRef<[u16]> for Order<N> {
    fn as_ref(&self) -> &[u16] {
        &self.indices
    }
}

/// Two bytes per index. It is not checked again to be a permutation: an index beyond the data set is an error where a batch
/// is made of it.
impl<const N: usize> State for Order<N> {
    const BYTES: usize = <[u16; N]>::BYTES;
    const FINGERPRINT: u32 = Fingerprint::of("Order").number(N).value();

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        self.indices.save(write);
    }

    fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
        self.indices.load(read);
    }
}
