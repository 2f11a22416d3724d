//! Learns iris and keeps what is needed to replay it: a checkpoint from half-way, and every sample trained on since.
//!
//! You will see the number of steps on record and the CRC-32 of the final weights. Two files come out of the device through
//! semihosting, into the folder that QEMU was started in: `checkpoint.bin` and `samples.csv`. A device in the field would have
//! them in flash or send them; what matters is that the example `replay` arrives at the same CRC from them
//! alone. `run.sh record` does both.
#![no_std]
#![no_main]

use core::fmt::{self, Write};

use baregrad::Order;
use cortex_m_rt::entry;
use defmt::{Debug2Format, error, info};
use firmware_example::iris::IrisTrainer;
use firmware_example::record::{self, CHECKPOINT_BYTES, EPOCHS_BEFORE, EPOCHS_RECORDED, STEPS_RECORDED};
use firmware_example::{board, weights_crc};
use semihosting::fs::{self, File};
use semihosting::io::Write as _;
use static_cell::ConstStaticCell;

static TRAINER: ConstStaticCell<IrisTrainer> = ConstStaticCell::new(IrisTrainer::NEW);
static ORDER: ConstStaticCell<Order<120>> = ConstStaticCell::new(Order::IDENTITY);

#[entry]
fn main() -> ! {
    info!("record: iris, {=u32} epochs, a checkpoint, {=u32} recorded epochs", EPOCHS_BEFORE, EPOCHS_RECORDED);
    let trainer = TRAINER.take();
    let Ok(samples) = File::create(c"samples.csv") else {
        error!("record: samples.csv can't be written here");
        board::exit(false)
    };
    let keep = |bytes: &[u8]| fs::write(c"checkpoint.bin", bytes).map_err(|_| fmt::Error);
    if let Err(error) = record::train(trainer, ORDER.take(), keep, &mut Text(samples)) {
        error!("record: {}", Debug2Format(&error));
        board::exit(false)
    }
    info!("record: checkpoint.bin has {=usize} bytes, samples.csv {=u32} steps", CHECKPOINT_BYTES, STEPS_RECORDED);
    info!("record: CRC-32 of the weights {=u32:08x}", weights_crc(&trainer.network));
    board::exit(true)
}

/// A file that takes formatted text.
struct Text(File);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_all(text.as_bytes()).map_err(|_| fmt::Error)
    }
}
