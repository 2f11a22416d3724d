//! The library's gradients against central differences of an f64 loss written from the definitions (`host_tests::precise`).
//!
//! The differences know nothing of the chain rule, so this is where a formula that library and textbook share would be found wrong.

use crate::common::{Data, FLOATS, Random, TestLoss, book_network, gradient, random_network};
use baregrad::activation::Activation;
use baregrad::train::{Gradients, Workspace, accumulate};
use baregrad::{
    BinaryCrossEntropy, CrossEntropy, Dense, Features, Identity, LeakyRelu, MeanSquaredError, Network, Relu, Sigmoid,
    SumOfSquares, Tanh, Zero,
};
use host_tests::{precise, textbook as book};

/// Step of the differences. Their error is `h²/6` times a third derivative, 1e-11 here, and as much again by rounding in `f64`.
const H: f64 = 1e-5;

/// How far a kinked activation's pre-activations must stay from its kink: ten times what `H` in one parameter moves one.
const KINK: f64 = 1e-4;

/// Allowed error, in units of 2⁻²⁴ (half an ulp of 1) of the largest gradient of the network.
///
/// All of it is rounding of the analytic side: each gradient is a sum of `SAMPLES` terms, each term the result of about 10
/// roundings per layer. They mostly cancel: the worst seen is 6. A wrong formula is off by millions.
const TOLERANCE: f64 = 24.0;

const SAMPLES: usize = 6;

fn assert_gradient_matches_central_differences<N, L, const IN: usize, const OUT: usize>()
where
    N: Network<In = Features<IN>, Out = Features<OUT>>,
    L: TestLoss<N::Activation, OUT>,
{
    const SEED: u64 = 2;
    let mut random = Random::new(SEED);
    let mut network = random_network::<N>(&mut random);
    let data = Data::<IN, _>::random::<N::Activation, L, OUT>(&mut random, SAMPLES);
    let plain = book_network(&network);
    let activations: Vec<_> = plain.layers.iter().map(|layer| layer.activation).collect();
    let what = format!("{activations:?}, {:?}, seed {SEED}", L::BOOK);
    assert_away_from_kinks(&plain, &data.book_inputs, &what);

    let (mut gradients, mut workspace) = (Gradients::<N>::ZERO, Workspace::<SAMPLES, FLOATS>::ZERO);
    accumulate(&mut network, &mut gradients, &mut workspace, &data.dataset(), &L::LOSS, SAMPLES).expect(&what);
    let analytic = gradient(&gradients);
    let differences = precise::gradient(&plain, &data.book_inputs, &data.book_targets, L::BOOK, H);

    let largest = differences.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    assert!(largest > 0.01, "{what}: the gradient is too small ({largest}) to show anything");
    assert_eq!(analytic.len(), differences.len());
    for (k, (&analytic, difference)) in analytic.iter().zip(&differences).enumerate() {
        let error = (f64::from(analytic) - difference).abs() / (largest * 2f64.powi(-24));
        assert!(error <= TOLERANCE, "{what}: parameter {k} has {analytic}, differences give {difference}: {error}");
    }
}

/// Kinked activations must not be differentiated across their kink, and must be tried on both sides of it.
fn assert_away_from_kinks(network: &book::Network, inputs: &[Vec<f32>], what: &str) {
    let (mut below, mut above) = (0, 0);
    for (l, layer) in network.layers.iter().enumerate() {
        if !matches!(layer.activation, book::Activation::Relu | book::Activation::LeakyRelu) {
            continue;
        }
        // The pre-activations are the output of a network that ends here, without this activation.
        let mut front = book::Network { layers: network.layers[..=l].to_vec() };
        front.layers[l].activation = book::Activation::Identity;
        for z in front.forward(inputs)[l].iter().flatten().map(|&z| f64::from(z)) {
            assert!(z.abs() > KINK, "{what}: layer {l} has a pre-activation of {z}; choose another seed");
            if z < 0.0 { below += 1 } else { above += 1 }
        }
    }
    assert_eq!(below > 0, above > 0, "{what}: {below} pre-activations below the kink, {above} above");
}

/// Two layers with this output activation.
fn two_layers<A: Activation, Output: Activation, L: TestLoss<Output, 2>>() {
    assert_gradient_matches_central_differences::<(Dense<3, 5, A>, Dense<5, 2, Output>), L, 3, 2>();
}

/// Three layers, the last without activation.
fn three_layers<A: Activation, L: TestLoss<Identity, 3>>() {
    assert_gradient_matches_central_differences::<(Dense<4, 6, A>, Dense<6, 5, A>, Dense<5, 3>), L, 4, 3>();
}

fn every_output_activation<A: Activation, L>()
where
    L: TestLoss<Identity, 2> + TestLoss<Sigmoid, 2> + TestLoss<Tanh, 2> + TestLoss<Relu, 2> + TestLoss<LeakyRelu, 2>,
{
    two_layers::<A, Identity, L>();
    two_layers::<A, Sigmoid, L>();
    two_layers::<A, Tanh, L>();
    two_layers::<A, Relu, L>();
    two_layers::<A, LeakyRelu, L>();
}

/// Every loss behind this hidden activation.
fn every_loss<A: Activation>() {
    every_output_activation::<A, MeanSquaredError>();
    every_output_activation::<A, SumOfSquares>();
    two_layers::<A, Identity, CrossEntropy>();
    two_layers::<A, Identity, BinaryCrossEntropy>();
    three_layers::<A, MeanSquaredError>();
    three_layers::<A, SumOfSquares>();
    three_layers::<A, CrossEntropy>();
    three_layers::<A, BinaryCrossEntropy>();
}

#[test]
fn gradients_through_identity_match_central_differences() {
    every_loss::<Identity>();
}

#[test]
fn gradients_through_sigmoid_match_central_differences() {
    every_loss::<Sigmoid>();
}

#[test]
fn gradients_through_tanh_match_central_differences() {
    every_loss::<Tanh>();
}

#[test]
fn gradients_through_relu_match_central_differences() {
    every_loss::<Relu>();
}

#[test]
fn gradients_through_leaky_relu_match_central_differences() {
    every_loss::<LeakyRelu>();
}

#[test]
fn gradients_through_different_activations_match_central_differences() {
    type Mixed = (Dense<4, 6, Tanh>, Dense<6, 5, LeakyRelu>, Dense<5, 4, Sigmoid>, Dense<4, 3, Relu>, Dense<3, 2>);
    assert_gradient_matches_central_differences::<Mixed, CrossEntropy, 4, 2>();
    assert_gradient_matches_central_differences::<Mixed, MeanSquaredError, 4, 2>();
}
