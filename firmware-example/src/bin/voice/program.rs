//! What the programs `voice` and `voice_convolution` do, each with its network.
//!
//! Not in the library: its counter takes SysTick for itself in each program that it is linked into.

use core::fmt;
use core::hint::black_box;

use baregrad::checkpoint::flash::{FlashLoadError, Store};
use baregrad::checkpoint::weights_bytes;
use baregrad::safetensors::{self, ExportError, Names};
use baregrad::shape::{SampleOf, Values};
use baregrad::{Order, StepError};
use defmt::{Debug2Format, error, info};
use firmware_example::file_flash::FileFlash;
use firmware_example::voice::{BATCH, EPOCHS, FEW, Learns, SPEAKER, State, Trained};
use firmware_example::{board, report, voice};
use instruction_counter::Counter;
use semihosting::fs::File;
use semihosting::io::Write;

/// Between the recordings whose prediction goes into a file: five of each digit.
const STRIDE: usize = 9;

/// All of a program, at the first start and at each later one; `predict` says in what memory a single recording is predicted.
pub(crate) fn run<N: Trained, const FLOATS: usize>(
    state: &mut State<N, FLOATS>,
    order: &mut Order<FEW>,
    mut predict: impl FnMut(&N, &SampleOf<N::In>) -> [f32; 10],
) -> ! {
    let flash = match FileFlash::open(c"flash.bin") {
        Ok(flash) => flash,
        Err(error) => stop("flash.bin", error),
    };
    let mut store = match Store::new(flash, 0..FileFlash::BYTES, weights_bytes::<N>()) {
        Ok(store) => store,
        Err(error) => stop("the region of flash", error),
    };
    match store.load_weights(&mut state.trainer.network) {
        Ok(_) => board::exit(resume(state)),
        Err(FlashLoadError::Empty) => {}
        // The first save was cut: there is nothing to lose.
        Err(FlashLoadError::Damaged) if !store.finds_checkpoint() => {}
        Err(error) => stop("loading", error),
    }
    info!("voice: {=str}, {=str}, SGD, {=u32} epochs of {=usize} recordings", SPEAKER, N::LAYERS_IN_WORDS, EPOCHS, FEW);
    if let Err(error) = learn(state, order) {
        stop("learning", Debug2Format(&error));
    }
    let same = report::crc(N::PROGRAM, &state.trainer.network);
    match store.save_weights(&state.trainer.network) {
        Ok(_) => info!("saved to flash (a file that stands for it): {=usize} bytes", weights_bytes::<N>()),
        Err(error) => stop("saving", error),
    }
    if write_files(&state.trainer.network, &mut predict).is_err() {
        stop("writing", "adapted.safetensors or predictions.txt");
    }
    board::exit(same & stack(state, &mut predict))
}

fn stop(what: &str, error: impl defmt::Format) -> ! {
    error!("voice: {=str}: {}", what, error);
    board::exit(false)
}

/// What a device does at every later start.
fn resume<N: Trained, const FLOATS: usize>(state: &mut State<N, FLOATS>) -> bool {
    match voice::rest().and_then(|rest| voice::right(state, &rest)) {
        Ok(right) => info!("booted with the weights from flash: {=str} {=usize}/450", SPEAKER, right),
        Err(error) => stop("testing", error),
    }
    report::crc(N::PROGRAM, &state.trainer.network)
}

