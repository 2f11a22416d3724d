//! Learns from a stream: is somebody in the room? Each minute is predicted, then trained on, and then forgotten.
//!
//!     cargo run --release -p examples --bin 08_learn_from_a_stream
//!
//! You will see, for each day, the accuracy of the predictions, the fading accuracy at the day's end, and how often the alarm for drift rang; then
//! the accuracy over all days beside that of always saying the more frequent answer so far, and of saying what was right a minute ago:
//! who is told that each minute needs no network, but who has only the sensors does.

use baregrad::streaming::{MovingAccuracy, PageHinkley, Standardizer};
use baregrad::{CrossEntropy, Dataset, Dense, HeUniform, Network, Relu, Sgd, Trainer, floats};
use host_tests::occupancy::minutes;
use rand_pcg::Pcg32;

type Net = (Dense<5, 8, Relu>, Dense<8, 2>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut trainer = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
    trainer.network.initialize(HeUniform, &mut Pcg32::new(1, 0));
    let mut scale = Standardizer::<5>::NEW;
    let (mut recent, mut alarm) = (MovingAccuracy::new(0.999), PageHinkley::new(0.005, 25.0));
    let (mut counts, mut before) = ([0_u32; 2], 0);
    let mut right = [0_u32; 3]; // network, majority, a minute ago
    let minutes = minutes();
    for day in minutes.chunk_by(|one, next| one.day == next.day) {
        let (right_before, mut alarms) = (right[0], 0);
        for minute in day {
            scale.observe(&minute.measures)?;
            let (input, label) = ([scale.standardize(&minute.measures)], [minute.occupied]);

            let predicted = trainer.network.predict(&input[0]).argmax() as u8;
            recent.record(predicted == minute.occupied)?;
            let majority = u8::from(counts[1] > counts[0]);
            for (right, answer) in right.iter_mut().zip([predicted, majority, before]) {
                *right += u32::from(answer == minute.occupied);
            }
            counts[usize::from(minute.occupied)] += 1;
            before = minute.occupied;

            let loss = trainer.step(&Dataset::from_arrays(&input, &label), CrossEntropy, &mut Sgd::new(0.02))?;
            if alarm.observe(loss)? {
                alarms += 1;
                alarm.restart();
            }
        }
        let accuracy = percent(right[0] - right_before, day.len());
        let fading = 100.0 * recent.accuracy().unwrap_or(0.0);
        println!("day {:2}: right {accuracy:5.1} %, fading {fading:5.1} %, alarms {alarms}", day[0].day);
    }
    let [network, majority, ago] = right.map(|right| percent(right, minutes.len()));
    println!("all: network {network:.2} %, majority {majority:.2} %, a minute ago {ago:.2} %");
    Ok(())
}

fn percent(count: u32, of: usize) -> f64 {
    100.0 * f64::from(count) / of as f64
}
