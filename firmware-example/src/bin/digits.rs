//! Learns handwritten digits: 1438 train, 359 test, batches of 16, plain SGD.
//!
//! You will see loss and test accuracy after each epoch, the memory used, and the CRC-32 of the final weights, which is the same on
//! every machine. Ends well only with at least 95 % of the test digits right and the expected CRC.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::{Network, Order, Sgd, Zero};
use cortex_m_rt::entry;
use defmt::{error, info};
use firmware_example::digits::{self, BATCH, EPOCHS, State, TRAIN};
use firmware_example::{board, report};
use static_cell::ConstStaticCell;

static STATE: ConstStaticCell<State> = ConstStaticCell::new(State::ZERO);
static ORDER: ConstStaticCell<Order<1438>> = ConstStaticCell::new(Order::IDENTITY);

#[entry]
fn main() -> ! {
    info!("digits: 64-32-10, ReLU, softmax cross-entropy, SGD, {=u32} epochs in batches of {=usize}", EPOCHS, BATCH);
    let state = STATE.take();
    let result = digits::train(state, ORDER.take(), |progress| {
        info!("epoch {=u32}  loss {=f32}  test {=usize}/359", progress.epoch, progress.loss, progress.test_right);
    });
    let learned = match result {
        Ok(progress) => progress.test_right * 100 >= digits::test_samples() * 95,
        Err(error) => {
            error!("digits: training stopped: {}", error);
            false
        }
    };
    report::memory(&state.trainer);
    info!("RAM: gather buffer {=usize} bytes", size_of_val(&state.gathered));
    let same = report::crc("digits", &state.trainer.network);
    let State { trainer, gathered } = state;
    let mut optimizer = Sgd::new(digits::LEARNING_RATE);
    let batch = TRAIN.batch(&[0_u16; BATCH][..]).and_then(|batch| gathered.gather(&batch, digits::scale));
    let step = match batch {
        Ok(batch) => report::stack_of(|| digits::step(trainer, batch, &mut optimizer)),
        Err(_) => None,
    };
    let predict = report::stack_of(|| trainer.network.predict(black_box(&[0.5; 64])));
    let measured = report::stack(step, predict, 1024);
    board::exit(learned && same && measured)
}
