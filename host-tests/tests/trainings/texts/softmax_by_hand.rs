//! One step of a 2-2-2 network by hand: sigmoid, then softmax and cross-entropy.
//!
//! The text writes a row of `W` for each node that it leads to, the library one for each node that it comes from: its `W` is the
//! transpose.

use baregrad::matrix::softmax;
use baregrad::{CrossEntropy, Dataset, Dense, Gradients, Matrix, Network, Sgd, Sigmoid, Trainer, Zero, floats};

use super::{ROUNDOFF, parameters};

type Net = (Dense<2, 2, Sigmoid>, Dense<2, 2>);

const X: [f64; 2] = [0.5, 0.6];
const W1: [[f64; 2]; 2] = [[0.1, 0.2], [0.3, 0.4]];
const B1: [f64; 2] = [0.1, 0.2];
const W2: [[f64; 2]; 2] = [[0.7, 0.8], [0.9, 1.0]];
const B2: [f64; 2] = [0.1, 0.2];
const TARGET: [f64; 2] = [1.0, 0.0];
const RATE: f64 = 0.01;

/// The step in `f64`, straight from the formulas.
struct Reference {
    z2: [f64; 2],
    a2: [f64; 2],
    a3: [f64; 2],
    loss: f64,
    gradient_w2: [[f64; 2]; 2],
    new_w2: [[f64; 2]; 2],
    gradient_w1: [[f64; 2]; 2],
    new_w1: [[f64; 2]; 2],
}

fn reference() -> Reference {
    use std::array::from_fn;
    let z2 = from_fn(|h| W1[h][0] * X[0] + W1[h][1] * X[1] + B1[h]);
    let a2 = z2.map(|z: f64| 1.0 / (1.0 + (-z).exp()));
    let z3: [f64; 2] = from_fn(|k| W2[k][0] * a2[0] + W2[k][1] * a2[1] + B2[k]);
    let sum = z3[0].exp() + z3[1].exp();
    let a3 = z3.map(|z| z.exp() / sum);
    let loss = -(TARGET[0] * a3[0].ln() + TARGET[1] * a3[1].ln());
    let delta3: [f64; 2] = from_fn(|k| a3[k] - TARGET[k]);
    let delta2: [f64; 2] = from_fn(|h| (delta3[0] * W2[0][h] + delta3[1] * W2[1][h]) * a2[h] * (1.0 - a2[h]));
    let gradient_w2 = from_fn(|k| from_fn(|h| delta3[k] * a2[h]));
    let gradient_w1 = from_fn(|h| from_fn(|i| delta2[h] * X[i]));
    let new = |w: [[f64; 2]; 2], gradient: [[f64; 2]; 2]| from_fn(|r| from_fn(|c| w[r][c] - RATE * gradient[r][c]));
    let (new_w2, new_w1) = (new(W2, gradient_w2), new(W1, gradient_w1));
    Reference { z2, a2, a3, loss, gradient_w2, new_w2, gradient_w1, new_w1 }
}

fn transposed(rows: [[f64; 2]; 2]) -> Matrix<2, 2> {
    Matrix::from_rows([[rows[0][0] as f32, rows[1][0] as f32], [rows[0][1] as f32, rows[1][1] as f32]])
}

fn rows(weights: &[f32]) -> [[f32; 2]; 2] {
    [[weights[0], weights[2]], [weights[1], weights[3]]]
}

fn network() -> Net {
    (Dense::new(transposed(W1), B1.map(|b| b as f32)), Dense::new(transposed(W2), B2.map(|b| b as f32)))
}

/// Compares a number of the library with the `f64` reference, and returns whether the text's number is that one rounded to the
/// text's digits.
fn compare(what: &str, ours: f32, exact: f64, text: f64, digits: usize) -> bool {
    let as_in_text = format!("{exact:.digits$}") == format!("{text:.digits$}");
    let remark = if as_in_text { "" } else { "  <- not the text's" };
    println!("  {what:<12} text {text:>9.digits$}   library {ours:>10.6}   f64 {exact:>10.6}{remark}");
    // Some seven roundings lie behind δ³ = a³ - t, and Σ δ³W² cancels all but a ninth of its terms: 64 units of 2⁻²⁴, relative, or
    // 4e-6, which is what "to six digits" asks for.
    assert!((f64::from(ours) - exact).abs() <= 64.0 * ROUNDOFF * exact.abs(), "{what}: {ours}, not {exact}");
    as_in_text
}

