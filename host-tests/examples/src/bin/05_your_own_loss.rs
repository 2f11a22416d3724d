//! A loss of your own, by its formula and its derivative. (Where the derivative is the hard part, `Graph` finds it.)
//!
//!     cargo run -p examples --bin 05_your_own_loss
//!
//! The quantile (or pinball) loss: a prediction that is too low costs nine times what one too high costs, so a network learns the value
//! below which nine in ten targets lie. Koenker and Bassett, *Regression Quantiles*, 1978.

use baregrad::loss::{Pointwise, Reduction};
use baregrad::setting::{Domain, SettingError};
use baregrad::{Dataset, Dense, Sgd, StepError, Trainer, floats};

/// `q·(t - a)` if `a` is below `t`, else `(1 - q)·(a - t)`.
#[derive(Clone, Copy)]
struct Quantile {
    q: f32,
}

impl Pointwise for Quantile {
    const REDUCTION: Reduction = Reduction::Mean;

    fn term(&self, output: f32, target: f32) -> f32 {
        if output < target { self.q * (target - output) } else { (1.0 - self.q) * (output - target) }
    }

    fn derivative(&self, output: f32, target: f32) -> f32 {
        if output < target { -self.q } else { 1.0 - self.q }
    }

    /// A step refuses another `q`.
    fn check_settings(&self) -> Result<(), SettingError> {
        Domain::UpToOne.check("q", self.q)
    }
}

fn main() -> Result<(), StepError> {
    // A hundred waiting times with no input that says anything: the network can only learn one number.
    let inputs = [[0.0]; 100];
    let targets: [[f32; 1]; 100] = core::array::from_fn(|k| [k as f32 / 100.0]);
    let data = Dataset::from_arrays(&inputs, &targets);

    let mut trainer = Trainer::<Dense<1, 1>, Sgd, 100, { floats::<Dense<1, 1>>() }>::NEW;
    let mut optimizer = Sgd::new(0.01);
    for _ in 0..2000 {
        trainer.step(&data, Quantile { q: 0.9 }, &mut optimizer)?;
    }
    let learned = trainer.network.bias[0];
    println!("nine in ten are below {learned:.3}");
    assert!((learned - 0.9).abs() < 0.02);
    Ok(())
}
