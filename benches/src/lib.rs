//! What the benchmarks on the host measure: the networks, their data, and `baregrad` training them.
//!
//! [`work`] says what is to be done, in numbers that any library (and `python/peers.py`) can start from: sizes, data, initial
//! weights. [`ours`] does it by the public API of `baregrad`, as a user would. `benches` measures that alone by criterion;
//! `peers`, a workspace of its own so that nobody downloads other libraries by `cargo test`, measures it beside others.

pub mod map;
pub mod ours;
pub mod peak;
mod processor;
pub mod products;
pub mod work;

use std::time::Duration;
/// What measures a run; `peers` has another.
pub use std::time::Instant as Clock;

pub use processor::processor;

/// What came out of one run.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Time of the steps alone.
    pub time: Duration,
    /// The last step's loss, or the last prediction's first output: the same for all who do the same work.
    pub value: f32,
}

/// Somebody who can do a [`work::Work`].
pub trait Contender {
    /// Starts from the initial weights and does the whole plan once.
    fn run(&mut self) -> Outcome;
}
