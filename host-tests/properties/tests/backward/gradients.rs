//! The library's gradients against central differences of an f64 loss written from the definitions (`host_tests::precise`).
//!
//! The differences know nothing of the chain rule, so this is where a formula that library and textbook share would be found wrong.

use crate::activations::{Curve, VisitActivations, VisitElementwise, WIDTH, each_activation, each_elementwise};
use crate::common::{Data, FLOATS, Random, TestLoss, book_network, gradient, random_network, set_parameters};
use baregrad::activation::Activation;
use baregrad::train::{Gradients, Workspace, accumulate};
use baregrad::{
    BinaryCrossEntropy, CrossEntropy, Dense, Features, Identity, Layer, LeakyRelu, MeanSquaredError, Network, Relu,
    Sigmoid, SumOfSquares, Tanh, Zero,
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
    let network = random_network::<N>(&mut random);
    let data = Data::<IN, _>::random::<N::Activation, L, OUT>(&mut random, SAMPLES);
    assert_gradient_of_this_network_matches::<N, L, IN, OUT>(network, &data, SEED);
}

fn assert_gradient_of_this_network_matches<N, L, const IN: usize, const OUT: usize>(
    mut network: N,
    data: &Data<IN, L::Target>,
    seed: u64,
) where
    N: Network<In = Features<IN>, Out = Features<OUT>>,
    L: TestLoss<N::Activation, OUT>,
{
    let plain = book_network(&network);
    let activations: Vec<_> = plain.layers.iter().map(|layer| layer.activation).collect();
    let what = format!("{activations:?}, {:?}, seed {seed}", L::BOOK);
    assert_away_from_kinks(&plain, &data.book_inputs, &what);

    let (mut gradients, mut workspace) = (Gradients::<N>::ZERO, Workspace::<SAMPLES, FLOATS>::ZERO);
    accumulate(&mut network, &mut gradients, &mut workspace, &data.dataset(), &L::LOSS, SAMPLES).expect(&what);
    let analytic = gradient(&gradients);
    let differences = precise::gradient(&plain, &data.book_inputs, &data.book_targets, book::loss(L::BOOK), H);

    let largest = differences.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    assert!(largest > 0.01, "{what}: the gradient is too small ({largest}) to show anything");
    assert_eq!(analytic.len(), differences.len());
    for (k, (&analytic, difference)) in analytic.iter().zip(&differences).enumerate() {
        let error = (f64::from(analytic) - difference).abs() / (largest * 2f64.powi(-24));
        assert!(error <= TOLERANCE, "{what}: parameter {k} has {analytic}, differences give {difference}: {error}");
    }
}

/// Kinked activations must not be differentiated across a kink, and must be tried on both sides of it.
fn assert_away_from_kinks(network: &book::Network, inputs: &[Vec<f32>], what: &str) {
    let mut sides = Vec::new();
    for (l, layer) in network.layers.iter().enumerate() {
        // The pre-activations are the output of a network that ends here, without this activation.
        let mut front = book::Network { layers: network.layers[..=l].to_vec() };
        front.layers[l].activation = book::activation("Identity");
        let z: Vec<f64> = front.forward(inputs)[l].iter().flatten().map(|&z| f64::from(z)).collect();
        for kink in layer.activation.kinks {
            let near = z.iter().find(|z| (*z - kink).abs() <= KINK);
            assert_eq!(near, None, "{what}: layer {l} has a pre-activation at its kink {kink}; choose another seed");
            sides.push((kink, z.iter().any(|z| z < kink), z.iter().any(|z| z > kink)));
        }
    }
    for (kink, ..) in &sides {
        let both = |side: fn(&(&f64, bool, bool)) -> bool| sides.iter().any(|one| one.0 == *kink && side(one));
        assert!(both(|side| side.1) && both(|side| side.2), "{what}: not on both sides of the kink {kink}");
    }
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

/// The rows of the table, with weights so large that they are tried on both sides of every kink.
struct Wide;

impl Wide {
    fn check<N: Network<In = Features<4>, Out = Features<3>, Activation = Identity>>() {
        const SEED: u64 = 3;
        let mut random = Random::new(SEED);
        let mut network = N::ZERO;
        let values: Vec<f32> = (0..N::PARAMETERS).map(|_| random.uniform(-2.5, 2.5)).collect();
        set_parameters(&mut network, &values);
        let data = Data::<4, _>::random::<Identity, CrossEntropy, 3>(&mut random, SAMPLES);
        assert_gradient_of_this_network_matches::<N, CrossEntropy, 4, 3>(network, &data, SEED);
    }
}

impl VisitActivations for Wide {
    fn activation<A: Activation>(&mut self, _: Curve) {
        Self::check::<(Dense<4, 19, A>, Dense<19, 3>)>();
    }
}

impl VisitElementwise for Wide {
    fn elementwise<L>(&mut self, _: Curve)
    where
        L: Layer<Features<WIDTH>, Out = Features<WIDTH>, Activation = Identity>,
    {
        Self::check::<(Dense<4, WIDTH>, L, Dense<WIDTH, 3>)>();
    }
}

#[test]
fn gradients_through_every_curve_match_central_differences() {
    each_activation(&mut Wide);
    each_elementwise(&mut Wide);
}
