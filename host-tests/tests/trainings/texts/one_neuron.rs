//! One neuron and one step too large: inputs not scaled, learning rate 1, and the loss goes from 10⁴ to 10¹².

use baregrad::train::StepError;
use baregrad::{Dataset, Dense, Matrix, Network, Sgd, SumOfSquares, Trainer, floats};

use super::{ROUNDOFF, parameters};

type Neuron = Trainer<(Dense<2, 1>,), Sgd, 1, { floats::<(Dense<2, 1>,)>() }>;

const INPUTS: [[f32; 2]; 1] = [[28.1, 58.0]];
const TARGETS: [[f32; 1]; 1] = [[165.0]];

fn neuron() -> Neuron {
    let mut trainer = Neuron::NEW;
    trainer.network.0 = Dense::new(Matrix::from_rows([[0.5], [0.5]]), [0.0]);
    trainer
}

fn prediction(trainer: &Neuron) -> f32 {
    trainer.network.predict(&INPUTS[0]).as_array()[0]
}

#[test]
fn one_neuron_with_rate_one_overshoots_to_the_numbers_of_the_text() {
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    let mut trainer = neuron();
    let before = prediction(&trainer);
    let loss = trainer.step(&data, SumOfSquares, &mut Sgd::new(1.0)).unwrap();
    let after = parameters(&trainer.network);
    let loss_after = trainer.mean_loss(&data, SumOfSquares).unwrap();

    // The roundings that can add up, in units of 2⁻²⁴ of the value: 28.1 itself, two products and two sums make the prediction; the
    // difference follows (its own error 1, the prediction's 4·43/122), then the products. Text: decimal numbers, exact
    // but for the last loss, which has nine digits.
    let table = [
        ("prediction", before, 43.05, 4.0),
        ("squared error", loss, 14_871.802_5, 7.0),
        ("error term 2(a - y), as -b after the step", -after[2], -243.9, 3.0),
        ("w1 after the step", after[0], 6_854.09, 6.0),
        ("w2 after the step", after[1], 14_146.7, 5.0),
        ("b after the step", after[2], 243.9, 3.0),
        ("squared error after the step", loss_after, 1.026_548_77e12, 24.0),
    ];
    println!("one neuron, rate 1{:>36}{:>18}", "library", "text");
    for (what, ours, text, roundings) in table {
        println!("  {what:<42} {ours:>16} {text:>16}");
        let difference = (f64::from(ours) - text).abs();
        assert!(difference <= roundings * ROUNDOFF * text.abs(), "{what}: {ours}, not {text}");
    }
}

#[test]
fn one_neuron_that_diverges_for_good_ends_in_an_error_that_says_so() {
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    let mut trainer = neuron();
    let mut optimizer = Sgd::new(1.0);
    println!("one neuron, rate 1, step after step");
    for step in 0..100 {
        let before = parameters(&trainer.network);
        match trainer.step(&data, SumOfSquares, &mut optimizer) {
            Ok(loss) => println!("  step {step}: loss {loss:e}"),
            Err(error) => {
                println!("  step {step}: error: {error}");
                println!("  weights {before:?} are unchanged");
                // The prediction, some 10²¹, is still an f32; its square is not.
                assert_eq!(error, StepError::NonFiniteLoss);
                assert_eq!(error.to_string(), "the loss is infinite or NaN: the outputs are far too large");
                assert_eq!(parameters(&trainer.network), before);
                assert!(before.iter().all(|value| value.is_finite()));
                return;
            }
        }
    }
    panic!("did not diverge");
}

#[test]
fn one_neuron_with_a_small_rate_converges() {
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    // A step multiplies the error by 1 - 2·rate·(28.1² + 58² + 1) = 1 - 8309·rate: with rate 1 by -8308, with 1e-4 by 0.169,
    // and above 2/8309 = 2.4e-4 it diverges.
    for rate in [1e-4, 2.3e-4, 2.5e-4] {
        let mut trainer = neuron();
        let mut optimizer = Sgd::new(rate);
        let first = trainer.mean_loss(&data, SumOfSquares).unwrap();
        for _ in 0..400 {
            trainer.step(&data, SumOfSquares, &mut optimizer).unwrap();
        }
        let last = trainer.mean_loss(&data, SumOfSquares).unwrap();
        println!("one neuron, rate {rate:e}: loss {first} -> {last:e}, prediction {}", prediction(&trainer));
        let factor = 1.0 - 2.0 * f64::from(rate) * (28.1f64.powi(2) + 58f64.powi(2) + 1.0);
        if factor.abs() < 1.0 {
            // A prediction is off by 4 roundings of 165, the sum of its positive terms. A step puts that into the weights, 1 - factor (less
            // than 2) times, and one rounding of the weights; the steps before it add a geometric series.
            let bound = (9.0 / (1.0 - factor.abs()) + 4.0) * ROUNDOFF * 165.0;
            assert!((f64::from(prediction(&trainer)) - 165.0).abs() <= bound);
        } else {
            assert!(last > first);
        }
    }
}
