//! A small training whose every bit can be saved, resumed and compared.

use baregrad::checkpoint::flash::{FlashLoadError, FlashSaveError, Saved, Store};
use baregrad::checkpoint::{LoadError, training_bytes};
use baregrad::loss::Loss;
use baregrad::shape::{SampleOf, Values};
use baregrad::{
    Adam, BatchNorm, Conv1d, Dataset, Dense, Dropout, Features, Flatten, MaxPool1d, MeanSquaredError, Model, Network,
    Relu, Same, Sequence, Tanh, Trainer, Zero,
};
use embedded_storage::nor_flash::NorFlash;

/// 9 parameters: a checkpoint of 196 bytes.
pub type Small = (Dense<2, 2, Relu>, Dense<2, 1>);
/// 274 parameters: a checkpoint of 3,376 bytes, which takes two pages of 2 KB.
pub type Large = (Dense<14, 16, Tanh>, Dense<16, 2>);

/// Six moments of two sensors; 37 parameters, and 8 numbers of state.
pub type Convolutional = Model<
    Sequence<6, 2>,
    (Conv1d<2, 3, 3, Same>, BatchNorm<3, Tanh>, MaxPool1d<2>, Dropout<25>, Flatten<9>, Dense<9, 1>),
>;

/// Steps done, and the state of the generator of the samples.
pub type Extra = (u32, u64);

/// Weights, optimizer and extra state: the samples come from the generator, so all of them decide how it goes on.
pub struct Course<N: Network> {
    /// Network and slots.
    pub trainer: Trainer<N, Adam, 2, 96>,
    /// The optimizer's own numbers.
    pub optimizer: Adam,
    /// Whatever else it needs to go on.
    pub extra: Extra,
}

impl<N: Network<Out = Features<OUT>>, const OUT: usize> Course<N>
where
    MeanSquaredError: Loss<N::Out, N::Activation, [f32; OUT]>,
{
    /// Bytes of its checkpoint.
    pub const BYTES: usize = training_bytes::<N, Adam, Extra>();

    /// A course at its beginning.
    pub fn new(seed: u64) -> Self {
        let mut course = Self { trainer: Trainer::NEW, optimizer: Adam::new(0.01), extra: (0, seed) };
        let state = &mut course.extra.1;
        course.trainer.network.for_each_tensor_mut(&mut |piece| piece.fill_with(|| number(state)));
        course
    }

    /// A few steps, each with samples of its own.
    pub fn train(&mut self, steps: u32) {
        for _ in 0..steps {
            let mut inputs = [SampleOf::<N::In>::ZERO; 2];
            for input in &mut inputs {
                input.values_mut().fill_with(|| number(&mut self.extra.1));
            }
            let targets: [[f32; OUT]; 2] = [(); 2].map(|()| [(); OUT].map(|()| number(&mut self.extra.1)));
            let data = Dataset::from_arrays(&inputs, &targets);
            self.trainer.step(&data, MeanSquaredError, &mut self.optimizer).expect("a finite step");
            self.extra.0 += 1;
        }
    }

    /// All of its bits, and what a checkpoint of it is.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; Self::BYTES];
        self.trainer.save(&self.optimizer, &self.extra, &mut bytes).expect("a finite state");
        bytes
    }

    /// Loads it from the bytes of a checkpoint.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.trainer.load(&mut self.optimizer, &mut self.extra, bytes)
    }

    /// Saves it to flash; gives the sequence number.
    pub fn save_to<F: NorFlash>(&self, store: &mut Store<F>) -> Result<u32, FlashSaveError<F::Error>> {
        self.report_save_to(store).map(|saved| saved.sequence)
    }

    /// Saves it to flash, and says all that the store says.
    pub fn report_save_to<F: NorFlash>(&self, store: &mut Store<F>) -> Result<Saved, FlashSaveError<F::Error>> {
        self.trainer.save_to_flash(&self.optimizer, &self.extra, store)
    }

    /// Loads it from flash.
    pub fn load_from<F: NorFlash>(&mut self, store: &mut Store<F>) -> Result<u32, FlashLoadError<F::Error>> {
        self.trainer.load_from_flash(&mut self.optimizer, &mut self.extra, store)
    }
}

/// A number between -1 and 1 from a linear congruential generator.
fn number(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
}
