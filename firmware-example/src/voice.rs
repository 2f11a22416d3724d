//! A recogniser of spoken digits learns its owner's voice: Free Spoken Digit Dataset, Z. Jackson and contributors.
//!
//! The network comes from PyTorch, trained on five speakers. On the device it goes on learning from 50 recordings of a sixth, five of each
//! digit, by plain gradient descent: its weights take 82 of the 128 KB of RAM, so an optimizer with a slot, or a buffer of
//! gradients, would not fit. A recording is 24 frames of 13 cepstral coefficients, a byte each, in flash.

use baregrad::data::Samples;
use baregrad::safetensors::{self, ImportError, Names};
use baregrad::{
    CrossEntropy, Dataset, Dense, Features, GatherBuffer, Order, Relu, Sgd, StepError, Trainer, Zero, floats,
};
use rand_pcg::Pcg32;

// One speaker's recordings, and the weights from the other five, made by the build script.
mod tables {
    #![allow(missing_docs)]
    include!(concat!(env!("OUT_DIR"), "/voice.rs"));
}
pub use tables::{PROGRAM, SPEAKER, WEIGHTS};

/// Values of a recording.
pub const INPUTS: usize = 24 * 13;
/// 312 coefficients, 64 hidden units, 10 logits: 20,682 parameters.
pub type Net = (Dense<INPUTS, 64, Relu>, Dense<64, 10>);
/// Samples in a batch.
pub const BATCH: usize = 10;
/// Network, slots (none for SGD) and workspace.
pub type VoiceTrainer = Trainer<Net, Sgd, BATCH, { floats::<Net>() }>;

/// Learning rate when all layers learn.
pub const LEARNING_RATE: f32 = 0.1;
/// Learning rate when the last layer learns alone.
pub const LAST_LAYER_RATE: f32 = 0.3;
/// Seed of the order of the recordings.
pub const SEED: u64 = 1;
/// Times through the recordings.
pub const EPOCHS: u32 = 20;
/// Recordings to learn from: five of each digit.
pub const FEW: usize = 50;

/// Recordings as bytes; each is an `i8`.
pub type Recordings<'a> = Dataset<'a, [u8; INPUTS], u8>;
/// A batch as `f32`.
pub type Gathered = GatherBuffer<Features<INPUTS>, u8, BATCH>;

/// Everything that learning needs, to place in a `static`.
pub struct State {
    /// Network and workspace.
    pub trainer: VoiceTrainer,
    /// The batch at hand as `f32`.
    pub gathered: Gathered,
}

impl State {
    /// All zero, for a `static` that takes no flash.
    pub const NEW: Self = Self { trainer: Zero::ZERO, gathered: Zero::ZERO };
}

// In 128 KB, with 24 KB for the stack, the log and all else.
const _: () = assert!(size_of::<State>() <= (128 - 24) * 1024);

/// What of a network learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learns {
    /// Every layer.
    AllLayers,
    /// The last layer; the others stay as they are.
    LastLayer,
}

/// The 50 recordings of this image's speaker to learn from.
///
/// # Errors
/// None: the build script writes as many labels as recordings.
pub fn few() -> Result<Recordings<'static>, StepError> {
    Ok(Dataset::new(tables::FEW_BYTES.as_chunks().0, &tables::FEW_LABELS)?)
}

/// The other 450, to test with.
///
/// # Errors
/// As [`few`].
pub fn rest() -> Result<Recordings<'static>, StepError> {
    Ok(Dataset::new(tables::REST_BYTES.as_chunks().0, &tables::REST_LABELS)?)
}

/// Loads what PyTorch has written.
///
/// # Errors
/// See [`ImportError`]; none with the files of this repository.
pub fn load(network: &mut Net, file: &[u8]) -> Result<(), ImportError> {
    safetensors::load(network, &Names::SEQUENTIAL, file)
}

/// Learns from a few recordings, in an order of its own.
///
/// # Errors
/// None with these data; a [`StepError`] is passed on.
#[inline(never)] // so that `cargo xtask size` can tell training from printing
pub fn adapt(state: &mut State, order: &mut Order<FEW>, few: &Recordings<'_>, learns: Learns) -> Result<(), StepError> {
    let State { trainer, gathered } = state;
    let mut generator = Pcg32::new(SEED, 0);
    *order = Order::IDENTITY;
    let mut optimizer = rule(learns);
    for _ in 0..EPOCHS {
        order.shuffle(&mut generator);
        for batch in few.batches(&*order, BATCH)? {
            step(trainer, gathered.gather(&batch, scale)?, learns, &mut optimizer)?;
        }
    }
    Ok(())
}

/// Gradient descent at the rate for what learns.
pub const fn rule(learns: Learns) -> Sgd {
    Sgd::new(match learns {
        Learns::AllLayers => LEARNING_RATE,
        Learns::LastLayer => LAST_LAYER_RATE,
    })
}

/// One step on a batch.
///
/// # Errors
/// As [`adapt`].
#[inline(never)] // so that its stack can be measured
pub fn step(
    trainer: &mut VoiceTrainer,
    batch: &Gathered,
    learns: Learns,
    optimizer: &mut Sgd,
) -> Result<f32, StepError> {
    match learns {
        Learns::AllLayers => trainer.step(batch, CrossEntropy, optimizer),
        Learns::LastLayer => trainer.step_frozen(1, batch, CrossEntropy, optimizer),
    }
}

/// How many recordings are recognised.
///
/// # Errors
/// As [`adapt`].
pub fn right(state: &mut State, recordings: &Recordings<'_>) -> Result<usize, StepError> {
    let State { trainer, gathered } = state;
    let mut right = 0;
    for batch in recordings.chunks(BATCH)? {
        right += trainer.evaluate(gathered.gather(&batch, scale)?, CrossEntropy, 1)?.correct;
    }
    Ok(right)
}

/// One recording as the network wants it.
pub fn input(recordings: &Recordings<'_>, index: usize) -> Option<[f32; INPUTS]> {
    let mut input = [0.0; INPUTS];
    scale(recordings.input(index)?, &mut input);
    Some(input)
}

/// Bytes as the network was trained on them: `i8 / 32`.
pub fn scale(bytes: &[u8; INPUTS], input: &mut [f32; INPUTS]) {
    for (x, byte) in input.iter_mut().zip(bytes) {
        *x = f32::from(byte.cast_signed()) / 32.0;
    }
}
