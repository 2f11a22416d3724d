//! One-pass training against the plain textbook loops (`host_tests::textbook`), bit for bit.
//!
//! The oracle computes all gradients first and updates afterwards, in nested loops without tiles; the sizes here lie on both sides of
//! every tile (8 outputs, 4 samples, 4, 2 and 1 rows). Also laws: two-phase, micro-batches, nesting and short batches change no bit.

use crate::common::training::{SummaryLine, assert_training_equals_the_plain_loops};
use crate::common::{
    Data, FLOATS, Random, Rule, TestLoss, assert_same_bits, book_network, book_state, gradient, parameters,
    random_network, set_parameters,
};
use baregrad::train::Gradients;
use baregrad::{
    Adam, BinaryCrossEntropy, CrossEntropy, Dataset, Dense, Features, GatherBuffer, Identity, LeakyRelu,
    MeanSquaredError, Network, Order, Parameters, Relu, Sgd, Sigmoid, SumOfSquares, Tanh, Trainer, Workspace, Zero,
    floats,
};
use host_tests::textbook as book;

/// Every loop remainder: 1, 2, 3 and 5 are below one tile, 8 is one, 17 and 33 are several and one more.
const SIZES: [usize; 7] = [1, 2, 3, 5, 8, 17, 33];

/// Choice `K` of a list of types.
struct Choice<const K: usize>;
trait ChosenActivation {
    type Is;
}
trait ChosenLoss {
    type Is;
}
trait ChosenOptimizer {
    type Is;
}
macro_rules! choices {
    ($kind:ident: $($k:literal $is:ty),*) => { $(impl $kind for Choice<$k> { type Is = $is; })* };
}
choices!(ChosenActivation: 0 Identity, 1 Sigmoid, 2 Tanh, 3 Relu, 4 LeakyRelu);
choices!(ChosenOptimizer: 0 Sgd, 1 Adam);
choices!(ChosenLoss: 0 MeanSquaredError, 1 SumOfSquares, 2 CrossEntropy, 3 BinaryCrossEntropy);

/// Output activation of pair `k`: the squared losses (0 and 1) go through all, the cross-entropies take none.
const fn output(k: usize) -> usize {
    if k % 4 < 2 { k / 4 % 5 } else { 0 }
}

/// One test: each hidden size behind input size `$i`.
///
/// Pair `k = 7·i + h` has the hidden activation `k % 5` and the loss `k % 4`, so 20 pairs meet every combination of the two. The
/// optimizers alternate, the other way round in every next 20, so 40 pairs meet every combination of the three.
macro_rules! hidden_sizes_behind {
    ($i:literal inputs: $test:ident) => {
        #[test]
        fn $test() {
            hidden_sizes_behind!($i: 0 1 2 3 4 5 6);
        }
    };
    ($i:literal: $($h:literal)*) => { $( {
        const IN: usize = SIZES[$i];
        const HIDDEN: usize = SIZES[$h];
        const OUT: usize = SIZES[($i + $h) % 7];
        const K: usize = 7 * $i + $h;
        type Hidden = <Choice<{ K % 5 }> as ChosenActivation>::Is;
        type Output = <Choice<{ output(K) }> as ChosenActivation>::Is;
        type L = <Choice<{ K % 4 }> as ChosenLoss>::Is;
        type N = (Dense<IN, HIDDEN, Hidden>, Dense<HIDDEN, OUT, Output>);
        type O = <Choice<{ (K % 20 + K / 20) % 2 }> as ChosenOptimizer>::Is;
        // A short batch comes after a longer one too: what the longer one left must not matter.
        assert_training_equals_the_plain_loops::<N, O, L, IN, OUT, 16>(K as u64, &[5, 16, 1, 2]);
    } )* };
}

