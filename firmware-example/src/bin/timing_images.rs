//! As `timing`, for networks on images and sequences: those of the tables in package `catalogue`, with convolutions, pools, residuals, normalizations and
//! dropout.
//!
//! A maximum of a pool lies where the data says, so addresses depend on the data; the instructions must not.
#![no_std]
#![no_main]

#[path = "timing/inputs.rs"]
mod inputs;
#[path = "timing/log.rs"]
mod log;
#[path = "timing/measure.rs"]
mod measure;

use baregrad::shape::Features;
use baregrad::{CrossEntropy, Identity, Network};
use catalogue::blocks::each_network_of_blocks;
use catalogue::networks::{CLASSES, Row, VisitNetworks, each_network};
use catalogue::optimizers::SavedRule;
use cortex_m_rt::entry;
use firmware_example::board;
use instruction_counter::Counter;
use log::Log;

#[entry]
fn main() -> ! {
    let mut counter = log::start();
    let (log, seen) = Log::begin(&mut counter);
    let mut all = Images { counter, log };
    each_network(&mut all);
    each_network_of_blocks(&mut all);
    board::exit(seen && all.log.networks >= 27 && all.log.end())
}

struct Images {
    counter: Counter,
    log: Log,
}

impl VisitNetworks for Images {
    fn network<N, O, const B: usize, const FLOATS: usize>(&mut self, row: Row, start: O)
    where
        N: Network<Out = Features<CLASSES>, Activation = Identity>,
        O: SavedRule,
    {
        let counted = measure::measure::<N, _, _, u8, B, FLOATS>(&mut self.counter, start, CrossEntropy);
        self.log.row(row.name, counted);
    }
}
