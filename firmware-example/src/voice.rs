//! A recogniser of spoken digits learns its owner's voice: Free Spoken Digit Dataset, Z. Jackson and contributors.
//!
//! The network comes from PyTorch, trained on five speakers. On the device it goes on learning from 50 recordings of a sixth, five of each
//! digit, by plain gradient descent. A recording is 24 frames of 13 cepstral coefficients, a byte each, in flash.
//!
//! There are two networks. The weights of [`DenseNet`] take 82 of the 128 KB of RAM, so an optimizer with a slot, or a buffer of gradients, would not
//! fit. [`ConvolutionNet`] looks for the same sounds at each moment, and has a sixth of the weights.

use baregrad::data::Samples;
use baregrad::safetensors::{self, ImportError, Names};
use baregrad::shape::{SampleOf, Values};
use baregrad::{
    Conv1d, CrossEntropy, Dataset, Dense, Features, GatherBuffer, GlobalAveragePool, Identity, MaxPool1d, Model,
    Network, Order, Relu, Same, Sequence, Sgd, StepError, Trainer, Zero, floats,
};
use rand_pcg::Pcg32;

// One speaker's recordings, and the weights from the other five, made by the build script.
mod tables {
    #![allow(missing_docs)]
    include!(concat!(env!("OUT_DIR"), "/voice.rs"));
}
pub use tables::SPEAKER;

/// Frames of a recording.
pub const FRAMES: usize = 24;
/// Coefficients of a frame.
pub const COEFFICIENTS: usize = 13;
/// Values of a recording.
pub const INPUTS: usize = FRAMES * COEFFICIENTS;

/// 312 coefficients, 64 hidden units, 10 logits: 20,682 parameters.
pub type DenseNet = (Dense<INPUTS, 64, Relu>, Dense<64, 10>);
/// Two convolutions along the frames, and what they find on the whole: 3,626 parameters.
pub type ConvolutionNet = Model<
    Sequence<FRAMES, COEFFICIENTS>,
    (
        Conv1d<COEFFICIENTS, 24, 3, Same, Relu>,
        MaxPool1d<2>,
        Conv1d<24, 32, 3, Same, Relu>,
        GlobalAveragePool,
        Dense<32, 10>,
    ),
>;

/// A network that takes in a recording and gives a logit for each digit.
pub trait Recognizer: Network<Out = Features<10>, Activation = Identity> {}
impl<N: Network<Out = Features<10>, Activation = Identity>> Recognizer for N {}

/// A recogniser that PyTorch has trained, and how it learns on the device. Each network has rates of its own.
pub trait Trained: Recognizer {
    /// The program's name in `expected.txt`, that of the speaker included.
    const PROGRAM: &'static str;
    /// The layers in words.
    const LAYERS_IN_WORDS: &'static str;
    /// What PyTorch has written.
    const WEIGHTS: &'static [u8];
    /// Learning rate when all layers learn.
    const LEARNING_RATE: f32;
    /// Learning rate when the last layer learns alone.
    const LAST_LAYER_RATE: f32;

    /// Gradient descent at the rate for what learns.
    fn rule(learns: Learns) -> Sgd {
        Sgd::new(match learns {
            Learns::AllLayers => Self::LEARNING_RATE,
            Learns::LastLayer => Self::LAST_LAYER_RATE,
        })
    }
}

impl Trained for DenseNet {
    const PROGRAM: &'static str = tables::DENSE_PROGRAM;
    const LAYERS_IN_WORDS: &'static str = "312-64-10";
    const WEIGHTS: &'static [u8] = tables::DENSE_WEIGHTS;
    const LEARNING_RATE: f32 = 0.1;
    const LAST_LAYER_RATE: f32 = 0.3;
}

impl Trained for ConvolutionNet {
    const PROGRAM: &'static str = tables::CONVOLUTION_PROGRAM;
    const LAYERS_IN_WORDS: &'static str = "convolutions of 24 and 32 channels, their mean, 10";
    const WEIGHTS: &'static [u8] = tables::CONVOLUTION_WEIGHTS;
    const LEARNING_RATE: f32 = 0.05;
    const LAST_LAYER_RATE: f32 = 0.5;
}

