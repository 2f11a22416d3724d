//! Iris learned in slices of bounded time by a main loop, while an interrupt predicts with the last finished weights: what the programs
//! that do so have in common. How the weights come from the one to the other is theirs.

use core::task::Poll;

use baregrad::{Adam, CrossEntropy, HeUniform, Network, Order, StepError};
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use defmt::{error, info};
use rand_pcg::Pcg32;

use crate::iris::{self, BATCH, EPOCHS, IrisTrainer, TRAIN};
use crate::report;

/// Ticks between two predictions: about 18,600 instructions.
pub const PERIOD: u32 = 200_000;
/// Ticks of 1,000 instructions in QEMU: 64 µs of 168 MHz.
const TICKS_PER_1000: u64 = 10_752;
/// Instructions that a slice may take, predictions that interrupt it included.
const SLICE_LIMIT: u64 = 8_000;
/// Instructions for which interrupts may be off.
const LATENCY_LIMIT: u64 = 1_000;

/// What the sensor sees.
const FLOWER: [f32; 4] = [5.1, 3.5, 1.4, 0.2];

/// A finished network, and what it says of the flower that the sensor sees: by that the interrupt knows whether its copy is whole.
#[derive(Clone, Copy)]
pub struct Version {
    network: iris::Net,
    logits: [f32; 3],
}

impl Version {
    /// A copy of the network as it is.
    fn of(network: &iris::Net) -> Self {
        Self { network: *network, logits: *network.predict(&iris::standardise(FLOWER)).as_array() }
    }

    /// Predicts; whether the prediction has the bits that it must have by these weights.
    pub fn predicts_as_whole(&self) -> bool {
        let logits = *self.network.predict(&iris::standardise(FLOWER)).as_array();
        logits.map(f32::to_bits) == self.logits.map(f32::to_bits)
    }
}

/// What the interrupt has seen.
#[derive(Clone, Copy)]
pub struct Served {
    predictions: u32,
    /// Predictions that are not those of the version they were made by.
    torn: u32,
    /// The most ticks between a period's end and the interrupt: for so long interrupts were off.
    latency: u32,
}

impl Served {
    /// Nothing yet.
    pub const NONE: Self = Self { predictions: 0, torn: 0, latency: 0 };

    /// Counts a prediction, by an interrupt that began so many ticks after its period's end.
    pub fn count(&mut self, whole: bool, latency: u32) {
        self.predictions += 1;
        self.torn += u32::from(!whole);
        self.latency = self.latency.max(latency);
    }
}

/// Trains, giving each finished version to `publish`, and reports; whether everything was as it must be.
pub fn run(
    trainer: &mut IrisTrainer,
    order: &mut Order<120>,
    clock: &mut Clock,
    mut publish: impl FnMut(&Version),
    mut served: impl FnMut() -> Served,
) -> bool {
    let (slice, replacement) = match train(trainer, order, clock, &mut publish) {
        Ok((slice, replacement)) => (instructions(slice), instructions(replacement)),
        Err(error) => {
            error!("training stopped: {}", error);
            return false;
        }
    };
    let while_training = served();
    let latency = instructions(while_training.latency);
    let check_works = torn_is_noticed(&trainer.network, publish, served);
    clock.stop();
    let Served { predictions, torn, .. } = while_training;
    info!("served {=u32} predictions while training, {=u32} of them torn", predictions, torn);
    info!("longest slice {=u64} instructions, at most {=u64}", slice, SLICE_LIMIT);
    info!("a new version replaces the old in {=u64} instructions, at most {=u64}", replacement, LATENCY_LIMIT);
    info!("an interrupt began {=u64} instructions late at the most, at most {=u64}", latency, LATENCY_LIMIT);
    info!("a version torn on purpose was noticed: {=bool}", check_works);
    let in_time = slice <= SLICE_LIMIT && replacement.max(latency) <= LATENCY_LIMIT;
    report::crc("iris", &trainer.network) && predictions > 100 && torn == 0 && in_time && check_works
}

/// The training of [`iris::train`], each step of it in slices; gives the ticks of the longest slice and those that it takes to replace
/// a version.
fn train(
    trainer: &mut IrisTrainer,
    order: &mut Order<120>,
    clock: &mut Clock,
    publish: &mut impl FnMut(&Version),
) -> Result<(u32, u32), StepError> {
    let mut generator = Pcg32::new(iris::SEED, 0);
    trainer.network.initialize(HeUniform, &mut generator);
    let mut optimizer = Adam::new(iris::LEARNING_RATE);
    // Whether an interrupt waits for a replacement is chance, so how long one takes is measured apart. It takes equally long each time,
    // but for the predictions that interrupt the measurement: the shortest is without any.
    let (mut longest, mut replacement) = (0, u32::MAX);
    for _epoch in 0..EPOCHS {
        let version = Version::of(&trainer.network);
        let started = clock.now();
        publish(&version);
        replacement = replacement.min(clock.now().wrapping_sub(started));
        order.shuffle(&mut generator);
        for batch in TRAIN.batches(order, BATCH)? {
            let mut step = trainer.step_in_slices(&batch, CrossEntropy, &mut optimizer);
            loop {
                let started = clock.now();
                let polled = step.poll()?;
                longest = longest.max(clock.now().wrapping_sub(started));
                match polled {
                    Poll::Pending => {} // Whatever else is due, a watchdog say, has its turn here.
                    Poll::Ready(_loss) => break,
                }
            }
        }
    }
    Ok((longest, replacement))
}

/// Publishes a version of which one weight is another's; whether the predictions after it notice.
fn torn_is_noticed(network: &iris::Net, mut publish: impl FnMut(&Version), mut served: impl FnMut() -> Served) -> bool {
    let mut version = Version::of(network);
    version.network.1.bias[0] += 1.0;
    publish(&version);
    let before = served();
    loop {
        let now = served();
        if now.predictions > before.predictions + 1 {
            return now.torn > before.torn;
        }
    }
}

/// SysTick as a clock, with an interrupt at each period's end.
pub struct Clock {
    syst: SYST,
    /// Ticks of the whole periods so far.
    whole: u32,
}

impl Clock {
    /// Starts the timer and its interrupt.
    pub fn start(mut syst: SYST) -> Self {
        syst.set_clock_source(SystClkSource::Core);
        syst.set_reload(PERIOD);
        syst.clear_current();
        syst.enable_counter();
        syst.enable_interrupt();
        Self { syst, whole: 0 }
    }

    /// Ticks since the last period's end.
    pub fn since_period_end() -> u32 {
        PERIOD - SYST::get_current()
    }

    /// Ticks since the start; to be asked at least once a period.
    fn now(&mut self) -> u32 {
        let before = Self::since_period_end();
        if self.syst.has_wrapped() {
            self.whole = self.whole.wrapping_add(PERIOD + 1);
            return self.whole.wrapping_add(Self::since_period_end());
        }
        self.whole.wrapping_add(before)
    }

    fn stop(&mut self) {
        self.syst.disable_interrupt();
    }
}

fn instructions(ticks: u32) -> u64 {
    u64::from(ticks) * 1000 / TICKS_PER_1000
}
