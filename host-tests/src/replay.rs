//! Replays on the desk what a device has learned: a checkpoint, and the samples that it trained on since.
//!
//! The recording is a CSV file with a header line and a line for each sample: the number of its batch, the inputs as the network
//! saw them, and the label. Lines of the same batch follow each other. Decimal numbers as Rust prints them read back to the same bits.

use std::fmt;

use baregrad::checkpoint::LoadError;
use baregrad::{Adam, CrossEntropy, Dataset, StepError};
use firmware_example::iris::IrisTrainer;
use firmware_example::weights_crc;

/// What a replay ends with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replayed {
    /// Batches trained.
    pub steps: usize,
    /// Loss of the last one, before its update.
    pub loss: f32,
    /// CRC-32 of the weights, to compare with the device's.
    pub crc: u32,
}

/// Why a replay stopped.
#[derive(Debug, PartialEq)]
pub enum ReplayError {
    /// The checkpoint was refused.
    Checkpoint(LoadError),
    /// A line is not `batch,four inputs,label`; counted from 1, with the header.
    Line(usize),
    /// A batch was refused, as it should have been on the device.
    Batch(String, StepError),
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint(error) => write!(f, "checkpoint: {error}"),
            Self::Line(line) => write!(f, "line {line}: not a batch number, four inputs and a label"),
            Self::Batch(batch, error) => write!(f, "batch {batch}: {error}"),
        }
    }
}

impl std::error::Error for ReplayError {}

/// A line of a recording.
struct Line<'a> {
    batch: &'a str,
    input: [f32; 4],
    label: u8,
}

impl<'a> Line<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (batch, rest) = text.split_once(',')?;
        let (inputs, label) = rest.rsplit_once(',')?;
        let inputs: Vec<f32> = inputs.split(',').map(|input| input.parse().ok()).collect::<Option<_>>()?;
        Some(Self { batch, input: inputs.try_into().ok()?, label: label.parse().ok()? })
    }
}

/// Goes on training the iris network from a checkpoint (its [`Adam`] included, nothing extra) with recorded batches.
///
/// # Errors
/// A checkpoint of another network or damaged, a line that makes no sense, a batch that a training step refuses.
pub fn replay(checkpoint: &[u8], recording: &str) -> Result<Replayed, ReplayError> {
    let mut trainer = Box::new(IrisTrainer::NEW);
    let mut adam = Adam::new(0.0);
    trainer.load(&mut adam, &mut (), checkpoint).map_err(ReplayError::Checkpoint)?;
    let numbered = recording.lines().enumerate().skip(1);
    let lines: Vec<Line<'_>> =
        numbered.map(|(i, text)| Line::parse(text).ok_or(ReplayError::Line(i + 1))).collect::<Result<_, _>>()?;
    let (mut steps, mut loss) = (0, f32::NAN);
    for batch in lines.chunk_by(|a, b| a.batch == b.batch) {
        let inputs: Vec<[f32; 4]> = batch.iter().map(|line| line.input).collect();
        let labels: Vec<u8> = batch.iter().map(|line| line.label).collect();
        let refused = |error| ReplayError::Batch(batch[0].batch.to_owned(), error);
        let data = Dataset::new(&inputs, &labels).map_err(|error| refused(error.into()))?;
        loss = trainer.step(&data, CrossEntropy, &mut adam).map_err(refused)?;
        steps += 1;
    }
    Ok(Replayed { steps, loss, crc: weights_crc(&trainer.network) })
}
