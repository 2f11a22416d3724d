//! Accuracies of convolutional networks on the digits, written and spoken, against PyTorch 2.15 with the same settings.
//!
//! The reference is the mean over five seeds, in percent. Ours is the mean over seeds 0 to 4, not chosen, and must reach the limit beside it.
//! Settings: softmax and cross-entropy, He-uniform convolutions, a Glorot-uniform last layer, no weight decay, a new permutation each epoch, the
//! last short batch kept.

use baregrad::{
    Conv2d, Dataset, Dense, Flatten, GlorotUniform, HeUniform, Image, MaxPool2d, Model, Network, Parameters, Relu,
    Same, Sgd, SgdMomentum, Trainer, floats,
};
use firmware_example::voice::{ConvolutionNet, Learns};
use host_tests::recipe::{self, Rate, Rule};
use host_tests::voice::{self, Normalized};
use rand_pcg::Pcg32;

use crate::reference::{Split, digits, every_fifth, last_block};

type Net = Model<
    Image<8, 8, 1>,
    (
        Conv2d<1, 8, 3, 3, Same, Relu>,
        MaxPool2d<2>,
        Conv2d<8, 16, 3, 3, Same, Relu>,
        MaxPool2d<2>,
        Flatten<64>,
        Dense<64, 10>,
    ),
>;

type Pixels = [[[f32; 1]; 8]; 8];

/// Test accuracy in percent after training from this seed.
fn accuracy<O: Rule, const B: usize>(split: &Split<64>, rate: Rate, epochs: u32, seed: u64) -> f64 {
    let images = |rows: &[([f32; 64], u8)]| {
        let image = |pixels: &[f32; 64]| std::array::from_fn(|y| std::array::from_fn(|x| [pixels[8 * y + x]]));
        rows.iter().map(|(pixels, label)| (image(pixels), *label)).unzip::<_, _, Vec<Pixels>, Vec<u8>>()
    };
    let ((inputs, labels), (test_inputs, test_labels)) = (images(&split.train), images(&split.test));
    let train = Dataset::new(&inputs, &labels).expect("as many labels");
    let test = Dataset::new(&test_inputs, &test_labels).expect("as many labels");
    let mut generator = Pcg32::new(seed, 0);
    let mut trainer = Box::new(Trainer::<Net, O, B, { floats::<Net>() }>::NEW);
    trainer.network.initialize(HeUniform, &mut generator);
    trainer.network.layers.5.initialize(GlorotUniform, &mut generator);
    recipe::train(&mut trainer, &train, rate, epochs, &mut generator).expect("sound data");
    recipe::accuracy(&mut trainer, &test).expect("sound data")
}

/// Compares the mean over the seeds with the limit.
fn assert_reaches(what: &str, reference: f64, least: f64, train: impl Fn(u64) -> f64 + Sync) {
    assert!(recipe::reaches(what, reference, least, &recipe::five_seeds(train)), "{what}");
}

#[test]
fn digits_by_momentum_and_a_cosine_reach_the_reference() {
    const { assert!(Net::PARAMETERS == 1898) };
    let train = |split: &Split<64>, seed| accuracy::<SgdMomentum, 16>(split, Rate::Cosine(0.05), 30, seed);
    let (a, b) = (digits(every_fifth), digits(last_block));
    assert_reaches("digits A by convolutions, cosine, 30 epochs", 98.33, 97.8, |seed| train(&a, seed));
    assert_reaches("digits B by convolutions, cosine, 30 epochs", 94.39, 93.3, |seed| train(&b, seed));
}

/// What the docs of `Cosine` say of a constant rate.
#[test]
#[ignore = "fifty epochs for one sentence of the docs"]
fn digits_at_a_constant_rate_fall_back() {
    let a = digits(every_fifth);
    let train = |seed| accuracy::<SgdMomentum, 16>(&a, Rate::Constant(0.05), 50, seed);
    let runs = recipe::five_seeds(train);
    println!("digits A by convolutions, constant rate, 50 epochs: by run {runs:.2?}");
    assert!(runs.iter().sum::<f64>() / 5.0 < 96.0, "{runs:.2?}");
}

#[test]
fn digits_one_sample_a_step_reach_the_reference() {
    let train = |split: &Split<64>, seed| accuracy::<Sgd, 1>(split, Rate::Constant(0.02), 10, seed);
    let (a, b) = (digits(every_fifth), digits(last_block));
    assert_reaches("digits A by convolutions, one sample a step", 98.33, 97.8, |seed| train(&a, seed));
    assert_reaches("digits B by convolutions, one sample a step", 93.94, 92.6, |seed| train(&b, seed));
}

/// One of the six speakers and one seed; all of them are `cargo run --release -p examples --bin convolutions -- voice`.
#[test]
fn a_speaker_is_recognised_better_by_a_folded_network_that_goes_on_learning() {
    const LUCAS: usize = 2;
    type Net = Normalized<24, 32>;
    let ways = [(Learns::AllLayers, 0.05), (Learns::LastLayer, 0.5)];
    let right = voice::right::<Net, { floats::<Net>() }, { floats::<ConvolutionNet>() }>(LUCAS, 0, &ways);
    let [before, after, last_layer] = right.expect("sound data")[..] else { panic!("before, and two ways") };
    // PyTorch's means over five seeds: 74.4 % before, 97.7 % after. A single seed is some points off.
    println!("of 450 {before} before, {after} after, {last_layer} after training the last layer only");
    assert!(before <= 390 && after >= 423 && last_layer >= 390, "{before}, {after}, {last_layer}");
}
