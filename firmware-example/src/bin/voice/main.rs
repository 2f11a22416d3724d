//! Learns its owner's voice: a recogniser of spoken digits, trained by PyTorch on five speakers, goes on learning from 50 recordings of a sixth.
//!
//! You will see how many of that speaker's other 450 recordings are recognised before and after, after training the last layer alone, what a step
//! takes of either, the RAM by part, and the CRC-32 of the weights. Then they are saved to flash, and the next start boots from there: start it
//! twice in the same folder, as `run.sh voice` does for each of six speakers. The emulator's flash can't be written, so the
//! file `flash.bin` stands for it. Beside it the program leaves the weights for PyTorch, `adapted.safetensors`, and some predictions.
#![no_std]
#![no_main]

mod program;

use baregrad::{Network, Order};
use cortex_m_rt::entry;
use firmware_example::voice::{DenseState, FEW};
use static_cell::ConstStaticCell;

static STATE: ConstStaticCell<DenseState> = ConstStaticCell::new(DenseState::NEW);
static ORDER: ConstStaticCell<Order<FEW>> = ConstStaticCell::new(Order::IDENTITY);

#[entry]
fn main() -> ! {
    program::run(STATE.take(), ORDER.take(), |network, sample| *network.predict(sample).as_array())
}
