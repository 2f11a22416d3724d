//! The streaming wake word of MLPerf Tiny learns on the device: every layer, 46,883 parameters, batches of one, plain SGD, in 262,144 bytes of RAM.
//!
//! You will see loss and accuracy on test patterns before and after each epoch, the RAM by part, the CRC-32 of the final weights, which is the same on
//! every machine, and the instructions of a step (if QEMU counts them, as `run.sh wake_word` makes it).
#![no_std]
#![no_main]

mod program;

use cortex_m_rt::entry;
use firmware_example::wake_word::WakeWordTrainer;
use static_cell::ConstStaticCell;

static TRAINER: ConstStaticCell<WakeWordTrainer> = ConstStaticCell::new(WakeWordTrainer::NEW);

#[entry]
fn main() -> ! {
    program::run(TRAINER.take())
}