hidden_sizes_behind!(0 inputs: training_from_1_input_equals_the_plain_loops);
hidden_sizes_behind!(1 inputs: training_from_2_inputs_equals_the_plain_loops);
hidden_sizes_behind!(2 inputs: training_from_3_inputs_equals_the_plain_loops);
hidden_sizes_behind!(3 inputs: training_from_5_inputs_equals_the_plain_loops);
hidden_sizes_behind!(4 inputs: training_from_8_inputs_equals_the_plain_loops);
hidden_sizes_behind!(5 inputs: training_from_17_inputs_equals_the_plain_loops);
hidden_sizes_behind!(6 inputs: training_from_33_inputs_equals_the_plain_loops);

type Three = (Dense<5, 9, Tanh>, Dense<9, 6, Relu>, Dense<6, 3>);
type Five =
    (Dense<3, 7, Sigmoid>, Dense<7, 2, LeakyRelu>, Dense<2, 10, Identity>, Dense<10, 4, Tanh>, Dense<4, 2, Sigmoid>);

#[test]
fn training_three_layers_equals_the_plain_loops() {
    assert_training_equals_the_plain_loops::<Three, Sgd, CrossEntropy, 5, 3, 7>(1, &[7, 3, 1]);
    assert_training_equals_the_plain_loops::<Three, Adam, BinaryCrossEntropy, 5, 3, 7>(2, &[7, 3, 1]);
}

#[test]
fn training_five_layers_equals_the_plain_loops() {
    assert_training_equals_the_plain_loops::<Five, Sgd, MeanSquaredError, 3, 2, 7>(3, &[7, 3, 1]);
    assert_training_equals_the_plain_loops::<Five, Adam, SumOfSquares, 3, 2, 7>(4, &[7, 3, 1]);
}

#[test]
fn training_one_layer_equals_the_plain_loops() {
    assert_training_equals_the_plain_loops::<(Dense<6, 11, Tanh>,), Adam, MeanSquaredError, 6, 11, 7>(5, &[7, 3, 1]);
    assert_training_equals_the_plain_loops::<Dense<6, 11>, Adam, CrossEntropy, 6, 11, 7>(6, &[7, 3, 1]);
}

/// Parameters and Adam's moments after a few steps with these many samples each.
fn trained<N, const IN: usize, const OUT: usize, const B: usize>(seed: u64, batches: &[usize]) -> (Vec<f32>, Vec<f32>)
where
    N: Network<In = Features<IN>, Out = Features<OUT>, Activation = Identity>,
{
    let mut random = Random::new(seed);
    let mut trainer = Box::new(Trainer::<N, Adam, B, FLOATS>::NEW);
    trainer.network = random_network(&mut random);
    let mut optimizer = Adam::START;
    for &samples in batches {
        let data = Data::<IN, _>::random::<Identity, CrossEntropy, OUT>(&mut random, samples);
        trainer.step(&data.dataset(), CrossEntropy, &mut optimizer).expect("sound data");
    }
    (parameters(&trainer.network), optimizer.state::<N>(&trainer.slots))
}

fn assert_same_training(left: &(Vec<f32>, Vec<f32>), right: &(Vec<f32>, Vec<f32>), what: &str) {
    assert_same_bits(&left.0, &right.0, &format!("parameters, {what}"));
    assert_same_bits(&left.1, &right.1, &format!("optimizer state, {what}"));
}

fn assert_workspace_size_does_not_matter<N, const IN: usize, const OUT: usize>(seed: u64)
where
    N: Network<In = Features<IN>, Out = Features<OUT>, Activation = Identity>,
{
    let what = format!("{}seed {seed}", N::summary_line());
    let in_16 = |samples| trained::<N, IN, OUT, 16>(seed, &[samples; 4]);
    assert_same_training(&in_16(1), &trained::<N, IN, OUT, 1>(seed, &[1; 4]), &what);
    assert_same_training(&in_16(2), &trained::<N, IN, OUT, 2>(seed, &[2; 4]), &what);
    assert_same_training(&in_16(5), &trained::<N, IN, OUT, 5>(seed, &[5; 4]), &what);
}

