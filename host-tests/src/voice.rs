//! The recordings of the voice demo, and the training that comes before it: a network for one speaker, from the other five.

use std::fs;
use std::path::{Path, PathBuf};

use baregrad::shape::{SampleOf, Values};
use baregrad::{
    BatchNorm, Conv1d, CrossEntropy, Dataset, Dense, GlobalAveragePool, GlorotUniform, HeUniform, MaxPool1d, Model,
    Network, Order, Relu, Same, Sequence, Sgd, SgdMomentum, StepError, Trainer,
};
use firmware_example::voice::{
    self, COEFFICIENTS, ConvolutionNet, DenseNet, FRAMES, INPUTS, Learns, Recognizer, State,
};
use rand_pcg::Pcg32;

use crate::recipe::{self, Rate};

/// In the order of the file.
pub const SPEAKERS: [&str; 6] = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"];

/// Recordings with their digits.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// A byte a value.
    pub inputs: Vec<[u8; INPUTS]>,
    /// The digits spoken.
    pub labels: Vec<u8>,
}

/// Recordings as one of the six speakers sees them.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// All of the other five.
    pub others: Part,
    /// The first five of each digit.
    pub few: Part,
    /// The speaker's other recordings.
    pub rest: Part,
}

impl Part {
    /// As a data set.
    pub fn dataset(&self) -> Dataset<'_, [u8; INPUTS], u8> {
        Dataset::new(&self.inputs, &self.labels).expect("a label for each recording")
    }
}

/// `path` in this package.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The recordings for a speaker.
pub fn split(speaker: usize) -> Split {
    let contents = fs::read(file("data/fsdd_mfcc.bin")).expect("the recordings are there");
    assert_eq!(
        &contents[..16],
        b"TDS1\xB8\x0B\0\0\x18\0\x0D\0\x01\x0A\x03\0",
        "3000 samples of 24 x 13 i8, 10 classes, 3 meta bytes"
    );
    let mut split = Split::default();
    for row in contents[16..].as_chunks::<{ 3 + INPUTS }>().0 {
        let (meta, values) = row.split_first_chunk::<3>().expect("three meta bytes");
        let part = match meta {
            [_, whose, _] if usize::from(*whose) != speaker => &mut split.others,
            [_, _, 0..5] => &mut split.few,
            _ => &mut split.rest,
        };
        part.labels.push(meta[0]);
        part.inputs.push(values.try_into().expect("as many values"));
    }
    split
}

/// The official split: the first five recordings of each digit are to test with, of every speaker.
pub fn official_split() -> [Part; 2] {
    let mut both = [Part::default(), Part::default()];
    for speaker in 0..SPEAKERS.len() {
        let Split { few, rest, .. } = split(speaker);
        for (part, further) in both.iter_mut().zip([rest, few]) {
            part.inputs.extend(further.inputs);
            part.labels.extend(further.labels);
        }
    }
    both
}

/// The file that `python/voice.py` wrote: a network for a speaker, from the other five. `kind` is `dense` or `convolution`.
pub fn weights(kind: &str, speaker: usize) -> Vec<u8> {
    fs::read(file(&format!("fixtures/voice/{kind}/{}.safetensors", SPEAKERS[speaker]))).expect("the weights are there")
}

/// A network as it is trained on some speakers first.
pub trait Base: Recognizer {
    /// What goes on learning from another.
    type Adapted: Recognizer;
    /// The rate of the first training.
    const RATE: Rate;

    /// Draws the first weights.
    fn draw(&mut self, generator: &mut Pcg32);
    /// What goes on learning.
    fn adapted(&self, to: &mut Self::Adapted);
}

impl Base for DenseNet {
    type Adapted = Self;
    const RATE: Rate = Rate::Constant(0.02);

    fn draw(&mut self, generator: &mut Pcg32) {
        self.initialize(GlorotUniform, generator);
    }

    fn adapted(&self, to: &mut Self) {
        *to = *self;
    }
}

impl Base for ConvolutionNet {
    type Adapted = Self;
    const RATE: Rate = Rate::Cosine(0.05);

    fn draw(&mut self, generator: &mut Pcg32) {
        self.initialize(HeUniform, generator);
        self.layers.4.initialize(GlorotUniform, generator);
    }

    fn adapted(&self, to: &mut Self) {
        *to = *self;
    }
}

