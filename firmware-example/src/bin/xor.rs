//! Learns XOR, full batch, until all four cases are right and the steps are done.
//!
//! You will see the loss fall, the four predictions, the memory used, and the CRC-32 of the final weights, which is the same
//! on every machine. Ends well only with four of four and the expected CRC.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::{Network, Sgd};
use cortex_m_rt::entry;
use defmt::{error, info};
use firmware_example::xor::{self, INPUTS, STEPS, XorTrainer};
use firmware_example::{board, report};
use static_cell::ConstStaticCell;

static TRAINER: ConstStaticCell<XorTrainer> = ConstStaticCell::new(XorTrainer::NEW);

#[entry]
fn main() -> ! {
    info!("xor: 2-4-1, tanh, binary cross-entropy, SGD, {=u32} steps of all four cases", STEPS);
    let trainer = TRAINER.take();
    let result = xor::train(trainer, |progress| {
        info!("step {=u32}  loss {=f32}  right {=u32}/4", progress.step, progress.loss, progress.right);
    });
    let learned = match result {
        Ok(progress) => progress.right == 4,
        Err(error) => {
            error!("xor: training stopped: {}", error);
            false
        }
    };
    for input in &INPUTS {
        let [logit] = *trainer.network.predict(input).as_array();
        info!("{=f32} xor {=f32} = {=bool}  (logit {=f32})", input[0], input[1], logit > 0.0, logit);
    }
    info!("xor: {=u32}/4 right", xor::right(&trainer.network));
    report::memory(trainer);
    let same = report::crc("xor", &trainer.network);
    let mut optimizer = Sgd::new(xor::LEARNING_RATE);
    let step = report::stack_of(|| xor::step(trainer, &mut optimizer));
    let predict = report::stack_of(|| trainer.network.predict(black_box(&INPUTS[3])));
    let measured = report::stack(step, predict, 384);
    board::exit(learned && same && measured)
}
