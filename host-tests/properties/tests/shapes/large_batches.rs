//! Batches in which samples lie side by side in vectors, against the plain textbook loops, bit for bit.
//!
//! Widths that leave one to five rows of weights, inputs or outputs for a vector of 4, 8 or 16, and batches with 16 samples once, several
//! times and a rest.

use crate::common::training::assert_training_equals_the_plain_loops;
use baregrad::{Adam, Dense, MeanSquaredError, Relu, Sgd, Sigmoid, Tanh};

#[test]
fn few_rows_train_as_the_plain_loops() {
    type Rows = (Dense<1, 17, Tanh>, Dense<17, 6, Relu>, Dense<6, 1, Tanh>, Dense<1, 20, Tanh>, Dense<20, 9>);
    assert_training_equals_the_plain_loops::<Rows, Sgd, MeanSquaredError, 1, 9, 80>(1, &[80, 64, 31, 16, 5, 1]);
    type MoreRows = (Dense<5, 18, Sigmoid>, Dense<18, 4, Tanh>, Dense<4, 19, Relu>, Dense<19, 5, Tanh>, Dense<5, 37>);
    assert_training_equals_the_plain_loops::<MoreRows, Adam, MeanSquaredError, 5, 37, 70>(2, &[70, 33, 17, 2]);
}

#[test]
fn few_outputs_train_as_the_plain_loops() {
    type Outputs = (Dense<7, 3, Tanh>, Dense<3, 33, Relu>, Dense<33, 2, Sigmoid>, Dense<2, 10, Tanh>, Dense<10, 1>);
    assert_training_equals_the_plain_loops::<Outputs, Sgd, MeanSquaredError, 7, 1, 64>(3, &[64, 48, 19, 3]);
}

#[test]
fn tiny_layers_train_as_the_plain_loops() {
    type Tiny = (Dense<2, 3, Sigmoid>, Dense<3, 1, Tanh>, Dense<1, 5, Relu>, Dense<5, 2>);
    assert_training_equals_the_plain_loops::<Tiny, Sgd, MeanSquaredError, 2, 2, 4>(4, &[4, 3, 2, 1]);
    assert_training_equals_the_plain_loops::<Tiny, Adam, MeanSquaredError, 2, 2, 3>(5, &[3, 1]);
    assert_training_equals_the_plain_loops::<Tiny, Sgd, MeanSquaredError, 2, 2, 1>(6, &[1]);
}
