//! Layer normalization by itself, bit for bit, forward and in every form of the backward pass.
//!
//! Oracle: `host_tests::blocks`, in plain loops; for the gradients also central differences of the definition in `f64`.

use baregrad::activation::Activation;
use baregrad::layer::{NonFinite, Stacked, Whole};
use baregrad::optimizer::StoreGradient;
use baregrad::shape::{Features, Grid, Line, One, Plane, Positions, Shape};
use baregrad::{
    Adam, Dense, HeUniform, Identity, Layer, LayerNorm, Network, Relu, Sequence, Sigmoid, Tanh, Uniform, Zero,
    predict_floats,
};
use host_tests::blocks::Block;
use host_tests::textbook::activation;

use crate::common::{Random, assert_same_bits};
use crate::passes::{FORMS, SAMPLES, learn, left, predictions, random};

fn flat(batch: &[Vec<f32>]) -> Vec<f32> {
    batch.concat()
}

fn assert_norm<P: Positions, A: Activation, const N: usize>() {
    let what = format!("LayerNorm<{N}, {}> on {} positions", A::NAME, P::COUNT);
    let mut numbers = Random::new((N * 100 + P::COUNT) as u64);
    let layer: LayerNorm<N, A> = random(&mut numbers);
    let parameters = [layer.gain, layer.bias].concat();
    let block = Block::LayerNorm(N, activation(A::NAME));
    for (samples, all_are_zero) in [(1, false), (SAMPLES, false), (1, true)] {
        let batch = |random: &mut Random| -> Vec<Vec<f32>> {
            (0..samples).map(|_| (0..P::COUNT * N).map(|_| random.input()).collect()).collect()
        };
        let (mut x, delta) = (batch(&mut numbers), batch(&mut numbers));
        if all_are_zero {
            // A sum that starts with another term than its first shows in the sign.
            x[0].fill(-0.0);
        }
        let trace = block.forward(&parameters, &x);
        let (dx, gradient) = block.backward(&parameters, &trace, &delta);
        let (x, y, delta) = (flat(&x), flat(&trace.y), flat(&delta));
        for form in FORMS {
            let what = format!("{what}, {samples} samples, {form:?}");
            let mut rule = StoreGradient::NEW;
            let made = learn::<Grid<P, N>, _, _>(form, &layer, &x, &delta, &mut rule, |slot: &f32| vec![*slot]);
            assert_same_bits(&made.y, &y, &format!("output of {what}"));
            assert_same_bits(&made.gradient, &left(form, &x, &flat(&dx)), &format!("input's gradient of {what}"));
            assert_same_bits(&made.slots, &gradient, &format!("gradient of {what}"));
            assert_same_bits(&made.parameters, &parameters, &format!("parameters of {what}"));
        }
        for predicted in predictions::<Grid<P, N>, _>(&layer, &x[..P::COUNT * N]) {
            assert_same_bits(&predicted, &y[..P::COUNT * N], &format!("prediction of {what}"));
        }
    }
}

#[test]
fn layer_norm_has_the_bits_of_the_plain_loops() {
    assert_norm::<One, Identity, 1>();
    assert_norm::<One, Tanh, 2>();
    assert_norm::<One, Identity, 3>();
    assert_norm::<One, Relu, 8>();
    assert_norm::<Line<4>, Identity, 5>();
    assert_norm::<Line<7>, Sigmoid, 17>();
    assert_norm::<Plane<3, 2>, Relu, 16>();
}

/// New parameters are made of the whole gradient, and the input's gradient of the old gain.
#[test]
fn the_update_comes_last() {
    let mut numbers = Random::new(1);
    let layer: LayerNorm<6> = random(&mut numbers);
    let mut values = || -> Vec<f32> { (0..SAMPLES * 12).map(|_| numbers.input()).collect() };
    let (x, delta) = (values(), values());
    let moments = |slot: &baregrad::optimizer::Moments| vec![slot.first_moment, slot.second_moment];
    let all = FORMS.map(|form| learn::<Sequence<2, 6>, _, _>(form, &layer, &x, &delta, &mut Adam::new(0.5), moments));
    let mut rule = StoreGradient::NEW;
    let stored = learn::<Sequence<2, 6>, _, _>(FORMS[1], &layer, &x, &delta, &mut rule, |slot: &f32| vec![*slot]);
    let before = [layer.gain, layer.bias].concat();
    for (form, made) in FORMS.iter().zip(&all) {
        assert_same_bits(&made.gradient, &left(*form, &x, &stored.gradient), &format!("{form:?}"));
        assert_same_bits(&made.parameters, &all[0].parameters, &format!("{form:?}"));
        for ((after, before), gradient) in made.parameters.iter().zip(&before).zip(&stored.slots) {
            // Adam's first step has the size of the rate.
            assert!(
                (after - (before - 0.5 * gradient.signum())).abs() < 1e-3,
                "{form:?}: {before}, {after}, {gradient}"
            );
        }
        let first_moments: Vec<f32> = made.slots.iter().step_by(2).copied().collect();
        let expected: Vec<f32> = stored.slots.iter().map(|gradient| (1.0 - 0.9) * gradient).collect();
        assert_same_bits(&first_moments, &expected, "first moments");
    }
}

