//! Samples of the past, kept to learn from once more (feature `heapless`).
//!
//! A network that learns from a stream forgets what the stream no longer shows. A few samples of all that has been, mixed into what is new,
//! keep it from that: *rehearsal*. Which samples to keep is decided as they pass, without knowing how many will come.

use heapless::Vec;

use crate::data::{DataError, Dataset, Index};
use crate::fingerprint::Fingerprint;
use crate::state::State;
use crate::zero::Zero;

/// Up to `N` samples of a stream, each as likely to be kept as any other.
///
/// [`NEW`](Self::NEW) keeps a random choice of *all* samples offered so far; from 2³² - 1 samples on it goes on as `recent(u32::MAX)`. [`recent`](Self::recent) keeps one of *about the last* `horizon`: once
/// that many have come, each new sample enters with probability `N / horizon` in the place of a random one, so an old sample is forgotten with
/// probability `1 / horizon` at each new one, and the age of those kept is `horizon` samples on average.
///
/// Train on [`dataset`](Self::dataset), whole or by a few indices drawn at random. In a `static` it takes `N` samples, `N` targets and, on a
/// 32-bit processor, 16 bytes; [`NEW`](Self::NEW) is all zero, so it lies in `.bss`. Where samples and targets are [`State`], so is the
/// buffer: a training that goes on from a checkpoint rehearses the same samples.
///
/// # Source
/// Reservoir sampling, algorithm R: J. S. Vitter, *Random Sampling with a Reservoir*, 1985. Rehearsal: A. Robins, *Catastrophic Forgetting,
/// Rehearsal and Pseudorehearsal*, 1995.
#[derive(Clone, Debug)]
pub struct ReplayBuffer<X, T, const N: usize> {
    inputs: Vec<X, N>,
    targets: Vec<T, N>,
    /// Samples offered, counted up to the horizon.
    seen: u32,
    /// `u32::MAX` less the horizon, so that a buffer of all that will come is zero.
    forgets: u32,
}

impl<X, T, const N: usize> Zero for ReplayBuffer<X, T, N> {
    const ZERO: Self = Self::recent(u32::MAX);
}

impl<X, T, const N: usize> ReplayBuffer<X, T, N> {
    /// No samples yet, for a `static`; of all that will come.
    pub const NEW: Self = Self::ZERO;

    /// No samples yet; of about the last `horizon` that will come. A horizon below `N` counts as `N`.
    pub const fn recent(horizon: u32) -> Self {
        Self { inputs: Vec::new(), targets: Vec::new(), seen: 0, forgets: Self::forgets_of(horizon) }
    }

    const fn forgets_of(horizon: u32) -> u32 {
        // By `u64`: a `usize` may have 16 bits, or 64.
        const { assert!(N > 0 && (N as u64) < u32::MAX as u64, "a replay buffer keeps at least one sample") };
        let least = N as u32;
        u32::MAX - if horizon < least { least } else { horizon }
    }

    const fn horizon(&self) -> u32 {
        u32::MAX - self.forgets
    }

    /// Offers a sample; `random` gives uniformly distributed 32-bit words, one for each sample once the buffer is full.
    ///
    /// The sample takes place `⌊word · seen / 2³²⌋` if there is one, where `seen` counts it, up to the horizon. Gives whether it was kept.
    pub fn offer_with(&mut self, input: X, target: T, mut random: impl FnMut() -> u32) -> bool {
        self.seen = self.seen.saturating_add(1).min(self.horizon());
        if !self.inputs.is_full() {
            // There is room in both: they are filled together.
            return self.inputs.push(input).is_ok() & self.targets.push(target).is_ok();
        }
        let place = (((u64::from(random()) * u64::from(self.seen)) >> 32) as u32).index();
        match (self.inputs.get_mut(place), self.targets.get_mut(place)) {
            (Some(kept_input), Some(kept_target)) => {
                (*kept_input, *kept_target) = (input, target);
                true
            }
            _ => false,
        }
    }

    /// Offers a sample, with a generator of the `rand_core` traits; see [`offer_with`](Self::offer_with).
    #[cfg(feature = "rand_core")]
    pub fn offer(&mut self, input: X, target: T, generator: &mut impl rand_core::Rng) -> bool {
        self.offer_with(input, target, || generator.next_u32())
    }

    /// The samples kept.
    ///
    /// # Errors
    /// There are none yet.
    pub fn dataset(&self) -> Result<Dataset<'_, X, T>, DataError> {
        Dataset::new(&self.inputs, &self.targets)
    }
}

/// The count and the horizon, then `N` inputs and `N` targets, those not yet there as zeros.
///
/// How many are there follows from the count. Bytes that are another program's give some buffer, with no more than `N` samples.
impl<X: State + Zero, T: State + Zero, const N: usize> State for ReplayBuffer<X, T, N> {
    const BYTES: usize = 2 * u32::BYTES + <[X; N]>::BYTES + <[T; N]>::BYTES;
    const FINGERPRINT: u32 =
        Fingerprint::of("ReplayBuffer").number(N).part(X::FINGERPRINT).part(T::FINGERPRINT).value();

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        self.seen.save(write);
        self.horizon().save(write);
        save_filled(&self.inputs, write);
        save_filled(&self.targets, write);
    }

    fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
        let (mut seen, mut horizon) = (0_u32, 0_u32);
        seen.load(read);
        horizon.load(read);
        // Field by field: a buffer as a whole would pass through the stack.
        self.forgets = Self::forgets_of(horizon);
        self.seen = seen.min(self.horizon());
        load_filled(&mut self.inputs, self.seen, read);
        load_filled(&mut self.targets, self.seen, read);
    }
}

/// All that a vector has, then zeros up to its capacity.
fn save_filled<V: State + Zero, const N: usize>(values: &Vec<V, N>, write: &mut impl FnMut(&[u8])) {
    for place in 0..N {
        match values.get(place) {
            Some(value) => value.save(write),
            None => V::ZERO.save(write),
        }
    }
}

/// As many values as were `seen`, up to the capacity; the others are read and dropped.
fn load_filled<V: State + Zero, const N: usize>(values: &mut Vec<V, N>, seen: u32, read: &mut impl FnMut(&mut [u8])) {
    values.clear();
    for place in 0..N {
        let mut value = V::ZERO;
        value.load(read);
        if (place as u64) < u64::from(seen) {
            // There is room: it was empty.
            let _ = values.push(value);
        }
    }
}
