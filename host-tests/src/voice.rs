//! The recordings of the voice demo, and the training that comes before it: a network for one speaker, from the other five.

use std::fs;
use std::path::{Path, PathBuf};

use baregrad::data::Samples;
use baregrad::{CrossEntropy, Dataset, GlorotUniform, Network, SgdMomentum, StepError, Trainer, floats};
use firmware_example::voice::{INPUTS, Net};
use rand_pcg::Pcg32;

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

/// The file that `python/voice.py` wrote: a network for a speaker, from the other five.
pub fn weights(speaker: usize) -> Vec<u8> {
    fs::read(file(&format!("fixtures/voice/{}.safetensors", SPEAKERS[speaker]))).expect("the weights are there")
}

/// What `python/voice.py` does before: 15 epochs on five speakers, SGD with momentum 0.9 as PyTorch has it, rate 0.02, batches of 32.
///
/// # Errors
/// None with these data.
pub fn trained_on(others: &Part, seed: u64) -> Result<Net, StepError> {
    let inputs: Vec<[f32; INPUTS]> =
        others.inputs.iter().map(|bytes| bytes.map(|byte| f32::from(byte.cast_signed()) / 32.0)).collect();
    let data = Dataset::new(&inputs, &others.labels)?;
    let mut generator = Pcg32::new(seed, 0);
    let mut trainer = Box::new(Trainer::<Net, SgdMomentum, 32, { floats::<Net>() }>::NEW);
    trainer.network.initialize(GlorotUniform, &mut generator);
    let mut rule = SgdMomentum { learning_rate: 0.02, momentum: 0.9 };
    let mut order: Vec<u16> = (0..data.len() as u16).collect();
    for _ in 0..15 {
        baregrad::data::shuffle_with(&mut order, || rand_core::Rng::next_u32(&mut generator));
        for batch in data.batches(&order, 32)? {
            trainer.step(&batch, CrossEntropy, &mut rule)?;
        }
    }
    Ok(trainer.network)
}
