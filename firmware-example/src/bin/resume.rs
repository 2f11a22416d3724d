//! Goes on with a training that another machine has begun, and begins one for it to go on with.
//!
//! The other machine's checkpoint of 50 steps is in `host.bin`, in the folder that QEMU was started in; after 50 steps more the device
//! writes its own to `host_then_device.bin`. Then it trains 50 steps from the same start by itself and writes `device.bin`. `run.sh resume`
//! makes the first file with the example `resume`, which then looks at the others: all bits must be those of 100
//! steps in one go.
#![no_std]
#![no_main]

use core::ffi::CStr;

use cortex_m_rt::entry;
use defmt::{error, info};
use firmware_example::board;
use firmware_example::resume::{CHECKPOINT_BYTES, HALF, Training, WHOLE};
use semihosting::fs::{self, File};
use semihosting::io::Read;
use static_cell::ConstStaticCell;

static TRAINING: ConstStaticCell<Training> = ConstStaticCell::new(Training::NEW);
static BYTES: ConstStaticCell<[u8; CHECKPOINT_BYTES]> = ConstStaticCell::new([0; CHECKPOINT_BYTES]);

#[entry]
fn main() -> ! {
    info!("resume: iris, steps {=u32} to {=u32} of another machine's training", HALF, WHOLE);
    let (training, bytes) = (TRAINING.take(), BYTES.take());
    let read = File::open(c"host.bin").and_then(|mut file| file.read_exact(bytes));
    if read.is_err() || training.load(bytes).is_err() {
        error!("resume: no sound checkpoint in host.bin");
        board::exit(false)
    }
    train_and_save(training, WHOLE, bytes, c"host_then_device.bin");
    training.start();
    train_and_save(training, HALF, bytes, c"device.bin");
    info!("resume: went on from host.bin, and wrote device.bin");
    board::exit(true)
}

fn train_and_save(training: &mut Training, steps: u32, bytes: &mut [u8; CHECKPOINT_BYTES], name: &CStr) {
    let trained = training.train_to(steps).is_ok();
    if !trained || training.save(bytes).is_err() || fs::write(name, &bytes[..]).is_err() {
        error!("resume: a step was refused, or a file can't be written here");
        board::exit(false)
    }
}