/// Samples in a batch.
pub const BATCH: usize = 10;
/// Seed of the order of the recordings.
pub const SEED: u64 = 1;
/// Times through the recordings.
pub const EPOCHS: u32 = 20;
/// Recordings to learn from: five of each digit.
pub const FEW: usize = 50;

/// Recordings as bytes; each is an `i8`.
pub type Recordings<'a> = Dataset<'a, [u8; INPUTS], u8>;
/// A batch as `f32`, for a network.
pub type Gathered<N> = GatherBuffer<<N as Network>::In, u8, BATCH>;

/// Everything that learning needs, to place in a `static`.
pub struct State<N: Network, const FLOATS: usize> {
    /// Network and workspace, and no slots: there are none for SGD.
    pub trainer: Trainer<N, Sgd, BATCH, FLOATS>,
    /// The batch at hand as `f32`.
    pub gathered: Gathered<N>,
}

impl<N: Network, const FLOATS: usize> State<N, FLOATS> {
    /// All zero, for a `static` that takes no flash.
    pub const NEW: Self = {
        // In 128 KB, with 24 KB for the stack, the log and all else.
        assert!(size_of::<Self>() <= (128 - 24) * 1024, "learning needs more RAM than there is");
        Self { trainer: Zero::ZERO, gathered: Zero::ZERO }
    };
}

/// [`State`] of the dense network.
pub type DenseState = State<DenseNet, { floats::<DenseNet>() }>;
/// [`State`] of the convolutional network.
pub type ConvolutionState = State<ConvolutionNet, { floats::<ConvolutionNet>() }>;

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
pub fn load<N: Recognizer>(network: &mut N, file: &[u8]) -> Result<(), ImportError> {
    safetensors::load(network, &Names::SEQUENTIAL, file)
}

/// Learns from a few recordings, in an order of its own.
///
/// # Errors
/// None with these data; a [`StepError`] is passed on.
#[inline(never)] // so that `cargo xtask size` can tell training from printing
pub fn adapt<N: Recognizer, const FLOATS: usize>(
    state: &mut State<N, FLOATS>,
    order: &mut Order<FEW>,
    few: &Recordings<'_>,
    learns: Learns,
    mut rule: Sgd,
) -> Result<(), StepError> {
    let State { trainer, gathered } = state;
    let mut generator = Pcg32::new(SEED, 0);
    *order = Order::IDENTITY;
    for _ in 0..EPOCHS {
        order.shuffle(&mut generator);
        for batch in few.batches(&*order, BATCH)? {
            step(trainer, gathered.gather(&batch, scale)?, learns, &mut rule)?;
        }
    }
    Ok(())
}

/// One step on a batch.
///
/// # Errors
/// As [`adapt`].
#[inline(never)] // so that its stack can be measured
pub fn step<N: Recognizer, const FLOATS: usize>(
    trainer: &mut Trainer<N, Sgd, BATCH, FLOATS>,
    batch: &Gathered<N>,
    learns: Learns,
    rule: &mut Sgd,
) -> Result<f32, StepError> {
    match learns {
        Learns::AllLayers => trainer.step(batch, CrossEntropy, rule),
        Learns::LastLayer => trainer.step_frozen(N::LAYERS - 1, batch, CrossEntropy, rule),
    }
}

/// How many recordings are recognised.
///
/// # Errors
/// As [`adapt`].
pub fn right<N: Recognizer, const FLOATS: usize>(
    state: &mut State<N, FLOATS>,
    recordings: &Recordings<'_>,
) -> Result<usize, StepError> {
    let State { trainer, gathered } = state;
    let mut right = 0;
    for batch in recordings.chunks(BATCH)? {
        right += trainer.evaluate(gathered.gather(&batch, scale)?, CrossEntropy, 1)?.correct;
    }
    Ok(right)
}

/// One recording as a network wants it.
pub fn input<N: Recognizer>(recordings: &Recordings<'_>, index: usize) -> Option<SampleOf<N::In>> {
    let mut input = *SampleOf::<N::In>::ZEROS;
    scale(recordings.input(index)?, &mut input);
    Some(input)
}

/// Bytes as the networks were trained on them: `i8 / 32`.
pub fn scale(bytes: &[u8; INPUTS], input: &mut impl Values) {
    for (x, byte) in input.values_mut().iter_mut().zip(bytes) {
        *x = f32::from(byte.cast_signed()) / 32.0;
    }
}
