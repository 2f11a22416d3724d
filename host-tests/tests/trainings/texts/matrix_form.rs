//! Backpropagation as the texts write it for a whole batch, a sample per row, said in `nalgebra`:
//!
//! ```text
//! δ⁽ⁱ⁾ = (g′(z⁽ⁱ⁾) ⊙ δ⁽ⁱ⁺¹⁾) W⁽ⁱ⁾ᵀ      ∂W⁽ⁱ⁾ = a⁽ⁱ⁾ᵀ (g′(z⁽ⁱ⁾) ⊙ δ⁽ⁱ⁺¹⁾)      ∂b⁽ⁱ⁾ = column sums of g′(z⁽ⁱ⁾) ⊙ δ⁽ⁱ⁺¹⁾
//! ```
//!
//! with `z⁽ⁱ⁾ = a⁽ⁱ⁾W⁽ⁱ⁾ + b⁽ⁱ⁾`, the input `a⁽⁰⁾`, and `δ` of the last layer the gradient of the loss with respect to the output. (Here `δ` is the
//! gradient with respect to activations; in the library's docs it is the one with respect to pre-activations, `g′(z) ⊙ δ`.)

use baregrad::activation::Activation;
use baregrad::{Dataset, Dense, Gradients, Network, Sgd, Sigmoid, SumOfSquares, Tanh, Trainer, Uniform, Zero, floats};
use nalgebra::{DMatrix, SMatrix};
use rand_core::Rng;
use rand_pcg::Pcg32;

use super::{ROUNDOFF, SEEDS, bits};

type Net = (Dense<4, 16, Tanh>, Dense<16, 9, Sigmoid>, Dense<9, 3, Sigmoid>);

const SAMPLES: usize = 20;

/// A value for each sample (row) and feature (column).
type Batch<const N: usize> = SMatrix<f32, SAMPLES, N>;

fn weights<const IN: usize, const OUT: usize, A>(layer: &Dense<IN, OUT, A>) -> SMatrix<f32, IN, OUT> {
    SMatrix::from_fn(|i, o| layer.weights.rows[i][o])
}

/// `a⁽ⁱ⁺¹⁾ = g(a⁽ⁱ⁾W + b)`; the sum starts from `b`, as the library's does: `gemm` with the biases in the result's place.
fn forward<const IN: usize, const OUT: usize, A: Activation>(layer: &Dense<IN, OUT, A>, a: &Batch<IN>) -> Batch<OUT> {
    let mut z = Batch::from_fn(|_, o| layer.bias[o]);
    z.gemm(1.0, a, &weights(layer), 1.0);
    z.map(A::value)
}

/// `∂W` and `∂b` row by row, as the library stores them, and `δ⁽ⁱ⁾`, from `δ⁽ⁱ⁺¹⁾`.
fn backward<const IN: usize, const OUT: usize, A: Activation>(
    layer: &Dense<IN, OUT, A>,
    a: &Batch<IN>,
    output: &Batch<OUT>,
    delta: &Batch<OUT>,
) -> (Vec<f32>, Vec<f32>, Batch<IN>) {
    // g′(z) from the output: σ′ = a(1 - a), tanh′ = 1 - a².
    let through = output.map(A::slope).component_mul(delta);
    let weight_gradient = a.transpose() * through;
    let bias_gradient = through.row_sum();
    // `nalgebra` stores columns; those of the transpose are the rows.
    let by_rows = weight_gradient.transpose().as_slice().to_vec();
    (by_rows, bias_gradient.as_slice().to_vec(), through * weights(layer).transpose())
}

#[test]
fn matrix_formulas_give_the_gradients_of_the_library_to_the_last_bit() {
    for seed in SEEDS {
        let mut generator = Pcg32::new(seed, 0);
        let mut trainer = Trainer::<Net, Sgd, SAMPLES, { floats::<Net>() }>::NEW;
        trainer.network.initialize(Uniform::weights_and_biases(-0.5, 0.5), &mut generator);
        let inputs: [[f32; 4]; SAMPLES] = std::array::from_fn(|_| std::array::from_fn(|_| unit(&mut generator)));
        let targets: [[f32; 3]; SAMPLES] = std::array::from_fn(|_| std::array::from_fn(|_| unit(&mut generator)));
        let mut gradients = Gradients::<Net>::ZERO;
        let data = Dataset::from_arrays(&inputs, &targets);
        trainer.accumulate(&mut gradients, &data, SumOfSquares, SAMPLES).unwrap();
        let mut library = Vec::new();
        gradients.visit(&mut |piece| library.push(piece.to_vec()));

        let net = &trainer.network;
        let a0 = Batch::from_fn(|s, i| inputs[s][i]);
        let a1 = forward(&net.0, &a0);
        let a2 = forward(&net.1, &a1);
        let a3 = forward(&net.2, &a2);
        // ∂/∂a Σ(a - t)²
        let delta3 = Batch::from_fn(|s, o| 2.0 * (a3[(s, o)] - targets[s][o]));
        let (w2, b2, delta2) = backward(&net.2, &a2, &a3, &delta3);
        let (w1, b1, delta1) = backward(&net.1, &a1, &a2, &delta2);
        let (w0, b0, _) = backward(&net.0, &a0, &a1, &delta1);
        let nalgebra = [w0, b0, w1, b1, w2, b2];
        for (piece, (ours, theirs)) in library.iter().zip(&nalgebra).enumerate() {
            assert_eq!(bits(ours), bits(theirs), "seed {seed}, piece {piece} of the gradient");
        }
        println!("4-16-9-3, {SAMPLES} samples, seed {seed}: {} gradients equal", library.concat().len());
    }
}

