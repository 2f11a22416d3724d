//! MNIST at 14 × 14, as the text trains it: 196-100-50-10, sigmoid, squared error, rate 1, 40,000 random mini-batches of 64.
//!
//!     cargo run --release -p examples --features progress --bin mnist -- FOLDER [SEEDS]
//!
//! You will see a progress bar with the loss, the confusion matrix and the accuracy for each of SEEDS seeds (3), and the time
//! that each took in one thread. Ends well if the mean accuracy is at least the text's 97.2 %. FOLDER has the four files of
//! MNIST.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use host_tests::mnist::{Mnist, Run};
use indicatif::{ProgressBar, ProgressStyle};

const STEPS: u64 = 40_000;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next() else {
        eprintln!("usage: mnist FOLDER [SEEDS]");
        return Ok(ExitCode::from(2));
    };
    let seeds: u64 = arguments.next().map_or(Ok(3), |seeds| seeds.parse())?;
    let mnist = match Mnist::read(Path::new(&folder)) {
        Ok(mnist) => mnist,
        Err(error) => {
            eprintln!("{error}");
            return Ok(ExitCode::from(2));
        }
    };
    let (train, test) = (mnist.train.dataset(), mnist.test.dataset());
    let mut accuracies = Vec::new();
    for seed in 0..seeds {
        let bar = ProgressBar::new(STEPS).with_style(ProgressStyle::with_template(
            "seed {prefix} {bar:40} {pos}/{len} mini-batches, {msg}, {eta} left",
        )?);
        bar.set_prefix(seed.to_string());
        let mut run = Run::new(seed);
        let (start, mut sum) = (Instant::now(), 0.0);
        for step in 1..=STEPS {
            sum += run.step(&train)?;
            if step.is_multiple_of(500) {
                bar.set_position(step);
                bar.set_message(format!("loss {:.5}", sum / 500.0));
                if step.is_multiple_of(4000) {
                    let mean = sum / 500.0;
                    bar.suspend(|| println!("seed {seed}, mini-batch {step:5}: mean loss of the last 500 {mean:.5}"));
                }
                sum = 0.0;
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        bar.finish_and_clear();
        let matrix = run.confusion(&test)?;
        let accuracy = 100.0 * matrix.correct() as f64 / matrix.samples() as f64;
        println!("{matrix}");
        println!("seed {seed}: {accuracy:.2} % of {} right after {seconds:.1} s in one thread\n", matrix.samples());
        accuracies.push(accuracy);
    }
    let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    println!("mean of {seeds} seeds: {mean:.2} % (the text: 97.20 %)");
    Ok(if mean >= 97.2 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
