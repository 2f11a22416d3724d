//! Layers of every width against the plain textbook loops, bit for bit: tiles of 16, 8 and 4 outputs, rows of up to 10, and a loop for each
//! remainder. `cargo xtask arm` runs this file with the loops in assembly, in which each of them is a piece of its own.

use crate::common::assert_same_bits;
use crate::common::training::assert_training_equals_the_plain_loops;
use baregrad::activation::Activation;
use baregrad::layer::activate;
use baregrad::{Adam, Dense, MeanSquaredError, Relu, Sgd, Sigmoid, Tanh};

/// A layer of `W` outputs that is first, and one that is not; single samples, whole and broken groups of four.
fn assert_width_trains_as_the_plain_loops<const W: usize>() {
    type Net<const W: usize> = (Dense<7, W, Relu>, Dense<W, W>);
    let seed = W as u64;
    assert_training_equals_the_plain_loops::<Net<W>, Sgd, MeanSquaredError, 7, W, 8>(seed, &[1, 8, 5, 2]);
}

#[test]
fn training_of_every_width_equals_the_plain_loops() {
    macro_rules! widths {
        ($($w:literal)*) => { $(assert_width_trains_as_the_plain_loops::<$w>();)* };
    }
    widths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 19 26 40);
}

#[test]
fn adam_trains_widths_as_the_plain_loops() {
    type Net = (Dense<6, 13, Relu>, Dense<13, 10, Relu>, Dense<10, 3>);
    assert_training_equals_the_plain_loops::<Net, Adam, MeanSquaredError, 6, 3, 8>(1, &[1, 8, 5, 2]);
    assert_training_equals_the_plain_loops::<Net, Adam, MeanSquaredError, 6, 3, 1>(2, &[1]);
    assert_training_equals_the_plain_loops::<Net, Sgd, MeanSquaredError, 6, 3, 1>(3, &[1]);
}

/// Small layers are part of their caller there; one of up to three outputs has a loop of its own; a sigmoid's inputs are saved, 32 at a time.
#[test]
fn descent_by_single_samples_equals_the_plain_loops() {
    type Small = (Dense<4, 16, Relu>, Dense<16, 3>);
    assert_training_equals_the_plain_loops::<Small, Sgd, MeanSquaredError, 4, 3, 1>(1, &[1]);
    assert_training_equals_the_plain_loops::<Small, Sgd, MeanSquaredError, 4, 3, 8>(2, &[1, 8]);
    type Saved = (Dense<5, 20, Sigmoid>, Dense<20, 2>);
    assert_training_equals_the_plain_loops::<Saved, Sgd, MeanSquaredError, 5, 2, 1>(3, &[1]);
    type SavedTwice = (Dense<9, 43, Tanh>, Dense<43, 10, Relu>, Dense<10, 1>);
    assert_training_equals_the_plain_loops::<SavedTwice, Sgd, MeanSquaredError, 9, 1, 1>(4, &[1]);
    type OneOutput = (Dense<5, 12, Relu>, Dense<12, 1, Relu>, Dense<1, 13, Relu>, Dense<13, 1>);
    assert_training_equals_the_plain_loops::<OneOutput, Sgd, MeanSquaredError, 5, 1, 1>(6, &[1]);
    type TwoOutputs = (Dense<5, 16, Relu>, Dense<16, 2, Relu>, Dense<2, 20, Relu>, Dense<20, 1>);
    assert_training_equals_the_plain_loops::<TwoOutputs, Sgd, MeanSquaredError, 5, 1, 1>(7, &[1]);
    type Few = (Dense<6, 14, Tanh>, Dense<14, 3, Sigmoid>, Dense<3, 25, Tanh>, Dense<25, 5, Tanh>, Dense<5, 4>);
    assert_training_equals_the_plain_loops::<Few, Sgd, MeanSquaredError, 6, 4, 1>(8, &[1]);
    type Wide = (Dense<3, 18, Relu>, Dense<18, 11, Relu>, Dense<11, 32>);
    assert_training_equals_the_plain_loops::<Wide, Sgd, MeanSquaredError, 3, 32, 1>(5, &[1]);
}

#[test]
fn relu_of_many_has_the_bits_of_relu_of_each() {
    let finite = [1.0, -1.0, 0.0, -0.0, f32::MAX, f32::MIN, 1e-45, -1e-45, 0.1, -0.1, f32::MIN_POSITIVE];
    let not_finite = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN];
    for length in 0..=35 {
        let values: Vec<f32> = finite.into_iter().cycle().skip(length).take(length).collect();
        let expected: Vec<f32> = values.iter().map(|&z| if z <= 0.0 { 0.0 } else { z }).collect();
        let mut outputs = values.clone();
        assert_eq!(activate::<Relu>(&mut outputs), Ok(()));
        assert_same_bits(&outputs, &expected, "values");

        for closed in [f32::NAN, -f32::NAN, -0.0, 0.0] {
            assert_eq!(Relu::backward(1.0, closed).to_bits(), 0, "through {closed}");
        }

        for at in 0..length {
            for bad in not_finite {
                let (mut outputs, mut expected) = (values.clone(), expected.clone());
                outputs[at] = bad;
                expected[at] = if bad <= 0.0 { 0.0 } else { bad };
                assert!(activate::<Relu>(&mut outputs).is_err(), "{bad} at {at} of {length}");
                assert_same_bits(&outputs, &expected, "values with one that is not finite");
            }
        }
    }
}
