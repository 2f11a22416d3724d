//! Learns its owner's voice by a convolution: the same as `voice`, in every part, with two convolutions along the frames of a recording.
//!
//! What they give out for each frame takes memory, and their weights next to none. `run.sh voice` runs it beside `voice`.
#![no_std]
#![no_main]

#[path = "voice/program.rs"]
mod program;

use baregrad::Order;
use baregrad::network::{Network, predict_floats};
use cortex_m_rt::entry;
use firmware_example::voice::{ConvolutionNet, ConvolutionState, FEW};
use static_cell::ConstStaticCell;

/// Floats of a prediction: 3.5 KB, too many for the stack.
const PREDICT: usize = predict_floats::<ConvolutionNet>();

static STATE: ConstStaticCell<ConvolutionState> = ConstStaticCell::new(ConvolutionState::NEW);
static ORDER: ConstStaticCell<Order<FEW>> = ConstStaticCell::new(Order::IDENTITY);
static MEMORY: ConstStaticCell<[f32; PREDICT]> = ConstStaticCell::new([0.0; PREDICT]);

#[entry]
fn main() -> ! {
    let memory = MEMORY.take();
    // Where a value is not finite, the file of predictions shows it.
    program::run(STATE.take(), ORDER.take(), |network, sample| {
        network.predict_in(sample, memory).copied().unwrap_or([f32::NAN; 10])
    })
}
