//! Layers of every width against the plain textbook loops, bit for bit: tiles of 16, 8 and 4 outputs, rows of up to 10, and a loop for each
//! remainder. `on_arm.sh` runs this file with the loops in assembly, in which each of them is a piece of its own.

mod common;

use baregrad::{Adam, Dense, MeanSquaredError, Relu, Sgd};
use common::training::assert_training_equals_the_plain_loops;

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
