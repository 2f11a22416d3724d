//! Worked examples of the texts that people learn from, with the library: a reader who has one open finds its numbers here.
//!
//! `cargo test -p host-tests texts -- --nocapture --test-threads 1` prints them. Where random numbers come in, the texts'
//! generators are not ours, so several seeds run and the spread is asserted.

mod iris_by_hand;
mod linear_regression;
mod matrix_form;
mod one_neuron;
mod softmax_by_hand;
mod three_four_one;
mod three_three_two;
mod toolkit;

use std::ops::Range;

use baregrad::Network;
use baregrad::loss::{Pointwise, Reduction};

/// The seeds that every example with random weights runs with.
const SEEDS: Range<u64> = 0..5;

/// Unit roundoff: rounding to nearest `f32` changes a value by at most this fraction of it.
const ROUNDOFF: f64 = 1.0 / 16_777_216.0;

/// `½ Σ_samples Σ_outputs (a - t)²`: the gradient is the error `a - t`, summed over the samples. A loss of the user's own.
#[derive(Clone, Copy)]
struct HalfSumOfSquares;

impl Pointwise for HalfSumOfSquares {
    const REDUCTION: Reduction = Reduction::Sum;

    fn term(&self, output: f32, target: f32) -> f32 {
        0.5 * ((output - target) * (output - target))
    }

    fn derivative(&self, output: f32, target: f32) -> f32 {
        output - target
    }
}

/// All parameters in storage order.
fn parameters<N: Network>(network: &N) -> Vec<f32> {
    let mut values = Vec::new();
    network.for_each_tensor(&mut |piece| values.extend_from_slice(piece));
    values
}

/// Bit patterns: `==` on floats would take -0 for 0.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Rows of the iris flowers as they are in Fisher's table: four measures in cm, and the kind.
fn iris() -> Vec<([f32; 4], u8)> {
    let rows = include_str!("../../data/iris.csv").lines().skip(1);
    let row = |line: &str| {
        let (measures, label) = line.rsplit_once(',').expect("five columns");
        let mut values = measures.split(',').map(|value| value.parse().expect("a number"));
        (std::array::from_fn(|_| values.next().expect("five columns")), label.parse().expect("a class"))
    };
    rows.map(row).collect()
}

/// Each column less its mean, divided by its standard deviation (the divisor is the number of rows).
fn standardise<const N: usize>(rows: &mut [[f32; N]], like: &[[f32; N]]) {
    let count = like.len() as f64;
    for column in 0..N {
        let mean = like.iter().map(|row| f64::from(row[column])).sum::<f64>() / count;
        let variance = like.iter().map(|row| (f64::from(row[column]) - mean).powi(2)).sum::<f64>() / count;
        for row in &mut *rows {
            row[column] = ((f64::from(row[column]) - mean) / variance.sqrt()) as f32;
        }
    }
}