#[test]
fn softmax_step_by_hand_gives_the_numbers_of_the_text() {
    let inputs = [X.map(|x| x as f32)];
    let labels = [0u8]; // target (1, 0)
    let data = Dataset::from_arrays(&inputs, &labels);
    let exact = reference();

    let net = network();
    // z² is what the first layer gives without its activation.
    let z2 = *(Dense::<2, 2>::new(net.0.weights, net.0.bias),).predict(&inputs[0]).as_array();
    let a2 = *(net.0,).predict(&inputs[0]).as_array();
    let mut a3 = *net.predict(&inputs[0]).as_array();
    softmax(&mut a3);

    let mut trainer = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
    trainer.network = net;
    let mut gradients = Gradients::<Net>::ZERO;
    let loss = trainer.accumulate(&mut gradients, &data, CrossEntropy, 1).unwrap();
    let mut pieces = Vec::new();
    gradients.visit(&mut |piece| pieces.push(piece.to_vec()));
    let (gradient_w1, gradient_w2) = (rows(&pieces[0]), rows(&pieces[2]));
    trainer.apply(&mut gradients, &mut Sgd::new(RATE as f32)).unwrap();
    let (new_w1, new_w2) = (rows(trainer.network.0.weights.as_slice()), rows(trainer.network.1.weights.as_slice()));

    println!("2-2-2, one step by hand");
    let mut wrong = Vec::new();
    let mut check = |what: String, ours, exact, text, digits| {
        if !compare(&what, ours, exact, text, digits) {
            wrong.push(what);
        }
    };
    let vectors = [
        ("z²", z2, exact.z2, [0.27, 0.59], 2),
        ("a²", a2, exact.a2, [0.567, 0.644], 3),
        ("a³", a3, exact.a3, [0.415, 0.585], 3),
    ];
    for (what, ours, exact, text, digits) in vectors {
        for k in 0..2 {
            check(format!("{what}[{k}]"), ours[k], exact[k], text[k], digits);
        }
    }
    check("L".to_owned(), loss, exact.loss, 0.88, 2);
    let matrices = [
        ("∂L/∂W²", gradient_w2, exact.gradient_w2, [[-0.332, -0.377], [0.332, 0.377]], 3),
        ("W² new", new_w2, exact.new_w2, [[0.703, 0.804], [0.897, 0.996]], 3),
        ("∂L/∂W¹", gradient_w1, exact.gradient_w1, [[0.014, 0.017], [0.013, 0.016]], 3),
        ("W¹ new", new_w1, exact.new_w1, [[0.09986, 0.19983], [0.29987, 0.39984]], 5),
    ];
    for (what, ours, exact, text, digits) in matrices {
        for k in 0..4 {
            let (r, c) = (k / 2, k % 2);
            check(format!("{what}[{r}][{c}]"), ours[r][c], exact[r][c], text[r][c], digits);
        }
    }

    // Three of the text's numbers are not what the arithmetic gives: a²[1] = σ(0.59) = 0.64337 is 0.643, not 0.644; and the text goes on with
    // its rounded values, so that ∂L/∂W² has 0.585·0.644 = 0.377 where 0.5847·0.6434 = 0.3762 is 0.376.
    assert_eq!(wrong, ["a²[1]", "∂L/∂W²[0][1]", "∂L/∂W²[1][1]"]);
    assert_eq!(format!("{:.4} {:.4}", exact.a2[1], exact.gradient_w2[1][1]), "0.6434 0.3762");
    assert_eq!(format!("{:.3}", 0.585 * 0.644), "0.377");
}

#[test]
fn softmax_step_in_one_pass_and_in_two_phases_is_the_same() {
    let inputs = [X.map(|x| x as f32)];
    let labels = [0u8];
    let data = Dataset::from_arrays(&inputs, &labels);
    let mut one_pass = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
    let mut two_phase = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
    (one_pass.network, two_phase.network) = (network(), network());
    let mut sgd = Sgd::new(RATE as f32);
    let loss = one_pass.step(&data, CrossEntropy, &mut sgd).unwrap();
    let mut gradients = Gradients::<Net>::ZERO;
    assert_eq!(two_phase.accumulate(&mut gradients, &data, CrossEntropy, 1).unwrap(), loss);
    two_phase.apply(&mut gradients, &mut sgd).unwrap();
    assert_eq!(parameters(&one_pass.network), parameters(&two_phase.network));
}
