//! Many small trainings, each leaving a CRC-32 after every stage: run on every target, they must all be the same.
//!
//! The cases cover every pair of activation, loss, optimizer and batch size: each loss meets each optimizer once, and activation and
//! batch size go through theirs along the way (a host test counts the pairs). Losses on values train XOR by 2-3-1, losses on
//! labels iris by 4-5-3; a few more train digits by 64-32-10 on 200 rows. The expected lines, `same_bits.expected`, are made by the
//! textbook's loops in `host-tests`, which walk the same [`cases`]. What came later has a case each in `same_bits_more.expected`
//! ([`FurtherCase`]).

mod cases;
mod choices;
mod further;
mod networks;

pub use cases::{Case, Data, PARTS, Report, cases, run_parts, small_case};
pub use choices::{ACTIVATIONS, BATCHES, Choice, ChosenActivation, ChosenLoss, ChosenOptimizer, LOSSES, OPTIMIZERS};
pub use further::{BATCH as FURTHER_BATCH, FurtherCase, SAMPLES as FURTHER_SAMPLES, WIDEST as FURTHER_WIDEST, frozen};
pub use networks::{NETWORK_SAMPLES, network_name, network_seed};

use baregrad::scalar;
use baregrad::state::State;
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

/// Steps that each case trains.
pub const STEPS: usize = 20;
/// Steps after which the parameters are reported.
pub const REPORTED: [usize; 4] = [1, 2, 5, STEPS];
/// Samples whose outputs are reported before training.
pub const OUTPUTS: usize = 8;
/// Digits in use: the first rows of the training set.
pub const DIGITS: usize = 200;

/// Rates by which XOR (squared error) and iris (cross-entropy) diverge.
pub const DIVERGENCE: [f32; 2] = [10.0, 1e20];
/// Steps within which they do.
pub const MOST_DIVERGING: u32 = 200;

/// CRC-32 of `f32` values, little-endian.
pub struct Checksum<'a>(crc::Digest<'a, u32, NoTable>);

/// The CRC of Ethernet and zip.
pub static CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

impl Checksum<'_> {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self(CRC.digest())
    }

    /// Adds values. Every NaN counts as the same one: its payload may differ between processors.
    pub fn add(&mut self, values: &[f32]) {
        for value in values {
            let bits = if value.is_nan() { 0x7fc0_0000 } else { value.to_bits() };
            self.0.update(&bits.to_le_bytes());
        }
    }

    /// Adds the numbers of a state, all of them `f32`.
    pub fn add_state(&mut self, state: &impl State) {
        state.save(&mut |number| self.add(number.first_chunk().map(|bytes| f32::from_le_bytes(*bytes)).as_slice()));
    }

    /// The sum.
    pub fn finish(self) -> u32 {
        self.0.finalize()
    }
}

impl Default for Checksum<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// A scalar function with its name.
pub type Function = (&'static str, fn(f32) -> f32);

/// The scalar functions, each summed over a fixed grid.
pub const FUNCTIONS: [Function; 6] = [
    ("exp", |x| scalar::exp(x)),
    ("tanh", |x| scalar::tanh(x)),
    ("sigmoid", |x| scalar::sigmoid(x)),
    ("ln", |x| scalar::ln(x)),
    ("ln_1p", |x| scalar::ln_1p(x.abs())),
    ("sqrt", |x| scalar::sqrt(x)),
];

/// The grid: every 1,000,003rd bit pattern, a prime, so all exponents, both signs, subnormals, infinities, NaN are met.
pub fn grid() -> impl Iterator<Item = f32> {
    (0..=u32::MAX).step_by(1_000_003).map(f32::from_bits)
}
