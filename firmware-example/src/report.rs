//! What every program prints at its end.

use baregrad::layer::Layer;
use baregrad::optimizer::Optimizer;
use baregrad::train::Trainer;
use defmt::{error, info};

use crate::{expected_crc, weights_crc};

/// Bytes of RAM by part.
pub fn memory<N: Layer, O: Optimizer, const B: usize>(_trainer: &Trainer<N, O, B>) {
    info!(
        "RAM: weights {=usize} + optimizer {=usize} + workspace {=usize} = {=usize} bytes",
        Trainer::<N, O, B>::NETWORK_BYTES,
        Trainer::<N, O, B>::SLOT_BYTES,
        Trainer::<N, O, B>::WORKSPACE_BYTES,
        Trainer::<N, O, B>::BYTES
    );
}

/// CRC-32 of the weights; whether it is the one in `expected.txt`.
pub fn crc(program: &str, network: &impl Layer) -> bool {
    let crc = weights_crc(network);
    match expected_crc(program) {
        Some(expected) if expected == crc => {
            info!("{=str}: CRC-32 of the weights {=u32:08x}, as expected", program, crc);
            true
        }
        Some(expected) => {
            error!("{=str}: CRC-32 of the weights {=u32:08x}, expected {=u32:08x}", program, crc, expected);
            false
        }
        None => {
            error!("{=str}: CRC-32 of the weights {=u32:08x}, and none to compare with", program, crc);
            false
        }
    }
}
