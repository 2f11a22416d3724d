//! A loss as a computational graph, which finds its derivative: a network that says how sure it is.
//!
//!     cargo run -p examples --bin graph
//!
//! The network gives a mean `m` and the logarithm `s` of a variance; the loss is the negative log-likelihood of a normal distribution,
//! `½·((t - m)²·exp(-s) + s)`, up to a constant. Nix and Weigend, *Estimating the mean and variance of the target probability
//! distribution*, 1994.

use baregrad::graph::{Graph, GraphError};
use baregrad::loss::{Loss, TargetError};
use baregrad::{Dataset, Dense, Features, GlorotUniform, Identity, Momentum, Network, Tanh, Trainer, floats};

#[derive(Clone, Copy)]
struct NormalLikelihood;

impl NormalLikelihood {
    /// The loss of one sample, and its derivatives with respect to both outputs.
    fn graph([m, s]: &[f32; 2], t: f32) -> Result<(f32, [f32; 2]), GraphError> {
        let g = Graph::<16>::NEW; // on the stack, 244 bytes
        let (m, s) = (g.leaf(*m)?, g.leaf(*s)?);
        let squared_error = g.powi(g.sub(g.leaf(t)?, m)?, 2)?;
        let loss = g.mul(g.leaf(0.5)?, g.add(g.mul(squared_error, g.exp(g.neg(s)?)?)?, s)?)?;
        g.backward(loss)?;
        Ok((g.value(loss)?, [g.gradient(m)?, g.gradient(s)?]))
    }
}

impl Loss<Features<2>, Identity, f32> for NormalLikelihood {
    fn check(&self, target: &f32) -> Result<(), TargetError> {
        if target.is_finite() { Ok(()) } else { Err(TargetError::NonFinite) }
    }

    fn scale(&self, samples: usize) -> f32 {
        1.0 / samples as f32
    }

    fn value(&self, output: &[f32; 2], target: &f32) -> f32 {
        Self::graph(output, *target).map_or(f32::NAN, |(value, _)| value) // a step refuses NaN
    }

    fn value_and_delta(&self, output: &mut [f32; 2], target: &f32, scale: f32) -> f32 {
        let (value, slopes) = Self::graph(output, *target).unwrap_or((f32::NAN, [0.0; 2]));
        *output = slopes.map(|slope| slope * scale);
        value
    }

    fn total(&self, sum: f32, samples: usize) -> f32 {
        sum / samples as f32
    }
}

type Net = (Dense<1, 8, Tanh>, Dense<8, 2>);

fn main() -> Result<(), baregrad::StepError> {
    // A sensor that reads its input, ten times less exactly at one end than at the other: errors of 0.05 at 0, of 0.5 at 1.
    let inputs: [[f32; 1]; 200] = core::array::from_fn(|k| [(k / 2) as f32 / 99.0]);
    let targets = core::array::from_fn(|k| inputs[k][0] + (0.05 + 0.45 * inputs[k][0]) * [1.0, -1.0][k % 2]);
    let data = Dataset::from_arrays(&inputs, &targets);

    let mut trainer = Trainer::<Net, Momentum, 200, { floats::<Net>() }>::NEW;
    let mut word = 1_u32;
    trainer.network.initialize_with(GlorotUniform, || {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        word
    });
    let mut optimizer = Momentum::new(0.02);
    for _ in 0..5000 {
        trainer.step(&data, NormalLikelihood, &mut optimizer)?;
    }
    let [low, high] = [0.0, 1.0].map(|x| {
        let [m, s] = *trainer.network.predict(&[x]).as_array();
        println!("at {x}: {m:.2} ± {:.2}", (s / 2.0).exp());
        (s / 2.0).exp()
    });
    assert!((low - 0.05).abs() < 0.02 && (high - 0.5).abs() < 0.05);
    Ok(())
}
