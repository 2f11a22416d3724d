//! A training for each network on images of the table, package `catalogue`.

use core::fmt::{self, Write};

use baregrad::fingerprint::Fingerprint;
use baregrad::initializer::uniform;
use baregrad::shape::{Features, SampleOf, Values};
use baregrad::{CrossEntropy, Dataset, Identity, Network, Zero};
use catalogue::blocks::each_network_of_blocks;
use catalogue::networks::{CLASSES, Row, VisitNetworks, each_network};
use catalogue::optimizers::SavedRule;
use heapless::String;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;

use super::Report;
use super::cases::{Sample, Start, train};

/// Images of the data set; image `k` is of class `k % CLASSES`.
pub const NETWORK_SAMPLES: usize = 12;

/// The name of a row: `Images/conv-same/Sgd/3`.
pub fn network_name(row: &Row) -> impl fmt::Display + use<> {
    let Row { name, optimizer, batch, .. } = *row;
    fmt::from_fn(move |f| write!(f, "Images/{name}/{optimizer}/{batch}"))
}

/// Seed of the images, and one less than that of the weights and the batches.
pub fn network_seed(row: &Row) -> u64 {
    u64::from(Fingerprint::of(row.name).name(row.optimizer).value())
}

/// Trains those of convolutions and pools.
pub(super) fn train_networks(report: Report<'_>) {
    each_network(&mut Networks(report));
}

/// Trains those with residuals and normalization.
pub(super) fn train_blocks(report: Report<'_>) {
    each_network_of_blocks(&mut Networks(report));
}

struct Networks<'a>(Report<'a>);

impl VisitNetworks for Networks<'_> {
    #[inline(never)]
    fn network<N, O, const B: usize, const FLOATS: usize>(&mut self, row: Row, start: O)
    where
        N: Network<Out = Features<CLASSES>, Activation = Identity>,
        O: SavedRule,
    {
        let mut generator = Pcg32::new(network_seed(&row), 0);
        let mut inputs = [AsItIs::<SampleOf<N::In>>(Zero::ZERO); NETWORK_SAMPLES];
        let mut labels = [0_u8; NETWORK_SAMPLES];
        for ((input, label), class) in inputs.iter_mut().zip(&mut labels).zip((0..CLASSES as u8).cycle()) {
            input.0.values_mut().fill_with(|| uniform(-1.0, 1.0, generator.next_u32()));
            *label = class;
        }
        // Were a name longer, it would be empty and no line would be as expected.
        let mut name = String::<64>::new();
        let _ = write!(name, "{}", network_name(&row));
        let start_of = Start { name: &name, seed: network_seed(&row).wrapping_add(1), widest: 0.5 };
        let data = Dataset::from_arrays(&inputs, &labels);
        train::<N, _, _, _, _, B, FLOATS>(start_of, data, start, self.0, |trainer, _, batch, optimizer| {
            trainer.step(batch, CrossEntropy, optimizer)
        });
    }
}

/// A sample of the network's own type.
#[derive(Clone, Copy)]
struct AsItIs<X>(X);

impl<X: Copy> Sample<X> for AsItIs<X> {
    fn convert(&self) -> X {
        self.0
    }
}
