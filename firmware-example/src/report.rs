//! What every program prints at its end.

use core::hint::black_box;

use baregrad::optimizer::Optimizer;
use baregrad::train::Trainer;
use baregrad::{Network, Parameters};
use defmt::{error, info};

use crate::{expected_crc, weights_crc};

/// Bytes of RAM by part.
pub fn memory<N: Network, O: Optimizer, const B: usize, const FLOATS: usize>(_trainer: &Trainer<N, O, B, FLOATS>) {
    info!(
        "RAM: weights {=usize} + optimizer {=usize} + workspace {=usize} = {=usize} bytes",
        Trainer::<N, O, B, FLOATS>::NETWORK_BYTES,
        Trainer::<N, O, B, FLOATS>::SLOT_BYTES,
        Trainer::<N, O, B, FLOATS>::WORKSPACE_BYTES,
        Trainer::<N, O, B, FLOATS>::BYTES
    );
}

/// The stack that a call needs; `None` if it is more than the 8 KB that are looked at.
pub fn stack_of<R>(mut call: impl FnMut() -> R) -> Option<usize> {
    painted_stack::stack(|| {
        black_box(call());
    })
}

/// The stack of a training step and of a prediction; whether both are known, and at most `limit` bytes.
pub fn stack(step: Option<usize>, predict: Option<usize>, limit: usize) -> bool {
    let (Some(step), Some(predict)) = (step, predict) else {
        error!("stack: more than 8 KB");
        return false;
    };
    info!("stack: a training step {=usize} bytes, a prediction {=usize} bytes", step, predict);
    let within = step.max(predict) <= limit;
    if !within {
        error!("stack: more than {=usize} bytes", limit);
    }
    within
}

/// CRC-32 of the weights; whether it is the one in `expected.txt`.
pub fn crc(program: &str, network: &impl Parameters) -> bool {
    crc_is(program, "weights", weights_crc(network))
}

/// Prints the CRC-32 of something; whether it is the one in `expected.txt`.
pub fn crc_is(program: &str, what: &str, crc: u32) -> bool {
    match expected_crc(program) {
        Some(expected) if expected == crc => {
            info!("{=str}: CRC-32 of the {=str} {=u32:08x}, as expected", program, what, crc);
            true
        }
        Some(expected) => {
            error!("{=str}: CRC-32 of the {=str} {=u32:08x}, expected {=u32:08x}", program, what, crc, expected);
            false
        }
        None => {
            error!("{=str}: CRC-32 of the {=str} {=u32:08x}, and none to compare with", program, what, crc);
            false
        }
    }
}
