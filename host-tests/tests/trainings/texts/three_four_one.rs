//! The 3-4-1 sigmoid network in a few lines of numpy: four samples at once, no biases, 60,000 iterations.
//!
//! The text's update is `error * a * (1 - a)` and `weights += layer.T.dot(delta)`: gradient descent at rate 1 on `½ Σ error²`, summed over
//! the samples. The third input is always 1, which gives the hidden nodes their biases; the output has none. A layer of
//! the library always has one, so the gradients of the biases are set to 0 between the two phases of a step.

use baregrad::{Dataset, Dense, Gradients, Network, Sgd, Sigmoid, Trainer, Uniform, Zero, floats};
use rand_pcg::Pcg32;

use super::{HalfSumOfSquares, SEEDS};

type Net = (Dense<3, 4, Sigmoid>, Dense<4, 1, Sigmoid>);
type NetTrainer = Trainer<Net, Sgd, 4, { floats::<Net>() }>;

const INPUTS: [[f32; 3]; 4] = [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]];
const TARGETS: [[f32; 1]; 4] = [[0.0], [1.0], [1.0], [0.0]];
const ITERATIONS: usize = 60_000;
const REPORT: usize = 10_000;

fn start(seed: u64) -> NetTrainer {
    let mut trainer = NetTrainer::NEW;
    trainer.network.initialize(Uniform::weights(-1.0, 1.0), &mut Pcg32::new(seed, 0));
    trainer
}

fn mean_absolute_error(network: &Net) -> f64 {
    let error = |(x, t): (&[f32; 3], &[f32; 1])| f64::from((network.predict(x).as_array()[0] - t[0]).abs());
    INPUTS.iter().zip(&TARGETS).map(error).sum::<f64>() / 4.0
}

/// One iteration of the text, with biases that stay 0.
fn step_without_biases(trainer: &mut NetTrainer, gradients: &mut Gradients<Net>, optimizer: &mut Sgd) {
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    trainer.accumulate(gradients, &data, HalfSumOfSquares, 4).unwrap();
    // The pieces come as weights, bias, weights, bias.
    let mut is_bias = false;
    gradients.visit_mut(&mut |piece| {
        if is_bias {
            piece.fill(0.0);
        }
        is_bias = !is_bias;
    });
    trainer.apply(gradients, optimizer).unwrap();
}

/// The text's loop in `f64`: mean absolute errors at each report and at the end.
fn text_in_f64(network: &Net) -> Vec<f64> {
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    let mut first = network.0.weights.rows.map(|row| row.map(f64::from));
    let mut second = network.1.weights.rows.map(|row| f64::from(row[0]));
    let inputs = INPUTS.map(|row| row.map(f64::from));
    let mut reports = Vec::new();
    for iteration in 0..=ITERATIONS {
        let hidden =
            inputs.map(|x| std::array::from_fn::<_, 4, _>(|h| sigmoid((0..3).map(|i| x[i] * first[i][h]).sum())));
        let outputs = hidden.map(|a| sigmoid((0..4).map(|h| a[h] * second[h]).sum()));
        let errors: [f64; 4] = std::array::from_fn(|s| f64::from(TARGETS[s][0]) - outputs[s]);
        if iteration % REPORT == 0 {
            reports.push(errors.iter().map(|error| error.abs()).sum::<f64>() / 4.0);
        }
        let old = second;
        for s in 0..4 {
            let delta = errors[s] * outputs[s] * (1.0 - outputs[s]);
            for h in 0..4 {
                let delta_hidden = delta * old[h] * hidden[s][h] * (1.0 - hidden[s][h]);
                second[h] += hidden[s][h] * delta;
                for i in 0..3 {
                    first[i][h] += inputs[s][i] * delta_hidden;
                }
            }
        }
    }
    reports
}

#[test]
fn three_four_one_without_biases_ends_below_one_percent() {
    for seed in SEEDS {
        let mut trainer = start(seed);
        let reference = text_in_f64(&trainer.network);
        let mut gradients = Gradients::<Net>::ZERO;
        let mut optimizer = Sgd::new(1.0);
        let mut reports = vec![mean_absolute_error(&trainer.network)];
        for iteration in 1..=ITERATIONS {
            step_without_biases(&mut trainer, &mut gradients, &mut optimizer);
            if iteration % REPORT == 0 {
                reports.push(mean_absolute_error(&trainer.network));
            }
        }
        println!("3-4-1 without biases, seed {seed}: mean absolute error every {REPORT} iterations");
        println!("  library, f32    {}", line(&reports));
        println!("  numpy code, f64 {}", line(&reference));
        assert_eq!([trainer.network.0.bias.as_slice(), &trainer.network.1.bias].concat(), [0.0; 5]);
        assert!(reports.windows(2).all(|pair| pair[1] < pair[0]));
        // The same as numpy's in the four digits that a reader would print.
        assert!(reports.iter().zip(&reference).all(|(ours, theirs)| (ours - theirs).abs() < 5e-5));
        assert!(reports[6] < 0.01, "seed {seed}: {}", reports[6]);
    }
}

#[test]
fn three_four_one_with_biases_learns_as_well() {
    for seed in SEEDS {
        let data = Dataset::from_arrays(&INPUTS, &TARGETS);
        let mut trainer = start(seed);
        let mut optimizer = Sgd::new(1.0);
        let mut reports = vec![mean_absolute_error(&trainer.network)];
        for iteration in 1..=ITERATIONS {
            trainer.step(&data, HalfSumOfSquares, &mut optimizer).unwrap();
            if iteration % REPORT == 0 {
                reports.push(mean_absolute_error(&trainer.network));
            }
        }
        println!("3-4-1 with biases, seed {seed}: {}", line(&reports));
        assert!(reports[6] < 0.01, "seed {seed}: {}", reports[6]);
    }
}

fn line(errors: &[f64]) -> String {
    errors.iter().map(|error| format!("{error:.5} ")).collect()
}
