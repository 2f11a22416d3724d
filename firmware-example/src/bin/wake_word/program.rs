//! What the programs `wake_word` and `keyword_spotting` do.

use core::hint::black_box;

use baregrad::data::Samples;
use baregrad::{Sgd, Trainer};
use defmt::{error, info};
use instruction_counter::{Counter, Machine};
use painted_stack::Used;

use firmware_example::lesson::{self, Lesson, step};
use firmware_example::{board, report};

/// Where the RAM ends, and how much of it the linker is told that there is: `mps2_an386.x`. All is counted from its end, because `flip-link` puts the
/// stack below the statics; what needs more does not link, or faults.
const RAM: usize = 256 * 1024;
const RAM_END: usize = 0x2000_0000 + RAM;
/// Bytes of the stack that are painted; beside the wake word little more is left of the RAM.
const PAINTED: usize = 2048;

/// Trains, prints what came of it, and ends the program: well only if all test patterns are right in the end, with the expected CRC, and in that RAM.
pub(crate) fn run<N: Lesson<CLASSES>, const CLASSES: usize, const FLOATS: usize>(
    trainer: &mut Trainer<N, Sgd, 1, FLOATS>,
) -> ! {
    let (parameters, epochs) = (N::PARAMETERS, N::EPOCHS);
    info!("{=usize} parameters, softmax cross-entropy, SGD, {=u32} epochs, one sample a step", parameters, epochs);
    let mut learned = false;
    let used = painted_stack::stack_within(PAINTED, || learned = train(trainer));
    let same = report::crc(N::TRAINED, &trainer.network);
    report::memory(trainer);
    let fits = fits(used, size_of_val(trainer));
    count(trainer);
    board::exit(learned && same && fits)
}

/// Trains, and whether all test patterns are right in the end.
fn train<N: Lesson<CLASSES>, const CLASSES: usize, const FLOATS: usize>(
    trainer: &mut Trainer<N, Sgd, 1, FLOATS>,
) -> bool {
    let result = lesson::train(trainer, |progress| {
        let (epoch, loss, right) = (progress.epoch, progress.loss, progress.right);
        info!("epoch {=u32}  loss {=f32}  test {=usize}/{=usize}", epoch, loss, right, N::TEST.len());
    });
    match result {
        Ok(progress) => progress.right == N::TEST.len(),
        Err(error) => {
            error!("training stopped: {}", error);
            false
        }
    }
}

/// Prints what is taken of the RAM beside the trainer, and whether all of it is within what there is.
fn fits(used: Option<Used>, trainer: usize) -> bool {
    let Some(Used { bytes, lowest }) = used else {
        error!("stack: more than {=usize} bytes", PAINTED);
        return false;
    };
    let all = RAM_END - lowest;
    let others = all - bytes - trainer;
    info!(
        "RAM: stack of the training {=usize}, all else {=usize}: {=usize} of {=usize} bytes",
        bytes, others, all, RAM
    );
    all <= RAM
}

/// Prints the instructions of a step.
fn count<N: Lesson<CLASSES>, const CLASSES: usize, const FLOATS: usize>(trainer: &mut Trainer<N, Sgd, 1, FLOATS>) {
    let counter =
        cortex_m::Peripherals::take().map(|parts| Counter::start_on(Machine::MPS2_AN386, parts.SYST, |_, _| {}));
    if let (Some(Ok(mut counter)), Ok(mut samples)) = (counter, N::TRAIN.chunks(1))
        && let Some(sample) = samples.next()
    {
        let instructions = counter.of(|| {
            black_box(step(trainer, &sample).is_ok());
        });
        info!("a step takes {=u64} instructions", instructions);
    }
}
