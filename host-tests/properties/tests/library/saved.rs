//! All that a training loop holds between two steps can be saved, and the training goes on from it to the same bits.
//!
//! The oracle is the training that was not interrupted.

use crate::common::{load, saved};
use baregrad::checkpoint::{self, State};
use baregrad::data::RandomIndices;
use baregrad::replay::ReplayBuffer;
use baregrad::schedule::{EarlyStopping, ReduceOnPlateau};
use baregrad::streaming::{MovingAccuracy, Standardizer};
use baregrad::{
    Adam, ConfusionMatrix, CrossEntropy, Dataset, Dense, Gradients, HeUniform, Network, Order, Relu, Trainer, floats,
};

/// The state that was saved comes back over another one, in as many bytes as it says.
fn assert_comes_back<S: State>(state: &S, other: &mut S) {
    let bytes = saved(state);
    assert_ne!(saved(other), bytes, "another one to load over");
    load(other, &bytes);
    assert_eq!(saved(other), bytes);
}

type Net = (Dense<2, 6, Relu>, Dense<6, 3>);
type Replay = ReplayBuffer<[f32; 2], u8, 12>;
type Extra<'a> = (
    (&'a mut u32, &'a mut Replay, &'a mut RandomIndices<4>, &'a mut Order<5>),
    (&'a mut ReduceOnPlateau, &'a mut EarlyStopping, &'a mut Gradients<Net>),
    (&'a mut Standardizer<2>, &'a mut MovingAccuracy, &'a mut ConfusionMatrix<3>),
);

/// A training from a stream, with each part that the README names.
struct Stream {
    trainer: Trainer<Net, Adam, 5, { floats::<Net>() }>,
    optimizer: Adam,
    words: u32,
    replay: Replay,
    indices: RandomIndices<4>,
    order: Order<5>,
    rates: ReduceOnPlateau,
    stopping: EarlyStopping,
    gradients: Gradients<Net>,
    scaler: Standardizer<2>,
    accuracy: MovingAccuracy,
    matrix: ConfusionMatrix<3>,
}

fn word(words: &mut u32) -> u32 {
    *words = words.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *words ^ *words >> 16
}

impl Stream {
    fn new(seed: u32, horizon: u32) -> Self {
        let mut words = seed;
        let mut trainer = Trainer::<Net, _, _, _>::NEW;
        trainer.network.initialize_with(HeUniform, || word(&mut words));
        Self {
            trainer,
            optimizer: Adam::new(0.01),
            words,
            replay: Replay::recent(horizon),
            indices: RandomIndices::NEW,
            order: Order::IDENTITY,
            rates: ReduceOnPlateau::new(0.01),
            stopping: EarlyStopping::new(3),
            gradients: Gradients::NEW,
            scaler: Standardizer::NEW,
            accuracy: MovingAccuracy::new(0.9),
            matrix: ConfusionMatrix::NEW,
        }
    }

    /// A sample comes: it is tested, then kept; a micro-batch of some that are kept adds to the gradient, and every third applies it.
    fn step(&mut self, index: u32) {
        let words = &mut self.words;
        let sample = [word(words) as f32 / 4e9, word(words) as f32 / 4e9];
        let label = u8::from(sample[0] > 0.5) + u8::from(sample[1] > 0.5);
        self.scaler.observe(&sample).expect("finite");
        let x = self.scaler.standardize(&sample);
        let predicted = self.trainer.network.predict(&x).argmax();
        self.accuracy.record(predicted == usize::from(label)).expect("sound");
        self.matrix.record(label.into(), predicted).expect("three classes");
        self.replay.offer_with(x, label, || word(words));
        let data = self.replay.dataset().expect("samples");
        self.indices.draw_with(data.inputs().len(), || word(words)).expect("samples");
        let batch = data.batch(&self.indices).expect("in range");
        self.trainer.accumulate(&mut self.gradients, &batch, CrossEntropy, 12).expect("sound");
        if index % 3 == 2 {
            self.trainer.apply(&mut self.gradients, &mut self.optimizer).expect("sound");
            let few = Dataset::new(&[[0.5, 0.5]; 5], &[1_u8, 1, 1, 1, 1]).expect("as many");
            self.order.shuffle_with(|| word(words));
            for batch in few.batches(&self.order, 5).expect("an epoch") {
                let loss = self.trainer.mean_loss(&batch, CrossEntropy).expect("sound");
                self.optimizer.learning_rate = self.rates.observe(loss).expect("sound");
                self.stopping.observe(loss).expect("sound");
            }
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; checkpoint::training_bytes::<Net, Adam, Extra<'_>>()];
        let Self { trainer, optimizer, words, replay, indices, order, rates, stopping, gradients, .. } = self;
        let Self { scaler, accuracy, matrix, .. } = self;
        let extra: Extra<'_> =
            ((words, replay, indices, order), (rates, stopping, gradients), (scaler, accuracy, matrix));
        let length = trainer.save(optimizer, &extra, &mut bytes).expect("finite weights");
        assert_eq!(length, bytes.len());
        bytes
    }

    fn load(&mut self, bytes: &[u8]) {
        let Self { trainer, optimizer, words, replay, indices, order, rates, stopping, gradients, .. } = self;
        let Self { scaler, accuracy, matrix, .. } = self;
        let mut extra: Extra<'_> =
            ((words, replay, indices, order), (rates, stopping, gradients), (scaler, accuracy, matrix));
        trainer.load(optimizer, &mut extra, bytes).expect("its own bytes");
    }
}

#[test]
fn a_training_with_replay_goes_on_from_a_checkpoint_to_the_same_bits() {
    const STEPS: u32 = 60;
    for horizon in [0, 20, u32::MAX] {
        // Before the buffer is full and after, before and after the horizon, and between micro-batches.
        for cut in [0, 1, 7, 11, 12, 13, 22, 40] {
            let mut whole = Stream::new(7, horizon);
            let mut resumed = Stream::new(8, 1000);
            (0..5).for_each(|index| resumed.step(index));
            for index in 0..STEPS {
                if index == cut {
                    resumed.load(&whole.bytes());
                }
                whole.step(index);
                if index >= cut {
                    resumed.step(index);
                }
            }
            assert!(whole.bytes() == resumed.bytes(), "horizon {horizon}, cut at {cut}: another training");
        }
    }
}

#[test]
fn without_the_samples_kept_the_training_would_be_another() {
    let mut whole = Stream::new(7, u32::MAX);
    (0..30).for_each(|index| whole.step(index));
    let mut resumed = Stream::new(8, 20);
    resumed.load(&whole.bytes());
    resumed.replay = Replay::NEW;
    (30..60).for_each(|index| (whole.step(index), resumed.step(index)).1);
    assert!(whole.bytes() != resumed.bytes());
}

#[test]
fn a_replay_buffer_comes_back_with_its_horizon_and_no_sample_of_another() {
    let mut words = 3;
    for (horizon, offered) in [(0, 0), (0, 2), (u32::MAX, 3), (u32::MAX, 40), (6, 5), (6, 6), (9, 40)] {
        let mut buffer = ReplayBuffer::<u16, [u8; 2], 5>::recent(horizon);
        for sample in 0..offered {
            buffer.offer_with(sample, [1, sample as u8], || word(&mut words));
        }
        for before in [0, 3, 9] {
            let mut other = ReplayBuffer::<u16, [u8; 2], 5>::recent(7);
            (0..before).for_each(|_| _ = other.offer_with(99, [9, 9], || 0));
            load(&mut other, &saved(&buffer));
            assert_eq!(saved(&other), saved(&buffer));
            assert_eq!(
                other.dataset().map(|data| (data.inputs(), data.targets())),
                buffer.dataset().map(|data| (data.inputs(), data.targets()))
            );
        }
        assert_eq!(saved(&buffer).len(), 8 + 5 * 2 + 5 * 2);
    }
}

/// Bytes by hand: `seen`, horizon, inputs, targets, little-endian.
#[test]
fn the_bytes_of_a_replay_buffer_are_those_of_its_docs() {
    let mut buffer = ReplayBuffer::<u16, u8, 3>::recent(10);
    buffer.offer_with(0x0102, 7, || 0);
    buffer.offer_with(0x0304, 8, || 0);
    assert_eq!(saved(&buffer), [2, 0, 0, 0, 10, 0, 0, 0, 2, 1, 4, 3, 0, 0, 7, 8, 0]);
}

#[test]
fn a_replay_buffer_of_any_bytes_holds_what_it_can() {
    for byte in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
        let mut buffer = ReplayBuffer::<u16, u8, 3>::NEW;
        load(&mut buffer, &[byte; 17]);
        assert_eq!(buffer.dataset().map_or(0, |data| data.inputs().len()), if byte == 0 { 0 } else { 3 });
        for sample in 0..20 {
            buffer.offer_with(sample, 0, || u32::MAX / 2);
        }
        assert_eq!(buffer.dataset().expect("samples").inputs().len(), 3);
    }
    // No buffer has counted beyond its horizon, which is not below its capacity.
    for (seen, horizon, loaded) in [(9_u32, 5_u32, [5_u32, 5]), (5, 9, [5, 9]), (9, 2, [3, 3])] {
        let mut buffer = ReplayBuffer::<u16, u8, 3>::NEW;
        load(&mut buffer, &[&saved(&seen), &saved(&horizon), &[1; 9][..]].concat());
        assert_eq!(saved(&buffer)[..8], saved(&loaded));
    }
}

#[test]
fn what_else_a_loop_holds_comes_back() {
    let mut matrix = ConfusionMatrix::<3>::NEW;
    (0..9).for_each(|k| matrix.record(k % 3, (k * k) % 3).expect("three classes"));
    let mut other = ConfusionMatrix::NEW;
    assert_comes_back(&matrix, &mut other);
    assert_eq!(other, matrix);
    let mut indices = RandomIndices::<4>::NEW;
    indices.draw_with(9, || u32::MAX).expect("9 samples");
    let mut other = RandomIndices::NEW;
    assert_comes_back(&indices, &mut other);
    assert_eq!(other, indices);
    assert_comes_back(&RandomIndices::NEW, &mut other);
    assert!(other.as_ref().is_empty(), "nothing was drawn");
    // Sizes and names are part of what a checkpoint is known by.
    assert_ne!(ConfusionMatrix::<3>::FINGERPRINT, ConfusionMatrix::<4>::FINGERPRINT);
    assert_ne!(RandomIndices::<4>::FINGERPRINT, Order::<4>::FINGERPRINT);
    assert_ne!(Gradients::<Net>::FINGERPRINT, Gradients::<(Dense<2, 6>, Dense<6, 3>)>::FINGERPRINT);
    assert_ne!(ReplayBuffer::<u8, u8, 3>::FINGERPRINT, ReplayBuffer::<u8, u8, 4>::FINGERPRINT);
    assert_ne!(ReplayBuffer::<u16, u8, 3>::FINGERPRINT, ReplayBuffer::<u8, u16, 3>::FINGERPRINT);
}

/// The macro for a struct with sizes of its own, outside of the library.
#[test]
fn a_struct_with_sizes_is_a_state_in_one_line() {
    struct Window<const ROWS: usize, const N: usize> {
        values: [[f32; N]; ROWS],
        filled: u32,
    }
    baregrad::state!(Window<const ROWS: usize, const N: usize> { values: [[f32; N]; ROWS], filled: u32 });
    let window = Window::<2, 3> { values: [[1.0, 2.0, 3.0]; 2], filled: 1 };
    assert_comes_back(&window, &mut Window { values: [[0.0; 3]; 2], filled: 0 });
    assert_eq!(Window::<2, 3>::BYTES, 28);
    assert_ne!(Window::<2, 3>::FINGERPRINT, Window::<3, 2>::FINGERPRINT);
}
