//! Learns iris in slices of bounded time, while an interrupt predicts with the last finished weights.
//!
//! SysTick is the sensor: each time it classifies a flower by the newest published copy of the network. The main loop trains another copy,
//! slice by slice, and publishes it after each epoch. You will see how many predictions were served and that each was made by
//! one whole version of the weights, the longest slice, the longest time that interrupts were off, and the CRC-32 of the weights,
//! which is that of `iris`: slices give the bits of whole steps. Ends well only if all of it is so.
//!
//! Instructions are counted by QEMU's `-icount shift=6`, as `run.sh train_while_serving` makes it.
#![no_std]
#![no_main]

use core::cell::Cell;
use core::task::Poll;

use baregrad::{Adam, CrossEntropy, HeUniform, Network, Order, StepError};
use cortex_m::interrupt::{self, Mutex};
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{entry, exception};
use defmt::{error, info};
use firmware_example::iris::{self, BATCH, EPOCHS, IrisTrainer, TRAIN};
use firmware_example::{board, report};
use rand_pcg::Pcg32;
use static_cell::ConstStaticCell;

/// Ticks between two predictions: about 18,600 instructions.
const PERIOD: u32 = 200_000;
/// Ticks of 1,000 instructions in QEMU: 64 µs of 168 MHz.
const TICKS_PER_1000: u64 = 10_752;
/// Instructions that a slice may take, predictions that interrupt it included.
const SLICE_LIMIT: u64 = 8_000;
/// Instructions for which interrupts may be off.
const LATENCY_LIMIT: u64 = 1_000;

static TRAINER: ConstStaticCell<IrisTrainer> = ConstStaticCell::new(IrisTrainer::NEW);
static ORDER: ConstStaticCell<Order<120>> = ConstStaticCell::new(Order::IDENTITY);

/// A finished network, and what it says of [`FLOWER`]: by that the interrupt knows whether its copy is whole.
#[derive(Clone, Copy)]
struct Version {
    network: iris::Net,
    logits: [f32; 3],
}

/// What the interrupt has seen.
#[derive(Clone, Copy)]
struct Served {
    predictions: u32,
    /// Predictions that are not those of the version they were made by.
    torn: u32,
    /// The most ticks between a period's end and the interrupt: for so long interrupts were off.
    latency: u32,
}

/// The two versions: one in the trainer, at work, and this one. It is replaced as a whole while interrupts are off.
static NEWEST: Mutex<Cell<Option<Version>>> = Mutex::new(Cell::new(None));
static SERVED: Mutex<Cell<Served>> = Mutex::new(Cell::new(Served { predictions: 0, torn: 0, latency: 0 }));

/// What the sensor sees.
const FLOWER: [f32; 4] = [5.1, 3.5, 1.4, 0.2];

#[exception]
fn SysTick() {
    let latency = PERIOD - SYST::get_current();
    let version = interrupt::free(|token| NEWEST.borrow(token).get());
    let Some(version) = version else { return };
    let logits = *version.network.predict(&iris::standardise(FLOWER)).as_array();
    interrupt::free(|token| {
        let cell = SERVED.borrow(token);
        let mut served = cell.get();
        served.predictions += 1;
        served.torn += u32::from(logits.map(f32::to_bits) != version.logits.map(f32::to_bits));
        served.latency = served.latency.max(latency);
        cell.set(served);
    });
}

#[entry]
fn main() -> ! {
    info!("train_while_serving: iris in slices, a prediction every {=u32} ticks", PERIOD);
    let Some(peripherals) = cortex_m::Peripherals::take() else { board::exit(false) };
    let mut clock = Clock::start(peripherals.SYST);
    let trainer = TRAINER.take();
    let longest = match train(trainer, ORDER.take(), &mut clock) {
        Ok(longest) => instructions(longest.into()),
        Err(error) => {
            error!("train_while_serving: training stopped: {}", error);
            board::exit(false)
        }
    };
    let served = interrupt::free(|token| SERVED.borrow(token).get());
    let latency = instructions(served.latency.into());
    let check_works = torn_on_purpose(trainer);
    clock.stop();
    info!("served {=u32} predictions while training, {=u32} of them torn", served.predictions, served.torn);
    info!("longest slice {=u64} instructions, at most {=u64}", longest, SLICE_LIMIT);
    info!("interrupts off for {=u64} instructions at the longest, at most {=u64}", latency, LATENCY_LIMIT);
    info!("a version torn on purpose was noticed: {=bool}", check_works);
    let right = served.predictions > 100 && served.torn == 0 && longest <= SLICE_LIMIT && latency <= LATENCY_LIMIT;
    board::exit(report::crc("iris", &trainer.network) && right && check_works)
}

/// The training of [`iris::train`], each step of it in slices; gives the ticks of the longest slice.
fn train(trainer: &mut IrisTrainer, order: &mut Order<120>, clock: &mut Clock) -> Result<u32, StepError> {
    let mut generator = Pcg32::new(iris::SEED, 0);
    trainer.network.initialize(HeUniform, &mut generator);
    let mut optimizer = Adam::new(iris::LEARNING_RATE);
    let mut longest = 0;
    for _epoch in 0..EPOCHS {
        publish(trainer);
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
    Ok(longest)
}

/// Makes the trained network the one that predicts.
fn publish(trainer: &IrisTrainer) {
    let network = trainer.network;
    let logits = *network.predict(&iris::standardise(FLOWER)).as_array();
    interrupt::free(|token| NEWEST.borrow(token).set(Some(Version { network, logits })));
}

/// Publishes a network of which one weight is another version's; whether the next prediction notices.
fn torn_on_purpose(trainer: &IrisTrainer) -> bool {
    publish(trainer);
    let before = interrupt::free(|token| {
        if let Some(mut version) = NEWEST.borrow(token).get() {
            version.network.1.bias[0] += 1.0;
            NEWEST.borrow(token).set(Some(version));
        }
        SERVED.borrow(token).get()
    });
    loop {
        let served = interrupt::free(|token| SERVED.borrow(token).get());
        if served.predictions > before.predictions + 1 {
            return served.torn > before.torn;
        }
    }
}

/// SysTick as a clock.
struct Clock {
    syst: SYST,
    /// Ticks of the whole periods so far.
    whole: u32,
}

impl Clock {
    fn start(mut syst: SYST) -> Self {
        syst.set_clock_source(SystClkSource::Core);
        syst.set_reload(PERIOD);
        syst.clear_current();
        syst.enable_counter();
        syst.enable_interrupt();
        Self { syst, whole: 0 }
    }

    /// Ticks since the start; to be asked at least once a period.
    fn now(&mut self) -> u32 {
        let before = SYST::get_current();
        if self.syst.has_wrapped() {
            self.whole = self.whole.wrapping_add(PERIOD + 1);
            return self.whole.wrapping_add(PERIOD - SYST::get_current());
        }
        self.whole.wrapping_add(PERIOD - before)
    }

    fn stop(&mut self) {
        self.syst.disable_interrupt();
    }
}

fn instructions(ticks: u64) -> u64 {
    ticks * 1000 / TICKS_PER_1000
}
