//! The 3-3-2 sigmoid network on two samples, whose code sums the gradients of weights but averages those of biases.

use baregrad::loss::Pointwise;
use baregrad::{Dataset, Dense, Gradients, Network, Sgd, Sigmoid, SumOfSquares, Trainer, Uniform, Zero, floats};
use rand_pcg::Pcg32;

use super::{HalfSumOfSquares, SEEDS};

type Net = (Dense<3, 3, Sigmoid>, Dense<3, 2, Sigmoid>);
type NetTrainer = Trainer<Net, Sgd, 2, { floats::<Net>() }>;

const INPUTS: [[f32; 3]; 2] = [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]];
const TARGETS: [[f32; 2]; 2] = [[1.0, 0.0], [0.0, 1.0]];
const ITERATIONS: usize = 1000;
const RATE: f32 = 0.1;

/// By what the gradients of weights and of biases are multiplied.
#[derive(Clone, Copy, Debug)]
struct Factors {
    weights: f32,
    biases: f32,
}

/// Trains, and gives `Σ_samples Σ_outputs (a - t)²` before and after.
fn train(seed: u64, loss: impl Pointwise + Copy, factors: Factors, rate: f32) -> [f32; 2] {
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    let mut trainer = NetTrainer::NEW;
    trainer.network.initialize(Uniform::weights(0.0, 1.0), &mut Pcg32::new(seed, 0));
    let mut gradients = Gradients::<Net>::ZERO;
    let mut optimizer = Sgd::new(rate);
    let first = trainer.mean_loss(&data, SumOfSquares).unwrap();
    for _ in 0..ITERATIONS {
        trainer.accumulate(&mut gradients, &data, loss, 2).unwrap();
        let mut is_bias = false;
        gradients.visit_mut(&mut |piece| {
            let factor = if is_bias { factors.biases } else { factors.weights };
            for gradient in piece {
                *gradient *= factor;
            }
            is_bias = !is_bias;
        });
        trainer.apply(&mut gradients, &mut optimizer).unwrap();
    }
    [first, trainer.mean_loss(&data, SumOfSquares).unwrap()]
}

/// The costs at the start and at the end of many runs, each sorted: minimum, median and maximum are in the places 0, 50 and 100.
fn spread(loss: impl Pointwise + Copy, factors: Factors, rate: f32) -> [Vec<f32>; 2] {
    let runs: Vec<[f32; 2]> = (0..101).map(|seed| train(seed, loss, factors, rate)).collect();
    [0, 1].map(|when| {
        let mut costs: Vec<f32> = runs.iter().map(|run| run[when]).collect();
        costs.sort_by(f32::total_cmp);
        costs
    })
}

fn report(what: &str, [first, last]: &[Vec<f32>; 2]) {
    println!(
        "  {what}: cost {:.3} {:.3} {:.3} -> {:.4} {:.4} {:.4}; nine of ten end below {:.4}",
        first[0], first[50], first[100], last[0], last[50], last[100], last[90]
    );
}

// Averaging the gradient of the biases alone is odd: the two parts are then not the gradient of one function. Weights go down the slope of
// the sum over the samples, biases down that of the mean, as if they had a learning rate of their own, divided by the number of samples:
// here half, with 64 samples a 64th, so that the biases all but stop in large batches. It goes unnoticed since both have the
// right sign and, with two samples, the right size.
const AS_THE_TEXT: Factors = Factors { weights: 1.0, biases: 0.5 };

#[test]
fn three_three_two_as_the_text_goes_from_1_39_to_0_011_with_the_factor_two_in_the_gradient() {
    println!("3-3-2, 1000 iterations at rate 0.1; the text: 1.39 -> 0.011");
    for seed in SEEDS {
        let [first, last] = train(seed, SumOfSquares, AS_THE_TEXT, RATE);
        println!("  seed {seed}: cost {first:.3} -> {last:.4}");
    }
    println!("  least, middle and greatest of 101 seeds");
    let two = spread(SumOfSquares, AS_THE_TEXT, RATE);
    let half = spread(HalfSumOfSquares, AS_THE_TEXT, RATE);
    report("gradient 2(a - t)", &two);
    report("gradient (a - t) ", &half);

    // The cost has no ½ and no mean: with either the text's 1.39 would be 2.78 here, which no such start has.
    let [first, last] = two;
    assert!(first[0] < 1.39 && 1.39 < first[100] && first[100] < 2.78);
    // The middle start is near the text's, and 0.011 is among the ends, in the best tenth.
    assert!((1.3..1.45).contains(&first[50]));
    assert!(last[0] < 0.011 && 0.011 < last[10] && last[50] < 0.022);
    // A gradient (a - t), that of half the cost, never gets there in 1000 iterations.
    assert!(half[1][0] > 0.02);
    // A run can stay long where both samples give 0.5, so that Σ(a - t)² = 1: with (a - t) the slowest of these does, with 2(a - t)
    // one of other seeds. So much for the greatest.
    assert!(last[90] < 0.05 && last[100] < 1.01);
}

#[test]
fn three_three_two_with_all_gradients_summed_or_all_averaged_learns_as_well() {
    println!("3-3-2 with one gradient for weights and biases, least, middle and greatest of 101 seeds");
    let summed = spread(SumOfSquares, Factors { weights: 1.0, biases: 1.0 }, RATE);
    report("all summed, rate 0.1  ", &summed);
    // Averaged over two samples, it takes twice the rate: the same steps, bit for bit, as halving and doubling are exact.
    let averaged = spread(SumOfSquares, Factors { weights: 0.5, biases: 0.5 }, 2.0 * RATE);
    report("all averaged, rate 0.2", &averaged);
    assert_eq!(summed, averaged);
    assert!(summed[1][50] < 0.022 && summed[1][90] < 0.05);
}

#[test]
fn three_three_two_with_all_gradients_summed_is_an_ordinary_step() {
    let data = Dataset::from_arrays(&INPUTS, &TARGETS);
    for seed in SEEDS {
        let mut trainer = NetTrainer::NEW;
        trainer.network.initialize(Uniform::weights(0.0, 1.0), &mut Pcg32::new(seed, 0));
        let mut optimizer = Sgd::new(RATE);
        let first = trainer.step(&data, SumOfSquares, &mut optimizer).unwrap();
        for _ in 1..ITERATIONS {
            trainer.step(&data, SumOfSquares, &mut optimizer).unwrap();
        }
        let last = trainer.mean_loss(&data, SumOfSquares).unwrap();
        assert_eq!([first, last], train(seed, SumOfSquares, Factors { weights: 1.0, biases: 1.0 }, RATE));
    }
}
