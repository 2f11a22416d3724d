//! The three matrix products of a training step by themselves, beside libraries for matrices.
//!
//! A layer of 196 inputs and 100 outputs, a batch of 64. Ours is what the public API of a layer does, with all that comes with
//! it: the bias, the look whether all sums are finite, the update of weights and bias. The peers do the bare products.

use std::hint::black_box;
use std::time::{Duration, Instant};

use matrixmultiply::sgemm;
use nalgebra::DMatrix;

use crate::Clock;
use crate::layer::{BATCH, FLOPS, INPUTS, Layer, OUTPUTS};

const RUNS: u32 = 50;

/// `C ← α·A·B + β·C`; row-major unless a flag says that a matrix is stored transposed.
fn product(a: &[f32], a_transposed: bool, b: &[f32], b_transposed: bool, alpha: f32, beta: f32, c: &mut Matrix) {
    let (rows, columns) = (c.rows, c.columns);
    let inner = a.len() / rows;
    assert!(a.len() == rows * inner && b.len() == inner * columns && c.values.len() == rows * columns);
    let strides = |transposed: bool, rows: usize, columns: usize| {
        if transposed { (1, rows as isize) } else { (columns as isize, 1) }
    };
    let (a_row, a_column) = strides(a_transposed, rows, inner);
    let (b_row, b_column) = strides(b_transposed, inner, columns);
    let (c_row, c_column) = strides(false, rows, columns);
    #[allow(unsafe_code)]
    // SAFETY: by the assertion above, each matrix with its strides stays within its slice, and `c` is borrowed alone.
    unsafe {
        sgemm(
            rows,
            inner,
            columns,
            alpha,
            a.as_ptr(),
            a_row,
            a_column,
            b.as_ptr(),
            b_row,
            b_column,
            beta,
            c.values.as_mut_ptr(),
            c_row,
            c_column,
        );
    }
}

struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Matrix {
    fn new(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![0.01; rows * columns] }
    }
}

/// A contender's name and one call of it.
type Call<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// Measures and prints the products.
pub(crate) fn table(budget: Duration) {
    println!("\nProducts of a layer of {INPUTS} inputs and {OUTPUTS} outputs, batch {BATCH}, one thread: GFLOP/s.\n");
    println!("| product | baregrad, all included | matrixmultiply, bare (fused) | nalgebra, bare |");
    println!("| --- | --- | --- | --- |");

    let mut layer = Layer::new();
    let (inputs, delta) = (Matrix::new(BATCH, INPUTS), Matrix::new(BATCH, OUTPUTS));
    let (mut weights, mut outputs) = (Matrix::new(INPUTS, OUTPUTS), Matrix::new(BATCH, OUTPUTS));
    let mut below = Matrix::new(BATCH, INPUTS);
    let na_inputs = DMatrix::<f32>::from_element(BATCH, INPUTS, 0.01);
    let na_delta = DMatrix::<f32>::from_element(BATCH, OUTPUTS, 0.01);
    let mut na_weights = DMatrix::<f32>::from_element(INPUTS, OUTPUTS, 0.01);
    let mut na_outputs = DMatrix::<f32>::zeros(BATCH, OUTPUTS);
    let mut na_below = DMatrix::<f32>::zeros(BATCH, INPUTS);

    row(
        budget,
        "forward, `x·W + b`",
        1.0,
        vec![
            ("baregrad", Box::new(|| layer.forward())),
            (
                "matrixmultiply",
                Box::new(|| product(&inputs.values, false, &weights.values, false, 1.0, 0.0, &mut outputs)),
            ),
            ("nalgebra", Box::new(|| na_outputs.gemm(1.0, black_box(&na_inputs), &na_weights, 0.0))),
        ],
    );
    // `nalgebra` multiplies faster by a transposed copy than by its `gemm_tr`.
    // A tiny rate keeps the weights sound however often this is done; it is multiplied and added like any other.
    row(
        budget,
        "weight gradient with the update, `W - α·xᵀ·δ`",
        1.0,
        vec![
            ("baregrad", Box::new(|| layer.weight_gradient())),
            (
                "matrixmultiply",
                Box::new(|| product(&inputs.values, true, &delta.values, false, -1e-9, 1.0, &mut weights)),
            ),
            ("nalgebra", Box::new(|| na_weights.gemm(-1e-9, &black_box(&na_inputs).transpose(), &na_delta, 1.0))),
        ],
    );
    row(
        budget,
        "the same and the input gradient, `δ·Wᵀ`",
        2.0,
        vec![
            ("baregrad", Box::new(|| layer.both_gradients())),
            (
                "matrixmultiply",
                Box::new(|| {
                    product(&delta.values, false, &weights.values, true, 1.0, 0.0, &mut below);
                    product(&inputs.values, true, &delta.values, false, -1e-9, 1.0, &mut weights);
                }),
            ),
            (
                "nalgebra",
                Box::new(|| {
                    na_below = black_box(&na_delta) * na_weights.transpose();
                    na_weights.gemm(-1e-9, &black_box(&na_inputs).transpose(), &na_delta, 1.0);
                }),
            ),
        ],
    );
}

fn row(budget: Duration, name: &str, products: f64, mut calls: Vec<Call<'_>>) {
    let mut best = vec![Duration::MAX; calls.len()];
    let begin = Instant::now();
    while begin.elapsed() < budget / 2 {
        for ((_, call), best) in calls.iter_mut().zip(&mut best) {
            let start = Clock::now();
            for _ in 0..RUNS {
                call();
            }
            *best = (*best).min(start.elapsed());
        }
    }
    let rates = best.iter().map(|time| FLOPS * products * f64::from(RUNS) / time.as_secs_f64() / 1e9);
    let cells: Vec<String> = rates.map(|rate| format!("{rate:.1}")).collect();
    println!("| {name} | {} |", cells.join(" | "));
}
