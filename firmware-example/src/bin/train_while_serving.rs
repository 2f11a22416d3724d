//! Learns iris in slices of bounded time, while an interrupt predicts with the last finished weights.
//!
//! SysTick is the sensor: each time it classifies a flower by the newest published copy of the network. The main loop trains another copy,
//! slice by slice, and publishes it after each epoch. You will see how many predictions were served and that each was made by
//! one whole version of the weights, the longest slice, the longest time that interrupts were off, and the CRC-32 of the weights,
//! which is that of `iris`: slices give the bits of whole steps. Ends well only if all of it is so. The training itself is in
//! `src/serving.rs`; `serving_rtic.rs` is the same with RTIC.
//!
//! Instructions are counted by QEMU's `-icount shift=6`, as `run.sh train_while_serving` makes it.
#![no_std]
#![no_main]

use core::cell::Cell;

use baregrad::Order;
use cortex_m::interrupt::{self, Mutex};
use cortex_m_rt::{entry, exception};
use defmt::info;
use firmware_example::board;
use firmware_example::iris::IrisTrainer;
use firmware_example::serving::{self, Clock, PERIOD, Served, Version};
use static_cell::ConstStaticCell;

static TRAINER: ConstStaticCell<IrisTrainer> = ConstStaticCell::new(IrisTrainer::NEW);
static ORDER: ConstStaticCell<Order<120>> = ConstStaticCell::new(Order::IDENTITY);

/// The two versions: one in the trainer, at work, and this one. It is replaced as a whole while interrupts are off.
static NEWEST: Mutex<Cell<Option<Version>>> = Mutex::new(Cell::new(None));
static SERVED: Mutex<Cell<Served>> = Mutex::new(Cell::new(Served::NONE));

#[exception]
fn SysTick() {
    let latency = Clock::since_period_end();
    let version = interrupt::free(|token| NEWEST.borrow(token).get());
    let Some(version) = version else { return };
    let whole = version.predicts_as_whole();
    interrupt::free(|token| {
        let cell = SERVED.borrow(token);
        let mut served = cell.get();
        served.count(whole, latency);
        cell.set(served);
    });
}

#[entry]
fn main() -> ! {
    info!("train_while_serving: iris in slices, a prediction every {=u32} ticks", PERIOD);
    let Some(peripherals) = cortex_m::Peripherals::take() else { board::exit(false) };
    let success = serving::run(
        TRAINER.take(),
        ORDER.take(),
        &mut Clock::start(peripherals.SYST),
        |version| interrupt::free(|token| NEWEST.borrow(token).set(Some(*version))),
        || interrupt::free(|token| SERVED.borrow(token).get()),
    );
    board::exit(success)
}
