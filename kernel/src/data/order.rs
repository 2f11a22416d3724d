//! The order in which an epoch goes through a data set.

/// A permutation of the indices of a data set of `N` samples, owned (and placed) by the user; two bytes per sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order<const N: usize> {
    indices: [u16; N],
}

impl<const N: usize> Order<N> {
    /// 0, 1, 2, …: the samples as they lie.
    pub const IDENTITY: Self = {
        assert!(N > 0 && N <= 1 << 16, "an Order holds 1 to 65536 indices");
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
    pub fn shuffle_with(&mut self, random: &mut impl FnMut() -> u32) {
        for last in (1..N).rev() {
            let other = ((u64::from(random()) * (last as u64 + 1)) >> 32) as usize;
            // Two equal positions are an error here, and nothing to exchange.
            if let Ok([a, b]) = self.indices.get_disjoint_mut([last, other]) {
                core::mem::swap(a, b);
            }
        }
    }

    /// Shuffles by a generator of the `rand_core` traits; see [`shuffle_with`](Self::shuffle_with).
    #[cfg(feature = "rand_core")]
    pub fn shuffle(&mut self, generator: &mut impl rand_core::Rng) {
        self.shuffle_with(&mut || generator.next_u32());
    }
}

impl<const N: usize> AsRef<[u16]> for Order<N> {
    fn as_ref(&self) -> &[u16] {
        &self.indices
    }
}
