//! The streaming wake word of MLPerf Tiny learns on the device: every layer, 46,883 parameters, batches of one, plain SGD, in 262,144 bytes of RAM.
//!
//! You will see loss and accuracy on test patterns before and after each epoch, the instructions of a step (if QEMU counts them, as `run.sh wake_word`
//! makes it), the RAM by part, and the CRC-32 of the final weights, which is the same on every machine. Ends well only if all test patterns are right in
//! the end, with the expected CRC, and in that RAM.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::data::Samples;
use cortex_m::register::msp;
use cortex_m_rt::entry;
use defmt::{error, info};
use firmware_example::wake_word::{self, EPOCHS, Patterns, TEST, TRAIN, WakeWordTrainer};
use firmware_example::{board, report};
use instruction_counter::{Counter, Machine};
use static_cell::ConstStaticCell;

/// What the linker is told that there is: `mps2_an386.x`.
const RAM: usize = 256 * 1024;
const RAM_START: usize = 0x2000_0000;
/// Bytes of the stack that are painted; little more is left of the RAM.
const PAINTED: usize = 2048;

static TRAINER: ConstStaticCell<WakeWordTrainer> = ConstStaticCell::new(WakeWordTrainer::NEW);

#[entry]
fn main() -> ! {
    let counter = cortex_m::Peripherals::take()
        .and_then(|parts| Counter::start_on(Machine::MPS2_AN386, parts.SYST, |_, _| {}).ok());
    info!("wake_word: 46,883 parameters, softmax cross-entropy, SGD, {=u32} epochs, one sample a step", EPOCHS);
    let trainer = TRAINER.take();
    let result = wake_word::train(trainer, |progress| {
        let (epoch, loss, right) = (progress.epoch, progress.loss, progress.right);
        info!("epoch {=u32}  loss {=f32}  test {=usize}/{=usize}", epoch, loss, right, TEST.len());
    });
    let learned = match result {
        Ok(progress) => progress.right == TEST.len(),
        Err(error) => {
            error!("wake_word: training stopped: {}", error);
            false
        }
    };
    let same = report::crc("wake_word_trained", &trainer.network);
    let stack = match TRAIN.chunks(1).map(|mut samples| samples.next()) {
        Ok(Some(sample)) => measured(trainer, counter, &sample),
        _ => None,
    };
    report::memory(trainer);
    let fits = fits(stack);
    board::exit(learned && same && fits)
}

/// Instructions of a step, which are printed, and the stack that it needs with the lowest address that it reaches.
#[inline(never)] // so that it has a frame of its own
fn measured(trainer: &mut WakeWordTrainer, counter: Option<Counter>, sample: &Patterns) -> Option<(usize, usize)> {
    let mut step = || {
        black_box(wake_word::step(trainer, sample).is_ok());
    };
    if let Some(mut counter) = counter {
        info!("wake_word: a step takes {=u64} instructions", counter.of(&mut step));
    }
    let bytes = painted_stack::stack_within(PAINTED, step)?;
    Some((bytes, msp::read() as usize - bytes))
}

/// Prints what is taken of the RAM beside the trainer, and whether all of it is within what there is.
///
/// Everything grows from the end of the RAM: `flip-link` puts the stack below the statics.
fn fits(stack: Option<(usize, usize)>) -> bool {
    let Some((stack, lowest)) = stack else {
        error!("stack: more than {=usize} bytes", PAINTED);
        return false;
    };
    let all = RAM_START + RAM - lowest;
    let others = all - stack - size_of::<WakeWordTrainer>();
    info!("RAM: stack of a step {=usize}, all else {=usize}: {=usize} of {=usize} bytes", stack, others, all, RAM);
    all <= RAM
}
