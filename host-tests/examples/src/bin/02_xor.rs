//! XOR: what no single neuron can do, two layers can.
//!
//!     cargo run -p examples --bin 02_xor

use baregrad::{BinaryCrossEntropy, Dataset, Dense, GlorotUniform, Network, Sgd, Tanh, Trainer, floats};
use rand_pcg::Pcg32;

/// A network is a tuple of layers; one that doesn't fit behind the one before stops the build.
type Net = (Dense<2, 4, Tanh>, Dense<4, 1>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let inputs = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let targets = [[0.0], [1.0], [1.0], [0.0]];
    let data = Dataset::from_arrays(&inputs, &targets);

    println!("{}", Trainer::<Net, Sgd, 4, { floats::<Net>() }>::summary());
    let mut trainer = Trainer::<Net, Sgd, 4, { floats::<Net>() }>::NEW;
    // With equal weights all hidden units would learn the same: they start from random ones, drawn from your seed.
    trainer.network.initialize(GlorotUniform, &mut Pcg32::new(2, 0));
    let mut optimizer = Sgd::new(0.5);
    for step in 1..=600 {
        let loss = trainer.step(&data, BinaryCrossEntropy, &mut optimizer)?;
        if step % 100 == 0 {
            println!("step {step}: loss {loss:.4}");
        }
    }

    for (input, [target]) in inputs.iter().zip(targets) {
        // The output is a logit: above 0 means "one".
        let logit = trainer.network.predict(input).as_array()[0];
        println!("{input:?} -> {}", u8::from(logit > 0.0));
        assert_eq!(logit > 0.0, target > 0.5);
    }
    Ok(())
}
