//! The layered toolkit: fully connected and sigmoid layers, squared error, random mini-batches of 64, on handwritten digits.
//!
//! The text trains on MNIST (`host-tests/examples/src/bin/mnist.rs` does that, given the files); here it is the 8 × 8 digits of the repository.

use baregrad::data::RandomIndices;
use baregrad::{
    Dense, Features, GatherBuffer, HalfMeanSquaredError, Network, OneHot, Sgd, Sigmoid, Trainer, Uniform, Zero, floats,
};
use firmware_example::digits::{TEST, TRAIN, scale};
use rand_pcg::Pcg32;

use super::SEEDS;

type Net = (Dense<64, 32, Sigmoid>, Dense<32, 10, Sigmoid>);

const BATCH: usize = 64;
const MINI_BATCHES: usize = 500;
const RATE: f32 = 1.0;
const LOSS: OneHot<HalfMeanSquaredError> = OneHot(HalfMeanSquaredError);

#[test]
fn toolkit_on_digits_lowers_the_error_and_beats_chance() {
    for seed in SEEDS {
        let mut generator = Pcg32::new(seed, 0);
        let mut trainer = Box::new(Trainer::<Net, Sgd, BATCH, { floats::<Net>() }>::NEW);
        trainer.network.initialize(Uniform::weights_and_biases(-0.5, 0.5), &mut generator);
        let mut indices = RandomIndices::<BATCH>::ZERO;
        let mut gathered = GatherBuffer::<Features<64>, u8, BATCH>::ZERO;
        let mut optimizer = Sgd::new(RATE);
        let mut errors = Vec::new(); // one for every ten mini-batches
        println!("toolkit, seed {seed}: mean error of every ten mini-batches of {BATCH}");
        for _ in 0..MINI_BATCHES / 10 {
            let mut sum = 0.0;
            for _ in 0..10 {
                indices.draw(TRAIN.inputs().len(), &mut generator).expect("few enough samples");
                let batch = gathered.gather(&TRAIN.batch(&indices).unwrap(), scale).unwrap();
                sum += trainer.step(batch, LOSS, &mut optimizer).unwrap();
            }
            errors.push(sum / 10.0);
        }
        for line in errors.chunks(10) {
            println!("  {}", line.iter().map(|error| format!("{error:.4} ")).collect::<String>());
        }
        let mut right = 0;
        for batch in TEST.chunks(BATCH).unwrap() {
            right += trainer.evaluate(gathered.gather(&batch, scale).unwrap(), LOSS, 1).unwrap().correct;
        }
        let samples = TEST.inputs().len();
        println!("  test digits right: {right} of {samples}");
        assert!(10 * right >= 8 * samples, "seed {seed}: {right} of {samples}; chance is a tenth");
        assert!(errors[errors.len() - 1] < errors[0] / 2.0);
    }
}