#[test]
fn a_short_batch_gives_the_bits_of_a_workspace_of_its_size() {
    assert_workspace_size_does_not_matter::<(Dense<3, 5, Relu>, Dense<5, 2>), 3, 2>(7);
    assert_workspace_size_does_not_matter::<(Dense<8, 17, Tanh>, Dense<17, 3>), 8, 3>(8);
    assert_workspace_size_does_not_matter::<Three, 5, 3>(9);
}

#[test]
fn a_nested_network_trains_as_the_flat_one() {
    type Front = ((Dense<5, 9, Tanh>, Dense<9, 6, Relu>), Dense<6, 3>);
    type Back = (Dense<5, 9, Tanh>, (Dense<9, 6, Relu>, Dense<6, 3>));
    let flat = || trained::<Three, 5, 3, 6>(10, &[6, 6, 2, 5]);
    assert_same_training(&trained::<Front, 5, 3, 6>(10, &[6, 6, 2, 5]), &flat(), "front nested, seed 10");
    assert_same_training(&trained::<Back, 5, 3, 6>(10, &[6, 6, 2, 5]), &flat(), "back nested, seed 10");
}

/// Three steps in one pass, and three in two phases with each batch of 16 in these parts.
fn assert_two_phases_give_the_bits_of_a_step<N, O, L, const IN: usize, const OUT: usize>(seed: u64, parts: &[usize])
where
    N: Network<In = Features<IN>, Out = Features<OUT>>,
    O: Rule,
    L: TestLoss<N::Activation, OUT>,
{
    let mut random = Random::new(seed);
    let mut whole = Box::new(Trainer::<N, O, 16, FLOATS>::NEW);
    whole.network = random_network(&mut random);
    let mut split = Box::new(Trainer::<N, O, 16, FLOATS>::NEW);
    set_parameters(&mut split.network, &parameters(&whole.network));
    let mut gradients = Gradients::<N>::ZERO;
    let (mut one_pass, mut two_phases) = (O::START, O::START);
    for step in 0..3 {
        let what =
            format!("{}{:?} {one_pass:?}, seed {seed}, step {step}, parts {parts:?}", N::summary_line(), L::BOOK);
        let data = Data::<IN, _>::random::<N::Activation, L, OUT>(&mut random, 16);
        let plain = book_network(&whole.network);
        let (_, plain_gradient) = plain.loss_and_gradient(&data.book_inputs, &data.book_targets, book::loss(L::BOOK));
        let plain_gradient: Vec<f32> = plain_gradient.iter().flat_map(book::Layer::parameters).copied().collect();

        let loss = whole.step(&data.dataset(), L::LOSS, &mut one_pass).expect(&what);
        let (mut start, mut shares) = (0, Vec::new());
        for part in parts {
            let range = start..start + part;
            let micro_batch = Dataset::new(&data.inputs[range.clone()], &data.targets[range]).expect(&what);
            shares.push(split.accumulate(&mut gradients, &micro_batch, L::LOSS, 16).expect(&what));
            start += part;
        }
        assert_eq!(start, 16, "the parts make up the batch");
        assert_same_bits(&gradient(&gradients), &plain_gradient, &format!("gradients of {what}"));
        split.apply(&mut gradients, &mut two_phases).expect(&what);

        if let [share] = shares[..] {
            assert_same_bits(&[share], &[loss], &format!("loss of {what}"));
        }
        // Each share is rounded when it is divided, so their sum is the loss but for 16 roundings of 2⁻²⁴ each way.
        let sum: f64 = shares.iter().map(|&share| f64::from(share)).sum();
        assert!((sum - f64::from(loss)).abs() <= f64::from(loss) * 32.0 * 2f64.powi(-24), "{what}: {sum} and {loss}");
        assert_same_bits(&parameters(&split.network), &parameters(&whole.network), &format!("parameters of {what}"));
        let states = (two_phases.state::<N>(&split.slots), one_pass.state::<N>(&whole.slots));
        assert_same_bits(&states.0, &states.1, &format!("optimizer state of {what}"));
    }
}

