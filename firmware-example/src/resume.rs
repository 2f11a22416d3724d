//! A training that stops half-way and goes on somewhere else: iris in 100 steps, the first 50 on one machine and the others on another.
//!
//! Step 50 lies in the middle of an epoch, so a checkpoint of it holds all there is: weights, Adam's moments and powers, the number of
//! steps, and the order of the samples. The generator of an epoch is made anew from seed and epoch.

use baregrad::checkpoint::{LoadError, SaveError, training_bytes};
use baregrad::{Adam, CrossEntropy, HeUniform, Network, Order, StepError};
use rand_pcg::Pcg32;

use crate::iris::{BATCH, IrisTrainer, LEARNING_RATE, Net, TRAIN};

/// Seed of the initial weights and of the order of the samples.
pub const SEED: u64 = 50;
/// Where the training stops for the first time.
pub const HALF: u32 = 50;
/// Where it ends.
pub const WHOLE: u32 = 100;
/// Steps of an epoch.
const BATCHES: u32 = 120_u32.div_ceil(BATCH as u32);

/// What a checkpoint keeps beside the trainer and Adam: steps made, and the order of the samples in this epoch.
type Progress = (u32, Order<120>);
/// Bytes of a checkpoint.
pub const CHECKPOINT_BYTES: usize = training_bytes::<Net, Adam, Progress>();

/// The training, for a `static`.
pub struct Training {
    trainer: IrisTrainer,
    adam: Adam,
    progress: Progress,
}

impl Training {
    /// Before [`start`](Self::start) or [`load`](Self::load).
    pub const NEW: Self =
        Self { trainer: IrisTrainer::NEW, adam: Adam::new(LEARNING_RATE), progress: (0, Order::IDENTITY) };

    /// Draws initial weights.
    pub fn start(&mut self) {
        *self = Self::NEW;
        self.trainer.network.initialize(HeUniform, &mut Pcg32::new(SEED, 0));
    }

    /// Trains until so many steps have been made.
    ///
    /// # Errors
    /// None with these data.
    pub fn train_to(&mut self, steps: u32) -> Result<(), StepError> {
        let (made, order) = &mut self.progress;
        while *made < steps {
            let (epoch, batch) = (*made / BATCHES, *made % BATCHES);
            if batch == 0 {
                order.shuffle(&mut Pcg32::new(SEED, 1 + u64::from(epoch)));
            }
            if let Some(batch) = TRAIN.batches(&*order, BATCH)?.nth(batch as usize) {
                self.trainer.step(&batch, CrossEntropy, &mut self.adam)?;
            }
            *made += 1;
        }
        Ok(())
    }

    /// Writes a checkpoint.
    ///
    /// # Errors
    /// None with these data.
    pub fn save(&self, bytes: &mut [u8; CHECKPOINT_BYTES]) -> Result<usize, SaveError> {
        self.trainer.save(&self.adam, &self.progress, bytes)
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// It is damaged or of something else.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.trainer.load(&mut self.adam, &mut self.progress, bytes)
    }
}
