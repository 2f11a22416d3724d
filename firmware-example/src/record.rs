//! A training that can be replayed: iris once more, with a checkpoint half-way and a record of every sample trained on since.
//!
//! This is what a device in the field would keep, so that its training can be gone through again on the desk by the example
//! `replay` of `host-tests`, which says how the record is written. Where checkpoint and record go is the caller's business.

use core::fmt::{self, Write};

use baregrad::checkpoint::{SaveError, training_bytes};
use baregrad::data::Samples;
use baregrad::{Adam, CrossEntropy, HeUniform, Network, Order, StepError};
use rand_pcg::Pcg32;

use crate::iris::{BATCH, IrisTrainer, LEARNING_RATE, Net, TRAIN};

/// Seed of the initial weights and of the order of the samples.
pub const SEED: u64 = 4711;
/// Epochs before the checkpoint, which nobody records.
pub const EPOCHS_BEFORE: u32 = 5;
/// Epochs since.
pub const EPOCHS_RECORDED: u32 = 5;
/// Steps of an epoch: 16 does not divide 120, so the last batch is a short one.
const BATCHES: u32 = 120_u32.div_ceil(BATCH as u32);
/// Steps in the record.
pub const STEPS_RECORDED: u32 = EPOCHS_RECORDED * BATCHES;
/// Bytes of the checkpoint.
pub const CHECKPOINT_BYTES: usize = training_bytes::<Net, Adam, ()>();

/// The first line of the record.
const HEADER: &str = "batch,sepal_length,sepal_width,petal_length,petal_width,label";

/// Why a recorded training stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RecordError {
    /// A step was refused.
    Step(StepError),
    /// The checkpoint was refused.
    Save(SaveError),
    /// Checkpoint or record could not be written.
    Write,
}

impl From<StepError> for RecordError {
    fn from(error: StepError) -> Self {
        Self::Step(error)
    }
}

impl From<SaveError> for RecordError {
    fn from(error: SaveError) -> Self {
        Self::Save(error)
    }
}

impl From<fmt::Error> for RecordError {
    fn from(_: fmt::Error) -> Self {
        Self::Write
    }
}

/// Trains from scratch; gives the checkpoint to `keep` when it is made, and writes a line for each sample trained on since.
///
/// # Errors
/// With these data only [`RecordError::Write`], when `keep` or `record` fails.
pub fn train(
    trainer: &mut IrisTrainer,
    order: &mut Order<120>,
    keep: impl FnOnce(&[u8]) -> fmt::Result,
    record: &mut impl Write,
) -> Result<(), RecordError> {
    let mut generator = Pcg32::new(SEED, 0);
    trainer.network.initialize(HeUniform, &mut generator);
    let mut adam = Adam::new(LEARNING_RATE);
    for _ in 0..EPOCHS_BEFORE {
        order.shuffle(&mut generator);
        for batch in TRAIN.batches(&*order, BATCH).map_err(StepError::from)? {
            trainer.step(&batch, CrossEntropy, &mut adam)?;
        }
    }

    let mut checkpoint = [0; CHECKPOINT_BYTES];
    trainer.save(&adam, &(), &mut checkpoint)?;
    keep(&checkpoint)?;

    writeln!(record, "{HEADER}")?;
    let mut number = 0;
    for _ in 0..EPOCHS_RECORDED {
        order.shuffle(&mut generator);
        for batch in TRAIN.batches(&*order, BATCH).map_err(StepError::from)? {
            number += 1;
            for sample in 0..batch.len() {
                if let (Some(input), Some(label)) = (batch.input(sample), batch.target(sample)) {
                    write_line(record, number, input, *label)?;
                }
            }
            trainer.step(&batch, CrossEntropy, &mut adam)?;
        }
    }
    Ok(())
}

/// `{}` writes the shortest decimal number that reads back to the same `f32`.
fn write_line(record: &mut impl Write, batch: u32, input: &[f32; 4], label: u8) -> fmt::Result {
    let [a, b, c, d] = input;
    writeln!(record, "{batch},{a},{b},{c},{d},{label}")
}
