//! The same training by seven rules: loss on iris, and what each needs of RAM.
//!
//!     cargo run -p examples --bin 03_choose_an_optimizer

use baregrad::optimizer::Optimizer;
use baregrad::{
    AdaGrad, Adam, CrossEntropy, Dense, HeUniform, Momentum, Nesterov, Network, Relu, RmsProp, Sgd, StepError, Trainer,
    Zero, floats,
};
use firmware_example::iris::TRAIN;
use rand_pcg::Pcg32;

type Net = (Dense<4, 16, Relu>, Dense<16, 3>);

/// The loss after 50 steps over all 120 samples, always from the same weights.
fn loss_after_50_steps<O: Optimizer>(name: &str, mut optimizer: O) -> Result<f32, StepError> {
    let mut trainer = Box::new(Trainer::<Net, O, 120, { floats::<Net>() }>::NEW);
    trainer.network.initialize(HeUniform, &mut Pcg32::new(1, 0));
    for _ in 0..50 {
        trainer.step(&TRAIN, CrossEntropy, &mut optimizer)?;
    }
    let loss = trainer.mean_loss(&TRAIN, CrossEntropy)?;
    println!("{name:<22} loss {loss:.3}, {:>4} bytes of slots", size_of_val(&trainer.slots));
    Ok(loss)
}

fn main() -> Result<(), StepError> {
    let start = Net::ZERO; // all outputs alike: the loss is ln 3
    println!("{:<22} loss {:.3}", "before", f64::ln(start.predict(&[0.0; 4]).as_array().len() as f64));
    let losses = [
        loss_after_50_steps("Sgd::new(0.1)", Sgd::new(0.1))?,
        loss_after_50_steps("Momentum::new(0.1)", Momentum::new(0.1))?,
        loss_after_50_steps("Nesterov::new(0.1)", Nesterov::new(0.1))?,
        loss_after_50_steps("AdaGrad::new(0.1)", AdaGrad::new(0.1))?,
        loss_after_50_steps("RmsProp::new(0.01)", RmsProp::new(0.01))?,
        loss_after_50_steps("Adam::new(0.03)", Adam::new(0.03))?,
        // One that is too careful: nothing is wrong, it only takes longer.
        loss_after_50_steps("Sgd::new(0.001)", Sgd::new(0.001))?,
    ];
    let (careful, others) = losses.split_last().expect("seven losses");
    assert!(others.iter().all(|loss| loss < careful && *loss < 0.5), "{losses:?}");
    Ok(())
}