/// Learns both ways, all layers last.
fn learn<N: Trained, const FLOATS: usize>(
    state: &mut State<N, FLOATS>,
    order: &mut Order<FEW>,
) -> Result<(), StepError> {
    let (few, rest) = (voice::few()?, voice::rest()?);
    let mut counter = match cortex_m::Peripherals::take().map(|parts| Counter::start(parts.SYST, |_, _| {})) {
        Some(Ok(counter)) => Some(counter),
        // A board has no such clock.
        _ => None,
    };
    let mut right = [0; 3];
    for (learns, after) in [(None, 0), (Some(Learns::LastLayer), 1), (Some(Learns::AllLayers), 2)] {
        if let Err(error) = voice::load(&mut state.trainer.network, N::WEIGHTS) {
            stop("the weights", error);
        }
        if let Some(learns) = learns {
            if let Some(counter) = &mut counter {
                report_step(counter, state, learns)?;
                // That was a step.
                let _ = voice::load(&mut state.trainer.network, N::WEIGHTS);
            }
            voice::adapt(state, order, &few, learns, N::rule(learns))?;
        }
        if let Some(right) = right.get_mut(after) {
            *right = voice::right(state, &rest)?;
        }
    }
    let [before, last_layer, all_layers] = right;
    info!(
        "{=str}: of 450 recordings {=usize} before, {=usize} after, {=usize} after training the last layer only",
        SPEAKER, before, all_layers, last_layer
    );
    report::memory(&state.trainer);
    info!(
        "RAM: gather buffer {=usize}, order {=usize}, in all {=usize} of 131072 bytes; momentum, or a buffer of gradients, would take {=usize} more",
        size_of_val(&state.gathered),
        size_of_val(order),
        size_of::<State<N, FLOATS>>() + size_of_val(order),
        size_of::<N>()
    );
    Ok(())
}

fn report_step<N: Trained, const FLOATS: usize>(
    counter: &mut Counter,
    state: &mut State<N, FLOATS>,
    learns: Learns,
) -> Result<(), StepError> {
    let State { trainer, gathered } = state;
    let batch = voice::few()?.chunks(BATCH)?.next().ok_or(StepError::NoSamples)?;
    let batch = gathered.gather(&batch, voice::scale)?;
    let mut rule = N::rule(learns);
    let instructions = counter.of(|| {
        black_box(voice::step(trainer, batch, learns, &mut rule).is_ok());
    });
    let what = match learns {
        Learns::AllLayers => "all layers",
        Learns::LastLayer => "the last layer only",
    };
    info!("a step of {=usize} samples, {=str}: {=u64} instructions", BATCH, what, instructions);
    Ok(())
}

/// The stack of a step and of a prediction. The weights are not of use afterwards.
fn stack<N: Trained, const FLOATS: usize>(
    state: &mut State<N, FLOATS>,
    predict: &mut impl FnMut(&N, &SampleOf<N::In>) -> [f32; 10],
) -> bool {
    let State { trainer, gathered } = state;
    let mut rule = N::rule(Learns::AllLayers);
    let step = report::stack_of(|| voice::step(trainer, gathered, Learns::AllLayers, &mut rule));
    let predict = report::stack_of(|| predict(&trainer.network, black_box(SampleOf::<N::In>::ZEROS)));
    // A prediction of one sample, and the sample.
    report::stack(step, predict, 2048)
}

/// For PyTorch: what has been learned, and what it predicts.
fn write_files<N: Trained>(network: &N, predict: &mut impl FnMut(&N, &SampleOf<N::In>) -> [f32; 10]) -> fmt::Result {
    let mut file = create(c"adapted.safetensors")?;
    let written =
        safetensors::write(network, &Names::SEQUENTIAL, &mut |piece| file.write_all(piece).map_err(|_| WriteError));
    written.map_err(|_| fmt::Error)?;
    let rest = voice::rest().map_err(|_| fmt::Error)?;
    let mut text = create(c"predictions.txt")?;
    let mut put = |part: fmt::Arguments<'_>| text.write_fmt(part).map_err(|_| fmt::Error);
    put(format_args!("logits 50 10:"))?;
    for index in (0..).step_by(STRIDE) {
        let Some(input) = voice::input::<N>(&rest, index) else { break };
        for logit in predict(network, &input) {
            put(format_args!(" {logit}"))?;
        }
    }
    put(format_args!("\n"))
}

fn create(path: &core::ffi::CStr) -> Result<File, fmt::Error> {
    File::create(path).map_err(|_| fmt::Error)
}

/// Refused, or the file can't be written.
struct WriteError;

impl From<ExportError> for WriteError {
    fn from(_: ExportError) -> Self {
        Self
    }
}
