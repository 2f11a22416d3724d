//! Keyword spotting of MLPerf Tiny learns on the device: every layer, 22,604 parameters, batches of one, plain SGD, in 262,144 bytes of RAM, because a part
//! of the layers runs forward again in the backward pass.
//!
//! You will see what `wake_word` prints.
#![no_std]
#![no_main]

#[path = "wake_word/program.rs"]
mod program;

use cortex_m_rt::entry;
use firmware_example::keyword_spotting::KeywordTrainer;
use static_cell::ConstStaticCell;

static TRAINER: ConstStaticCell<KeywordTrainer> = ConstStaticCell::new(KeywordTrainer::NEW);

#[entry]
fn main() -> ! {
    program::run(TRAINER.take())
}