#[test]
fn gradients_match_central_differences() {
    let mut numbers = Random::new(2);
    let layer: LayerNorm<5, Tanh> = random(&mut numbers);
    let block = Block::LayerNorm(5, activation("Tanh"));
    let mut values = || -> Vec<f32> { (0..15).map(|_| numbers.uniform(-1.0, 1.0)).collect() };
    let (x, weights) = (values(), values());
    let parameters = [layer.gain, layer.bias].concat();
    let trace = block.forward(&parameters, &vec![x.clone()]);
    // The loss is the sum of the outputs, each times a weight; this is its gradient at the pre-activations.
    let delta: Vec<f32> = weights.iter().zip(&trace.y[0]).map(|(weight, y)| weight * (1.0 - y * y)).collect();
    let mut rule = StoreGradient::NEW;
    let made = learn::<Sequence<3, 5>, _, _>(FORMS[1], &layer, &x, &delta, &mut rule, |slot: &f32| vec![*slot]);
    let precise = |values: &[f32]| -> Vec<f64> { values.iter().map(|value| f64::from(*value)).collect() };
    let (parameters, x) = (precise(&parameters), precise(&x));
    let loss = |parameters: &[f64], x: &[f64]| -> f64 {
        block.precise(parameters, x).iter().zip(&weights).map(|(y, weight)| y * f64::from(*weight)).sum()
    };
    let shifted = |values: &[f64], index: usize, shift: f64| {
        let mut values = values.to_vec();
        values[index] += shift;
        values
    };
    for (index, found) in made.slots.iter().enumerate() {
        let at = |shift| loss(&shifted(&parameters, index, shift), &x);
        let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!((f64::from(*found) - difference).abs() < 2e-6, "parameter {index}: {found}, {difference}");
    }
    for (index, found) in made.gradient.iter().enumerate() {
        let at = |shift| loss(&parameters, &shifted(&x, index, shift));
        let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!((f64::from(*found) - difference).abs() < 2e-6, "input {index}: {found}, {difference}");
    }
}

#[test]
fn channels_have_mean_0_and_variance_1() {
    let layer = LayerNorm::<4>::new([1.0; 4], [0.0; 4]);
    let output = layer.predict(&[1.0, 2.0, 3.0, 6.0]);
    let mean: f32 = output.as_array().iter().sum::<f32>() / 4.0;
    let variance: f32 = output.as_array().iter().map(|y| y * y).sum::<f32>() / 4.0;
    assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5, "{mean}, {variance}");
    // (6 - 3) / √(3.5 + 1e-5), and PyTorch's ε shows where the variance is small: 1e-3 / √(1e-6 + 1e-5).
    assert!((output.as_array()[3] - 1.603_565).abs() < 1e-6, "{output:?}");
    let close = LayerNorm::<2>::new([1.0; 2], [0.0; 2]).predict(&[0.001, -0.001]);
    assert!((close.as_array()[0] - 0.301_511).abs() < 1e-5, "{close:?}");
    // Of equal channels nothing is left but the bias.
    let equal = LayerNorm::<3>::new([2.0; 3], [0.5, 0.25, -1.0]).predict(&[8.0; 3]);
    assert_eq!(equal.as_array(), &[0.5, 0.25, -1.0]);
}

#[test]
fn infinities_nan_and_a_variance_that_overflows_are_refused() {
    type Net = (Dense<2, 2>, LayerNorm<2>, Dense<2, 1>);
    let layer = LayerNorm::<2>::new([1.0; 2], [0.5; 2]);
    for x in [[f32::INFINITY, 0.0], [f32::NAN, 0.0], [3e38, 3e38], [1e20, -1e20]] {
        let (mut y, inputs) = ([0.0; 2], Stacked::<Features<2>>::new(&x));
        let refused = Layer::<Features<2>>::forward(&layer, Whole::<1>::new(1), &inputs, &mut y, &mut []);
        assert_eq!(refused, Err(NonFinite { layer: 0 }), "{x:?}");
        assert_eq!(layer.predict_in(&x, &mut [0.0; predict_floats::<LayerNorm<2>>()]), refused.map(|()| &[0.0; 2]));
        let mut network = Net::ZERO;
        (network.0.bias, network.1) = (x, layer);
        let mut memory = [0.0; predict_floats::<Net>()];
        let inside = network.predict_in(&[0.0; 2], &mut memory);
        let expected = usize::from(x.iter().all(|x| x.is_finite()));
        assert_eq!(inside.map(|_| ()), Err(NonFinite { layer: expected }), "{x:?}");
    }
}

#[test]
fn an_initializer_draws_nothing_for_it() {
    type Net = (Dense<3, 4>, LayerNorm<4, Relu>, Dense<4, 2>);
    let mut words = Random::new(3);
    let (mut net, mut count) = (Net::ZERO, 0);
    net.initialize_with(HeUniform, || {
        count += 1;
        words.word()
    });
    assert_eq!((net.1.gain, net.1.bias, count), ([1.0; 4], [0.0; 4], 3 * 4 + 4 * 2));
    net.initialize_with(Uniform { low: 2.0, high: 1.0, biases: false }, || 7);
    assert!(net.1.gain.iter().chain(&net.1.bias).all(|value| value.is_nan()), "settings that make no sense");
    assert_eq!((LayerNorm::<4>::ZERO.gain, <LayerNorm<4> as Network>::SLICES), ([0.0; 4], 1));
    // In place: nothing but the channels themselves in a prediction, and two sums of each in training.
    const { assert!(predict_floats::<Net>() == 4 + 2) };
    assert_eq!(<LayerNorm<4> as Layer<Sequence<9, 4>>>::ALONG, Sequence::<9, 4>::SIZE);
}