/// The convolutions of `A` and `B` channels with batch normalization, as they are trained first.
pub type Normalized<const A: usize, const B: usize> = Model<
    Sequence<FRAMES, COEFFICIENTS>,
    (
        Conv1d<COEFFICIENTS, A, 3>,
        BatchNorm<A, Relu>,
        MaxPool1d<2>,
        Conv1d<A, B, 3>,
        BatchNorm<B, Relu>,
        GlobalAveragePool,
        Dense<B, 10>,
    ),
>;
/// The same with batch normalization folded into the convolutions.
pub type Folded<const A: usize, const B: usize> = Model<
    Sequence<FRAMES, COEFFICIENTS>,
    (
        Conv1d<COEFFICIENTS, A, 3, Same, Relu>,
        MaxPool1d<2>,
        Conv1d<A, B, 3, Same, Relu>,
        GlobalAveragePool,
        Dense<B, 10>,
    ),
>;

impl<const A: usize, const B: usize> Base for Normalized<A, B> {
    type Adapted = Folded<A, B>;
    const RATE: Rate = Rate::Cosine(0.05);

    fn draw(&mut self, generator: &mut Pcg32) {
        self.initialize(HeUniform, generator);
        self.layers.6.initialize(GlorotUniform, generator);
    }

    fn adapted(&self, to: &mut Folded<A, B>) {
        self.layers.1.fold_into(&self.layers.0, &mut to.layers.0);
        self.layers.4.fold_into(&self.layers.3, &mut to.layers.2);
        to.layers.4 = self.layers.6;
    }
}

/// Recordings as numbers.
pub fn inputs<N: Recognizer>(part: &Part) -> Vec<SampleOf<N::In>> {
    let mut inputs = vec![*SampleOf::<N::In>::ZEROS; part.inputs.len()];
    for (input, bytes) in inputs.iter_mut().zip(&part.inputs) {
        voice::scale(bytes, input);
    }
    inputs
}

/// A trainer of the first training.
pub type BaseTrainer<N, const FLOATS: usize> = Trainer<N, SgdMomentum, 32, FLOATS>;

/// What `python/voice.py` does before: 15 epochs by SGD with momentum 0.9 as PyTorch has it, in batches of 32.
///
/// # Errors
/// None with these data.
pub fn trained_on<N: Base, const FLOATS: usize>(
    part: &Part,
    seed: u64,
) -> Result<Box<BaseTrainer<N, FLOATS>>, StepError> {
    let inputs = inputs::<N>(part);
    let mut generator = Pcg32::new(seed, 0);
    let mut trainer = Box::new(BaseTrainer::<N, FLOATS>::NEW);
    trainer.network.draw(&mut generator);
    recipe::train(&mut trainer, &Dataset::new(&inputs, &part.labels)?, N::RATE, 15, &mut generator)?;
    Ok(trainer)
}

/// How many of a speaker's 450 recordings are recognised before, and after learning in each of some ways from the 50 others.
///
/// # Errors
/// None with these data.
pub fn right<N: Base, const FLOATS: usize, const ADAPTED: usize>(
    speaker: usize,
    seed: u64,
    ways: &[(Learns, f32)],
) -> Result<Vec<usize>, StepError> {
    let split = split(speaker);
    let mut base = trained_on::<N, FLOATS>(&split.others, seed)?;
    let (mut state, mut order) = (Box::new(State::<N::Adapted, ADAPTED>::NEW), Order::IDENTITY);
    base.network.adapted(&mut state.trainer.network);
    let mut all = vec![voice::right(&mut state, &split.rest.dataset())?];
    let rest = inputs::<N>(&split.rest);
    let of_base = base.evaluate(&Dataset::new(&rest, &split.rest.labels)?, CrossEntropy, 1)?.correct;
    // Folding rounds, which may turn a recording of two digits about as likely.
    assert!(of_base.abs_diff(all[0]) <= 1, "{of_base} recordings by the first network, {} by what goes on", all[0]);
    for (learns, rate) in ways {
        base.network.adapted(&mut state.trainer.network);
        voice::adapt(&mut state, &mut order, &split.few.dataset(), *learns, Sgd::new(*rate))?;
        all.push(voice::right(&mut state, &split.rest.dataset())?);
    }
    Ok(all)
}
