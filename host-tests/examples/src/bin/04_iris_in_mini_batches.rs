//! Iris in mini-batches: shuffled epochs, a falling learning rate, and a test on flowers that the network has never seen.
//!
//!     cargo run -p examples --bin 04_iris_in_mini_batches

use baregrad::schedule::{Cosine, Schedule};
use baregrad::{
    Adam, ConfusionMatrix, CrossEntropy, Dense, HeUniform, Network, Order, Relu, StepError, Trainer, floats,
};
use firmware_example::iris::{TEST, TRAIN};
use rand_pcg::Pcg32;

type Net = (Dense<4, 16, Relu>, Dense<16, 3>);
const EPOCHS: u32 = 40;

fn main() -> Result<(), StepError> {
    let mut random = Pcg32::new(3, 0);
    let mut trainer = Trainer::<Net, Adam, 16, { floats::<Net>() }>::NEW;
    trainer.network.initialize(HeUniform, &mut random);
    let mut optimizer = Adam::new(0.0);
    let schedule = Cosine { learning_rate: 0.02, floor: 0.0, warm_up: 2, steps: EPOCHS };

    let mut order = Order::<120>::IDENTITY;
    for epoch in 0..EPOCHS {
        optimizer.learning_rate = schedule.learning_rate(epoch);
        order.shuffle(&mut random);
        for batch in TRAIN.batches(&order, 16)? {
            trainer.step(&batch, CrossEntropy, &mut optimizer)?;
        }
        if epoch % 10 == 9 {
            println!("epoch {}: loss {:.4}", epoch + 1, trainer.mean_loss(&TRAIN, CrossEntropy)?);
        }
    }

    let test = trainer.evaluate(&TEST, CrossEntropy, 2)?;
    println!("test: accuracy {:.3}, right or second {:.3}", test.accuracy(), test.top_k_accuracy());
    let mut kinds = ConfusionMatrix::<3>::NEW;
    trainer.confusion_matrix(&TEST, &mut kinds)?;
    println!("{kinds}");
    assert!(test.accuracy() >= 0.9);
    Ok(())
}
