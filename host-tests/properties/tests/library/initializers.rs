//! Initializers: range, mean and variance that their papers name, over many draws; words used in storage order.
//!
//! Bounds on mean and variance are five standard errors of a uniform distribution; the seed is fixed, so each test always gives the same.

use crate::common::{Random, bits, parameters};
use baregrad::initializer::{Initializer, uniform};
use baregrad::{Dense, FanInUniform, GlorotUniform, HeUniform, Network, Relu, Uniform, Zero};
use host_tests::textbook as book;
use rand_pcg::Pcg32;

const IN: usize = 100;
const OUT: usize = 60;
type Large = Dense<IN, OUT, Relu>;

fn initialized<N: Network>(initializer: impl Initializer, seed: u64) -> N {
    let mut network = N::ZERO;
    network.initialize(initializer, &mut Pcg32::new(seed, 0));
    network
}

/// Uniform in `±limit`, with the variance that the paper names.
fn assert_uniform(values: &[f32], limit: f64, variance: f64, what: &str) {
    let n = values.len() as f64;
    let wide: Vec<f64> = values.iter().map(|&value| value.into()).collect();
    let largest = wide.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    // The limit is a quotient and a root in f32: off by an ulp or so.
    assert!(largest <= limit * (1.0 + 1e-6), "{what}: {largest} is beyond ±{limit}");
    // The chance that all of n draws keep below 1 - 20/n of the limit is e⁻²⁰.
    assert!(largest >= limit * (1.0 - 20.0 / n), "{what}: nothing near ±{limit}, only {largest}");
    let mean = wide.iter().sum::<f64>() / n;
    assert!(mean.abs() <= 5.0 * limit / (3.0 * n).sqrt(), "{what}: mean {mean}");
    let second_moment = wide.iter().map(|value| value * value).sum::<f64>() / n;
    // The square of a value uniform in ±a has the variance a⁴/5 - a⁴/9.
    let bound = 5.0 * limit.powi(2) * (4.0 / 45.0 / n).sqrt();
    assert!((second_moment - variance).abs() <= bound, "{what}: variance {second_moment}, not {variance}");
}

#[test]
fn glorot_weights_have_variance_2_over_inputs_and_outputs() {
    let layer: Large = initialized(GlorotUniform, 1);
    let sum = (IN + OUT) as f64;
    assert_uniform(layer.weights.as_slice(), (6.0 / sum).sqrt(), 2.0 / sum, "Glorot, seed 1");
    assert_eq!(bits(&layer.bias), [0; OUT]);
}

#[test]
fn he_weights_have_variance_2_over_inputs() {
    let layer: Large = initialized(HeUniform, 2);
    assert_uniform(layer.weights.as_slice(), (6.0 / IN as f64).sqrt(), 2.0 / IN as f64, "He, seed 2");
    assert_eq!(bits(&layer.bias), [0; OUT]);
}

#[test]
fn fan_in_weights_and_biases_are_within_1_over_the_root_of_inputs() {
    let layer: Large = initialized(FanInUniform, 3);
    let (limit, variance) = (1.0 / (IN as f64).sqrt(), 1.0 / (3.0 * IN as f64));
    assert_uniform(layer.weights.as_slice(), limit, variance, "weights, seed 3");
    // Few biases a layer: those of 50 layers.
    let biases: Vec<f32> = (0..50).flat_map(|seed| initialized::<Large>(FanInUniform, 100 + seed).bias).collect();
    assert_uniform(&biases, limit, variance, "biases, seeds 100 to 149");
}

#[test]
fn uniform_weights_are_in_their_range_and_biases_zero_or_drawn() {
    let layer: Large = initialized(Uniform::weights(-0.5, 0.5), 4);
    assert_uniform(layer.weights.as_slice(), 0.5, 1.0 / 12.0, "seed 4");
    assert_eq!(bits(&layer.bias), [0; OUT]);
    let layer: Large = initialized(Uniform::weights_and_biases(2.0, 3.0), 5);
    let values = parameters(&layer);
    assert!(values.iter().all(|value| (2.0..3.0).contains(value)), "seed 5");
    let centred: Vec<f32> = values.iter().map(|value| value - 2.5).collect();
    assert_uniform(&centred, 0.5, 1.0 / 12.0, "seed 5");
}

#[test]
fn each_layer_goes_by_its_own_fan() {
    type Net = (Dense<400, 10, Relu>, Dense<10, 400>);
    let (first, second) = initialized::<Net>(HeUniform, 6);
    assert_uniform(first.weights.as_slice(), (6.0f64 / 400.0).sqrt(), 2.0 / 400.0, "400 inputs, seed 6");
    assert_uniform(second.weights.as_slice(), (6.0f64 / 10.0).sqrt(), 2.0 / 10.0, "10 inputs, seed 6");
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
    fn drawn(initializer: impl Initializer, seed: u64) -> Vec<u32> {
        bits(&parameters(&initialized::<(Dense<3, 5>, Dense<5, 2>)>(initializer, seed)))
    }
    assert_eq!(drawn(GlorotUniform, 7), drawn(GlorotUniform, 7));
    assert_eq!(drawn(FanInUniform, 7), drawn(FanInUniform, 7));
    assert_ne!(drawn(GlorotUniform, 7), drawn(GlorotUniform, 8));
    assert_ne!(drawn(GlorotUniform, 7), drawn(HeUniform, 7));
}

#[test]
fn words_are_used_in_storage_order_and_none_for_zero_biases() {
    type Net = (Dense<2, 3>, Dense<3, 1>);
    /// The n-th word gives the value n/1024 from `Uniform(0, 1)`, exactly.
    fn drawn(biases: bool) -> (Vec<f32>, u32) {
        let (mut network, mut words) = (Net::ZERO, 0);
        let mut random = || {
            words += 1;
            words << 22
        };
        network.initialize_with(Uniform { low: 0.0, high: 1.0, biases }, &mut random);
        (parameters(&network).iter().map(|value| value * 1024.0).collect(), words)
    }
    let with_biases =
        [1., 2., 3., 4., 5., 6., /* bias */ 7., 8., 9., /* second */ 10., 11., 12., /* bias */ 13.];
    assert_eq!(drawn(true), (with_biases.to_vec(), 13));
    let without =
        [1., 2., 3., 4., 5., 6., /* bias */ 0., 0., 0., /* second */ 7., 8., 9., /* bias */ 0.];
    assert_eq!(drawn(false), (without.to_vec(), 9));
}

#[test]
fn uniform_maps_the_ends_of_the_words_to_the_ends_of_the_range() {
    assert_eq!(uniform(-1.0, 1.0, 0), -1.0);
    assert_eq!(uniform(-1.0, 1.0, 0x8000_0000), 0.0);
    assert_eq!(uniform(0.0, 1.0, u32::MAX), 1.0 - 1.0 / 16_777_216.0, "the largest f32 below 1");
    assert_eq!(uniform(0.0, 1.0, 0xff), 0.0, "the low eight bits are not used");
    assert_eq!(uniform(0.0, 1.0, 0x100), 1.0 / 16_777_216.0);
}

#[test]
fn uniform_is_the_textbooks() {
    const SEED: u64 = 9;
    let mut random = Random::new(SEED);
    for _ in 0..10_000 {
        let word = random.word();
        let (low, high) = (random.uniform(-3.0, 0.0), random.uniform(0.0, 3.0));
        let (ours, plain) = (uniform(low, high, word), book::uniform(low, high, word));
        assert_eq!(ours.to_bits(), plain.to_bits(), "word {word:#x} in [{low}, {high}), seed {SEED}");
    }
}
