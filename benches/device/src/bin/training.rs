//! The smallest program that trains a dense network by SGD on softmax cross-entropy and predicts with it; see `nothing`.
//!
//! One sample a step. The weights are taken as they are: no generator and no initializer is part of it.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "a static that is written, on one thread without interrupts")]

use core::hint::black_box;

use baregrad::{CrossEntropy, Dataset, Dense, Network, Relu, Sgd, Trainer};
use benches_device as _;
use cortex_m_rt::entry;

static INPUTS: [[f32; 4]; 1] = [[0.1, 0.2, 0.3, 0.4]];
static LABELS: [u8; 1] = [2];
static mut TRAINER: Trainer<(Dense<4, 16, Relu>, Dense<16, 3>), Sgd, 1> = Trainer::NEW;

#[entry]
fn main() -> ! {
    // SAFETY: this is the only place that names it, it is reached once, and there are no interrupts.
    let trainer = unsafe { &mut *(&raw mut TRAINER) };
    let mut optimizer = Sgd::new(black_box(0.1));
    loop {
        let Ok(samples) = Dataset::new(black_box(&INPUTS[..]), black_box(&LABELS[..])) else { continue };
        black_box(trainer.step(&samples, CrossEntropy, &mut optimizer).is_ok());
        black_box(trainer.network.predict(black_box(&INPUTS[0])).softmax());
    }
}
