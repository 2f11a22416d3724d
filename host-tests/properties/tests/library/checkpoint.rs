//! Checkpoints: the bytes are those of the drawing, what comes back is what went in, and everything else is refused by name and
//! changes nothing.
//!
//! Oracles: an encoder written from the drawing at the head of `checkpoint.rs` (FNV-1a and the layout by hand, CRC-32 by crate `crc`);
//! golden files; and for a refused load a copy of all bits from before. `BAREGRAD_WRITE_GOLDEN=1` writes the golden files anew, which
//! only a new version of the format may ask for.

use std::cell::Cell;
use std::convert::Infallible;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{FLOATS, Random, bits, load, parameters, random_network, saved, set_parameters};
use baregrad::activation::Activation;
use baregrad::checkpoint::{
    self, CHUNK, HEADER_BYTES, LoadError, ReadError, SaveError, State, WriteError, load_training, load_weights,
    read_training, read_weights, save_training, save_weights, stated_bytes, training_bytes, weights_bytes,
    write_training, write_weights,
};
use baregrad::layer::{Slots, Tensor, Tensors};
use baregrad::optimizer::{LayerPowers, Moments, Optimizer, Slot};
use baregrad::schedule::{Constant, Cosine, EarlyStopping, Exponential, ReduceOnPlateau, Schedule, StepDecay};
use baregrad::{
    AdaGrad, Adam, AdamW, ClipValue, CrossEntropy, Dataset, Dense, LeakyRelu, Momentum, Nesterov, Network, Order,
    Parameters, Relu, RmsProp, Sgd, SgdMomentum, Sigmoid, StepError, Tanh, Trainer, WeightDecay, Zero, floats,
};
use catalogue::optimizers::{Formula, SavedRule, VisitOptimizers, each_optimizer};

const BAD: [f32; 3] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

/// Nine parameters: small enough to look at every bit.
type Net = (Dense<2, 2, Relu>, Dense<2, 1>);
/// A count of steps, and the state of a generator.
type Extra = (u32, u64);
type AdamTrainer = Trainer<Net, Adam, 1, { floats::<Net>() }>;
const TRAINING: usize = training_bytes::<Net, Adam, Extra>();

// ---- the drawing, by hand ----

