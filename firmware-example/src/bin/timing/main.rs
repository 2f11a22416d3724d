//! Shows that time does not depend on the data: counts the instructions of steps and predictions for 1,000 inputs each.
//!
//! You will see a line for each network: the least and the most instructions of a step, of a prediction, of the longest slice of a
//! step in slices and of all its slices; and how many steps were refused with an error. The inputs are zeros, ones, random, tiny,
//! subnormal, huge and saturating, each with other weights; the networks are those of `same_bits` (every activation, loss and
//! optimizer), of the example programs, and one for each further optimizer and activation. Ends well only if the least
//! is the most everywhere, and if a loop that differs by one instruction was seen to do so.
//!
//! QEMU must count by `-icount shift=6`, as `run.sh timing` makes it.
#![no_std]
#![no_main]

mod further;
mod inputs;
mod log;
mod measure;

use baregrad::{Adam, BinaryCrossEntropy, CrossEntropy, Dense, Sgd, floats};
use cortex_m_rt::entry;
use firmware_example::same_bits::{BATCHES, Case, Choice, ChosenActivation, ChosenLoss, ChosenOptimizer, small_case};
use firmware_example::{board, digits, iris, xor};
use instruction_counter::Counter;
use log::Log;
use measure::{Measured, measure};

#[entry]
fn main() -> ! {
    let mut counter = log::start();
    let (mut log, seen) = Log::begin(&mut counter);
    programs(&mut counter, &mut log);
    cases(&mut counter, &mut log);
    let of_cases = log.networks;
    further::further(&mut counter, &mut log);
    board::exit(seen && of_cases == 93 && log.end())
}

/// The networks of the example programs.
fn programs(counter: &mut Counter, log: &mut Log) {
    let counted = measure::<xor::Net, _, _, [f32; 1], 4, { floats::<xor::Net>() }>(
        counter,
        Sgd::new(xor::LEARNING_RATE),
        BinaryCrossEntropy,
    );
    log.row("xor: 2-4-1, SGD, batch 4", counted);
    let rule = Adam::new(iris::LEARNING_RATE);
    log.row(
        "iris: 4-16-3, Adam, batch 16",
        measure::<iris::Net, _, _, u8, 16, { floats::<iris::Net>() }>(counter, rule, CrossEntropy),
    );
    let rule = Sgd::new(digits::LEARNING_RATE);
    log.row(
        "digits: 64-32-10, SGD, batch 16",
        measure::<digits::Net, _, _, u8, 16, { floats::<digits::Net>() }>(counter, rule, CrossEntropy),
    );
}

/// Each optimizer with loss `$loss`, in a network of these sizes with such targets.
macro_rules! each_optimizer {
    ($counter:ident, $log:ident, $sizes:tt $target:ty, $loss:literal) => {
        each_optimizer!($counter, $log, $sizes $target, $loss: 0 1 2 3 4 5 6 7 8 9)
    };
    ($counter:ident, $log:ident, $sizes:tt $target:ty, $loss:literal: $($optimizer:literal)*) => { $(
        one_case!($counter, $log, $sizes $target, small_case($loss, $optimizer));
    )* };
}

macro_rules! one_case {
    ($counter:ident, $log:ident, ($inputs:literal $hidden:literal $outputs:literal) $target:ty, $case:expr) => {{
        const CASE: Case = $case;
        const BATCH: usize = BATCHES[CASE.batch];
        type A = <Choice<{ CASE.activation }> as ChosenActivation>::Is;
        type L = Choice<{ CASE.loss }>;
        type O = Choice<{ CASE.optimizer }>;
        type Net = (Dense<$inputs, $hidden, A>, Dense<$hidden, $outputs, <L as ChosenLoss<A>>::Output>);
        let (rule, loss) = (<O as ChosenOptimizer>::START, <L as ChosenLoss<A>>::LOSS);
        log_case($log, CASE, measure::<Net, _, _, $target, BATCH, { floats::<Net>() }>($counter, rule, loss));
    }};
}

/// Each loss with each optimizer; activation and batch size go through theirs along the way.
fn cases(counter: &mut Counter, log: &mut Log) {
    each_optimizer!(counter, log, (2 3 1) [f32; 1], 0);
    each_optimizer!(counter, log, (2 3 1) [f32; 1], 1);
    each_optimizer!(counter, log, (2 3 1) [f32; 1], 2);
    each_optimizer!(counter, log, (2 3 1) [f32; 1], 3);
    each_optimizer!(counter, log, (2 3 1) [f32; 1], 4);
    each_optimizer!(counter, log, (2 3 1) [f32; 1], 5);
    each_optimizer!(counter, log, (4 5 3) u8, 6);
    each_optimizer!(counter, log, (4 5 3) u8, 7);
    each_optimizer!(counter, log, (4 5 3) u8, 8);
}

fn log_case(log: &mut Log, case: Case, measured: Measured) {
    let mut name = heapless::String::<64>::new();
    // The longest name has 45 letters.
    let _ = core::fmt::write(&mut name, format_args!("{case}"));
    log.row(&name, measured);
}