/// `∂W = aᵀδ` in the ways that `nalgebra` has, against the library's order: are all bits the same?
///
/// Each must be within `n·2⁻²⁴·Σ|a·δ|` of the exact sum of the `n` products, the bound for any order of summation (Jeannerod and Rump, *Improved
/// error bounds for inner products in floating-point arithmetic*, 2013); fusing a product with a sum only takes roundings away.
fn ways<const SAMPLES: usize>(generator: &mut Pcg32) -> [bool; 6] {
    let a = SMatrix::<f32, SAMPLES, 6>::from_fn(|_, _| unit(generator));
    let delta = SMatrix::<f32, SAMPLES, 6>::from_fn(|_, _| unit(generator));
    let dynamic = |m: &SMatrix<f32, SAMPLES, 6>, columns| DMatrix::from_fn(SAMPLES, columns, |r, c| m[(r, c)]);
    let (a6, delta6, a5, delta5) = (dynamic(&a, 6), dynamic(&delta, 6), dynamic(&a, 5), dynamic(&delta, 5));
    let results: [DMatrix<f32>; 5] = [
        DMatrix::from_column_slice(6, 6, (a.transpose() * delta).as_slice()),
        a5.transpose() * &delta5,
        a6.transpose() * &delta6,
        DMatrix::from_column_slice(6, 6, a.tr_mul(&delta).as_slice()),
        a6.tr_mul(&delta6),
    ];
    let mut same = [true; 6];
    for (way, result) in results.iter().enumerate() {
        for i in 0..result.nrows() {
            for o in 0..result.ncols() {
                let mut ordered = a[(0, i)] * delta[(0, o)];
                for s in 1..SAMPLES {
                    ordered += a[(s, i)] * delta[(s, o)];
                }
                // Exact in f64 but for the sum's own 2⁻⁵³ a step, for which 2⁻⁵⁰ times the count is room.
                let products = (0..SAMPLES).map(|s| f64::from(a[(s, i)]) * f64::from(delta[(s, o)]));
                let (sum, size) = products.fold((0.0, 0.0), |(sum, size), p: f64| (sum + p, size + p.abs()));
                let bound = SAMPLES as f64 * (ROUNDOFF + (-50f64).exp2()) * size;
                for value in [ordered, result[(i, o)]] {
                    assert!((f64::from(value) - sum).abs() <= bound, "way {way}, {SAMPLES} samples");
                }
                same[way] &= result[(i, o)].to_bits() == ordered.to_bits();
            }
        }
    }
    for (o, sum) in delta.row_sum().iter().enumerate() {
        let ordered = (1..SAMPLES).fold(delta[(0, o)], |sum, s| sum + delta[(s, o)]);
        same[5] &= sum.to_bits() == ordered.to_bits();
    }
    same
}

#[test]
fn matrix_products_of_nalgebra_that_add_in_order_give_the_same_bits_and_the_others_stay_in_the_bound() {
    println!(
        "aᵀδ in nalgebra against the library's order, by number of samples (= means the same bits, ~ within the bound)"
    );
    println!("  samples  static *  dynamic *, 5 columns  dynamic *, 6 columns  static tr_mul  dynamic tr_mul  row_sum");
    let check = |samples: usize, ways: fn(&mut Pcg32) -> [bool; 6]| {
        let mut same = [true; 6];
        for seed in SEEDS {
            for (all, one) in same.iter_mut().zip(ways(&mut Pcg32::new(seed, 0))) {
                *all &= one;
            }
        }
        let mark = same.map(|same| if same { '=' } else { '~' });
        println!(
            "  {samples:>7}  {:<8}  {:<20}  {:<20}  {:<13}  {:<14}  {}",
            mark[0], mark[1], mark[2], mark[3], mark[4], mark[5]
        );
        let [static_product, small, large, static_tr_mul, dynamic_tr_mul, row_sum] = same;
        // `*` multiplies column by column and adds in order: for sizes in the type always, else where a side is at most 5.
        assert!(static_product && small && row_sum);
        // Above that it calls `matrixmultiply`, which uses what the processor has (here maybe fused operations): nothing to assert but the bound.
        assert!(large || samples > 5);
        // `tr_mul` adds by `dot`: four products in pairs if the type says four, and from eight on in eight sums.
        assert_eq!(static_tr_mul, samples < 8 && samples != 4);
        assert_eq!(dynamic_tr_mul, samples < 8);
    };
    check(1, ways::<1>);
    check(2, ways::<2>);
    check(3, ways::<3>);
    check(4, ways::<4>);
    check(5, ways::<5>);
    check(6, ways::<6>);
    check(7, ways::<7>);
    check(8, ways::<8>);
    check(9, ways::<9>);
    check(16, ways::<16>);
    check(33, ways::<33>);
    check(64, ways::<64>);
}

/// A random number in [-1, 1).
fn unit(generator: &mut Pcg32) -> f32 {
    baregrad::initializer::uniform(-1.0, 1.0, generator.next_u32())
}