#[test]
fn gradients_of_few_samples_equal_the_plain_loops_to_the_sign_of_zero() {
    for seed in 21..41 {
        let mut random = Random::new(seed);
        let mut trainer = Trainer::<Three, Sgd, 3, { floats::<Three>() }>::NEW;
        trainer.network = random_network(&mut random);
        let plain = book_network(&trainer.network);
        // An input of -0 shows in the gradient where no other sample covers it.
        for samples in [1, 2, 3] {
            let data = Data::<5, _>::random::<Identity, CrossEntropy, 3>(&mut random, samples);
            let mut gradients = Gradients::<Three>::ZERO;
            trainer.accumulate(&mut gradients, &data.dataset(), CrossEntropy, samples).expect("sound data");
            let (_, layers) =
                plain.loss_and_gradient(&data.book_inputs, &data.book_targets, book::loss("CrossEntropy"));
            let expected: Vec<f32> = layers.iter().flat_map(book::Layer::parameters).copied().collect();
            assert_same_bits(&gradient(&gradients), &expected, &format!("gradients of {samples} samples, seed {seed}"));
        }
    }
}

#[test]
fn accumulate_and_apply_equal_a_step() {
    assert_two_phases_give_the_bits_of_a_step::<Three, Sgd, CrossEntropy, 5, 3>(11, &[16]);
    assert_two_phases_give_the_bits_of_a_step::<Five, Adam, SumOfSquares, 3, 2>(12, &[16]);
}

#[test]
fn micro_batches_equal_one_batch_of_all_their_samples() {
    for parts in [&[5, 1, 4, 6][..], &[1; 16], &[8, 8], &[15, 1]] {
        assert_two_phases_give_the_bits_of_a_step::<Three, Adam, CrossEntropy, 5, 3>(13, parts);
        assert_two_phases_give_the_bits_of_a_step::<Three, Sgd, BinaryCrossEntropy, 5, 3>(14, parts);
        assert_two_phases_give_the_bits_of_a_step::<Five, Adam, MeanSquaredError, 3, 2>(15, parts);
        assert_two_phases_give_the_bits_of_a_step::<Five, Sgd, SumOfSquares, 3, 2>(16, parts);
    }
}

// Epochs: 23 samples of bytes in batches of 5, so that the last batch has 3.
const SAMPLES: usize = 23;
const BATCH: usize = 5;
type Bytes = (Dense<4, 6, Relu>, Dense<6, 3>);

fn scaled(byte: u8) -> f32 {
    f32::from(byte) / 255.0
}

/// Two epochs: the library by `epoch`, the textbook in the orders given.
fn assert_epochs_equal_the_plain_loops(
    seed: u64,
    mut orders: impl FnMut(usize) -> Vec<u16>,
    mut epoch: impl FnMut(&mut Trainer<Bytes, Adam, BATCH, { floats::<Bytes>() }>, &mut Adam, &[[u8; 4]], &[u8]),
) {
    let mut random = Random::new(seed);
    let inputs: Vec<[u8; 4]> = (0..SAMPLES).map(|_| std::array::from_fn(|_| random.word() as u8)).collect();
    let labels: Vec<u8> = (0..SAMPLES).map(|_| random.below(3) as u8).collect();
    let mut trainer = Box::new(Trainer::<Bytes, Adam, BATCH, { floats::<Bytes>() }>::NEW);
    trainer.network = random_network(&mut random);
    let mut plain = book_network(&trainer.network);
    let (mut optimizer, mut plain_optimizer) = (Adam::START, Adam::book(Bytes::PARAMETERS));
    for turn in 0..2 {
        epoch(&mut trainer, &mut optimizer, &inputs, &labels);
        for batch in orders(turn).chunks(BATCH) {
            let inputs: Vec<Vec<f32>> = batch.iter().map(|&i| inputs[usize::from(i)].map(scaled).to_vec()).collect();
            let targets: Vec<_> = batch.iter().map(|&i| book::Target::Label(labels[usize::from(i)].into())).collect();
            book::step(&mut plain, &mut plain_optimizer, &inputs, &targets, book::loss("CrossEntropy"));
        }
        let what = format!("seed {seed}, epoch {turn}");
        assert_same_bits(&parameters(&trainer.network), &plain.parameters(), &format!("parameters, {what}"));
        let state = optimizer.state::<Bytes>(&trainer.slots);
        assert_same_bits(&state, &book_state(&plain_optimizer), &format!("optimizer state, {what}"));
    }
}

