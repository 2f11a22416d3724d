//! One neuron learns to tell Fahrenheit from Celsius: `f = 1.8·c + 32`.
//!
//!     cargo run -p examples --bin 01_one_neuron

use baregrad::{Dataset, Dense, MeanSquaredError, Sgd, StepError, Trainer, floats};

fn main() -> Result<(), StepError> {
    // In hundreds of degrees: numbers around 1 suit a learning rate around 1.
    let celsius = [[-0.4], [-0.1], [0.0], [0.08], [0.15], [0.22], [0.38]];
    let fahrenheit = [[-0.4], [0.14], [0.32], [0.464], [0.59], [0.716], [1.004]];
    let data = Dataset::from_arrays(&celsius, &fahrenheit);

    // One input, one output, no activation: y = w·x + b. Batches of up to seven samples.
    let mut trainer = Trainer::<Dense<1, 1>, Sgd, 7, { floats::<Dense<1, 1>>() }>::NEW;
    let mut optimizer = Sgd::new(0.5);
    for epoch in 1..=400 {
        let loss = trainer.step(&data, MeanSquaredError, &mut optimizer)?;
        if epoch % 100 == 0 {
            println!("epoch {epoch}: loss {loss:.2e}");
        }
    }

    let neuron = &trainer.network;
    println!("f = {:.3}·c + {:.2}", neuron.weights.rows[0][0], 100.0 * neuron.bias[0]);
    assert!((neuron.weights.rows[0][0] - 1.8).abs() < 0.01 && (neuron.bias[0] - 0.32).abs() < 0.001);
    Ok(())
}