fn fnv(bytes: &[u8]) -> u32 {
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

enum Item<'a> {
    Name(&'a str),
    Number(u64),
}
use Item::{Name, Number};

fn fingerprint(items: &[Item<'_>]) -> u32 {
    let mut bytes = Vec::new();
    for item in items {
        match item {
            Name(name) => bytes.extend(name.bytes().chain([0xff])),
            Number(number) => bytes.extend(number.to_le_bytes()),
        }
    }
    fnv(&bytes)
}

fn part(items: &[Item<'_>]) -> Item<'static> {
    Number(fingerprint(items).into())
}

fn crc32(bytes: &[u8]) -> u32 {
    crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(bytes)
}

/// Fingerprint of [`Net`].
fn net_fingerprint() -> u32 {
    let first = fingerprint(&[Name("Dense"), Number(2), Number(2), part(&[Name("ReLU")])]);
    let second = fingerprint(&[Name("Dense"), Number(2), Number(1), part(&[Name("identity")])]);
    first.wrapping_mul(0x9e37_79b1).wrapping_add(second)
}

fn adam_fingerprint() -> u32 {
    let f32 = || part(&[Name("f32")]);
    let fields = ["learning_rate", "beta1", "beta2", "epsilon", "beta1_power", "beta2_power"];
    let mut rule = vec![Name("Adam")];
    rule.extend(fields.into_iter().flat_map(|field| [Name(field), f32()]));
    let slot = part(&[Name("Moments"), Name("first_moment"), f32(), Name("second_moment"), f32()]);
    let u32 = || part(&[Name("u32")]);
    let layer = part(&[Name("LayerPowers"), Name("beta1"), u32(), Name("beta2"), u32()]);
    fingerprint(&[Name("optimizer"), part(&rule), slot, layer])
}

/// A checkpoint as the drawing has it.
fn drawn(version: u16, kind: u16, parts: [(u32, Vec<u8>); 3]) -> Vec<u8> {
    let mut bytes = b"BGRD".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(kind.to_le_bytes());
    for (fingerprint, payload) in &parts {
        bytes.extend(fingerprint.to_le_bytes());
        bytes.extend((payload.len() as u32).to_le_bytes());
    }
    bytes.extend(parts.into_iter().flat_map(|(_, payload)| payload));
    bytes.extend(crc32(&bytes).to_le_bytes());
    bytes
}

fn le(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

// ---- a training state whose every number is known ----

/// Parameter `k` is `(k - 4) / 8`, its moments `k / 16` and `k / 32`; layer 0 has missed steps, and layer 1 has made none.
fn known() -> (AdamTrainer, Adam, Extra) {
    let mut trainer = AdamTrainer::NEW;
    let weights: Vec<f32> = (0..9).map(|k| (k as f32 - 4.0) / 8.0).collect();
    set_parameters(&mut trainer.network, &weights);
    let mut k = 0.0;
    trainer.slots.for_each_tensor_mut(&mut |piece| {
        for slot in piece {
            *slot = Moments { first_moment: k / 16.0, second_moment: k / 32.0 };
            k += 1.0;
        }
    });
    trainer.slots.0.layer = LayerPowers::new(0.8125, 0.9375);
    let optimizer = Adam { beta1_power: 0.75, beta2_power: 0.875, ..Adam::new(0.125) };
    (trainer, optimizer, (0x0403_0201, 0x0c0b_0a09_0807_0605))
}

fn known_weights() -> Vec<u8> {
    let (trainer, ..) = known();
    let mut bytes = vec![0; weights_bytes::<Net>()];
    assert_eq!(save_weights(&trainer.network, &mut bytes), Ok(bytes.len()));
    bytes
}

fn known_training() -> Vec<u8> {
    let (trainer, optimizer, extra) = known();
    let mut bytes = vec![0; TRAINING];
    assert_eq!(trainer.save(&optimizer, &extra, &mut bytes), Ok(TRAINING));
    bytes
}

/// All bits of a training state, in whatever bytes their states are.
fn all_bytes<N: Network, O: Optimizer<Slot: State> + State, E: State>(
    network: &N,
    slots: &N::Slots<O::Slot>,
    optimizer: &O,
    extra: &E,
) -> Vec<u8> {
    let mut bytes = le(&parameters(network));
    slots.for_each_tensor(&mut |piece| {
        for slot in piece {
            bytes.extend(saved(slot));
        }
    });
    slots.for_each_layer(&mut |layer| bytes.extend(saved(layer)));
    bytes.extend([saved(optimizer), saved(extra)].concat());
    bytes
}

/// A target of loads that holds other values than [`known`] in every byte that matters, and remembers them.
struct Target<N: Network, O: Optimizer, E> {
    trainer: Trainer<N, O, 1, FLOATS>,
    optimizer: O,
    extra: E,
    before: Vec<u8>,
}

impl<N: Network, O: Optimizer<Slot: State> + State, E: State> Target<N, O, E> {
    fn new(optimizer: O, extra: E) -> Self {
        let mut trainer = Trainer::NEW;
        trainer.network = random_network(&mut Random::new(7));
        let before = all_bytes(&trainer.network, &trainer.slots, &optimizer, &extra);
        Self { trainer, optimizer, extra, before }
    }

    fn now(&self) -> Vec<u8> {
        all_bytes(&self.trainer.network, &self.trainer.slots, &self.optimizer, &self.extra)
    }

    #[track_caller]
    fn is_unchanged(&self, what: &str) {
        assert_eq!(self.before, self.now(), "a refused load changed something: {what}");
    }

    #[track_caller]
    fn refuses_training(&mut self, bytes: &[u8], error: LoadError, what: &str) {
        assert_eq!(self.trainer.load(&mut self.optimizer, &mut self.extra, bytes), Err(error), "{what}");
        self.is_unchanged(what);
        let mut source = pieces_of(bytes);
        let Self { trainer, optimizer, extra, .. } = self;
        let read = read_training(&mut trainer.network, &mut trainer.slots, optimizer, extra, bytes.len(), &mut source);
        assert_eq!(read, Err(ReadError::Load(error)), "{what}");
        self.is_unchanged(what);
    }

    #[track_caller]
    fn refuses_weights(&mut self, bytes: &[u8], error: LoadError, what: &str) {
        assert_eq!(load_weights(&mut self.trainer.network, bytes), Err(error), "{what}");
        self.is_unchanged(what);
        let read = read_weights(&mut self.trainer.network, bytes.len(), &mut pieces_of(bytes));
        assert_eq!(read, Err(ReadError::Load(error)), "{what}");
        self.is_unchanged(what);
    }
}

fn target() -> Target<Net, Adam, Extra> {
    Target::new(Adam::new(0.5), (77, 78))
}

/// A source that checks what is promised of its calls.
fn pieces_of(bytes: &[u8]) -> impl FnMut(usize, &mut [u8]) -> Result<(), Infallible> {
    |offset, piece| {
        assert_eq!(offset % CHUNK, 0);
        assert_eq!(piece.len(), CHUNK.min(bytes.len() - offset));
        piece.copy_from_slice(&bytes[offset..offset + piece.len()]);
        Ok(())
    }
}

fn with_new_checksum(bytes: &mut [u8]) {
    let (body, checksum) = bytes.split_at_mut(bytes.len() - 4);
    checksum.copy_from_slice(&crc32(body).to_le_bytes());
}

// ---- the bytes ----

#[test]
fn weights_are_the_bytes_of_the_drawing() {
    let weights: Vec<f32> = (0..9).map(|k| (k as f32 - 4.0) / 8.0).collect();
    let expected = drawn(1, 1, [(net_fingerprint(), le(&weights)), (0, vec![]), (0, vec![])]);
    assert_eq!(known_weights(), expected);
    assert_eq!(expected.len(), 36 + 4 * 9);
}

#[test]
fn a_training_state_is_the_bytes_of_the_drawing() {
    let weights: Vec<f32> = (0..9).map(|k| (k as f32 - 4.0) / 8.0).collect();
    let moments: Vec<f32> = (0..9).flat_map(|k| [k as f32 / 16.0, k as f32 / 32.0]).collect();
    let powers = [0.8125, 0.9375, 1.0, 1.0].map(|power: f32| (power.to_bits() ^ 0x3f80_0000).to_le_bytes());
    let state = [le(&moments), powers.concat(), le(&[0.125, 0.9, 0.999, 1e-8, 0.75, 0.875])].concat();
    let extra = fingerprint(&[Name("()"), part(&[Name("u32")]), part(&[Name("u64")])]);
    let parts = [(net_fingerprint(), le(&weights)), (adam_fingerprint(), state), (extra, (1..=12).collect())];
    let expected = drawn(1, 2, parts);
    assert_eq!(known_training(), expected);
    assert_eq!(expected.len(), 36 + 4 * 9 + 8 * 9 + 2 * 8 + 24 + 12);
}

/// `checkpoint_v1_weights.bin`, 72 bytes:
///
/// ```text
/// 0000  42 47 52 44 01 00 01 00  52 a0 44 28 24 00 00 00   BGRD, 1, 1; architecture, 36 bytes
/// 0010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00   no optimizer, no extra
/// 0020  00 00 00 bf 00 00 c0 be  00 00 80 be 00 00 00 be   -0.5, -0.375, -0.25, -0.125: weights of layer 0
/// 0030  00 00 00 00 00 00 00 3e  00 00 80 3e 00 00 c0 3e   0, 0.125: its bias; 0.25, 0.375: weights of layer 1
/// 0040  00 00 00 3f 19 c6 37 8d                            0.5: its bias; checksum
/// ```
///
/// `checkpoint_v1_training.bin`, 180 bytes, is from before an optimizer remembered anything of layers:
///
/// ```text
/// 0000  42 47 52 44 01 00 02 00  52 a0 44 28 24 00 00 00   BGRD, 1, 2; architecture, 36 bytes
/// 0010  98 d4 ca c5 60 00 00 00  dd 3b b3 86 0c 00 00 00   optimizer, 96 bytes; extra, 12 bytes
/// 0020  the same nine weights
/// 0044  00 00 00 00 00 00 00 00                            moments of parameter 0: 0, 0
/// 004c  00 00 80 3d 00 00 00 3d  …                         of parameter 1: 1/16, 1/32, and so on
/// 008c  00 00 00 3e 66 66 66 3f                            learning rate 0.125, β₁ 0.9
/// 0094  77 be 7f 3f 77 cc 2b 32                            β₂ 0.999, ε 1e-8
/// 009c  00 00 40 3f 00 00 60 3f                            β₁ᵗ 0.75, β₂ᵗ 0.875
/// 00a4  01 02 03 04 05 06 07 08  09 0a 0b 0c 97 18 b7 60   u32, u64; checksum
/// ```
///
/// `checkpoint_v1_training_layers.bin`, 196 bytes, is the same with two powers for each layer, as the bits in which they differ from 1:
///
/// ```text
/// 0010  f7 bf c8 9f 70 00 00 00  dd 3b b3 86 0c 00 00 00   optimizer, 112 bytes; extra, 12 bytes
/// 008c  00 00 d0 00 00 00 f0 00                            0.8125, 0.9375: the powers of layer 0
/// 0094  00 00 00 00 00 00 00 00                            1, 1: layer 1 has learnt in no step
/// 009c  00 00 00 3e 66 66 66 3f                            learning rate 0.125, β₁ 0.9, and so on
/// ```
#[test]
fn golden_files_of_version_1_are_written_and_load() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let training = "checkpoint_v1_training_layers.bin";
    for (name, bytes) in [("checkpoint_v1_weights.bin", known_weights()), (training, known_training())] {
        let path = fixtures.join(name);
        if env::var_os("BAREGRAD_WRITE_GOLDEN").is_some() {
            fs::write(&path, &bytes).expect("a place for fixtures");
        }
        assert_eq!(fs::read(&path).expect("the golden file"), bytes, "{name}");
    }

    let (trainer, optimizer, extra) = known();
    let mut target = target();
    load_weights(&mut target.trainer.network, &fs::read(fixtures.join("checkpoint_v1_weights.bin")).unwrap()).unwrap();
    assert_eq!(bits(&parameters(&target.trainer.network)), bits(&parameters(&trainer.network)));
    let bytes = fs::read(fixtures.join(training)).unwrap();
    target.trainer.load(&mut target.optimizer, &mut target.extra, &bytes).unwrap();
    assert_eq!(target.now(), all_bytes(&trainer.network, &trainer.slots, &optimizer, &extra));
}

#[test]
fn a_training_from_before_layers_were_counted_loads_as_one_in_which_none_missed_a_step() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let bytes = fs::read(fixtures.join("checkpoint_v1_training.bin")).unwrap();
    let (mut known, optimizer, extra) = known();
    let mut target = target();
    (known.slots.0.layer, known.slots.1.layer) = (LayerPowers::new(0.75, 0.875), LayerPowers::new(0.75, 0.875));
    let expected = all_bytes(&known.network, &known.slots, &optimizer, &extra);
    target.trainer.load(&mut target.optimizer, &mut target.extra, &bytes).unwrap();
    assert_eq!(target.now(), expected);
    // The same without a buffer.
    let mut other = Target::<Net, Adam, Extra>::new(Adam::new(0.5), (77, 78));
    let Target { trainer, optimizer, extra, .. } = &mut other;
    let mut source = pieces_of(&bytes);
    read_training(&mut trainer.network, &mut trainer.slots, optimizer, extra, bytes.len(), &mut source).unwrap();
    assert_eq!(other.now(), expected);
    // It is looked at like any other: a moment and the fingerprint.
    for (place, wrong, error) in [(0x44, f32::NAN, LoadError::NonFiniteSlots), (0x10, 0.0, LoadError::OtherOptimizer)] {
        let mut bytes = bytes.clone();
        bytes[place..place + 4].copy_from_slice(&wrong.to_le_bytes());
        with_new_checksum(&mut bytes);
        let mut other = Target::<Net, Adam, Extra>::new(Adam::new(0.5), (77, 78));
        other.refuses_training(&bytes, error, "an older checkpoint");
    }
}

#[test]
fn powers_of_a_layer_that_can_be_none_are_neither_saved_nor_loaded() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0_f32.next_up(), -1e-45] {
        for both in [LayerPowers::new(bad, 0.5), LayerPowers::new(0.5, bad)] {
            let (mut trainer, optimizer, extra) = known();
            trainer.slots.1.layer = both;
            let mut buffer = [0x5a; TRAINING];
            assert_eq!(trainer.save(&optimizer, &extra, &mut buffer), Err(SaveError::NonFiniteSlots));
            assert_eq!((buffer, trainer.check()), ([0x5a; TRAINING], Err(StepError::NonFiniteState)));
            let mut bytes = known_training();
            bytes[0x94..0x9c].copy_from_slice(&saved(&both));
            with_new_checksum(&mut bytes);
            target().refuses_training(&bytes, LoadError::NonFiniteSlots, "powers");
        }
    }
}

#[test]
fn bytes_of_64_32_10_are_known_when_it_compiles() {
    type Digits = (Dense<64, 32, Relu>, Dense<32, 10>);
    const { assert!(Digits::PARAMETERS == 2410) };
    const { assert!(weights_bytes::<Digits>() == 9676) };
    const { assert!(training_bytes::<Digits, Sgd, ()>() == 9680) };
    const { assert!(training_bytes::<Digits, Adam, ()>() == 28_980 + 2 * 8) };
}

// ---- there and back ----

/// A rule of a user's own: steps by the sign of the gradient, more slowly the more often the sign changed.
#[derive(Clone, Copy, Debug)]
struct SignRule {
    learning_rate: f32,
    steps: u32,
}
#[derive(Clone, Copy, Debug)]
struct SignSlot {
    last: f32,
    changes: u16,
}
baregrad::state!(SignRule { learning_rate: f32, steps: u32 });
baregrad::state!(SignSlot { last: f32, changes: u16 });

impl Zero for SignSlot {
    const ZERO: Self = Self { last: 0.0, changes: 0 };
}

impl Slot for SignSlot {
    type Layer = ();

    fn is_finite(&self) -> bool {
        self.last.is_finite()
    }
}

impl Optimizer for SignRule {
    type Slot = SignSlot;
    type Step = f32;

    fn begin_step(&mut self) -> f32 {
        self.steps += 1;
        self.learning_rate
    }

    fn update(rate: &f32, parameter: f32, gradient: f32, slot: &mut SignSlot) -> f32 {
        slot.changes += u16::from(slot.last * gradient < 0.0);
        slot.last = gradient;
        parameter - *rate * gradient.signum() / (1.0 + f32::from(slot.changes))
    }
}

type Classes = (Dense<3, 5, Tanh>, Dense<5, 4, LeakyRelu>, Dense<4, 3>);

const INPUTS: [[f32; 3]; 4] = [[0.5, -0.25, 1.0], [-1.0, 0.75, 0.125], [0.25, 0.5, -0.5], [1.0, 1.0, -0.75]];
const LABELS: [u8; 4] = [0, 1, 2, 1];

/// Trains, saves, loads into a fresh trainer with other settings, trains both on: always the same bits.
fn assert_resumes_exactly<O: Optimizer<Slot: State> + State + Copy>(start: O, other: O, what: &str) {
    let data = Dataset::from_arrays(&INPUTS, &LABELS);
    let mut trainer = Trainer::<Classes, O, 4, { floats::<Classes>() }>::NEW;
    trainer.network = random_network(&mut Random::new(3));
    let mut optimizer = start;
    for _ in 0..5 {
        trainer.step(&data, CrossEntropy, &mut optimizer).unwrap();
    }
    let mut bytes = vec![0xaa; training_bytes::<Classes, O, ()>() + 3];
    let count = trainer.save(&optimizer, &(), &mut bytes).unwrap();
    assert_eq!(count, training_bytes::<Classes, O, ()>(), "{what}");
    assert_eq!(bytes[count..], [0xaa; 3], "{what}: nothing beyond the checkpoint is written");
    let bytes = &bytes[..count];

    let mut resumed = Trainer::<Classes, O, 4, { floats::<Classes>() }>::NEW;
    let mut resumed_optimizer = other;
    resumed.load(&mut resumed_optimizer, &mut (), bytes).unwrap();
    let now = |trainer: &Trainer<Classes, O, 4, { floats::<Classes>() }>, optimizer: &O| {
        all_bytes(&trainer.network, &trainer.slots, optimizer, &())
    };
    assert_eq!(now(&trainer, &optimizer), now(&resumed, &resumed_optimizer), "{what}: loaded");
    for _ in 0..5 {
        trainer.step(&data, CrossEntropy, &mut optimizer).unwrap();
        resumed.step(&data, CrossEntropy, &mut resumed_optimizer).unwrap();
    }
    assert_eq!(now(&trainer, &optimizer), now(&resumed, &resumed_optimizer), "{what}: trained on");

    // The same through the functions that stream.
    let mut streamed = Vec::new();
    let mut sink = |piece: &[u8]| {
        assert_eq!(streamed.len() % CHUNK, 0, "only the last piece is short");
        assert!(!piece.is_empty() && piece.len() <= CHUNK);
        streamed.extend_from_slice(piece);
        Ok::<(), Infallible>(())
    };
    let mut third = Trainer::<Classes, O, 4, { floats::<Classes>() }>::NEW;
    let mut third_optimizer = other;
    third.load(&mut third_optimizer, &mut (), bytes).unwrap();
    write_training(&third.network, &third.slots, &third_optimizer, &(), &mut sink).unwrap();
    assert_eq!(streamed, bytes, "{what}: streamed");
    let mut fourth = Trainer::<Classes, O, 4, { floats::<Classes>() }>::NEW;
    let mut fourth_optimizer = other;
    let mut source = pieces_of(bytes);
    read_training(&mut fourth.network, &mut fourth.slots, &mut fourth_optimizer, &mut (), bytes.len(), &mut source)
        .unwrap();
    assert_eq!(now(&third, &third_optimizer), now(&fourth, &fourth_optimizer), "{what}: read");
}

/// Every row of the table.
struct ResumesExactly;

impl VisitOptimizers for ResumesExactly {
    fn optimizer<O: SavedRule>(&mut self, name: &'static str, start: O, _: Formula) {
        // No setting is what it was: each is 0.747.
        let mut other = start;
        other.load(&mut |piece| piece.fill(0x3f));
        let numbers = |rule: &O| saved(rule).as_chunks::<4>().0.to_vec();
        assert!(numbers(&start).iter().zip(&numbers(&other)).all(|(one, another)| one != another), "{name}");
        assert_resumes_exactly(start, other, name);
    }
}

#[test]
fn every_optimizer_comes_back_and_goes_on_exactly() {
    let mut all = ResumesExactly;
    each_optimizer(&mut all);
    let (start, other) = (SignRule { learning_rate: 0.1, steps: 0 }, SignRule { learning_rate: 9.0, steps: 9 });
    assert_resumes_exactly(start, other, "a user's own rule");
}

#[test]
fn weights_come_back_and_predict_the_same() {
    let network: Classes = random_network(&mut Random::new(5));
    let mut bytes = [0; weights_bytes::<Classes>()];
    save_weights(&network, &mut bytes).unwrap();
    let mut loaded = Classes::ZERO;
    load_weights(&mut loaded, &bytes).unwrap();
    assert_eq!(bits(&parameters(&network)), bits(&parameters(&loaded)));

    let mut streamed = Vec::new();
    let written = write_weights(&network, &mut |piece| {
        streamed.extend_from_slice(piece);
        Ok::<(), Infallible>(())
    });
    assert_eq!((written, &streamed[..]), (Ok(bytes.len()), &bytes[..]));
    let mut read = Classes::ZERO;
    read_weights(&mut read, bytes.len(), &mut pieces_of(&bytes)).unwrap();
    assert_eq!(bits(&parameters(&network)), bits(&parameters(&read)));
}

#[test]
fn zeros_of_both_signs_and_subnormals_come_back() {
    let values = [0.0, -0.0, f32::from_bits(1), -f32::MIN_POSITIVE / 2.0, f32::MAX, f32::MIN, 1.0, -1.0, 0.1];
    let mut network = Net::ZERO;
    set_parameters(&mut network, &values);
    let mut bytes = [0; weights_bytes::<Net>()];
    save_weights(&network, &mut bytes).unwrap();
    let mut loaded = Net::ZERO;
    load_weights(&mut loaded, &bytes).unwrap();
    assert_eq!(bits(&parameters(&loaded)), bits(&values));
}

/// Saves, checks the length, loads into another value, compares the bytes.
#[track_caller]
fn assert_state_comes_back<T: State>(value: &T, mut other: T) -> Vec<u8> {
    let bytes = saved(value);
    load(&mut other, &bytes);
    assert_eq!(bytes, saved(&other));
    bytes
}

#[test]
fn numbers_are_little_endian() {
    assert_eq!(assert_state_comes_back(&0x12u8, 0), [0x12]);
    assert_eq!(assert_state_comes_back(&0x1234u16, 0), [0x34, 0x12]);
    assert_eq!(assert_state_comes_back(&0x1234_5678u32, 0), [0x78, 0x56, 0x34, 0x12]);
    assert_eq!(assert_state_comes_back(&1u64, 0), [1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(assert_state_comes_back(&(1u128 << 120), 0)[15], 1);
    assert_eq!(assert_state_comes_back(&-2i8, 0), [0xfe]);
    assert_eq!(assert_state_comes_back(&-2i16, 0), [0xfe, 0xff]);
    assert_eq!(assert_state_comes_back(&-2i32, 0), [0xfe, 0xff, 0xff, 0xff]);
    assert_eq!(assert_state_comes_back(&-2i64, 0)[0], 0xfe);
    assert_eq!(assert_state_comes_back(&-2i128, 0)[0], 0xfe);
    assert_eq!(assert_state_comes_back(&1.0f32, 0.0), [0, 0, 0x80, 0x3f]);
    assert_eq!(assert_state_comes_back(&1.0f64, 0.0), [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    assert_eq!(assert_state_comes_back(&true, false), [1]);
    assert_eq!(assert_state_comes_back(&[1u8, 2, 3], [0; 3]), [1, 2, 3]);
    assert_eq!(assert_state_comes_back(&(1u8, (2u16, [3u8; 2]), true), (0, (0, [0; 2]), false)), [1, 2, 0, 3, 3, 1]);
    assert_eq!(assert_state_comes_back(&(1u8, 2u8, 3u8, 4u8, 5u8, 6u8), (0, 0, 0, 0, 0, 0)), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn schedules_and_orders_come_back() {
    let (mut plateau, mut stopping) = (ReduceOnPlateau::new(0.1), EarlyStopping::new(3));
    for loss in [1.0, 0.5, 0.75] {
        plateau.observe(loss).expect("sound settings");
        stopping.observe(loss).expect("sound settings");
    }
    let mut plateau_back = ReduceOnPlateau::new(9.0);
    (plateau_back.factor, plateau_back.patience, plateau_back.threshold, plateau_back.floor) = (0.9, 9, 0.9, 0.9);
    assert_state_comes_back(&plateau, plateau_back);
    let mut stopping_back = EarlyStopping::new(9);
    stopping_back.min_delta = 0.5;
    assert_state_comes_back(&stopping, stopping_back);
    assert_state_comes_back(&Constant { learning_rate: 0.1 }, Constant { learning_rate: 9.0 });
    let decay = StepDecay { learning_rate: 0.1, factor: 0.5, every: 3 };
    assert_state_comes_back(&decay, StepDecay { learning_rate: 9.0, factor: 9.0, every: 9 });
    let exponential = Exponential { learning_rate: 0.1, factor: 0.5 };
    assert_state_comes_back(&exponential, Exponential { learning_rate: 9.0, factor: 9.0 });
    let cosine = Cosine { learning_rate: 0.1, floor: 0.01, warm_up: 3, steps: 30 };
    assert_state_comes_back(&cosine, Cosine { learning_rate: 9.0, floor: 9.0, warm_up: 9, steps: 9 });
    let mut order = Order::<7>::IDENTITY;
    let mut random = Random::new(1);
    order.shuffle_with(|| random.word());
    assert_state_comes_back(&order, Order::IDENTITY);
}

#[test]
fn parts_that_lie_apart_load_what_a_tuple_saved() {
    let (trainer, optimizer, extra) = known();
    let (bytes, mut target) = (known_training(), target());
    let (mut steps, mut generator) = (0u32, 0u64);
    target.trainer.load(&mut target.optimizer, &mut (&mut steps, &mut generator), &bytes).unwrap();
    assert_eq!((steps, generator), extra);
    let mut again = [0; TRAINING];
    trainer.save(&optimizer, &(&mut steps, &mut generator), &mut again).unwrap();
    assert_eq!(again[..], bytes[..]);
}

// ---- a fresh process ----

/// A training with everything that must be kept: a generator (xorshift) that shuffles, a schedule, a step count.
struct Session<O: Optimizer> {
    trainer: Trainer<Classes, O, 4, { floats::<Classes>() }>,
    optimizer: O,
    step: u32,
    plateau: ReduceOnPlateau,
    generator: u64,
    order: Order<12>,
}

baregrad::state!(Progress { step: u32, plateau: ReduceOnPlateau, generator: u64, order: Order<12> });
struct Progress {
    step: u32,
    plateau: ReduceOnPlateau,
    generator: u64,
    order: Order<12>,
}

trait Rate: Optimizer<Slot: State> + State {
    const NEW: Self;
    fn set_rate(&mut self, rate: f32);
}

impl Rate for Adam {
    const NEW: Self = Self::new(0.05);
    fn set_rate(&mut self, rate: f32) {
        self.learning_rate = rate;
    }
}

impl Rate for Momentum {
    const NEW: Self = Self::new(0.05);
    fn set_rate(&mut self, rate: f32) {
        self.learning_rate = rate;
    }
}

impl<O: Rate> Session<O> {
    const BYTES: usize = training_bytes::<Classes, O, Progress>();

    fn start() -> Self {
        let mut trainer = Trainer::NEW;
        trainer.network = random_network(&mut Random::new(11));
        let mut plateau = ReduceOnPlateau::new(0.05);
        (plateau.patience, plateau.threshold) = (1, 0.02);
        Self { trainer, optimizer: O::NEW, step: 0, plateau, generator: 0x1234_5678_9abc_def1, order: Order::IDENTITY }
    }

    fn train(&mut self, steps: u32) {
        let mut random = Random::new(12);
        let inputs: [[f32; 3]; 12] = std::array::from_fn(|_| std::array::from_fn(|_| random.input()));
        let labels: [u8; 12] = std::array::from_fn(|_| random.below(3) as u8);
        let data = Dataset::from_arrays(&inputs, &labels);
        let decay = StepDecay { learning_rate: 1.0, factor: 0.9, every: 7 };
        for _ in 0..steps {
            let generator = &mut self.generator;
            self.order.shuffle_with(|| {
                *generator ^= *generator << 13;
                *generator ^= *generator >> 7;
                *generator ^= *generator << 17;
                (*generator >> 32) as u32
            });
            let batch = data.batch(&self.order.as_slice()[..4]).unwrap();
            self.optimizer.set_rate(self.plateau.learning_rate * decay.learning_rate(self.step));
            let loss = self.trainer.step(&batch, CrossEntropy, &mut self.optimizer).unwrap();
            self.plateau.observe(loss).expect("sound settings");
            self.step += 1;
        }
    }

    fn save(&self) -> Vec<u8> {
        let Self { trainer, optimizer, step, plateau, generator, order } = self;
        let progress = Progress { step: *step, plateau: *plateau, generator: *generator, order: order.clone() };
        let mut bytes = vec![0; Self::BYTES];
        trainer.save(optimizer, &progress, &mut bytes).unwrap();
        bytes
    }

    fn load(bytes: &[u8]) -> Self {
        let (mut trainer, mut optimizer) = (Trainer::NEW, O::NEW);
        let mut progress =
            Progress { step: 0, plateau: ReduceOnPlateau::new(1.0), generator: 0, order: Order::IDENTITY };
        trainer.load(&mut optimizer, &mut progress, bytes).unwrap();
        let Progress { step, plateau, generator, order } = progress;
        Self { trainer, optimizer, step, plateau, generator, order }
    }
}

/// Train 50 steps, save, go on in another process: as 100 steps in one go. `child` is the test that is that process.
fn assert_resumes_in_a_fresh_process<O: Rate>(child: &str) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{child}_{}.bin", std::process::id()));
    let mut first = Session::<O>::start();
    first.train(50);
    fs::write(&path, first.save()).unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args([&format!("checkpoint::{child}"), "--exact", "--ignored", "--nocapture"])
        .env("BAREGRAD_CHECKPOINT", &path)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let resumed = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();

    let mut whole = Session::<O>::start();
    whole.train(100);
    assert_eq!(whole.step, 100);
    assert!(whole.plateau.learning_rate < 0.05, "the schedule has acted: {}", whole.plateau.learning_rate);
    assert_eq!(resumed, whole.save());
    assert_ne!(resumed, first.save(), "the child has trained");
}

fn go_on<O: Rate>() {
    // Without the variable somebody runs all ignored tests: nothing to do here.
    let Some(path) = env::var_os("BAREGRAD_CHECKPOINT") else { return };
    let mut session = Session::<O>::load(&fs::read(&path).unwrap());
    assert_eq!(session.step, 50);
    session.train(50);
    fs::write(path, session.save()).unwrap();
}

#[test]
fn adam_resumed_in_a_fresh_process_gives_the_bits_of_one_go() {
    assert_resumes_in_a_fresh_process::<Adam>("adam_goes_on_in_a_fresh_process");
}

#[test]
fn momentum_resumed_in_a_fresh_process_gives_the_bits_of_one_go() {
    assert_resumes_in_a_fresh_process::<Momentum>("momentum_goes_on_in_a_fresh_process");
}

#[test]
#[ignore = "the other process of the test above"]
fn adam_goes_on_in_a_fresh_process() {
    go_on::<Adam>();
}

#[test]
#[ignore = "the other process of the test above"]
fn momentum_goes_on_in_a_fresh_process() {
    go_on::<Momentum>();
}

// ---- what is refused ----

#[test]
fn every_truncation_is_an_error_and_changes_nothing() {
    for (bytes, training) in [(known_weights(), false), (known_training(), true)] {
        let mut target = target();
        for length in 0..bytes.len() {
            let expected = if length < HEADER_BYTES + 4 { HEADER_BYTES + 4 } else { bytes.len() };
            let (cut, error) = (&bytes[..length], LoadError::Truncated { expected });
            let what = format!("{length} of {}", bytes.len());
            if training {
                target.refuses_training(cut, error, &what);
            } else {
                target.refuses_weights(cut, error, &what);
            }
        }
    }
}

#[test]
fn every_extension_is_an_error_and_changes_nothing() {
    for (bytes, training) in [(known_weights(), false), (known_training(), true)] {
        let mut target = target();
        for (more, fill) in (1..200).flat_map(|more| [(more, 0x00), (more, 0xff)]) {
            let mut long = bytes.clone();
            long.resize(bytes.len() + more, fill);
            let (error, what) = (LoadError::TooLong { expected: bytes.len() }, format!("{more} more"));
            if training {
                target.refuses_training(&long, error, &what);
            } else {
                target.refuses_weights(&long, error, &what);
            }
        }
    }
}

/// What a flipped bit in this byte must be called.
fn name_of_damage(byte: usize, bytes: &[u8]) -> LoadError {
    let field = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let expected = [12, 20, 28].iter().map(|&at| u64::from(field(at))).sum::<u64>() + 36;
    let expected = usize::try_from(expected).unwrap();
    match byte {
        0..4 => LoadError::NotACheckpoint,
        4..6 => LoadError::UnknownVersion { found: u16::from_le_bytes([bytes[4], bytes[5]]) },
        12..16 | 20..24 | 28..32 if expected > bytes.len() => LoadError::Truncated { expected },
        12..16 | 20..24 | 28..32 => LoadError::TooLong { expected },
        _ => LoadError::ChecksumMismatch,
    }
}

#[test]
fn every_flipped_bit_is_an_error_and_changes_nothing() {
    for (bytes, training) in [(known_weights(), false), (known_training(), true)] {
        let mut target = target();
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let (error, what) = (name_of_damage(bit / 8, &damaged), format!("bit {bit}"));
            if training {
                target.refuses_training(&damaged, error, &what);
            } else {
                target.refuses_weights(&damaged, error, &what);
            }
        }
    }
}

#[test]
fn erased_flash_and_zeros_are_not_a_checkpoint() {
    let mut target = target();
    for fill in [0x00, 0xff] {
        target.refuses_weights(&[fill; weights_bytes::<Net>()], LoadError::NotACheckpoint, "filled");
        target.refuses_training(&[fill; TRAINING], LoadError::NotACheckpoint, "filled");
    }
}

#[test]
fn another_version_is_named() {
    let mut target = target();
    for version in [0, 2, 256, u16::MAX] {
        let mut bytes = known_training();
        bytes[4..6].copy_from_slice(&version.to_le_bytes());
        with_new_checksum(&mut bytes);
        target.refuses_training(&bytes, LoadError::UnknownVersion { found: version }, "sound, of another version");
    }
}

#[test]
fn another_kind_is_named() {
    let mut target = target();
    target.refuses_weights(&known_training(), LoadError::OtherKind { found: 2 }, "training for weights");
    target.refuses_training(&known_weights(), LoadError::OtherKind { found: 1 }, "weights for training");
    let mut bytes = known_training();
    bytes[6..8].copy_from_slice(&0x0102u16.to_le_bytes());
    with_new_checksum(&mut bytes);
    target.refuses_training(&bytes, LoadError::OtherKind { found: 0x0102 }, "a kind that does not exist");
}

fn weights_of<N: Network>() -> Vec<u8> {
    let mut bytes = vec![0; weights_bytes::<N>()];
    save_weights(&N::ZERO, &mut bytes).unwrap();
    bytes
}

fn training_of<N: Network, O: Optimizer<Slot: State> + State, E: State>(optimizer: &O, extra: &E) -> Vec<u8> {
    let trainer = Trainer::<N, O, 1, FLOATS>::NEW;
    let mut bytes = vec![0; training_bytes::<N, O, E>()];
    trainer.save(optimizer, extra, &mut bytes).unwrap();
    bytes
}

struct Own;
impl Activation for Own {
    const NAME: &'static str = "own";
    fn value(z: f32) -> f32 {
        z
    }
    fn slope(_a: f32) -> f32 {
        1.0
    }
}

#[test]
fn another_architecture_is_named() {
    /// All but the first of a list of networks, offered to [`Net`].
    fn refused<N: Network>(what: &str) {
        let mut target = target();
        target.refuses_weights(&weights_of::<N>(), LoadError::OtherArchitecture, what);
        let bytes = training_of::<N, _, _>(&Adam::new(0.1), &(1u32, 2u64));
        target.refuses_training(&bytes, LoadError::OtherArchitecture, what);
    }
    refused::<(Dense<2, 2, Tanh>, Dense<2, 1>)>("an activation");
    refused::<(Dense<2, 2, Own>, Dense<2, 1>)>("a user's activation");
    refused::<(Dense<2, 2, LeakyRelu>, Dense<2, 1>)>("leaky ReLU");
    refused::<(Dense<2, 2, Relu>, Dense<2, 1, Sigmoid>)>("the last activation");
    refused::<(Dense<2, 2>, Dense<2, 1, Relu>)>("activations exchanged");
    refused::<(Dense<2, 3, Relu>, Dense<3, 1>)>("a size");
    refused::<(Dense<1, 3, Relu>, Dense<3, 1>)>("sizes, nearly as many parameters");
    refused::<(Dense<2, 2, Relu>, Dense<2, 2, Relu>, Dense<2, 1>)>("one layer more");
    refused::<Dense<2, 3>>("one layer less, as many parameters");
}

#[test]
fn the_fingerprint_counts_settings_in_the_type() {
    let all = [
        Dense::<2, 3>::FINGERPRINT,
        Dense::<3, 2>::FINGERPRINT,
        Dense::<2, 3, Relu>::FINGERPRINT,
        Dense::<2, 3, LeakyRelu>::FINGERPRINT,
        Dense::<2, 3, LeakyRelu<20>>::FINGERPRINT,
        <(Dense<2, 2>, Dense<2, 2, Relu>)>::FINGERPRINT,
        <(Dense<2, 2, Relu>, Dense<2, 2>)>::FINGERPRINT,
        <(Dense<2, 2>, Dense<2, 2>)>::FINGERPRINT,
        <(Dense<2, 2>, Dense<2, 2>, Dense<2, 2>)>::FINGERPRINT,
    ];
    for (k, one) in all.iter().enumerate() {
        assert!(!all[..k].contains(one), "number {k}");
    }
}

/// The names, fields and their order that version 1 has: whoever changes one makes old checkpoints unreadable.
#[test]
fn the_fingerprints_of_version_1_stay() {
    /// A struct with these fields, `f32` unless they say otherwise.
    fn of(name: &str, fields: &str) -> u32 {
        let mut items = vec![Name(name)];
        for field in fields.split_whitespace() {
            let (field, kind) = field.split_once(':').unwrap_or((field, "f32"));
            items.extend([Name(field), part(&[Name(kind)])]);
        }
        fingerprint(&items)
    }
    assert_eq!(Sgd::FINGERPRINT, of("Sgd", "learning_rate"));
    assert_eq!(Momentum::FINGERPRINT, of("Momentum", "learning_rate momentum"));
    assert_eq!(SgdMomentum::FINGERPRINT, of("SgdMomentum", "learning_rate momentum"));
    assert_eq!(Nesterov::FINGERPRINT, of("Nesterov", "learning_rate momentum"));
    assert_eq!(AdaGrad::FINGERPRINT, of("AdaGrad", "learning_rate epsilon"));
    assert_eq!(RmsProp::FINGERPRINT, of("RmsProp", "learning_rate decay epsilon"));
    let adam = of("Adam", "learning_rate beta1 beta2 epsilon beta1_power beta2_power");
    assert_eq!(Adam::FINGERPRINT, adam);
    let adamw = [Name("AdamW"), Name("adam"), Number(adam.into()), Name("weight_decay"), part(&[Name("f32")])];
    assert_eq!(AdamW::FINGERPRINT, fingerprint(&adamw));
    assert_eq!(Moments::FINGERPRINT, of("Moments", "first_moment second_moment"));
    let sgd = || Number(of("Sgd", "learning_rate").into());
    assert_eq!(WeightDecay::<Sgd>::FINGERPRINT, fingerprint(&[Name("WeightDecay"), sgd()]));
    assert_eq!(ClipValue::<Sgd>::FINGERPRINT, fingerprint(&[Name("ClipValue"), sgd()]));

    assert_eq!(Constant::FINGERPRINT, of("Constant", "learning_rate"));
    assert_eq!(StepDecay::FINGERPRINT, of("StepDecay", "learning_rate factor every:u32"));
    assert_eq!(Exponential::FINGERPRINT, of("Exponential", "learning_rate factor"));
    assert_eq!(Cosine::FINGERPRINT, of("Cosine", "learning_rate floor warm_up:u32 steps:u32"));
    let plateau = "learning_rate factor patience:u32 threshold floor best waited:u32";
    assert_eq!(ReduceOnPlateau::FINGERPRINT, of("ReduceOnPlateau", plateau));
    assert_eq!(EarlyStopping::FINGERPRINT, of("EarlyStopping", "patience:u32 min_delta best waited:u32"));
    assert_eq!(Order::<7>::FINGERPRINT, fingerprint(&[Name("Order"), Number(7)]));

    assert_eq!(u8::FINGERPRINT, of("u8", ""));
    assert_eq!(i128::FINGERPRINT, of("i128", ""));
    assert_eq!(bool::FINGERPRINT, of("bool", ""));
    assert_eq!(<[u16; 3]>::FINGERPRINT, fingerprint(&[Name("[]"), Number(3), part(&[Name("u16")])]));
    assert_eq!(<()>::FINGERPRINT, of("()", ""));
    assert_eq!(<&mut f64>::FINGERPRINT, of("f64", ""));

    let dense = |activation: &[Item<'_>]| fingerprint(&[Name("Dense"), Number(2), Number(3), part(activation)]);
    assert_eq!(Dense::<2, 3>::FINGERPRINT, dense(&[Name("identity")]));
    assert_eq!(Dense::<2, 3, Sigmoid>::FINGERPRINT, dense(&[Name("sigmoid")]));
    assert_eq!(Dense::<2, 3, Tanh>::FINGERPRINT, dense(&[Name("tanh")]));
    assert_eq!(Dense::<2, 3, Relu>::FINGERPRINT, dense(&[Name("ReLU")]));
    assert_eq!(Dense::<2, 3, LeakyRelu>::FINGERPRINT, dense(&[Name("leaky ReLU"), Number(10)]));
}

#[test]
fn nesting_of_tuples_does_not_matter() {
    type Flat = (Dense<2, 3, Relu>, Dense<3, 4, Tanh>, Dense<4, 1>);
    type Left = ((Dense<2, 3, Relu>, Dense<3, 4, Tanh>), Dense<4, 1>);
    type Right = (Dense<2, 3, Relu>, (Dense<3, 4, Tanh>, Dense<4, 1>));
    let mut left = Left::ZERO;
    load_weights(&mut left, &weights_of::<Flat>()).unwrap();
    let mut right = Right::ZERO;
    load_weights(&mut right, &weights_of::<Left>()).unwrap();
    let mut alone = Dense::<2, 3>::ZERO;
    load_weights(&mut alone, &weights_of::<(Dense<2, 3>,)>()).unwrap();
}

#[test]
fn another_optimizer_is_named() {
    let extra: Extra = (1, 2);
    let mut target = target();
    let other = LoadError::OtherOptimizer;
    target.refuses_training(&training_of::<Net, _, _>(&Sgd::new(0.1), &extra), other, "Sgd for Adam");
    target.refuses_training(&training_of::<Net, _, _>(&AdamW::new(0.1), &extra), other, "AdamW for Adam");
    let decay = WeightDecay::new(0.1, Adam::new(0.1));
    target.refuses_training(&training_of::<Net, _, _>(&decay, &extra), other, "with weight decay");
    let decay = ClipValue::new(0.1, Adam::new(0.1));
    target.refuses_training(&training_of::<Net, _, _>(&decay, &extra), other, "with clipping");
    // The same fields and slots, another rule.
    let momentum = training_of::<Net, _, _>(&Momentum::new(0.1), &extra);
    let mut target = Target::<Net, _, Extra>::new(SgdMomentum::new(0.1), extra);
    target.refuses_training(&momentum, other, "Momentum for SgdMomentum");
    target.refuses_training(&training_of::<Net, _, _>(&Nesterov::new(0.1), &extra), other, "Nesterov for SgdMomentum");
    let inner = training_of::<Net, _, _>(&WeightDecay::new(0.1, Momentum::new(0.1)), &extra);
    let mut target = Target::<Net, _, Extra>::new(ClipValue::new(0.1, Momentum::new(0.1)), extra);
    target.refuses_training(&inner, other, "WeightDecay for ClipValue");
}

#[test]
fn another_extra_state_is_named() {
    let (adam, mut target, other) = (Adam::new(0.1), target(), LoadError::OtherExtra);
    target.refuses_training(&training_of::<Net, _, _>(&adam, &()), other, "none");
    target.refuses_training(&training_of::<Net, _, _>(&adam, &(1u64, 2u32)), other, "exchanged");
    target.refuses_training(&training_of::<Net, _, _>(&adam, &(1u32, 2i64)), other, "another number");
    target.refuses_training(&training_of::<Net, _, _>(&adam, &(1u32, 2u32, 3u32)), other, "as many bytes");
    target.refuses_training(&training_of::<Net, _, _>(&adam, &[0u8; 12]), other, "as many bytes, an array");
    let mut target = Target::<Net, Adam, _>::new(adam, [0u8; 4]);
    target.refuses_training(&training_of::<Net, _, _>(&adam, &[0u16; 2]), other, "as many bytes of another kind");
    target.refuses_training(&training_of::<Net, _, _>(&adam, &[0u8; 5]), other, "one more");
}

#[test]
fn a_length_that_belies_its_fingerprint_is_refused() {
    let payload = |bytes: usize| vec![0u8; bytes];
    let extra = fingerprint(&[Name("()"), part(&[Name("u32")]), part(&[Name("u64")])]);
    let forged =
        |w, o, e| drawn(1, 2, [(net_fingerprint(), payload(w)), (adam_fingerprint(), payload(o)), (extra, payload(e))]);
    let mut target = target();
    target.refuses_training(&forged(32, 112, 12), LoadError::OtherArchitecture, "a weight less");
    target.refuses_training(&forged(40, 108, 12), LoadError::OtherArchitecture, "the same sum");
    target.refuses_training(&forged(36, 108, 12), LoadError::OtherOptimizer, "a slot cut");
    target.refuses_training(&forged(36, 112, 13), LoadError::OtherExtra, "a byte more");
    let weights = |optimizer, extra| drawn(1, 1, [(net_fingerprint(), payload(36)), optimizer, extra]);
    target.refuses_weights(&weights((1, vec![]), (0, vec![])), LoadError::OtherOptimizer, "weights with an optimizer");
    target.refuses_weights(&weights((0, vec![]), (0, vec![1])), LoadError::OtherExtra, "weights with extra state");
}

/// Every weight and every slot in turn is made bad.
#[test]
fn a_weight_or_slot_that_is_not_finite_is_never_saved() {
    let (good, optimizer, extra) = known();
    let untouched = [0x5a; TRAINING];
    for (k, bad) in (0..27).flat_map(|k| BAD.map(|bad| (k, bad))) {
        let mut trainer = AdamTrainer { network: good.network, slots: good.slots, ..AdamTrainer::NEW };
        let mut values = parameters(&trainer.network);
        let error = if k < 9 { SaveError::NonFiniteWeights } else { SaveError::NonFiniteSlots };
        let mut index = 9;
        if k < 9 {
            values[k] = bad;
            set_parameters(&mut trainer.network, &values);
        }
        trainer.slots.for_each_tensor_mut(&mut |piece| {
            for slot in piece {
                for value in [&mut slot.first_moment, &mut slot.second_moment] {
                    if index == k {
                        *value = bad;
                    }
                    index += 1;
                }
            }
        });

        let mut buffer = untouched;
        assert_eq!(trainer.save(&optimizer, &extra, &mut buffer), Err(error), "{bad} in {k}");
        assert_eq!(buffer, untouched, "{bad} in {k}");
        let calls = Cell::new(0);
        let mut sink = |_: &[u8]| {
            calls.set(calls.get() + 1);
            Ok::<(), Infallible>(())
        };
        let written = write_training(&trainer.network, &trainer.slots, &optimizer, &extra, &mut sink);
        assert_eq!(written, Err(WriteError::Save(error)), "{bad} in {k}");
        if k < 9 {
            assert_eq!(save_weights(&trainer.network, &mut buffer), Err(error), "{bad} in {k}");
            assert_eq!(write_weights(&trainer.network, &mut sink), Err(WriteError::Save(error)), "{bad} in {k}");
        }
        assert_eq!((buffer, calls.get()), (untouched, 0), "{bad} in {k}");
    }
}

#[test]
fn a_weight_or_slot_that_is_not_finite_is_never_loaded() {
    let mut target = target();
    for (k, bad) in (0..27).flat_map(|k| BAD.map(|bad| (k, bad))) {
        let error = if k < 9 { LoadError::NonFiniteWeights } else { LoadError::NonFiniteSlots };
        let place = HEADER_BYTES + 4 * k;
        let mut bytes = known_training();
        bytes[place..place + 4].copy_from_slice(&bad.to_le_bytes());
        with_new_checksum(&mut bytes);
        target.refuses_training(&bytes, error, &format!("{bad} in {k}"));
        if k < 9 {
            let mut bytes = known_weights();
            bytes[place..place + 4].copy_from_slice(&bad.to_le_bytes());
            with_new_checksum(&mut bytes);
            target.refuses_weights(&bytes, error, &format!("{bad} in {k}"));
        }
    }
}

#[test]
fn an_infinity_in_the_extra_state_comes_back() {
    let (trainer, optimizer, _) = known();
    let extra = EarlyStopping::new(3);
    let mut bytes = [0; training_bytes::<Net, Adam, EarlyStopping>()];
    trainer.save(&optimizer, &extra, &mut bytes).unwrap();
    let mut loaded = EarlyStopping::new(9);
    target().trainer.load(&mut Adam::new(1.0), &mut loaded, &bytes).unwrap();
    assert_eq!(loaded, extra);
}

#[test]
fn a_buffer_that_is_too_small_is_refused_and_not_touched() {
    let (trainer, optimizer, extra) = known();
    for length in 0..TRAINING {
        let mut buffer = vec![0x5a; length];
        let refused = trainer.save(&optimizer, &extra, &mut buffer);
        assert_eq!(refused, Err(SaveError::BufferTooSmall { needed: TRAINING }));
        assert!(buffer.iter().all(|byte| *byte == 0x5a));
    }
    let needed = weights_bytes::<Net>();
    let mut buffer = vec![0x5a; needed - 1];
    assert_eq!(save_weights(&trainer.network, &mut buffer), Err(SaveError::BufferTooSmall { needed }));
    assert!(buffer.iter().all(|byte| *byte == 0x5a));
}

/// A state, rule and slot that hands over another number of bytes than it says.
#[derive(Clone, Copy)]
struct Liar<const HANDED: usize>;

impl<const HANDED: usize> State for Liar<HANDED> {
    const BYTES: usize = 4;
    const FINGERPRINT: u32 = 1;

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        write(&[0; HANDED]);
    }

    fn load(&mut self, _read: &mut impl FnMut(&mut [u8])) {}
}

impl<const HANDED: usize> Zero for Liar<HANDED> {
    const ZERO: Self = Self;
}

impl<const HANDED: usize> Slot for Liar<HANDED> {
    type Layer = ();

    fn is_finite(&self) -> bool {
        true
    }
}

/// A rule of one length with slots of another.
struct LiarRule<const RULE: usize, const SLOT: usize>;

impl<const RULE: usize, const SLOT: usize> State for LiarRule<RULE, SLOT> {
    const BYTES: usize = 4;
    const FINGERPRINT: u32 = 2;

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        write(&[0; RULE]);
    }

    fn load(&mut self, _read: &mut impl FnMut(&mut [u8])) {}
}

impl<const RULE: usize, const SLOT: usize> Optimizer for LiarRule<RULE, SLOT> {
    type Slot = Liar<SLOT>;
    type Step = ();

    fn begin_step(&mut self) {}

    fn update(_step: &(), parameter: f32, _gradient: f32, _slot: &mut Liar<SLOT>) -> f32 {
        parameter
    }
}

#[test]
fn a_state_of_another_length_than_it_says_is_refused() {
    fn saved<const RULE: usize, const SLOT: usize, const EXTRA: usize>() -> Result<usize, SaveError> {
        let trainer = Trainer::<Net, LiarRule<RULE, SLOT>, 1, { floats::<Net>() }>::NEW;
        let mut buffer = [0x5a; 512];
        let saved = trainer.save(&LiarRule, &Liar::<EXTRA>, &mut buffer);
        assert!(saved.is_ok() || buffer == [0x5a; 512], "nothing is written");
        saved
    }
    assert_eq!(saved::<4, 4, 4>(), Ok(36 + 36 + 9 * 4 + 4 + 4));
    for lie in [
        saved::<3, 4, 4>(),
        saved::<5, 4, 4>(),
        saved::<4, 3, 4>(),
        saved::<4, 5, 4>(),
        saved::<4, 4, 3>(),
        saved::<4, 4, 5>(),
    ] {
        assert_eq!(lie, Err(SaveError::WrongLength));
    }
}

/// A layer that shows other numbers of parameters, slots and layers than it says: one each.
struct LiarLayer<const PARAMETERS: usize, const SLOTS: usize, const LAYER: bool>([f32; PARAMETERS]);

impl<const PARAMETERS: usize, const SLOTS: usize, const LAYER: bool> Zero for LiarLayer<PARAMETERS, SLOTS, LAYER> {
    const ZERO: Self = Self(Zero::ZERO);
}

impl<const PARAMETERS: usize, const SLOTS: usize, const LAYER: bool> Tensors<f32>
    for LiarLayer<PARAMETERS, SLOTS, LAYER>
{
    const COUNT: usize = 1;

    fn tensor(&self, _: usize) -> &[f32] {
        &self.0
    }
}

struct LiarSlots<T: Slot, const SLOTS: usize, const LAYER: bool>([T; SLOTS], T::Layer);

impl<T: Slot, const SLOTS: usize, const LAYER: bool> Zero for LiarSlots<T, SLOTS, LAYER> {
    const ZERO: Self = Self(Zero::ZERO, Zero::ZERO);
}

impl<T: Slot, const SLOTS: usize, const LAYER: bool> Tensors<T> for LiarSlots<T, SLOTS, LAYER> {
    const COUNT: usize = 1;

    fn tensor(&self, _: usize) -> &[T] {
        &self.0
    }
}

impl<T: Slot, const SLOTS: usize, const LAYER: bool> Slots<T> for LiarSlots<T, SLOTS, LAYER> {
    fn layer(&self) -> Option<&T::Layer> {
        if LAYER { Some(&self.1) } else { None }
    }

    fn layer_mut(&mut self) -> Option<&mut T::Layer> {
        Some(&mut self.1)
    }
}

impl<const PARAMETERS: usize, const SLOTS: usize, const LAYER: bool> Parameters
    for LiarLayer<PARAMETERS, SLOTS, LAYER>
{
    const KIND: &'static str = "LiarLayer";
    const TENSORS: &'static [Tensor] = &[Tensor::bias("bias", 1, 1)];
    type Slots<T: Slot> = LiarSlots<T, SLOTS, LAYER>;
}

#[test]
fn a_layer_of_another_length_than_it_says_is_refused() {
    fn saved<const PARAMETERS: usize, const SLOTS: usize, const LAYER: bool>() -> [Result<usize, SaveError>; 2] {
        let (network, slots) = (LiarLayer::<PARAMETERS, SLOTS, LAYER>::ZERO, LiarSlots::<_, SLOTS, LAYER>::ZERO);
        let mut buffer = [0; 512];
        let training = save_training(&network, &slots, &Adam::new(0.1), &(), &mut buffer);
        [training, save_weights(&network, &mut buffer)]
    }
    let wrong = Err(SaveError::WrongLength);
    assert_eq!(saved::<1, 1, true>(), [Ok(36 + 4 + 8 + 8 + 24), Ok(36 + 4)]);
    assert_eq!([saved::<0, 1, true>(), saved::<2, 1, true>()], [[wrong; 2]; 2]);
    assert_eq!([saved::<1, 0, true>(), saved::<1, 2, true>(), saved::<1, 1, false>()], [[wrong, Ok(36 + 4)]; 3]);
}

#[test]
fn a_sink_that_fails_is_not_called_again() {
    let (trainer, optimizer, extra) = known();
    for failing in 0..TRAINING.div_ceil(CHUNK) {
        let mut calls = 0;
        let mut sink = |_: &[u8]| {
            calls += 1;
            if calls > failing { Err(failing) } else { Ok(()) }
        };
        let written = write_training(&trainer.network, &trainer.slots, &optimizer, &extra, &mut sink);
        assert_eq!(written, Err(WriteError::Sink(failing)));
        assert_eq!(calls, failing + 1);
    }
}

/// The source fails at each of its calls in turn: of the first reading, then of the second.
#[test]
fn a_source_that_fails_while_it_is_checked_changes_nothing() {
    let bytes = known_training();
    let pieces = bytes.len().div_ceil(CHUNK);
    for failing in 0..2 * pieces {
        let mut target = target();
        let mut calls = 0;
        let mut source = |offset: usize, piece: &mut [u8]| {
            calls += 1;
            piece.copy_from_slice(&bytes[offset..offset + piece.len()]);
            if calls == failing + 1 { Err(failing) } else { Ok(()) }
        };
        let Target { trainer, optimizer, extra, .. } = &mut target;
        let read = read_training(&mut trainer.network, &mut trainer.slots, optimizer, extra, bytes.len(), &mut source);
        if failing < pieces {
            assert_eq!(read, Err(ReadError::Source(failing)));
            assert_eq!(calls, failing + 1, "a source that failed is not asked again");
            target.is_unchanged("the source failed");
        } else {
            assert_eq!(read, Err(ReadError::Unsteady));
        }
    }
}

#[test]
fn a_source_that_gives_other_bytes_the_second_time_is_found_out() {
    let bytes = known_weights();
    for bit in 0..8 * bytes.len() {
        let mut calls = 0;
        let mut source = |offset: usize, piece: &mut [u8]| {
            calls += 1;
            let mut now = bytes.clone();
            now[bit / 8] ^= u8::from(calls > bytes.len().div_ceil(CHUNK)) << (bit % 8);
            piece.copy_from_slice(&now[offset..offset + piece.len()]);
            Ok::<(), Infallible>(())
        };
        let read = read_weights(&mut target().trainer.network, bytes.len(), &mut source);
        assert_eq!(read, Err(ReadError::Unsteady), "bit {bit}");
    }
}

#[test]
fn the_header_alone_says_how_long_the_checkpoint_is() {
    for bytes in [known_weights(), known_training()] {
        assert_eq!(stated_bytes(&bytes[..HEADER_BYTES]), Ok(bytes.len()));
        assert_eq!(stated_bytes(&[&bytes[..], &[0xff; 100]].concat()), Ok(bytes.len()));
        let cut = LoadError::Truncated { expected: HEADER_BYTES };
        assert_eq!(stated_bytes(&bytes[..HEADER_BYTES - 1]), Err(cut));
        assert_eq!(stated_bytes(&[]), Err(cut));
        assert_eq!(stated_bytes(&[0xff; HEADER_BYTES]), Err(LoadError::NotACheckpoint));
        let mut other = bytes.clone();
        other[4] = 2;
        assert_eq!(stated_bytes(&other), Err(LoadError::UnknownVersion { found: 2 }));
    }
}

/// Random bytes; damaged checkpoints; and damaged ones with a right checksum, as an attacker would send.
#[test]
fn no_bytes_at_all_make_a_load_panic_or_change_something_and_fail() {
    const SEED: u64 = 20_260_101;
    let mut random = Random::new(SEED);
    let good = known_training();
    let (mut refused, mut loaded) = (0, 0);
    let mut target = target();
    for round in 0..20_000 {
        let mut bytes = match round % 4 {
            0 => {
                let length = random.below(256);
                (0..length).map(|_| random.word() as u8).collect()
            }
            _ => good.clone(),
        };
        if round % 4 > 0 {
            for _ in 0..1 + random.below(4) {
                let (place, byte) = (random.below(bytes.len()), random.word() as u8);
                bytes[place] = byte;
            }
            if random.below(4) == 0 {
                bytes.resize(random.below(2 * good.len()), 0xff);
            }
        }
        if round % 4 > 1 && bytes.len() >= 4 {
            with_new_checksum(&mut bytes);
        }
        let result = target.trainer.load(&mut target.optimizer, &mut target.extra, &bytes);
        let mut other = Target::<Net, Adam, Extra>::new(Adam::new(0.5), (77, 78));
        let Target { trainer, optimizer, extra, .. } = &mut other;
        let mut source = pieces_of(&bytes);
        let read = read_training(&mut trainer.network, &mut trainer.slots, optimizer, extra, bytes.len(), &mut source);
        assert_eq!(read, result.map_err(ReadError::Load), "seed {SEED}, round {round}: {bytes:02x?}");
        let _ = stated_bytes(&bytes);
        let weights = load_weights(&mut other.trainer.network, &bytes);
        if result.is_err() {
            refused += 1;
            target.is_unchanged(&format!("seed {SEED}, round {round}: {bytes:02x?}"));
            assert!(weights.is_err(), "seed {SEED}, round {round}");
            other.is_unchanged(&format!("seed {SEED}, round {round}: {bytes:02x?}"));
        } else {
            loaded += 1;
            assert_eq!(target.now(), other.now(), "seed {SEED}, round {round}");
            assert_eq!(target.now(), bytes[HEADER_BYTES..bytes.len() - 4], "seed {SEED}, round {round}");
            target.before = target.now();
        }
    }
    assert!(refused > 10_000 && loaded > 1_000, "both happen: {refused}, {loaded}");
}

#[test]
fn errors_read_as_sentences() {
    let said = [
        SaveError::BufferTooSmall { needed: 72 }.to_string(),
        LoadError::Truncated { expected: 72 }.to_string(),
        LoadError::UnknownVersion { found: 2 }.to_string(),
        WriteError::Sink("page 3").to_string(),
        WriteError::<Infallible>::from(SaveError::NonFiniteWeights).to_string(),
        ReadError::<Infallible>::from(LoadError::ChecksumMismatch).to_string(),
    ];
    let expected = [
        "the checkpoint takes 72 bytes, more than the buffer",
        "the checkpoint is cut: it had 72 bytes",
        "format version 2 is not known here",
        "the sink of the checkpoint failed: \"page 3\"",
        "not saved: a weight is infinite or NaN, training has diverged",
        "the checkpoint is damaged",
    ];
    assert_eq!(said, expected);
}

#[test]
fn network_and_slots_may_lie_apart() {
    let (trainer, optimizer, extra) = known();
    let mut bytes = [0; TRAINING];
    save_training(&trainer.network, &trainer.slots, &optimizer, &extra, &mut bytes).unwrap();
    assert_eq!(bytes[..], known_training()[..]);
    let (mut network, mut slots) = (Net::ZERO, <Net as Parameters>::Slots::<<Adam as Optimizer>::Slot>::ZERO);
    let (mut other, mut loaded) = (Adam::new(9.0), (0u32, 0u64));
    load_training(&mut network, &mut slots, &mut other, &mut loaded, &bytes).unwrap();
    let known = all_bytes(&trainer.network, &trainer.slots, &optimizer, &extra);
    assert_eq!(all_bytes(&network, &slots, &other, &loaded), known);
    assert_eq!(checkpoint::VERSION, 1);
}
