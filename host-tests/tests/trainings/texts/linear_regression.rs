//! Linear regression by batch gradient descent, cost `J = 1/(2m)·Σ(h - y)²`, held against the normal equations.
//!
//! The width of an iris petal from two other measures of the flower, standardised as the texts advise; one layer without
//! activation is the hypothesis `h = θ₀ + θ₁x₁ + θ₂x₂`.

use baregrad::{Dataset, Dense, HalfMeanSquaredError, Sgd, Trainer, floats};
use nalgebra::{DMatrix, DVector};

use super::{ROUNDOFF, iris, standardise};

const SAMPLES: usize = 150;
const ITERATIONS: usize = 400;
const LEARNING_RATE: f32 = 0.5;

#[test]
fn linear_regression_falls_monotonically_to_the_normal_equations() {
    let mut inputs: Vec<[f32; 2]> = iris().iter().map(|(measures, _)| [measures[0], measures[2]]).collect();
    let targets: Vec<[f32; 1]> = iris().iter().map(|(measures, _)| [measures[3]]).collect();
    let raw = inputs.clone();
    standardise(&mut inputs, &raw);
    let data = Dataset::new(&inputs, &targets).unwrap();

    let mut trainer = Trainer::<(Dense<2, 1>,), Sgd, SAMPLES, { floats::<(Dense<2, 1>,)>() }>::NEW; // θ = 0
    let mut optimizer = Sgd::new(LEARNING_RATE);
    let mut history = Vec::new();
    for _ in 0..ITERATIONS {
        history.push(trainer.step(&data, HalfMeanSquaredError, &mut optimizer).unwrap());
    }

    // The normal equations (XᵀX)θ = Xᵀy in f64, from the same f32 rows.
    let x = DMatrix::from_fn(SAMPLES, 3, |row, column| match column {
        0 => 1.0,
        _ => f64::from(inputs[row][column - 1]),
    });
    let y = DVector::from_fn(SAMPLES, |row, _| f64::from(targets[row][0]));
    let normal = x.transpose() * &x;
    let theta = normal.clone().cholesky().expect("independent columns").solve(&(x.transpose() * &y));
    let residual = &x * &theta - &y;
    let least = residual.norm_squared() / (2 * SAMPLES) as f64;

    let layer = &trainer.network.0;
    let ours = DVector::from_vec([layer.bias[0], layer.weights.rows[0][0], layer.weights.rows[1][0]].to_vec());
    let ours = ours.map(f64::from);
    println!("linear regression, {SAMPLES} samples, rate {LEARNING_RATE}");
    for (iteration, cost) in history.iter().enumerate().filter(|(i, _)| [0, 1, 2, 5, 10, 50, 100, 399].contains(i)) {
        println!("  iteration {iteration:>3}: J = {cost:.7}");
    }
    println!("  least J by the normal equations {least:.7}");
    println!("  θ by gradient descent   {:.6} {:.6} {:.6}", ours[0], ours[1], ours[2]);
    println!("  θ by normal equations   {:.6} {:.6} {:.6}", theta[0], theta[1], theta[2]);

    // The history holds all costs. Each is a sum of m squares, whose computed value can be off by m + 4 roundings (the sum, and
    // hypothesis, difference and square of a sample), so at the bottom, where J no longer changes, it may rise by as much.
    let costs: Vec<f32> = history;
    assert_eq!(costs.len(), ITERATIONS);
    let rounding = 2.0 * (SAMPLES as f64 + 4.0) * ROUNDOFF;
    for pair in costs.windows(2) {
        assert!(f64::from(pair[1]) <= f64::from(pair[0]) * (1.0 + rounding), "{} after {}", pair[1], pair[0]);
    }
    let strict = costs.windows(2).take_while(|pair| pair[1] < pair[0]).count();
    println!("  J fell strictly {strict} times in a row");
    assert!(strict >= 50, "J stopped falling after {strict} iterations");
    assert!((f64::from(costs[ITERATIONS - 1]) - least).abs() <= least * rounding);

    // Descent stands still where the *computed* gradient is 0. That is off by m + 8 roundings of its terms (the sum; h, the
    // difference and 1/m) and by 4 roundings of the terms of h; the smallest eigenvalue of XᵀX/m says how far θ goes with it.
    let m = SAMPLES as f64;
    let (mut terms, mut errors) = (DVector::zeros(3), DVector::zeros(3));
    for row in 0..SAMPLES {
        let hypothesis: f64 = (0..3).map(|k| (theta[k] * x[(row, k)]).abs()).sum();
        for k in 0..3 {
            terms[k] += (x[(row, k)] * residual[row]).abs() / m;
            errors[k] += x[(row, k)].abs() * hypothesis / m;
        }
    }
    let gradient_error = (terms * (m + 8.0) + errors * 4.0).norm() * ROUNDOFF;
    let smallest = (normal / m).symmetric_eigenvalues().min();
    // And a step of less than half a unit in the last place of θ is lost: below that rate·gradient says nothing.
    let lost = theta.amax() * ROUNDOFF / f64::from(LEARNING_RATE);
    let bound = (gradient_error + lost) / smallest;
    println!("  largest difference {:.1e}, bound {bound:.1e}", (&ours - &theta).amax());
    assert!((ours - theta).norm() <= bound);
}
