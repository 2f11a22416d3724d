//! The streaming wake word of MLPerf Tiny learns on the device: every layer, 46,883 parameters, batches of one, plain SGD, in 262,144 bytes of RAM.
//!
//! You will see loss and accuracy on test patterns before and after each epoch, the instructions of a step (if QEMU counts them, as `run.sh wake_word`
//! makes it), the RAM by part, and the CRC-32 of the final weights, which is the same on every machine. Ends well only if all test patterns are right in
//! the end, with the expected CRC, and in that RAM.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::data::Samples;
use cortex_m_rt::entry;
use defmt::{error, info};
use firmware_example::wake_word::{self, EPOCHS, TEST, TRAIN, WakeWordTrainer};
use firmware_example::{board, report};
use instruction_counter::{Counter, Machine};
use painted_stack::Used;
use static_cell::ConstStaticCell;

/// Where the RAM ends, and how much of it the linker is told that there is: `mps2_an386.x`. All is counted from its end, because `flip-link` puts the
/// stack below the statics; what needs more does not link, or faults.
const RAM: usize = 256 * 1024;
const RAM_END: usize = 0x2000_0000 + RAM;
/// Bytes of the stack that are painted; little more is left of the RAM.
const PAINTED: usize = 2048;

static TRAINER: ConstStaticCell<WakeWordTrainer> = ConstStaticCell::new(WakeWordTrainer::NEW);

#[entry]
fn main() -> ! {
    info!("wake_word: 46,883 parameters, softmax cross-entropy, SGD, {=u32} epochs, one sample a step", EPOCHS);
    let trainer = TRAINER.take();
    let mut learned = false;
    let used = painted_stack::stack_within(PAINTED, || learned = train(trainer));
    let same = report::crc("wake_word_trained", &trainer.network);
    report::memory(trainer);
    let fits = fits(used);
    count(trainer);
    board::exit(learned && same && fits)
}

/// Trains, and whether all test patterns are right in the end.
fn train(trainer: &mut WakeWordTrainer) -> bool {
    let result = wake_word::train(trainer, |progress| {
        let (epoch, loss, right) = (progress.epoch, progress.loss, progress.right);
        info!("epoch {=u32}  loss {=f32}  test {=usize}/{=usize}", epoch, loss, right, TEST.len());
    });
    match result {
        Ok(progress) => progress.right == TEST.len(),
        Err(error) => {
            error!("wake_word: training stopped: {}", error);
            false
        }
    }
}

/// Prints what is taken of the RAM beside the trainer, and whether all of it is within what there is.
fn fits(used: Option<Used>) -> bool {
    let Some(Used { bytes, lowest }) = used else {
        error!("stack: more than {=usize} bytes", PAINTED);
        return false;
    };
    let all = RAM_END - lowest;
    let others = all - bytes - size_of::<WakeWordTrainer>();
    info!(
        "RAM: stack of the training {=usize}, all else {=usize}: {=usize} of {=usize} bytes",
        bytes, others, all, RAM
    );
    all <= RAM
}

/// Prints the instructions of a step.
fn count(trainer: &mut WakeWordTrainer) {
    let counter =
        cortex_m::Peripherals::take().map(|parts| Counter::start_on(Machine::MPS2_AN386, parts.SYST, |_, _| {}));
    if let (Some(Ok(mut counter)), Ok(mut samples)) = (counter, TRAIN.chunks(1))
        && let Some(sample) = samples.next()
    {
        let instructions = counter.of(|| {
            black_box(wake_word::step(trainer, &sample).is_ok());
        });
        info!("wake_word: a step takes {=u64} instructions", instructions);
    }
}