/// The textbook's orders of two epochs shuffled from this seed.
fn shuffled_orders(seed: u64) -> impl FnMut(usize) -> Vec<u16> {
    let mut random = Random::new(seed);
    let mut order: Vec<u16> = (0..SAMPLES as u16).collect();
    move |_| {
        book::shuffle(&mut order, || random.word());
        order.clone()
    }
}

#[test]
fn shuffled_batches_read_in_place_train_as_the_plain_loops() {
    let (mut order, mut random) = (Order::<SAMPLES>::IDENTITY, Random::new(100));
    assert_epochs_equal_the_plain_loops(17, shuffled_orders(100), |trainer, optimizer, inputs, labels| {
        let inputs: Vec<[f32; 4]> = inputs.iter().map(|row| row.map(scaled)).collect();
        order.shuffle_with(&mut || random.word());
        for batch in Dataset::new(&inputs, labels).unwrap().batches(&order, BATCH).unwrap() {
            trainer.step(&batch, CrossEntropy, optimizer).unwrap();
        }
    });
}

#[test]
fn shuffled_batches_gathered_from_bytes_train_as_the_plain_loops() {
    let (mut order, mut random) = (Order::<SAMPLES>::IDENTITY, Random::new(101));
    let mut buffer = GatherBuffer::<Features<4>, u8, BATCH>::ZERO;
    assert_epochs_equal_the_plain_loops(18, shuffled_orders(101), |trainer, optimizer, inputs, labels| {
        order.shuffle_with(&mut || random.word());
        for batch in Dataset::new(inputs, labels).unwrap().batches(&order, BATCH).unwrap() {
            let gathered = buffer.gather(&batch, |bytes, sample| *sample = bytes.map(scaled)).unwrap();
            trainer.step(gathered, CrossEntropy, optimizer).unwrap();
        }
    });
}

#[test]
fn chunks_train_as_the_plain_loops_in_the_order_of_the_data() {
    let in_order = |_| (0..SAMPLES as u16).collect();
    assert_epochs_equal_the_plain_loops(19, in_order, |trainer, optimizer, inputs, labels| {
        let inputs: Vec<[f32; 4]> = inputs.iter().map(|row| row.map(scaled)).collect();
        for chunk in Dataset::new(&inputs, labels).unwrap().chunks(BATCH).unwrap() {
            trainer.step(&chunk, CrossEntropy, optimizer).unwrap();
        }
    });
}

#[test]
fn a_step_by_the_free_function_equals_the_trainers() {
    let mut random = Random::new(20);
    let mut trainer = Trainer::<Three, Adam, 4, { floats::<Three>() }>::NEW;
    trainer.network = random_network(&mut random);
    let mut network = trainer.network;
    let (mut slots, mut workspace) = (
        <Three as Parameters>::Slots::<<Adam as baregrad::optimizer::Optimizer>::Slot>::ZERO,
        Workspace::<4, { floats::<Three>() }>::ZERO,
    );
    let (mut optimizer, mut other) = (Adam::START, Adam::START);
    let data = Data::<5, _>::random::<Identity, CrossEntropy, 3>(&mut random, 4);
    let loss = trainer.step(&data.dataset(), CrossEntropy, &mut optimizer).unwrap();
    let same =
        baregrad::train::step(&mut network, &mut slots, &mut workspace, &data.dataset(), &CrossEntropy, &mut other);
    assert_same_bits(&[loss], &[same.unwrap()], "loss");
    assert_same_bits(&parameters(&trainer.network), &parameters(&network), "parameters");
    let states = (optimizer.state::<Three>(&trainer.slots), other.state::<Three>(&slots));
    assert_same_bits(&states.0, &states.1, "optimizer state");
}
