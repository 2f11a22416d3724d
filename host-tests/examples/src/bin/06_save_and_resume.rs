//! Save in the middle of a training, load it elsewhere, and go on to the same bits.
//!
//!     cargo run -p examples --bin 06_save_and_resume

use baregrad::checkpoint::training_bytes;
use baregrad::{Adam, CrossEntropy, Dense, HeUniform, Network, Relu, StepError, Trainer, floats};
use firmware_example::iris::TRAIN;
use rand_pcg::Pcg32;

type Net = (Dense<4, 16, Relu>, Dense<16, 3>);
type IrisTrainer = Trainer<Net, Adam, 120, { floats::<Net>() }>;

fn train(trainer: &mut IrisTrainer, optimizer: &mut Adam, steps: u32) -> Result<(), StepError> {
    (0..steps).try_for_each(|_| trainer.step(&TRAIN, CrossEntropy, optimizer).map(drop))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut trainer, mut optimizer) = (Box::new(IrisTrainer::NEW), Adam::new(0.01));
    trainer.network.initialize(HeUniform, &mut Pcg32::new(1, 0));
    train(&mut trainer, &mut optimizer, 50)?;

    // Weights, Adam's moments and its step, and a number of ours, in a buffer whose size is known when this compiles.
    let mut buffer = [0; training_bytes::<Net, Adam, u32>()];
    let length = trainer.save(&optimizer, &50_u32, &mut buffer)?;
    println!("{length} bytes");
    train(&mut trainer, &mut optimizer, 50)?;

    // Another device, another day.
    let (mut other, mut other_optimizer, mut steps) = (Box::new(IrisTrainer::NEW), Adam::new(0.0), 0);
    other.load(&mut other_optimizer, &mut steps, &buffer[..length])?;
    train(&mut other, &mut other_optimizer, 100 - steps)?;
    assert!(trainer.network == other.network, "every weight, bit for bit");

    // A flipped bit is found, and nothing is changed.
    buffer[100] ^= 1;
    println!("damaged: {}", other.load(&mut other_optimizer, &mut steps, &buffer[..length]).unwrap_err());
    assert!(trainer.network == other.network);
    Ok(())
}
