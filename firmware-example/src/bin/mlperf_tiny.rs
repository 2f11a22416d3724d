//! Predicts by two networks of MLPerf Tiny, whose published weights lie in flash: keyword spotting, and the streaming wake word.
//!
//! You will see for each what it predicts for an input that is always the same, the RAM, the instructions (if QEMU counts them, as `run.sh
//! mlperf_tiny` makes it), the stack, and the CRC-32 of the output, which is the same on every machine. Ends well only with the expected CRCs.
#![no_std]
#![no_main]

use core::hint::black_box;

use baregrad::layer::NonFinite;
use baregrad::shape::{SampleOf, Values};
use baregrad::{Network, Zero, predict_floats};
use cortex_m_rt::entry;
use defmt::{error, info};
use firmware_example::mlperf_tiny::{Example, KeywordSpotting, WakeWord, output_crc};
use firmware_example::{board, report};
use instruction_counter::Counter;
use static_cell::ConstStaticCell;

/// Floats of a prediction by either.
const FLOATS: usize = {
    let (keywords, wake_word) = (predict_floats::<KeywordSpotting>(), predict_floats::<WakeWord>());
    if keywords > wake_word { keywords } else { wake_word }
};

static MEMORY: ConstStaticCell<[f32; FLOATS]> = ConstStaticCell::new([0.0; FLOATS]);
static KEYWORDS: ConstStaticCell<SampleOf<<KeywordSpotting as Network>::In>> = ConstStaticCell::new(Zero::ZERO);
static WAKE_WORD: ConstStaticCell<SampleOf<<WakeWord as Network>::In>> = ConstStaticCell::new(Zero::ZERO);

#[entry]
fn main() -> ! {
    let mut counter = match cortex_m::Peripherals::take().map(|parts| Counter::start(parts.SYST, |_, _| {})) {
        Some(Ok(counter)) => Some(counter),
        // A board has no such clock.
        _ => None,
    };
    let memory = MEMORY.take();
    let keywords = shows::<KeywordSpotting>(KEYWORDS.take(), memory, &mut counter);
    let wake_word = shows::<WakeWord>(WAKE_WORD.take(), memory, &mut counter);
    board::exit(keywords && wake_word)
}

/// Whether a network predicts what is expected.
fn shows<N: Example>(input: &mut SampleOf<N::In>, memory: &mut [f32; FLOATS], counter: &mut Option<Counter>) -> bool {
    N::fill(input);
    info!(
        "{=str}: {=usize} bytes of weights in flash, {=usize} of RAM for a prediction, its input in {=usize} more",
        N::PROGRAM,
        size_of::<N>(),
        4 * predict_floats::<N>(),
        size_of_val(input)
    );
    let crc = match predict::<N>(input, memory) {
        Ok(output) => {
            info!("{=str}: logits {=[?]}", N::PROGRAM, output.values());
            output_crc(output.values())
        }
        Err(error) => {
            error!("{=str}: {}", N::PROGRAM, error);
            return false;
        }
    };
    if let Some(counter) = counter {
        let instructions = counter.of(|| {
            black_box(predict::<N>(input, memory).is_ok());
        });
        info!("{=str}: a prediction takes {=u64} instructions", N::PROGRAM, instructions);
    }
    let within = match report::stack_of(|| predict::<N>(input, memory).is_ok()) {
        Some(bytes) => {
            info!("{=str}: stack: a prediction {=usize} bytes", N::PROGRAM, bytes);
            bytes <= 1024
        }
        None => false,
    };
    if !within {
        error!("{=str}: stack: more than 1024 bytes", N::PROGRAM);
    }
    report::crc_is(N::PROGRAM, "output", crc) && within
}

#[inline(never)] // so that its stack can be measured
fn predict<'a, N: Example>(
    input: &SampleOf<N::In>,
    memory: &'a mut [f32; FLOATS],
) -> Result<&'a SampleOf<N::Out>, NonFinite> {
    black_box(N::NETWORK).predict_in(input, memory)
}
